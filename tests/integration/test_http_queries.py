"""The query of an HTTP request as fields of the rpc's request: what can be said there, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.http import asgi, fields_in, problem_in
from tests.support.workbench import Workbench

JSON = {"content-type": "application/json"}


async def asked(query: str) -> dict[str, Any]:
    answer = await asgi(Workbench().app, "GET", f"/v1/ask?{query}".encode())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("someText=a+b%2Bc%26%C3%A9", "someText", "a b+c&é"),
        ("some_text=a=b", "someText", "a=b"),
        ("someText=", "someText", ""),
        ("someText", "someText", ""),
        ("small=-7&", "small", -7),
        ("largeNumber=9223372036854775807", "largeNumber", "9223372036854775807"),
        ("fine=1e-3", "fine", 0.001),
        ("fine=-Infinity", "fine", "-Infinity"),
        ("flag=true", "flag", True),
        ("blob=_-8", "blob", "/+8="),
        ("color=COLOR_BLUE", "color", "COLOR_BLUE"),
        ("color=2", "color", "COLOR_BLUE"),
        ("colors=1&colors=COLOR_BLUE&colors=0", "colors", ["COLOR_RED", "COLOR_BLUE", "COLOR_UNSPECIFIED"]),
        ("words=a&words=&words=a", "words", ["a", "", "a"]),
        ("numbers=1&small=1&numbers=2", "numbers", ["1", "2"]),
        ("price.units=5&price.currency_code=BRL", "price", {"currencyCode": "BRL", "units": "5", "nanos": 0}),
        ("atTime=2026-03-01T12:00:00-03:00", "atTime", "2026-03-01T15:00:00Z"),
        ("at_time=2026-03-01T12:00:00.5Z", "atTime", "2026-03-01T12:00:00.500Z"),
        ("lasting=1.5s", "lasting", "1.500s"),
        ("mask=someText,inner.firstText", "mask", "someText,inner.firstText"),
        ("wrappedNumber=7", "wrappedNumber", "7"),
        ("wrappedText=", "wrappedText", ""),
        ("wrappedFlag=false", "wrappedFlag", False),
        ("maybe=", "maybe", ""),
        ("left=a", "left", "a"),
    ],
)
async def test_a_parameter_is_a_field(query: str, name: str, expected: object) -> None:
    assert (await asked(query))[name] == expected


async def test_nested_fields_are_named_with_dots_in_either_spelling() -> None:
    inner = (await asked("inner.firstText=a&inner.number=1&inner.inner.first_text=b&inner.inner.color=1"))["inner"]
    assert (inner["firstText"], inner["number"]) == ("a", "1")
    assert (inner["inner"]["firstText"], inner["inner"]["color"]) == ("b", "COLOR_RED")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("nothing=1", ["nothing"]),
        ("=1", [""]),
        ("inner.nothing=1", ["inner.nothing"]),
        ("some%54ext.x=1", ["someText.x"]),
        ("words.0=a", ["words.0"]),
        ("inners.number=1", ["inners.number"]),
        ("inner=1", ["inner"]),
        ("labels=a", ["labels"]),
        ("labels%5Ba%5D=b", ["labels[a]"]),
        ("free=1", ["free"]),
        ("any=1", ["any"]),
        ("someText=a&some_text=b", ["some_text"]),
        ("small=1&small=1", ["small"]),
        ("inner.number=1&inner.number=2", ["inner.number"]),
        ("left=a&middle=1", ["choice"]),
        ("left=a&right.number=1", ["choice"]),
        ("small=x&flag=yes&nothing=1", ["small", "flag", "nothing"]),
        ("small=2147483648", ["small"]),
        ("small=1.5", ["small"]),
        ("smallCount=-1", ["small_count"]),
        ("color=red", ["color"]),
        ("colors=1&colors=x", ["colors"]),
        ("color=99999999999", ["color"]),
        ("blob=%3F", ["blob"]),
        ("atTime=now", ["at_time"]),
        ("lasting=1m", ["lasting"]),
        ("mask=some_text", ["mask"]),
    ],
)
async def test_a_parameter_that_is_none_is_refused_by_its_name(query: str, fields: list[str]) -> None:
    bench = Workbench()
    assert fields_in(await asgi(bench.app, "GET", f"/v1/ask?{query}".encode())) == fields
    assert bench.servicer.asked == []


@pytest.mark.parametrize("query", ["someText=%", "someText=%4", "some%zz=1", "someText=%FF", "someText=%ED%A0%80"])
async def test_an_escape_that_is_none_is_refused(query: str) -> None:
    problem_in(await asgi(Workbench().app, "GET", f"/v1/ask?{query}".encode()), 400, "INVALID_REQUEST")


async def test_letters_that_were_not_escaped_are_taken_for_what_they_are() -> None:
    assert (await asked("someText=é+%C3%A9"))["someText"] == "é é"
    problem_in(await asgi(Workbench().app, "GET", b"/v1/ask?someText=\xff"), 400, "INVALID_REQUEST")


async def test_a_parameter_cannot_contradict_the_path() -> None:
    bench = Workbench()
    assert fields_in(await bench.ask("GET", "/v1/ask/a?name=b")) == ["name"]
    assert fields_in(await bench.ask("GET", "/v1/numbers/1?inner.number=2")) == ["inner.number"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/echo", "someText=a", "some_text"),
        ("/v1/inner", "inner.number=1", "inner.number"),
        ("/v1/words", "words=a", "words"),
    ],
)
async def test_a_parameter_cannot_contradict_the_body(path: str, query: str, field: str) -> None:
    assert fields_in(await Workbench().ask("POST", f"{path}?{query}", headers=JSON)) == [field]


async def test_what_the_body_is_not_can_be_given_in_the_query() -> None:
    answer = await Workbench().ask("POST", "/v1/inner?someText=a&small=1", content=b'{"number": 2}', headers=JSON)
    found = answer.json()
    assert (found["someText"], found["small"], found["inner"]["number"]) == ("a", 1, "2")
