"""The body of an HTTP request, as each rule wants it: the whole request, one field, or raw bytes of any type."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.gateway.exchange import LARGEST_BODY
from tests.support.http import asgi, fields_in, problem_in
from tests.support.workbench import Workbench

JSON = {"content-type": "application/json"}
TYPE = [(b"content-type", b"application/json")]


async def posted(path: str, body: object) -> Any:
    answer = await Workbench().ask("POST", path, content=json.dumps(body).encode(), headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(path: str, body: bytes) -> list[str]:
    bench = Workbench()
    fields = fields_in(await bench.ask("POST", path, content=body, headers=JSON))
    assert bench.servicer.asked == []
    return fields


async def test_a_body_that_is_the_request_is_an_object() -> None:
    found = await posted("/v1/echo", {"someText": "a", "inner": {"inner": {"number": 7}}, "labels": {"a b": "c"}})
    assert (found["someText"], found["inner"]["inner"]["number"], found["labels"]) == ("a", "7", {"a b": "c"})


@pytest.mark.parametrize("body", [b"[]", b"null", b'"a"', b"1", b"true", b"[{}]"])
async def test_a_body_that_is_the_request_is_nothing_else(body: bytes) -> None:
    problem_in(await Workbench().ask("POST", "/v1/echo", content=body, headers=JSON), 400, "MALFORMED_JSON")


@pytest.mark.parametrize(
    ("path", "body", "name", "expected"),
    [
        ("/v1/inner", {"firstText": "a"}, "inner", {"firstText": "a", "number": "0", "color": "COLOR_UNSPECIFIED"}),
        ("/v1/words", ["a", "b"], "words", ["a", "b"]),
        ("/v1/words", [], "words", []),
        ("/v1/text", "a", "someText", "a"),
        ("/v1/labels", {"a": "b"}, "labels", {"a": "b"}),
        ("/v1/text", None, "someText", ""),
    ],
)
async def test_a_body_that_is_a_field_is_the_json_of_that_field(
    path: str, body: object, name: str, expected: object
) -> None:
    assert (await posted(path, body))[name] == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "value"),
    [
        (ours, theirs, value)
        for ours, theirs, values in (
            ("someText", "some_text", ["", "ção", None, 7, True, ["a"], {}]),
            (
                "largeNumber",
                "large_number",
                [7, -7, "7", "007", "-7", "1e2", 2**63 - 1, 2**63, "9" * 20, 1.0, 1.5, "", True],
            ),
            ("smallCount", "small_count", [0, "0", 2**32, -1, None]),
            ("displayName", "display_name", ["unknown here"]),
        )
        for value in values
    ],
)
async def test_a_field_means_the_same_in_the_contracts_spelling_and_in_jsons(
    ours: str, theirs: str, value: object
) -> None:
    around: dict[str, object] = {"inner": {"firstText": "a"}, "words": ["b"], "color": "COLOR_RED"}
    bodies = [json.dumps({**around, name: value}).encode() for name in (ours, theirs)]
    answers = [await Workbench().ask("POST", "/v1/echo", content=body, headers=JSON) for body in bodies]
    assert answers[0].status_code == answers[1].status_code
    read = [answer.json() if answer.status_code == 200 else set(fields_in(answer)) for answer in answers]
    assert read[0] == read[1] or read == [{ours}, {theirs}]


async def test_an_array_of_objects_is_a_repeated_field() -> None:
    found = await posted("/v1/inners", [{"number": "1"}, {"firstText": "b"}])
    assert [one["number"] for one in found["inners"]] == ["1", "0"]


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/v1/inner", b"[]", ["inner"]),
        ("/v1/inner", b'{"nothing": 1, "number": "x"}', ["inner.nothing", "inner.number"]),
        ("/v1/words", b"{}", ["words"]),
        ("/v1/words", b'["a", 1]', ["words[1]"]),
        ("/v1/inners", b'[{"number": {}}]', ["inners[0].number"]),
        ("/v1/text", b"1", ["some_text"]),
        ("/v1/labels", b"[]", ["labels"]),
        ("/v1/echo", b'{"nothing": 1, "words": [1], "small": "x"}', ["nothing", "words[0]", "small"]),
        ("/v1/echo", b'{"some_text": "a", "someText": "a"}', ["some_text"]),
        ("/v1/echo", b'{"left": "a", "right": {}}', ["choice"]),
        ("/v1/echo", b'{"largeNumber": 9223372036854775808}', ["large_number"]),
        ("/v1/echo", b'{"color": "RED"}', ["color"]),
    ],
)
async def test_everything_wrong_with_a_body_is_named_at_once(path: str, body: bytes, fields: list[str]) -> None:
    assert await refused(path, body) == fields


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"garbage",
        b'{"someText": "a", "someText": "b"}',
        b'{"inner": {"number": 1, "number": 1}}',
        b'{"fine": NaN}',
        b'{"fine": 1e999}',
        b'{"someText": "\xff"}',
        b'{"someText": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"inner":' * 900 + b"1" + b"}" * 900,
        b'{"free":' + b'{"a":' * 50_000,
        b'{"largeNumber": ' + b"9" * 10_000 + b"}",
    ],
)
async def test_what_is_no_json_or_could_be_none_is_refused(body: bytes) -> None:
    problem = problem_in(await Workbench().ask("POST", "/v1/echo", content=body, headers=JSON), 400, "MALFORMED_JSON")
    assert len(problem["detail"]) < 200


async def test_a_nest_that_no_message_has_is_refused() -> None:
    assert await refused("/v1/echo", b'{"value":' + b"[" * 300 + b"]" * 300 + b"}") == ["value"]


async def test_numbers_may_be_strings_and_null_is_nothing() -> None:
    found = await posted("/v1/echo", {"small": "7", "largeNumber": 8, "fine": "NaN", "inner": None, "words": None})
    assert (found["small"], found["largeNumber"], found["fine"], found["words"]) == (7, "8", "NaN", [])
    assert "inner" not in found


@pytest.mark.parametrize("path", ["/v1/echo", "/v1/inner", "/v1/words", "/v1/text"])
async def test_no_body_is_as_good_as_an_empty_one(path: str) -> None:
    answer = await Workbench().ask("POST", path)
    assert (answer.status_code, answer.json()["words"]) == (200, [])


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/v1/echo/a", {"name": "b"}, ["name"]),
        ("/v1/inner/5", {"number": 6}, ["inner.number"]),
        ("/v1/inner/5", {"number": "6"}, ["inner.number"]),
    ],
)
async def test_a_body_cannot_contradict_the_path(path: str, body: object, fields: list[str]) -> None:
    assert await refused(path, json.dumps(body).encode()) == fields


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/echo/a", {}), ("/v1/echo/a", {"name": "a"}), ("/v1/echo/a", {"name": None})],
)
async def test_a_body_may_say_what_the_path_says_or_nothing(path: str, body: object) -> None:
    assert (await posted(path, body))["name"] == "a"


@pytest.mark.parametrize("body", [{"number": 5}, {"number": "5"}, {"number": None}, {}, None])
async def test_a_number_may_be_in_the_path_and_in_the_body(body: object) -> None:
    assert (await posted("/v1/inner/5", body))["inner"]["number"] == "5"


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/ask"), ("DELETE", "/v1/ask/a")])
async def test_a_route_without_a_body_takes_none(method: str, path: str) -> None:
    answer = await Workbench().ask(method, path, content=b"{}", headers=JSON)
    problem_in(answer, 400, "MALFORMED_JSON")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/x+json", None]
)
async def test_json_of_any_kind_is_taken(kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await Workbench().ask("POST", "/v1/echo", content=b'{"someText": "a"}', headers=headers)
    assert answer.json()["someText"] == "a"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", "a/jsonx"]
)
async def test_other_types_are_refused_and_told_which_is_taken(kind: str) -> None:
    answer = await Workbench().ask("POST", "/v1/echo", content=b"{}", headers={"content-type": kind})
    problem_in(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept"] == "application/json"


async def test_a_body_of_four_mebibytes_is_taken_and_one_byte_more_is_not() -> None:
    body = b'{"someText":"' + b"x" * (LARGEST_BODY - 15) + b'"}'
    assert len(body) == LARGEST_BODY
    assert (await Workbench().ask("POST", "/v1/echo", content=body, headers=JSON)).status_code == 200
    answer = await Workbench().ask("POST", "/v1/echo", content=body + b" ", headers=JSON)
    problem_in(answer, 413, "BODY_TOO_LARGE")
    assert answer.headers["connection"] == "close"


async def test_a_body_that_is_announced_too_large_is_refused_unread() -> None:
    length = str(LARGEST_BODY + 1).encode()
    answer = await asgi(Workbench().app, "POST", b"/v1/echo", headers=[*TYPE, (b"content-length", length)], body=[b""])
    problem_in(answer, 413, "BODY_TOO_LARGE")


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large() -> None:
    bench, sent = Workbench(), []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield b"x" * 1024 * 1024

    problem_in(await bench.ask("POST", "/v1/raw", content=endless()), 413, "BODY_TOO_LARGE")
    assert len(sent) == 5
    assert bench.servicer.asked == []


async def test_a_body_in_pieces_is_one_body() -> None:
    pieces = [b'{"some', b"", b'Text": "', "é".encode()[:1], "é".encode()[1:], b'"}']
    answer = await asgi(Workbench().app, "POST", b"/v1/echo", headers=TYPE, body=pieces)
    assert answer.json()["someText"] == "é"


async def test_raw_bytes_of_any_type_go_both_ways() -> None:
    raw = bytes(range(256))
    answer = await Workbench().ask("POST", "/v1/raw", content=raw, headers={"content-type": "image/x-any; a=b"})
    assert (answer.content, answer.headers["content-type"]) == (raw, "image/x-any; a=b")
    nothing = await Workbench().ask("POST", "/v1/raw")
    assert (nothing.content, nothing.headers["content-type"]) == (b"", "application/octet-stream")


async def test_raw_bytes_can_be_one_field_beside_path_and_query() -> None:
    bench = Workbench()
    answer = await bench.ask("POST", "/v1/files/a.html", content=b"<b>", headers={"content-type": "text/html"})
    assert (answer.content, answer.headers["content-type"]) == (b"<b>", "text/html")
    assert bench.servicer.asked[0].name == "a.html"
    assert fields_in(await bench.ask("POST", "/v1/files/a?file.data=YQ==", content=b"b")) == ["file.data"]
    assert fields_in(await bench.ask("POST", "/v1/files/a?name=b", content=b"b")) == ["name"]
