"""Every kind of refusal as HTTP says it: api.md's table, each by a request that meets it."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import (
    DomainError,
    Forbidden,
    Invalid,
    Kind,
    Overloaded,
    Stale,
    Unauthenticated,
    Unavailable,
    Violation,
)
from server.rpc.pipeline import Limits
from tests.support.http import problem_in
from tests.support.workbench import Workbench


class Absent(DomainError):
    """There is no such thing."""

    kind, code = Kind.NOT_FOUND, "THING_NOT_FOUND"


class Present(DomainError):
    """There is one already."""

    kind, code = Kind.ALREADY_EXISTS, "THING_ALREADY_EXISTS"


class Forbade(DomainError):
    """The rules forbid it."""

    kind, code = Kind.RULE, "THING_IS_CLOSED"


REFUSALS = [
    (Invalid("a: is wrong", violations=[Violation("a", "is wrong", "a.rule")]), 400, "Bad Request"),
    (Unauthenticated(), 401, "Unauthorized"),
    (Forbidden(metadata={"permission": "x"}), 403, "Forbidden"),
    (Absent(metadata={"id": "7"}), 404, "Not Found"),
    (Present(), 409, "Conflict"),
    (Stale(), 409, "Conflict"),
    (Forbade(), 400, "Bad Request"),
    (Overloaded(retry_after=0.2), 429, "Too Many Requests"),
    (Unavailable(retry_after=7.5), 503, "Service Unavailable"),
]


@pytest.mark.parametrize(("error", "status", "title"), REFUSALS)
async def test_a_refusal_is_a_problem_of_its_kind(error: DomainError, status: int, title: str) -> None:
    bench = Workbench()
    bench.servicer.error = error
    answer = await bench.ask("GET", "/v1/ask/a%20b?pretty")
    problem = problem_in(answer, status, error.code)
    assert (problem["title"], problem["detail"]) == (title, error.message)
    assert problem["instance"] == "/v1/ask/a%20b"
    assert problem.get("metadata") == (error.metadata or None)
    violations = [{"field": v.field, "description": v.description, "rule": v.rule} for v in error.violations]
    assert problem.get("violations") == (violations or None)
    assert problem.get("retry_after") == error.retry_after
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_every_kind_has_its_row() -> None:
    assert {error.kind for error, _, _ in REFUSALS} == set(Kind)


@pytest.mark.parametrize(
    ("error", "seconds"), [(Overloaded(retry_after=0.2), "1"), (Unavailable(retry_after=7.5), "8")]
)
async def test_who_shall_come_back_is_told_when_in_whole_seconds(error: DomainError, seconds: str) -> None:
    bench = Workbench()
    bench.servicer.error = error
    assert (await bench.ask("GET", "/v1/ask")).headers["retry-after"] == seconds


async def test_a_stranger_is_asked_who_it_is() -> None:
    bench = Workbench()
    bench.stranger = Unauthenticated()
    answer = await bench.ask("GET", "/v1/ask")
    problem_in(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_not_allowed_is_refused_before_anything_is_looked_up() -> None:
    bench = Workbench()
    bench.servicer.error = Absent()
    problem = problem_in(await bench.ask("GET", "/v1/forbidden"), 403, "FORBIDDEN")
    assert problem["metadata"] == {"permission": "workbench.never"}
    assert bench.servicer.asked == []


@pytest.mark.parametrize("error", [RuntimeError("a secret of ours"), KeyError("a secret of ours"), RecursionError()])
async def test_our_own_failure_tells_nothing_but_the_id_that_finds_it(error: Exception) -> None:
    bench = Workbench()
    bench.servicer.error = error
    answer = await bench.ask("GET", "/v1/ask", headers={"x-request-id": "req-9"})
    problem = problem_in(answer, 500, "INTERNAL")
    assert (problem["request_id"], "req-9" in problem["detail"]) == ("req-9", True)
    assert problem["metadata"] == {"request_id": "req-9"}
    assert "secret" not in answer.text
    (line,) = bench.log.named("request_failed")
    assert (line["request_id"], line["exc_info"]) == ("req-9", error)


async def test_load_beyond_the_limit_is_shed_and_told_when_to_come_back() -> None:
    bench = Workbench(limits=Limits(concurrent=1))
    bench.servicer.held = True
    first = asyncio.ensure_future(bench.ask("GET", "/v1/ask"))
    await asyncio.wait_for(bench.servicer.begun.wait(), 10)
    answer = await bench.ask("GET", "/v1/ask")
    problem_in(answer, 429, "OVERLOADED")
    assert answer.headers["retry-after"] == "1"
    bench.servicer.release.set()
    assert (await first).status_code == 200
    assert (await bench.ask("GET", "/v1/ask")).status_code == 200


async def test_what_is_wrong_with_a_request_is_refused_in_the_pipeline_and_so_in_its_metrics() -> None:
    bench = Workbench()
    await bench.ask("GET", "/v1/ask?nothing=1")
    await bench.ask("POST", "/v1/echo", content=b"{", headers={"content-type": "application/json"})
    assert [line["reason"] for line in bench.log.named("request")] == ["INVALID_REQUEST", "MALFORMED_JSON"]
