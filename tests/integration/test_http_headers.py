"""What HTTP headers do to a call: who calls, which ids and trace it has, until when, and on which condition."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from acerto.billing.v1 import budget_pb2
from server.rpc.pipeline import Limits
from tests.support.builders import an_os
from tests.support.http import asgi, client_of, fields_in, http_of, problem_in
from tests.support.served import Scene
from tests.support.workbench import Workbench

OS = str(an_os(1))
TRACE = f"00-{'1' * 32}-{'2' * 16}-01"


async def billing(scene: Scene, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    async with client_of(http_of(scene)) as client:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return await client.request(method, path, json=body, headers=named)


async def drafted(scene: Scene) -> dict[str, Any]:
    answer = await billing(scene, "POST", "/v1/budgets", {"workOrderId": OS, "description": "Oil"})
    assert answer.status_code == 200, answer.text
    budget: dict[str, Any] = answer.json()
    return budget


async def test_what_identifies_the_caller_reaches_whoever_decides_that() -> None:
    bench = Workbench()
    await bench.ask("GET", "/v1/ask", headers={"authorization": "Bearer abc", "cookie": "x=y"})
    assert bench.metadata["authorization"] == "Bearer abc"
    assert "cookie" not in bench.metadata
    assert bench.peer == "ipv4:192.0.2.7:4711"


async def test_metadata_of_any_name_reaches_the_pipeline() -> None:
    bench = Workbench()
    await bench.ask("GET", "/v1/ask", headers={"Grpc-Metadata-Tenant": "a", "Grpc-Metadata-Key-Bin": "AP8="})
    assert (bench.metadata["tenant"], bench.metadata["key-bin"]) == ("a", b"\x00\xff")


@pytest.mark.parametrize("text", [b"?", b"\xff"])
async def test_binary_metadata_that_is_none_is_refused(text: bytes) -> None:
    answer = await asgi(Workbench().app, "GET", b"/v1/ask", headers=[(b"grpc-metadata-key-bin", text)])
    assert fields_in(answer) == ["grpc-metadata-key-bin"]


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask?nothing=1", "/v1/nothing", "/v1/echo", "/v1/forbidden"])
async def test_every_answer_has_the_ids_that_were_sent(path: str) -> None:
    answer = await Workbench().ask("GET", path, headers={"x-request-id": "req-1", "correlation-id": "saga-1"})
    assert (answer.headers["x-request-id"], answer.headers["correlation-id"]) == ("req-1", "saga-1")
    assert answer.headers.get_list("x-request-id") == ["req-1"]


@pytest.mark.parametrize("unusable", [None, "", "  ", "two words", "x" * 129])
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/nothing"])
async def test_every_answer_has_ids_that_were_made_where_none_could_be_used(path: str, unusable: str | None) -> None:
    headers = {} if unusable is None else {"x-request-id": unusable, "correlation-id": unusable}
    answer = await Workbench().ask("GET", path, headers=headers)
    made = {UUID(answer.headers["x-request-id"]), UUID(answer.headers["correlation-id"])}
    assert len(made) == 2


async def test_ids_and_trace_reach_the_call() -> None:
    bench = Workbench()
    said = {"x-request-id": "req-1", "correlation-id": "saga-1", "traceparent": TRACE, "tracestate": "a=b"}
    await bench.ask("GET", "/v1/ask", headers=said)
    (call,) = bench.servicer.calls
    assert (call.causation_id, call.correlation_id) == ("req-1", "saga-1")
    assert call.trace == {"traceparent": TRACE, "tracestate": "a=b"}


@pytest.mark.parametrize("headers", [{"grpc-timeout": "100m"}, {"x-request-timeout": "0.1"}])
async def test_a_deadline_that_passes_is_504(headers: dict[str, str]) -> None:
    bench = Workbench()
    bench.servicer.held = True
    problem_in(await bench.ask("GET", "/v1/ask", headers=headers), 504, "DEADLINE_EXCEEDED")
    assert bench.servicer.canceled.is_set()


@pytest.mark.parametrize(
    "headers",
    [{"grpc-timeout": "1n"}, {"grpc-timeout": "0S"}, {"x-request-timeout": "0"}, {"x-request-timeout": "0.019"}],
)
async def test_a_deadline_too_near_to_begin_is_504_at_once(headers: dict[str, str]) -> None:
    bench = Workbench()
    problem_in(await bench.ask("GET", "/v1/ask", headers=headers), 504, "DEADLINE_EXCEEDED")
    assert bench.servicer.asked == []


@pytest.mark.parametrize("headers", [{"grpc-timeout": "1"}, {"x-request-timeout": "soon"}, {"grpc-timeout": ""}])
async def test_a_deadline_that_is_none_is_refused(headers: dict[str, str]) -> None:
    assert fields_in(await Workbench().ask("GET", "/v1/ask", headers=headers)) == list(headers)


async def test_a_deadline_far_away_is_no_deadline() -> None:
    assert (await Workbench().ask("GET", "/v1/ask", headers={"grpc-timeout": "99999999H"})).status_code == 200


async def test_a_caller_without_a_deadline_gets_the_default_one() -> None:
    bench = Workbench(limits=Limits(default_timeout=0.1))
    bench.servicer.held = True
    problem_in(await bench.ask("GET", "/v1/ask"), 504, "DEADLINE_EXCEEDED")


async def test_a_repeat_with_the_same_key_is_the_same_answer_and_says_so() -> None:
    scene, key = Scene(), str(uuid4())
    body = {"workOrderId": OS, "description": "Oil"}
    first = await billing(scene, "POST", "/v1/budgets", body, idempotency_key=key)
    again = await billing(scene, "POST", "/v1/budgets", body, idempotency_key=key.upper())
    in_body = await billing(scene, "POST", "/v1/budgets", {**body, "requestId": key})
    assert first.json() == again.json() == in_body.json()
    assert "acerto-replayed" not in first.headers
    assert (again.headers["acerto-replayed"], in_body.headers["acerto-replayed"]) == ("true", "true")
    assert again.headers["etag"] == first.headers["etag"]
    assert len(scene.store.budgets) == 1


async def test_a_key_for_another_request_is_refused_and_so_is_one_that_is_none() -> None:
    scene, body = Scene(), {"workOrderId": OS}
    await billing(scene, "POST", "/v1/budgets", body, idempotency_key="k")
    other = await billing(scene, "POST", "/v1/budgets", {**body, "description": "x"}, idempotency_key="k")
    problem_in(other, 400, "IDEMPOTENCY_KEY_REUSED")
    assert fields_in(await billing(scene, "POST", "/v1/budgets", body, idempotency_key="a b")) == ["idempotency-key"]


async def test_an_etag_is_given_and_what_a_client_has_is_not_sent_again() -> None:
    scene = Scene()
    budget = await drafted(scene)
    path = f"/v1/budgets/{budget['budgetId']}"
    got = await billing(scene, "GET", path)
    assert got.headers["etag"] == budget["etag"]
    assert got.headers["cache-control"] == "private, no-cache"
    for has in (budget["etag"], f'"other", W/{budget["etag"]}'):
        unchanged = await billing(scene, "GET", path, if_none_match=has)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == budget["etag"]
        assert "content-length" not in unchanged.headers
    assert (await billing(scene, "GET", path, if_none_match='"other"')).status_code == 200


async def test_a_change_on_a_condition_is_made_once_and_then_412() -> None:
    scene = Scene()
    budget = await drafted(scene)
    path, etag = f"/v1/budgets/{budget['budgetId']}", budget["etag"]
    changed = await billing(scene, "PATCH", path, {"validityDays": 5}, if_match=etag)
    assert (changed.status_code, changed.json()["validityDays"]) == (200, 5)
    assert changed.headers["etag"] == changed.json()["etag"] != etag
    assert changed.headers["cache-control"] == "no-store"
    problem = problem_in(await billing(scene, "PATCH", path, {"validityDays": 6}, if_match=etag), 412, "STALE")
    assert problem["title"] == "Precondition Failed"
    problem_in(await billing(scene, "PATCH", path, {"validityDays": 6, "etag": etag}), 409, "STALE")
    anyway = await billing(scene, "PATCH", path, {"validityDays": 7}, if_match="*")
    assert anyway.json()["validityDays"] == 7


async def test_a_condition_that_is_none_or_is_not_checked_is_refused() -> None:
    scene = Scene()
    budget = await drafted(scene)
    path = f"/v1/budgets/{budget['budgetId']}"
    for condition in ("3", '"a", "b"', ""):
        assert fields_in(await billing(scene, "PATCH", path, {"validityDays": 5}, if_match=condition)) == ["if-match"]
    assert fields_in(await billing(scene, "PATCH", path, {"etag": '"other"'}, if_match=budget["etag"])) == ["if-match"]
    assert fields_in(await billing(scene, "POST", f"{path}:send", {}, if_match='"1"')) == ["if-match"]
    (kept,) = scene.store.budgets.values()
    assert str(kept.id) == budget["budgetId"]
    assert budget["status"] == budget_pb2.BudgetStatus.Name(budget_pb2.BUDGET_STATUS_DRAFT)
