"""Answers over HTTP: their JSON, their raw bytes, their compression, and what caches and browsers are told of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api import httpbody_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.support.http import problem_in
from tests.support.workbench import Workbench, message_type

GZIP = {"accept-encoding": "gzip"}


def answering(message: Message | None = None, **fields: Any) -> Workbench:
    bench = Workbench()
    bench.servicer.answer = message or json_format.ParseDict(fields, message_type("Everything")())
    return bench


async def test_json_has_defaults_and_strings_for_what_javascript_cannot_count() -> None:
    answer = await answering(price={"currencyCode": "BRL", "units": 5}, color=2, largeCount=2**64 - 1).ask(
        "GET", "/v1/ask"
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "name": "",
        "small": 0,
        "largeNumber": "0",
        "smallCount": 0,
        "largeCount": "18446744073709551615",
        "rough": 0.0,
        "fine": 0.0,
        "flag": False,
        "someText": "",
        "blob": "",
        "color": "COLOR_BLUE",
        "words": [],
        "colors": [],
        "inners": [],
        "labels": {},
        "byNumber": {},
        "numbers": [],
        "price": {"currencyCode": "BRL", "units": "5", "nanos": 0},
    }


async def test_json_is_compact_utf_8_and_enums_without_a_name_are_numbers() -> None:
    answer = await answering(someText="é🚗", color=77).ask("GET", "/v1/ask")
    assert '"someText":"é🚗"'.encode() in answer.content
    assert answer.json()["color"] == 77
    assert b"\n" not in answer.content


@pytest.mark.parametrize("query", ["pretty", "pretty=true", "pretty=1", "some_text=a&pretty"])
async def test_json_is_pretty_for_who_asks(query: str) -> None:
    plain = await answering(name="a").ask("GET", "/v1/ask")
    pretty = await answering(name="a").ask("GET", f"/v1/ask?{query}")
    assert pretty.json() == plain.json()
    assert pretty.text == json.dumps(plain.json(), indent=2) + "\n"
    again = await answering(name="a").ask("GET", "/v1/ask?pretty=false")
    assert again.content == plain.content


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/take/inner", {"inner": {"number": 5}}, {"number": "5", "firstText": "", "color": "COLOR_UNSPECIFIED"}),
        ("/v1/take/inner", {}, None),
        ("/v1/take/words", {"words": ["a"]}, ["a"]),
        ("/v1/take/words", {}, []),
        (
            "/v1/take/inners",
            {"inners": [{"number": 5}]},
            [{"number": "5", "firstText": "", "color": "COLOR_UNSPECIFIED"}],
        ),
        ("/v1/take/inners", {}, []),
        ("/v1/take/number", {"largeNumber": 5}, "5"),
    ],
)
async def test_an_answer_can_be_one_field_of_the_response(path: str, body: object, expected: object) -> None:
    answer = await Workbench().ask("POST", path, json=body)
    assert answer.json() == expected


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/make"), ("GET", "/v1/make/a"), ("POST", "/v1/make/inners")])
async def test_an_rpc_can_answer_with_a_status_of_its_own_by_all_its_rules(method: str, path: str) -> None:
    answer = await Workbench().ask(method, path)
    assert answer.status_code == 201
    assert (answer.json() == []) is path.endswith("inners")


async def test_a_refusal_has_its_own_status_whatever_an_answer_would_have() -> None:
    problem_in(await Workbench().ask("POST", "/v1/make", content="{"), 400, "MALFORMED_JSON")


async def test_what_json_cannot_say_is_our_failure_and_tells_nothing() -> None:
    broken: Any = message_type("Everything")(name="secret")
    broken.any.type_url = "nothing.known/Type"
    problem = problem_in(await answering(broken).ask("GET", "/v1/ask"), 500, "INTERNAL")
    assert problem["metadata"] == {"request_id": problem["request_id"]}
    assert "nothing.known" not in str(problem)


async def test_raw_bytes_cannot_run_as_a_page_or_be_taken_for_one() -> None:
    page = httpbody_pb2.HttpBody(content_type="text/html", data=b"<script>")
    answer = await answering(page).ask("POST", "/v1/raw")
    assert (answer.content, answer.headers["content-type"]) == (b"<script>", "text/html")
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/ask"), ("GET", "/v1/ask?x=1"), ("POST", "/v1/echo")])
async def test_nothing_is_kept_by_caches_or_sniffed(method: str, path: str) -> None:
    answer = await Workbench().ask(method, path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [1024, 100_000])
async def test_a_large_answer_is_compressed_for_who_asks(size: int) -> None:
    page = httpbody_pb2.HttpBody(content_type="text/plain", data=b"x" * size)
    answer = await answering(page).ask("POST", "/v1/raw", headers=GZIP)
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "accept-encoding")
    assert answer.content == page.data
    assert int(answer.headers["content-length"]) < size


async def test_a_compressed_answer_to_a_head_tells_the_same_length() -> None:
    bench = answering(someText="x" * 2000)
    got = await bench.ask("GET", "/v1/ask", headers=GZIP)
    head = await bench.ask("HEAD", "/v1/ask", headers=GZIP)
    assert head.headers["content-length"] == got.headers["content-length"]
    assert (head.headers["content-encoding"], head.content) == ("gzip", b"")


@pytest.mark.parametrize(
    ("size", "accepted"),
    [(1023, "gzip"), (2000, "identity"), (2000, "gzip;q=0"), (2000, "gzip;q=0.0, br"), (2000, "br")],
)
async def test_a_small_answer_or_one_for_others_is_not_compressed(size: int, accepted: str) -> None:
    page = httpbody_pb2.HttpBody(content_type="text/plain", data=b"x" * size)
    answer = await answering(page).ask("POST", "/v1/raw", headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert (len(answer.content), answer.headers["vary"]) == (size, "accept-encoding")


async def test_a_long_refusal_is_compressed_too() -> None:
    query = "&".join(f"nothing{number}=1" for number in range(100))
    answer = await Workbench().ask("GET", f"/v1/ask?{query}", headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(problem_in(answer, 400, "INVALID_REQUEST")["violations"]) == 100
