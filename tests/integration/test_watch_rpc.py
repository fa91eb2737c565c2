"""WatchWorkOrder through a real gRPC server and channel, over the domain's fakes: what a caller sees of a timeline."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2

from acerto.billing.v1 import billing_service_pb2 as pb
from domain.actor import Actor
from domain.billing.use_cases.watching import PAGE
from server.rpc.pipeline import Limits
from tests.support.builders import CALL
from tests.support.served import Scene, Served, end_of, refusal
from tests.support.waiting import eventually

OS = str(UUID(int=42))
CREATE = pb.CreateBudgetRequest(work_order_id=OS, description="Oil change")
PATH = "/acerto.billing.v1.BillingService/WatchWorkOrder"


def watch(served: Served, after: int = 0, *, os: str = OS, **options: Any) -> Any:
    return served.billing.WatchWorkOrder(pb.WatchWorkOrderRequest(work_order_id=os, after_sequence=after), **options)


async def say(served: Served, status: str) -> None:
    await served.billing.UpdateWorkOrderStatus(pb.UpdateWorkOrderStatusRequest(work_order_id=OS, status=status))


async def heard(stream: Any, count: int) -> list[tuple[int, str]]:
    """The sequence and the action of the next entries."""
    entries = [await asyncio.wait_for(stream.read(), 10) for _ in range(count)]
    return [(entry.sequence, entry.action) for entry in entries]


def gauge(scene: Scene, name: str) -> float:
    lines = scene.telemetry.exposition().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


async def test_what_happened_comes_first_and_then_what_happens() -> None:
    async with Scene().served() as served:
        budget = await served.billing.CreateBudget(CREATE)
        stream = watch(served)
        assert await heard(stream, 2) == [(1, "open"), (2, "generate")]
        await say(served, "on the lift")
        assert await heard(stream, 1) == [(3, "update_status")]
        await served.billing.ApproveBudget(pb.ApproveBudgetRequest(budget_id=budget.budget_id))
        assert await heard(stream, 1) == [(4, "approve")]


async def test_an_entry_is_what_the_timeline_has_of_it() -> None:
    async with Scene().served() as served:
        await served.billing.CreateBudget(CREATE)
        stream = watch(served)
        entries = [await asyncio.wait_for(stream.read(), 10) for _ in range(2)]
        timeline = await served.billing.GetWorkOrderTimeline(pb.GetWorkOrderTimelineRequest(work_order_id=OS))
        assert entries == list(timeline.entries)


async def test_who_names_the_last_entry_it_has_goes_on_behind_it() -> None:
    async with Scene().served() as served:
        await served.billing.CreateBudget(CREATE)
        assert await heard(watch(served, after=1), 1) == [(2, "generate")]
        ahead = watch(served, after=2)
        await say(served, "on the lift")
        assert await heard(ahead, 1) == [(3, "update_status")]


async def test_a_timeline_of_more_than_a_page_comes_whole() -> None:
    async with Scene().served() as served:
        await served.billing.CreateBudget(CREATE)
        for number in range(2 * PAGE):
            await say(served, f"step {number}")
        stream = watch(served)
        assert [sequence for sequence, _ in await heard(stream, 2 * PAGE + 2)] == [*range(1, 2 * PAGE + 3)]


async def test_an_unknown_work_order_is_not_found_and_one_of_another_workshop_is_as_if_absent() -> None:
    scene = Scene()
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        scene.actor = Actor(id="guest", permissions=scene.actor.permissions, workshops=frozenset({"other"}))
        hidden, absent = await end_of(watch(served)), await end_of(watch(served, os=str(uuid4())))
    assert (hidden.code, hidden.reason, hidden.message) == (absent.code, absent.reason, absent.message)
    assert (hidden.code, hidden.reason) == (grpc.StatusCode.NOT_FOUND, "WORK_ORDER_NOT_FOUND")


async def test_a_missing_permission_is_refused_before_anything_is_looked_at() -> None:
    scene = Scene()
    scene.actor = Actor(id="nobody", permissions=frozenset({"work_orders.get"}))
    async with scene.served() as served:
        refused = await end_of(watch(served, os="not even valid"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")
    assert refused.about == {"permission": "work_orders.watch"}


async def test_all_violations_come_at_once_and_with_the_request_id() -> None:
    async with Scene().served() as served:
        refused = await end_of(watch(served, -1, os="x", metadata=[("x-request-id", "abc-123")]))
    assert (refused.code, sorted(refused.fields)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        ["after_sequence", "work_order_id"],
    )
    assert refused.metadata["x-request-id"] == "abc-123"


async def test_malformed_bytes_are_the_callers_mistake() -> None:
    async with Scene().served() as served:
        refused = await end_of(served.channel.unary_stream(PATH, lambda b: b, lambda b: b)(b"\x0a\xff"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_a_deadline_ends_a_stream_as_such() -> None:
    scene = Scene()
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        stream = watch(served, timeout=0.3)
        await heard(stream, 2)
        assert (await end_of(stream)).code is grpc.StatusCode.DEADLINE_EXCEEDED
        await eventually(lambda: gauge(scene, "acerto_streams_open") == 0)
        (line,) = await eventually(lambda: [line for line in scene.log.named("request") if line["rpc"] == PATH])
    assert (line["code"], line["reason"]) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
    assert scene.log.named("request_failed") == []


async def test_a_stream_has_no_deadline_unless_its_caller_gives_one() -> None:
    scene = Scene(limits=Limits(default_timeout=0.05))
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        stream = watch(served)
        await heard(stream, 2)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await eventually(lambda: loop.time() - began > 0.2)
        await say(served, "late")
        assert await heard(stream, 1) == [(3, "update_status")]


async def test_a_caller_that_leaves_gives_its_place_back_and_leaves_nothing_behind() -> None:
    scene = Scene(limits=Limits(streams=1))
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        tasks = len(asyncio.all_tasks())
        for _ in range(3):
            stream = watch(served)
            await heard(stream, 2)
            assert gauge(scene, "acerto_streams_open") == 1
            stream.cancel()
            await eventually(lambda: gauge(scene, "acerto_streams_open") == 0)
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
        lines = await eventually(lambda: [line for line in scene.log.named("request") if line["rpc"] == PATH])
    assert {(line["code"], line["reason"]) for line in lines} == {("CANCELLED", "CANCELED")}
    assert scene.log.named("request_failed") == []
    assert f'acerto_requests_total{{code="CANCELLED",rpc="{PATH}"}} 3.0' in scene.telemetry.exposition().decode()


async def test_streams_beyond_their_limit_are_shed_and_told_when_to_come_back() -> None:
    async with Scene(limits=Limits(streams=1)).served() as served:
        await served.billing.CreateBudget(CREATE)
        first = watch(served)
        await heard(first, 2)
        refused = await end_of(watch(served))
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert refused.detail(details_pb2.RetryInfo()).retry_delay.seconds == 1
        await say(served, "the first one goes on")
        assert await heard(first, 1) == [(3, "update_status")]


async def test_streams_take_no_place_from_requests_nor_requests_from_streams() -> None:
    scene = Scene(limits=Limits(concurrent=1, streams=2))
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        streams = [watch(served), watch(served)]
        for stream in streams:
            await heard(stream, 2)
        assert (gauge(scene, "acerto_streams_open"), gauge(scene, "acerto_requests_in_flight")) == (2, 0)
        assert len((await served.billing.ListBudgets(pb.ListBudgetsRequest())).budgets) == 1


async def test_a_server_that_stops_ends_its_streams_at_once_and_asks_their_callers_to_come_back() -> None:
    scene = Scene()
    async with scene.served(grace=60) as served:
        await served.billing.CreateBudget(CREATE)
        streams = [watch(served) for _ in range(3)]
        for stream in streams:
            await heard(stream, 2)
        served.stop.set()
        for stream in streams:
            refused = await end_of(stream)
            assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
            assert refused.detail(details_pb2.RetryInfo()).retry_delay.seconds == 1
        await asyncio.wait_for(served.running, 10)
    assert scene.log.named("request_failed") == []


async def test_a_watcher_that_reads_nothing_does_not_hold_a_server_that_stops() -> None:
    scene = Scene()
    async with scene.served(grace=60) as served:
        await served.billing.CreateBudget(CREATE)
        for _ in range(20):
            await scene.billing.update_work_order_status(CALL, UUID(OS), "x" * 4_000_000)
        stream = watch(served)
        await eventually(lambda: gauge(scene, "acerto_streams_open") == 1)
        for _ in range(100):  # turns of the loop in which the server comes to write, more than the window takes
            await asyncio.sleep(0)
        served.stop.set()
        await asyncio.wait_for(served.running, 15)
        stream.cancel()


async def test_a_server_that_ended_its_streams_begins_no_other() -> None:
    scene = Scene()
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE)
        scene.pipeline.end_streams()
        assert (await end_of(watch(served))).reason == "UNAVAILABLE"
        assert (await refusal(served.billing.CreateBudget(CREATE))).reason == "BUDGET_ALREADY_EXISTS"


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), asyncio.CancelledError("hunter2")])
async def test_a_failure_of_ours_is_opaque_and_can_be_found_in_the_log(error: BaseException) -> None:
    class Broken:
        async def timeline_entries(self, *_: Any, **__: Any) -> None:
            raise error

    scene = Scene(queries=Broken())
    async with scene.served() as served:
        refused = await end_of(watch(served, metadata=[("x-request-id", "find-me")]))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "hunter2" not in f"{refused.message}{refused.status}"
    (line,) = scene.log.named("request_failed")
    assert (line["request_id"], "hunter2" in str(line["exc_info"])) == ("find-me", True)
