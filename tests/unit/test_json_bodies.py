"""JSON from outside, held against a contract: everything wrong is named, nothing wrong gets through, nothing breaks."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from server.gateway.json_bodies import JsonReading, MalformedJson, message_from, parse_json
from server.gateway.plain_messages import plain_message
from server.rpc.validation import refuse
from tests.support.workbench import message_type

EVERYTHING: Any = message_type("Everything").DESCRIPTOR
FIELDS = sorted(field.json_name for field in EVERYTHING.fields)


def read(value: Any) -> Any:
    """The message of an object, or what keeps it from being one."""
    reading = JsonReading()
    taken = reading.object(EVERYTHING, value)
    refuse(reading.violations)
    return message_from(message_type("Everything"), taken)


def wrong(value: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read(value)
    return [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": ' + b"9" * 400 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 01}',
        b'{"a": "\x01"}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"\\uDFFF": 1}',
        b'{"a": {"b": 1, "b": 1}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse_json(body)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse_json(b'{"a": "\\ud83d\\ude97", "b": "\\\\ud800"}') == {"a": "🚗", "b": "\\ud800"}


@pytest.mark.timeout(20)
def test_a_name_that_comes_twice_is_found_in_one_pass() -> None:
    body = json.dumps({f"name {number}": 0 for number in range(200_000)})
    with pytest.raises(MalformedJson, match="'name 199999' is given twice"):
        parse_json(f'{body[:-1]}, "name 199999": 0}}'.encode())


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"colour": 1}, ["colour"]),
        ({"inner": {"colour": 1}, "words": 1}, ["inner.colour", "words"]),
        ({"some_text": "a", "someText": "b"}, ["some_text"]),
        ({"inners": [{}, {"inner": []}]}, ["inners[1].inner"]),
        ({"inner": "x"}, ["inner"]),
        ({"words": {"0": "a"}}, ["words"]),
        ({"words": ["a", None, 1]}, ["words[1]", "words[2]"]),
        ({"labels": []}, ["labels"]),
        ({"labels": {"a": 1}}, ["labels['a']"]),
        ({"labels": {"a": None}}, ["labels['a']"]),
        ({"byNumber": {"one": {}}}, ["by_number['one']"]),
        ({"byNumber": {"1": {"number": "x"}}}, ["by_number['1'].number"]),
        ({"small": True}, ["small"]),
        ({"small": "1_0"}, ["small"]),
        ({"small": " 1"}, ["small"]),
        ({"small": "１"}, ["small"]),
        ({"small": "0x1"}, ["small"]),
        ({"small": ""}, ["small"]),
        ({"small": 1.5}, ["small"]),
        ({"small": 2**31}, ["small"]),
        ({"smallCount": -1}, ["small_count"]),
        ({"largeNumber": str(2**63)}, ["large_number"]),
        ({"fine": "nan"}, ["fine"]),
        ({"fine": 10**400}, ["fine"]),
        ({"rough": 1e300}, ["rough"]),
        ({"flag": "true"}, ["flag"]),
        ({"flag": 1}, ["flag"]),
        ({"someText": 1}, ["some_text"]),
        ({"blob": "?"}, ["blob"]),
        ({"blob": 1}, ["blob"]),
        ({"color": "RED"}, ["color"]),
        ({"color": "1_0"}, ["color"]),
        ({"color": 1.5}, ["color"]),
        ({"color": True}, ["color"]),
        ({"color": {}}, ["color"]),
        ({"colors": ["COLOR_RED", "RED"]}, ["colors[1]"]),
        ({"atTime": 5}, ["at_time"]),
        ({"atTime": "yesterday"}, ["at_time"]),
        ({"lasting": "1"}, ["lasting"]),
        ({"mask": ["a"]}, ["mask"]),
        ({"free": []}, ["free"]),
        ({"list": {}}, ["list"]),
        ({"any": 1}, ["any"]),
        ({"any": {"@type": 1}}, ["any"]),
        ({"any": {"@type": "nothing.known/Type"}}, ["any"]),
        ({"wrappedNumber": {"value": 1}}, ["wrapped_number"]),
        ({"wrappedFlag": "true"}, ["wrapped_flag"]),
        ({"left": "a", "middle": 1}, ["choice"]),
        ({"numbers": [1, 1.5]}, ["numbers[1]"]),
    ],
)
def test_what_does_not_fit_is_named_as_the_contract_names_it(value: Any, fields: list[str]) -> None:
    assert wrong(value) == fields


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ({"small": "7"}, "small", 7),
        ({"small": 7.0}, "small", 7),
        ({"largeNumber": "-9223372036854775808"}, "large_number", -(2**63)),
        ({"large_number": 3}, "large_number", 3),
        ({"fine": "-Infinity"}, "fine", float("-inf")),
        ({"fine": 2}, "fine", 2.0),
        ({"blob": "_-8"}, "blob", b"\xff\xef"),
        ({"blob": "/+8="}, "blob", b"\xff\xef"),
        ({"color": "COLOR_BLUE"}, "color", 2),
        ({"color": 2}, "color", 2),
        ({"color": 77}, "color", 77),
        ({"words": None}, "words", []),
        ({"left": None, "middle": "4"}, "middle", 4),
        ({"labels": {"": "a"}}, "labels", {"": "a"}),
    ],
)
def test_every_spelling_of_a_value_is_read(value: Any, name: str, expected: object) -> None:
    assert getattr(read(value), name) == expected


def test_null_is_a_value_only_where_the_contract_has_one() -> None:
    assert read({"value": None}).value.HasField("null_value")
    assert not read({"inner": None, "maybe": None, "wrappedNumber": None}).ListFields()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(["1", "1.5", "1e3", "COLOR_RED", "2026-03-01T12:00:00Z", "1.5s", "a,b", "YQ==", "x" * 50]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FIELDS, "number", "firstText", "@type", "value", "1"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), JSON, max_size=5))
@settings(max_examples=500, deadline=None)
def test_whatever_comes_is_a_message_that_json_can_say_again_or_a_refusal(value: dict[str, Any]) -> None:
    with suppress(Invalid):
        message = read(value)
        assert read(json_format.MessageToDict(message)) == message


@given(st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), JSON, max_size=5))
@settings(max_examples=500, deadline=None)
def test_the_constructor_makes_what_json_format_makes_or_leaves_it_to_it(value: dict[str, Any]) -> None:
    made = plain_message(message_type("Everything"), value)
    if made is not None:
        theirs = json_format.ParseDict(value, message_type("Everything")())
        assert made.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    "value",
    [
        {"small": 1, "largeNumber": "2", "color": "COLOR_BLUE", "words": ["a"], "inner": {"number": "3"}},
        {"words": [], "inner": None, "small": 0},
    ],
)
def test_what_bodies_mostly_hold_is_made_by_the_constructor(value: dict[str, Any]) -> None:
    made = plain_message(message_type("Everything"), value)
    assert made == json_format.ParseDict(value, message_type("Everything")())


@pytest.mark.parametrize("field", ["atTime", "lasting", "small", "color", "wrappedNumber"])
def test_a_refusal_does_not_quote_what_was_sent(field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read({field: "somebodys-name"})
    told = [refused.value.message, *(violation.description for violation in refused.value.violations)]
    assert not any("somebodys" in sentence for sentence in told)
