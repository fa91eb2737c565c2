"""BillingService: from proto to plain arguments, and from the answer to proto."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2, service_price_pb2, work_order_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceServicer
from domain.actor import Call
from domain.billing.errors import BudgetNotFound, WorkOrderNotFound
from domain.billing.queries import BillingQueries
from domain.billing.use_cases import Billing
from domain.clock import Clock
from server.rpc.once import Encode
from server.rpc.page_tokens import PageTokens, page_size
from server.rpc.translate import (
    budget_to_wire,
    filter_from_wire,
    order_from_wire,
    service_price_from_wire,
    service_price_to_wire,
    timeline_to_wire,
)

_Base: Any = BillingServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


class BillingServicer(_Base):  # type: ignore[misc] # see _Base
    """The rpcs of billing. `answers` says how the answer of each write becomes its response, now and in a replay."""

    answers: ClassVar[Mapping[str, Encode]] = {
        "CreateBudget": budget_to_wire,
        "UpsertServicePrice": service_price_to_wire,
    }

    def __init__(
        self,
        billing: Billing,
        queries: BillingQueries,
        page_tokens: PageTokens,
        *,
        default_workshop: str,
        clock: Clock,
    ) -> None:
        self._billing = billing
        self._queries = queries
        self._page_tokens = page_tokens
        self._default_workshop = default_workshop
        self._clock = clock

    async def CreateBudget(self, request: pb.CreateBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802 -- the contract's name
        order = order_from_wire(request, self._default_workshop)
        return budget_to_wire(await self._billing.create_budget(call, order))

    async def GetBudget(self, request: pb.GetBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        budget = await self._queries.budget(call.actor, UUID(request.budget_id))
        if budget is None:
            raise BudgetNotFound
        return budget_to_wire(budget)

    async def GetBudgetByWorkOrder(self, request: pb.GetBudgetByWorkOrderRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        budget = await self._queries.budget_of_work_order(call.actor, UUID(request.work_order_id))
        if budget is None:
            raise BudgetNotFound
        return budget_to_wire(budget)

    async def ListBudgets(self, request: pb.ListBudgetsRequest, call: Call) -> pb.ListBudgetsResponse:  # noqa: N802
        wanted, size = filter_from_wire(request), page_size(request.page_size)
        place = self._page_tokens.read(request, request.page_token, parts=2)
        if wanted is None:
            return pb.ListBudgetsResponse()
        after = (datetime.fromisoformat(place[0]), UUID(place[1])) if place else None
        found = await self._queries.budgets(call.actor, wanted, after=after, limit=size + 1)
        page = pb.ListBudgetsResponse(budgets=map(budget_to_wire, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            page.next_page_token = self._page_tokens.make(request, (last.created_at.isoformat(), str(last.id)))
        return page

    async def UpsertServicePrice(  # noqa: N802
        self, request: pb.UpsertServicePriceRequest, call: Call
    ) -> service_price_pb2.ServicePrice:
        wanted = service_price_from_wire(request.service_price, self._default_workshop, self._clock)
        return service_price_to_wire(await self._billing.upsert_service_price(call, wanted))

    async def ListServicePrices(self, request: pb.ListServicePricesRequest, call: Call) -> pb.ListServicePricesResponse:  # noqa: N802
        size = page_size(request.page_size)
        place = self._page_tokens.read(request, request.page_token, parts=2)
        after = (place[0], place[1]) if place else None
        found = await self._queries.service_prices(call.actor, request.workshop_id or None, after=after, limit=size + 1)
        page = pb.ListServicePricesResponse(service_prices=map(service_price_to_wire, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            page.next_page_token = self._page_tokens.make(request, (last.workshop_id, last.code.lower()))
        return page

    async def GetWorkOrderTimeline(  # noqa: N802
        self, request: pb.GetWorkOrderTimelineRequest, call: Call
    ) -> work_order_pb2.WorkOrderTimeline:
        timeline = await self._queries.timeline(call.actor, UUID(request.work_order_id))
        if timeline is None:
            raise WorkOrderNotFound
        return timeline_to_wire(timeline)
