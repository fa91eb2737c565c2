"""CompatibilityService: the old BillingService's requests, answered by today's use cases and queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from acerto.billing.v1 import compatibility_service_pb2 as pb
from acerto.billing.v1.compatibility_service_pb2_grpc import CompatibilityServiceServicer
from domain.actor import Call
from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.errors import BudgetNotFound, PaymentNotFound
from domain.billing.payment import Payment
from domain.billing.queries import BillingQueries, Timeline
from domain.billing.use_cases.budgets import Billing, Decision
from domain.billing.use_cases.payments import Payments
from domain.money import Money
from server.rpc.once import Encode
from server.rpc.translate_compatibility import (
    Told,
    amount_to_collect,
    heard,
    named_by,
    orcamento_to_wire,
    order_to_offer,
    pagamento_to_wire,
    started_to_wire,
    status_os_to_wire,
)

T = TypeVar("T")
Noun = TypeVar("Noun", bound=Aggregate)

_Base: Any = CompatibilityServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


class CompatibilityServicer(_Base):  # type: ignore[misc] # see _Base
    """The old rpcs. `answers` takes what a use case answered as a Told, which `_kept` makes of it."""

    def __init__(self, billing: Billing, payments: Payments, queries: BillingQueries, *, default_workshop: str) -> None:
        """`default_workshop` owns every budget made here: the old service knew one workshop."""
        self._billing = billing
        self._payments = payments
        self._queries = queries
        self._default_workshop = default_workshop
        self.answers: Mapping[str, Encode] = {
            "CreateOrcamento": orcamento_to_wire,
            "ApproveOrcamento": orcamento_to_wire,
            "StartPagamento": started_to_wire,
            "CreatePagamento": pagamento_to_wire,
            "UpdateStatusOs": status_os_to_wire,
        }

    async def CreateOrcamento(self, request: pb.CreateOrcamentoRequest, call: Call) -> pb.Orcamento:  # noqa: N802 -- the contract's name
        order = order_to_offer(request, self._default_workshop)
        call = heard(request, call)
        correlation_id = call.correlation_id or call.causation_id
        use = partial(self._billing.offer_budget, order=order)
        told = await _kept(
            replace(call, correlation_id=correlation_id),
            use,
            lambda budget: Told(budget, correlation_id, call.causation_id),
        )
        return orcamento_to_wire(told)

    async def GetOrcamento(self, request: pb.GetOrcamentoRequest, call: Call) -> pb.GetOrcamentoResponse:  # noqa: N802
        timeline, budget = await self._found(request.os_id, call)
        return pb.GetOrcamentoResponse(
            os_id=str(budget.work_order_id), budget=orcamento_to_wire(_told(timeline, budget))
        )

    async def ApproveOrcamento(self, request: pb.ApproveOrcamentoRequest, call: Call) -> pb.Orcamento:  # noqa: N802
        timeline, budget = await self._found(request.os_id, call)
        use = partial(self._billing.approve_budget, budget_id=budget.id, decision=Decision())
        return orcamento_to_wire(await _kept(heard(request, call), use, partial(_told, timeline)))

    async def StartPagamento(self, request: pb.StartPagamentoRequest, call: Call) -> pb.StartPagamentoResponse:  # noqa: N802
        timeline, budget = await self._found(request.os_id, call)
        return started_to_wire(await self._started(timeline, budget, heard(request, call)))

    async def CreatePagamento(self, request: pb.CreatePagamentoRequest, call: Call) -> pb.Pagamento:  # noqa: N802
        amount = amount_to_collect(request)
        timeline, budget = await self._found(request.os_id, call)
        if request.orcamento_id and UUID(request.orcamento_id) != budget.id:
            raise BudgetNotFound
        return pagamento_to_wire(await self._started(timeline, budget, heard(request, call), amount))

    async def GetPagamento(self, request: pb.GetPagamentoRequest, call: Call) -> pb.Pagamento:  # noqa: N802
        payment = await self._queries.payment(call.actor, UUID(request.id))
        timeline = payment and await self._queries.timeline(call.actor, payment.work_order_id)
        if not payment or not timeline:
            raise PaymentNotFound
        return pagamento_to_wire(_told(timeline, payment))

    async def UpdateStatusOs(self, request: pb.UpdateStatusOsRequest, call: Call) -> pb.StatusOs:  # noqa: N802
        call = heard(request, call)
        use = partial(
            self._billing.update_work_order_status,
            work_order_id=named_by(request.os_id),
            status=request.novo_status,
            event_type=request.event_type,
        )
        return status_os_to_wire(
            await _kept(call, use, lambda changed: Told(changed, changed.correlation_id, call.causation_id))
        )

    async def _started(
        self, timeline: Timeline, budget: Budget, call: Call, amount: Money | None = None
    ) -> Told[Payment]:
        use = partial(self._payments.start_payment, budget_id=budget.id, amount=amount)
        correlation_id = timeline.work_order.correlation_id
        return await _kept(call, use, lambda payment: Told(payment, correlation_id, call.causation_id))

    async def _found(self, os_id: str, call: Call) -> tuple[Timeline, Budget]:
        """The budget that an old path names by its work order's id or its own. Raises Invalid, BudgetNotFound."""
        wanted = named_by(os_id)
        budget = await self._queries.budget_of_work_order(call.actor, wanted)
        budget = budget or await self._queries.budget(call.actor, wanted)
        timeline = budget and await self._queries.timeline(call.actor, budget.work_order_id)
        if not timeline or not timeline.budget:
            raise BudgetNotFound
        return timeline, timeline.budget


def _told(timeline: Timeline, noun: Noun) -> Told[Noun]:
    """A noun of this work order with what caused it to be made: the first line of the log that is about it."""
    caused = next((entry.causation_id for entry in timeline.entries if entry.subject_id == str(noun.id)), "")
    return Told(noun, timeline.work_order.correlation_id, caused)


async def _kept(call: Call, use: Callable[[Call], Awaitable[T]], tell: Callable[[T], Told[T]]) -> Told[T]:
    """What a use case answers, told; what is kept for a repeat is made of the same, in the unit that commits it."""
    once = call.once
    if once is not None:
        encode = once.encode
        call = replace(call, once=replace(once, encode=lambda answer: encode(tell(answer))))
    return tell(await use(call))
