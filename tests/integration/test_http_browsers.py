"""What a page of another origin may do: nothing until its origin is named, and then all that the API has."""

from __future__ import annotations

import httpx
import pytest

from tests.support.http import problem_in
from tests.support.workbench import Workbench

PAGE = "https://app.example.com"
OTHER = "https://other.example.com"


def cors(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name.startswith("access-control-")}


async def preflight(bench: Workbench, origin: str, method: str, headers: str = "") -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": method}
    return await bench.ask(
        "OPTIONS", "/v1/echo", headers=asked | ({"access-control-request-headers": headers} if headers else {})
    )


async def test_no_page_is_allowed_until_origins_are_named() -> None:
    bench = Workbench()
    assert cors(await bench.ask("GET", "/v1/ask", headers={"origin": PAGE})) == {}
    answer = await preflight(bench, PAGE, "POST", "content-type")
    assert (answer.status_code, cors(answer)) == (204, {})


async def test_a_named_origin_may_send_everything_that_the_api_reads() -> None:
    headers = (
        "authorization,content-type,correlation-id,grpc-timeout,idempotency-key,if-match,if-none-match,last-event-id,"
        "traceparent,tracestate,x-request-id,x-request-timeout"
    )
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = await preflight(Workbench(origins=[PAGE]), PAGE, method, headers)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert method in answer.headers["access-control-allow-methods"].split(", ")
        allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
        assert set(headers.split(",")) <= set(allowed)
        assert answer.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [(OTHER, "POST", ""), (f"{PAGE}.evil.example.com", "POST", ""), ("null", "GET", ""), (PAGE, "POST", "cookie")],
)
async def test_what_was_not_named_is_refused_before_it_is_sent(origin: str, method: str, headers: str) -> None:
    answer = await preflight(Workbench(origins=[PAGE]), origin, method, headers)
    assert answer.status_code == 400
    assert origin == PAGE or "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask?nothing=1", "/v1/nothing", "/v1/echo"])
async def test_a_named_origin_may_read_every_answer_and_its_headers(path: str) -> None:
    answer = await Workbench(origins=[PAGE]).ask("GET", path, headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    shown = answer.headers["access-control-expose-headers"].split(", ")
    assert {"acerto-replayed", "correlation-id", "etag", "retry-after", "x-request-id"} <= set(shown)
    assert {"allow", "www-authenticate"} <= set(shown)
    assert "access-control-allow-credentials" not in answer.headers


async def test_caches_keep_the_answers_for_different_origins_apart() -> None:
    bench = Workbench(origins=[PAGE, f"{PAGE}:8443"])
    named = await bench.ask("GET", "/v1/ask", headers={"origin": PAGE})
    assert {name.strip().lower() for name in named.headers["vary"].split(",")} == {"accept-encoding", "origin"}
    other = await bench.ask("GET", "/v1/ask", headers={"origin": OTHER})
    assert (other.status_code, "access-control-allow-origin" in other.headers) == (200, False)


async def test_every_page_is_allowed_where_that_is_what_was_named() -> None:
    answer = await Workbench(origins=["*"]).ask("GET", "/v1/ask", headers={"origin": OTHER})
    assert answer.headers["access-control-allow-origin"] == "*"
    problem_in(await Workbench(origins=["*"]).ask("PUT", "/v1/ask"), 405, "METHOD_NOT_ALLOWED")
