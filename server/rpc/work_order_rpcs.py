"""The rpcs of work orders: what happened to one, what is said of it, and what the books say."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import ledger_pb2, work_order_pb2
from domain.actor import Call
from domain.billing.errors import WorkOrderNotFound
from domain.billing.queries import BillingQueries, LedgerEntry, TimelineEntry
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.watching import Timelines
from server.rpc.once import response_to
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_NUMBER, page_of
from server.rpc.translate_work_orders import (
    entry_to_wire,
    ledger_entry_to_wire,
    ledger_to_wire,
    status_to_wire,
    timeline_to_wire,
    work_order_to_wire,
)


class WorkOrderRpcs:
    """A part of BillingServicer, which gives it what is named here."""

    _billing: Billing
    _queries: BillingQueries
    _timelines: Timelines
    _pages: PageTokens

    async def GetWorkOrderTimeline(  # noqa: N802 -- the contract's name
        self, request: pb.GetWorkOrderTimelineRequest, call: Call
    ) -> work_order_pb2.WorkOrderTimeline:
        timeline = await self._queries.timeline(call.actor, UUID(request.work_order_id))
        if timeline is None:
            raise WorkOrderNotFound
        return timeline_to_wire(timeline)

    async def WatchWorkOrder(  # noqa: N802
        self, request: pb.WatchWorkOrderRequest, call: Call
    ) -> AsyncGenerator[work_order_pb2.TimelineEntry, None]:
        entries = self._timelines.watch(call.actor, UUID(request.work_order_id), after=request.after_sequence)
        async with aclosing(entries):
            async for entry in entries:
                yield entry_to_wire(entry)

    async def UpdateWorkOrderStatus(  # noqa: N802
        self, request: pb.UpdateWorkOrderStatusRequest, call: Call
    ) -> work_order_pb2.WorkOrder:
        work_order_id = UUID(request.work_order_id)
        return response_to(
            call, work_order_to_wire, await self._billing.update_work_order_status(call, work_order_id, request.status)
        )

    async def ListWorkOrderStatuses(  # noqa: N802
        self, request: pb.ListWorkOrderStatusesRequest, call: Call
    ) -> pb.ListWorkOrderStatusesResponse:
        work_order_id = UUID(request.work_order_id)

        async def ask(after: int | None, limit: int) -> list[TimelineEntry]:
            entries = await self._queries.timeline_entries(call.actor, work_order_id, after=after, limit=limit)
            if entries is None:
                raise WorkOrderNotFound
            return entries

        found, following = await page_of(self._pages, request, BY_NUMBER, ask, lambda last: last.sequence)
        return pb.ListWorkOrderStatusesResponse(statuses=map(status_to_wire, found), next_page_token=following)

    async def GetLedger(self, request: pb.GetLedgerRequest, call: Call) -> ledger_pb2.Ledger:  # noqa: N802
        balances = await self._queries.ledger(call.actor, UUID(request.work_order_id))
        if balances is None:
            raise WorkOrderNotFound
        return ledger_to_wire(request.work_order_id, balances)

    async def ListLedgerEntries(self, request: pb.ListLedgerEntriesRequest, call: Call) -> pb.ListLedgerEntriesResponse:  # noqa: N802
        work_order_id = UUID(request.work_order_id) if request.work_order_id else None

        async def ask(after: int | None, limit: int) -> list[LedgerEntry]:
            return await self._queries.ledger_entries(call.actor, work_order_id, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_NUMBER, ask, lambda last: last.sequence)
        return pb.ListLedgerEntriesResponse(entries=map(ledger_entry_to_wire, found), next_page_token=following)
