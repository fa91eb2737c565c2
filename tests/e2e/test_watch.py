"""The live timeline by the generated stub: whichever process commits, the watchers of all of them hear it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc

from acerto.billing.v1 import billing_service_pb2 as api
from acerto.billing.v1 import work_order_pb2
from tests.e2e.conftest import House
from tests.support.fleet import Fleet
from tests.support.os_service import OSService
from tests.support.served import end_of


def _watch(billing: Any, os_id: str, after: int = 0) -> Any:
    return billing.WatchWorkOrder(api.WatchWorkOrderRequest(work_order_id=os_id, after_sequence=after))


async def _until(stream: Any, event_type: str) -> list[work_order_pb2.TimelineEntry]:
    """The next entries, to the one with this event."""
    entries: list[work_order_pb2.TimelineEntry] = []
    while not entries or entries[-1].event_type != event_type:
        entries.append(await asyncio.wait_for(stream.read(), 20))
    return entries


async def _budget(billing: Any, os_id: str) -> str:
    made = await billing.CreateBudget(api.CreateBudgetRequest(work_order_id=os_id))
    return str(made.budget_id)


async def test_what_comes_by_the_broker_and_what_comes_by_grpc_is_seen_by_who_watches(
    rabbit_house: House, rabbit_partner: OSService, billing: Any
) -> None:
    event_id = await rabbit_partner.order(os_id := str(uuid4()), Valor=10)
    await rabbit_partner.event(os_id)
    stream = _watch(billing, os_id)
    first = await _until(stream, "BudgetGenerated")
    assert (first[0].event_type, first[0].event_id) == ("OsCreated", event_id)
    cancel_id = await rabbit_partner.cancel(os_id)
    then = await _until(stream, "BudgetCanceled")
    assert (then[0].event_type, then[0].event_id) == ("OsCanceled", cancel_id)
    timeline = await billing.GetWorkOrderTimeline(api.GetWorkOrderTimelineRequest(work_order_id=os_id))
    assert [entry.sequence for entry in first + then] == [entry.sequence for entry in timeline.entries]
    stream.cancel()


async def test_a_server_that_stops_sends_its_watchers_to_another_where_they_miss_nothing(
    folder: Path, database_url: str
) -> None:
    with Fleet(folder, database_url=database_url, shutdown_grace=60) as fleet:
        going, staying = await fleet.running("api", "api")
        async with going.billing() as old, staying.billing() as new:
            budget_id = await _budget(new, os_id := str(uuid4()))
            stream = _watch(old, os_id)
            (*_, last) = await _until(stream, "BudgetGenerated")
            going.program.interrupt()
            refused = await end_of(stream)
            assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
            await new.ApproveBudget(api.ApproveBudgetRequest(budget_id=budget_id))
            assert len(await _until(_watch(new, os_id, last.sequence), "BudgetApproved")) == 1
            assert await going.died() == 0


async def test_all_roles_in_one_process_tell_its_own_watchers_and_those_of_others(
    folder: Path, database_url: str
) -> None:
    with Fleet(folder, database_url=database_url) as fleet:
        whole, beside = await fleet.running("all", "api")
        async with whole.billing() as one, beside.billing() as other:
            for writer in (one, other):
                await _seen_by_both(writer, (one, other))


async def _seen_by_both(writer: Any, watchers: tuple[Any, Any]) -> None:
    budget_id = await _budget(writer, os_id := str(uuid4()))
    streams = [_watch(watcher, os_id) for watcher in watchers]
    for stream in streams:
        await _until(stream, "BudgetGenerated")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await writer.ApproveBudget(api.ApproveBudgetRequest(budget_id=budget_id))
    for stream in streams:
        await _until(stream, "BudgetApproved")
        stream.cancel()
    assert loop.time() - began < 3, "it was not told, only found by reading again"
