"""Deadlines, load, callers that leave and servers that stop: what a request that is cut short comes to."""

from __future__ import annotations

import asyncio
from uuid import UUID

import grpc
from google.rpc import error_details_pb2 as details_pb2

from acerto.billing.v1 import billing_service_pb2 as pb
from server.rpc.errors import Refusal
from server.rpc.pipeline import Limits
from tests.support.held import BrokenQueries, HeldCommit, SlowQueries
from tests.support.served import Scene, refusal
from tests.support.waiting import eventually

OS = str(UUID(int=42))
CREATE = pb.CreateBudgetRequest(work_order_id=OS, description="Oil change")
GET = pb.GetBudgetRequest(budget_id=str(UUID(int=1)))
PATH = "/acerto.billing.v1.BillingService/"


async def test_too_little_time_is_refused_before_anything_begins() -> None:
    scene = Scene(queries=BrokenQueries(AssertionError("looked up")))
    method = scene.pipeline.methods[PATH + "GetBudget"]
    outcome = await scene.pipeline.handle(method, GET, {}, time_left=0.019, peer=lambda: "test")
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.status.grpc) == ("DEADLINE_EXCEEDED", grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_call_with_an_expired_deadline_ends_as_such() -> None:
    queries = SlowQueries()
    async with Scene(queries=queries).served() as served:
        refused = await refusal(served.billing.GetBudget(GET, timeout=0.2))
        assert refused.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(queries.left.wait(), 10)


async def test_a_caller_without_a_deadline_gets_the_default_one() -> None:
    scene = Scene(queries=SlowQueries(), limits=Limits(default_timeout=0.1))
    async with scene.served() as served:
        refused = await refusal(served.billing.GetBudget(GET))
    assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_load_beyond_the_limit_is_shed_and_told_when_to_come_back() -> None:
    queries = SlowQueries()
    async with Scene(queries=queries, limits=Limits(concurrent=1)).served() as served:
        first = asyncio.ensure_future(refusal(served.billing.GetBudget(GET)))
        await asyncio.wait_for(queries.asked.wait(), 10)
        refused = await refusal(served.billing.GetBudget(GET))
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert refused.detail(details_pb2.RetryInfo()).retry_delay.seconds == 1
        queries.answer.set()
        assert (await first).reason == "BUDGET_NOT_FOUND"
        assert (await refusal(served.billing.GetBudget(GET))).reason == "BUDGET_NOT_FOUND"


async def test_a_cancellation_that_the_caller_did_not_ask_for_does_not_hang_the_caller() -> None:
    async with Scene(queries=BrokenQueries(asyncio.CancelledError())).served() as served:
        refused = await asyncio.wait_for(refusal(served.billing.GetBudget(GET)), 10)
    assert refused.code is grpc.StatusCode.INTERNAL


async def test_a_read_whose_caller_leaves_is_given_up() -> None:
    queries = SlowQueries()
    scene = Scene(queries=queries)
    async with scene.served() as served:
        call = served.billing.GetBudget(GET)
        await asyncio.wait_for(queries.asked.wait(), 10)
        call.cancel()
        await asyncio.wait_for(queries.left.wait(), 10)
        (line,) = await eventually(lambda: scene.log.named("request"))
    assert (line["code"], line["reason"]) == ("CANCELLED", "CANCELED")


async def test_a_write_whose_caller_leaves_is_finished() -> None:
    scene = Scene()
    held = HeldCommit(scene)
    async with scene.served() as served:
        call = served.billing.CreateBudget(CREATE)
        await asyncio.wait_for(held.begun.wait(), 10)
        call.cancel()
        await eventually(lambda: scene.log.named("request"))
        held.release.set()
        await eventually(lambda: scene.log.named("write_outlived_its_caller"))
    assert len(scene.store.budgets) == 1


async def test_a_write_that_outlives_its_deadline_is_finished_and_keeps_its_place_until_then() -> None:
    scene = Scene(limits=Limits(concurrent=1, default_timeout=0.1))
    held = HeldCommit(scene)
    async with scene.served() as served:
        assert (await refusal(served.billing.CreateBudget(CREATE))).reason == "DEADLINE_EXCEEDED"
        assert (await refusal(served.billing.GetBudget(GET))).reason == "OVERLOADED"
        held.release.set()
        await eventually(lambda: scene.log.named("write_outlived_its_caller"))
        assert (await refusal(served.billing.GetBudget(GET))).reason == "BUDGET_NOT_FOUND"
    assert len(scene.store.budgets) == 1


async def test_a_server_that_stops_finishes_the_writes_whose_callers_left() -> None:
    scene = Scene()
    held = HeldCommit(scene)
    async with scene.served() as served:
        call = served.billing.CreateBudget(CREATE)
        await asyncio.wait_for(held.begun.wait(), 10)
        call.cancel()
        await eventually(lambda: scene.log.named("request"))
        served.stop.set()
        asyncio.get_running_loop().call_later(0.3, held.release.set)
        await asyncio.wait_for(served.running, 10)
        assert len(scene.store.budgets) == 1


async def test_a_server_that_stops_answers_what_takes_longer_than_a_last_word() -> None:
    queries = SlowQueries()
    async with Scene(queries=queries).served(grace=30) as served:
        answer = asyncio.ensure_future(refusal(served.billing.GetBudget(GET)))
        await asyncio.wait_for(queries.asked.wait(), 10)
        served.stop.set()
        asyncio.get_running_loop().call_later(1.6, queries.answer.set)
        assert (await answer).reason == "BUDGET_NOT_FOUND"
        await asyncio.wait_for(served.running, 10)
