"""What the reader refuses, cuts and leaves out, so that no message can harm what comes after it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.broker import Message
from messaging.reader import EVENT_TYPES, LARGEST, Unusable, read
from tests.support.builders import QUEUE, a_message, an_event_id, an_os

EVENT = {"OsId": str(an_os(42)), "Description": "Troca de óleo", "Valor": 123.45}


@pytest.mark.parametrize("name", ["message_id", "correlation_id", "causation_id"])
@pytest.mark.parametrize("long", ["x" * 4000, "é" * 150])
def test_an_id_too_long_for_a_broker_is_replaced_by_one_that_only_it_gives(name: str, long: str) -> None:
    header = {"message_id": "EventId", "correlation_id": "CorrelationId", "causation_id": "CausationId"}[name]
    kept, again, other = (
        getattr(read(a_message(EVENT, headers={header: text}), QUEUE), name) for text in (long, long, long + "!")
    )
    assert len(kept.encode()) <= 255
    assert kept == again
    assert kept != other


def test_text_that_no_database_keeps_is_replaced_in_ids() -> None:
    event = read(a_message(EVENT, headers={"EventId": "a\0b", "CorrelationId": "\ud800"}), QUEUE)
    assert (event.message_id, event.correlation_id) == ("a\ufffdb", "?")


def test_traces_are_handed_on_when_they_are_traces() -> None:
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    good = read(a_message(EVENT, headers={"traceparent": parent, "tracestate": "a=b"}), QUEUE)
    assert good.trace == {"traceparent": parent, "tracestate": "a=b"}


@pytest.mark.parametrize("parent", ["", "\0", "\ud800", "x" * 100_000, f"00-{'1' * 32}-{'2' * 16}-01\0"])
def test_a_trace_that_is_none_is_left_out_and_the_message_still_counts(parent: str) -> None:
    event = read(a_message(EVENT, headers={"traceparent": parent, "tracestate": "a=b"}), QUEUE)
    assert event.trace == {}


def test_a_tracestate_that_is_too_long_is_left_out() -> None:
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    event = read(a_message(EVENT, headers={"traceparent": parent, "tracestate": "x" * 100_000}), QUEUE)
    assert event.trace == {"traceparent": parent}


UNUSABLE: dict[str, tuple[Message, str]] = {
    "0 bytes": (a_message(b""), "empty"),
    "blanks": (a_message(b" \n"), "empty"),
    "not JSON": (a_message(b"OsCreated"), "json"),
    "invalid UTF-8": (a_message(b'{"OsId": "\xff\xfe\xfd"}'), "encoding"),
    "array": (a_message(b'[{"OsId": 1}]'), "json"),
    "text": (a_message(b'"OsId"'), "json"),
    "NaN": (a_message(b'{"OsId": 1, "Valor": NaN}'), "json"),
    "Infinity": (a_message(b'{"OsId": 1, "Valor": -Infinity}'), "json"),
    "number beyond Decimal": (a_message(b'{"OsId": 1, "Valor": 1e99999999999999999999}'), "json"),
    "number of 5000 digits": (a_message(b'{"OsId": ' + b"1" * 5000 + b"}"), "json"),
    "deep nesting": (a_message(b'{"OsId": 1, "Items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nesting"),
    "deep envelopes": (a_message(b'{"Payload":' * 9 + b'{"OsId": 1}' + b"}" * 9), "nesting"),
    "notification of nonsense": (a_message({"Type": "Notification", "Message": "hello"}), "json"),
    "wrong content type": (a_message(EVENT, content_type="image/png"), "content_type"),
    "protobuf": (a_message(b"\x0a\x01", content_type="application/protobuf"), "content_type"),
    "unknown type": (a_message(EVENT, headers={"EventType": "OsExploded"}), "unknown_type"),
    "someone else's type": (a_message(EVENT, headers={"EventType": "BudgetGenerated"}), "unknown_type"),
    "no type": (a_message(EVENT, routing_key="os-other"), "no_type"),
    "no OsId": (a_message({"Description": "x"}), "no_work_order"),
    "null OsId": (a_message({"OsId": None}), "no_work_order"),
    "nil OsId": (a_message({"OsId": "00000000-0000-0000-0000-000000000000"}), "no_work_order"),
    "zero": (a_message({"OsId": 0}), "no_work_order"),
    "negative": (a_message({"OsId": -1}), "no_work_order"),
    "13 digits": (a_message({"OsId": 1_234_567_890_123}), "no_work_order"),
    "fraction": (a_message(b'{"OsId": 1.5}'), "no_work_order"),
    "boolean OsId": (a_message({"OsId": True}), "no_work_order"),
    "object OsId": (a_message({"OsId": {"Value": 1}}), "no_work_order"),
    "word": (a_message({"OsId": "OS-42"}), "no_work_order"),
    "oversize": (a_message(b'{"OsId": 1, "Description": "' + b"x" * LARGEST + b'"}'), "oversize"),
    "20 MB": (a_message(b" " * 20_000_000), "oversize"),
}


@pytest.mark.parametrize(("message", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cannot_be_read_is_refused_with_its_reason(message: Message, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        read(message, QUEUE)
    assert refused.value.reason == reason
    assert 0 < len(refused.value.detail) < 200


def test_nesting_that_everything_can_write_again_is_read() -> None:
    assert read(a_message(b'{"OsId": 1, "Items": ' + b"[" * 35 + b"]" * 35 + b"}"), QUEUE).content


@pytest.mark.parametrize("depth", [60, *range(880, 1010, 7), 5_000, 50_000])
def test_no_depth_of_nesting_does_more_than_make_a_message_unusable(depth: int) -> None:
    with pytest.raises(Unusable, match="nesting"):
        read(a_message(b'{"OsId": 1, "Items": ' + b"[" * depth + b"]" * depth + b"}"), QUEUE)


def test_a_body_is_kept_byte_for_byte() -> None:
    message = a_message(b' {"OsId" : 1}\n', headers={"EventId": an_event_id("kept")})
    assert read(message, QUEUE).body == message.body


TEXTS = st.text(st.characters(), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
NAMES = st.sampled_from(
    ["OsId", "Payload", "Message", "MessageAttributes", "Type", "EventType", "EventId", "Valor", "Items", "CreatedAt"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=5), max_leaves=12
)
HEADERS = st.dictionaries(
    st.sampled_from(["EventType", "EventId", "CorrelationId", "traceparent"]) | TEXTS, TEXTS | st.integers(), max_size=4
)


@given(
    body=st.binary(max_size=200) | TREES.map(lambda tree: json.dumps(tree).encode()),
    headers=HEADERS,
    routing_key=st.sampled_from([*EVENT_TYPES, ""]),
    content_type=st.sampled_from(["application/json", ""]) | TEXTS,
)
def test_whatever_comes_is_read_or_unusable(
    body: bytes, headers: dict[str, str | int], routing_key: str, content_type: str
) -> None:
    message = a_message(body, headers=headers, routing_key=routing_key, content_type=content_type)
    try:
        event = read(message, QUEUE)
    except Unusable:
        return
    assert event.event_type in EVENT_TYPES.values()
    assert len(event.message_id.encode()) <= 255
