"""Which rpc a method and a path reach over HTTP, and how what reaches none is refused."""

from __future__ import annotations

import pytest
from starlette.responses import Response
from starlette.routing import Route

from tests.support.http import asgi, problem_in
from tests.support.workbench import Workbench

ROUTED = [
    ("GET", "/v1/ask", "Ask", ""),
    ("GET", "/v1/ask/", "Ask", ""),
    ("GET", "/v1/ask/a", "Ask", "a"),
    ("DELETE", "/v1/ask/a", "Ask", "a"),
    ("GET", "/v1/ask/this", "AskForThis", ""),
    ("GET", "/v1/ask/th%69s/", "AskForThis", ""),
    ("GET", "/v1/ask/This", "Ask", "This"),
    ("GET", "/v1/ask/a%2Fb%20c%25", "Ask", "a/b c%"),
    ("GET", "/v1/ask/%C3%A9+", "Ask", "é+"),
    ("GET", "/v1/ask/a:read", None, None),
    ("GET", "/v1/ask/a%3Aread", "Ask", "a:read"),
    ("GET", "/v1/ask/a:other", "Ask", "a:other"),
    ("GET", "/v1/shelves/1:read", "Ask", "shelves/1"),
    ("GET", "/v1/shelves/a%2Fb:read", "Ask", "shelves/a%2Fb"),
    ("GET", "/v1/shelves/1/books", "Ask", "shelves/1/books"),
    ("GET", "/v1/shelves/1/books/2/3", "Ask", "shelves/1/books/2/3"),
    ("GET", "/v1/shelves/%31/books/a%2fb%20c/d", "Ask", "shelves/1/books/a%2Fb c/d"),
    ("GET", "/v1/shelves/1", None, None),
    ("BREW", "/v1/any", "Ask", ""),
    ("GET", "/v1/ask//", None, None),
    ("GET", "//v1/ask", None, None),
    ("GET", "/v1/nothing", None, None),
    ("GET", "/", None, None),
]


@pytest.mark.parametrize(("method", "path", "rpc", "name"), ROUTED)
async def test_a_method_and_a_path_reach_one_rpc(method: str, path: str, rpc: str | None, name: str | None) -> None:
    bench = Workbench()
    answer = await asgi(bench.app, method, path.encode())
    if rpc is None:
        problem = problem_in(answer, 404, "ROUTE_NOT_FOUND")
        assert problem["instance"] == path
    else:
        (line,) = bench.log.named("request")
        assert (answer.status_code, line["rpc"]) == (200, f"/workbench.v1.Workbench/{rpc}")
        assert answer.json()["name"] == name


async def test_a_variable_of_a_nested_field_is_a_value_of_its_type() -> None:
    bench = Workbench()
    assert (await bench.ask("GET", "/v1/numbers/-12")).json()["inner"]["number"] == "-12"
    problem = problem_in(await bench.ask("GET", "/v1/numbers/twelve"), 400, "INVALID_REQUEST")
    assert problem["violations"] == [{"field": "inner.number", "description": "must be a number", "rule": "json.type"}]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v1/ask", "GET, HEAD, OPTIONS"),
        ("PUT", "/v1/ask/a/", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "/v1/echo", "OPTIONS, POST"),
        ("HEAD", "/v1/echo", "OPTIONS, POST"),
        ("BREW", "/v1/amendments/a", "GET, HEAD, OPTIONS, PATCH"),
    ],
)
async def test_a_method_that_a_path_lacks_is_told_which_it_has(method: str, path: str, allow: str) -> None:
    answer = await asgi(Workbench().app, method, path.encode())
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    if method != "HEAD":
        problem_in(answer, 405, "METHOD_NOT_ALLOWED")


async def test_options_tells_the_methods_without_asking_anybody() -> None:
    bench = Workbench()
    answer = await bench.ask("OPTIONS", "/v1/amendments/a")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS, PATCH", b"")
    assert answer.headers["x-request-id"]
    assert bench.log.lines == []
    problem_in(await bench.ask("OPTIONS", "/v1/nothing"), 404, "ROUTE_NOT_FOUND")


async def test_a_head_is_a_get_without_its_body() -> None:
    bench = Workbench()
    got = await bench.ask("GET", "/v1/ask/a")
    head = await bench.ask("HEAD", "/v1/ask/a")
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-type", "content-length", "cache-control", "vary")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]
    refused = await bench.ask("HEAD", "/v1/ask?nothing=1")
    assert (refused.status_code, refused.content) == (400, b"")
    assert int(refused.headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/v1/ask/%", "/v1/ask/%4", "/v1/ask/%zz", "/v1/ask/%FF", "/%C3/x"])
async def test_a_path_with_an_escape_that_is_none_is_refused(path: str) -> None:
    answer = await asgi(Workbench().app, "GET", path.encode())
    problem_in(answer, 400, "INVALID_REQUEST")


async def test_a_path_of_slashes_is_unknown_and_nothing_else() -> None:
    problem_in(await asgi(Workbench().app, "GET", b"/" * 16_384), 404, "ROUTE_NOT_FOUND")


async def test_what_is_refused_before_any_rpc_is_counted_by_its_reason() -> None:
    bench = Workbench()
    await bench.ask("PUT", "/v1/ask")
    await bench.ask("POST", "/v1/echo", content=b"x", headers={"content-type": "text/plain"})
    counted = bench.telemetry.exposition().decode()
    assert 'acerto_http_refused_total{reason="METHOD_NOT_ALLOWED"} 1.0' in counted
    assert 'acerto_http_refused_total{reason="UNSUPPORTED_MEDIA_TYPE"} 1.0' in counted


@pytest.mark.parametrize("path", [b"/nowhere", b"/metrics/"])
async def test_a_query_that_is_no_text_breaks_nothing_behind_the_api(path: bytes) -> None:
    bench = Workbench(behind=[Route("/metrics", lambda _: Response("all is well"))])
    problem_in(await asgi(bench.app, "GET", path + b"?\x80"), 400, "INVALID_REQUEST")


async def test_what_lies_behind_the_api_answers_with_its_ids() -> None:
    bench = Workbench(behind=[Route("/metrics", lambda _: Response("all is well"))])
    answer = await bench.ask("GET", "/metrics", headers={"x-request-id": "req-1"})
    assert (answer.text, answer.headers["x-request-id"]) == ("all is well", "req-1")
    problem_in(await bench.ask("POST", "/metrics"), 405, "METHOD_NOT_ALLOWED")
