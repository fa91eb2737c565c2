"""What billing does: begin, load, decide, save, commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.errors import BudgetAlreadyExists, WorkOrderCanceled, WorkOrderNotFound, WorkshopNotFound
from domain.billing.line_item import must_be_billable
from domain.billing.ports import Begin, BillingWork
from domain.billing.pricing import Order, Price, price
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.clock import Clock
from domain.identity import Ids
from domain.money import Money
from domain.retry import retried


class Outcome(Enum):
    """What became of a partner's message; kept in the inbox."""

    APPLIED = "applied"
    TOMBSTONED = "tombstoned"
    KNOWN = "known"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A work order is over: OsCanceled and OsCompensationRequested alike. `at` None: now."""

    work_order_id: UUID
    workshop_id: str
    reason: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """The use cases of billing. `default_amount` prices what nothing else prices; None: it waits without a price."""

    begin: Begin
    clock: Clock
    ids: Ids
    default_amount: Money | None

    @retried
    async def create_budget(self, call: Call, order: Order) -> Budget:
        """Make a budget by hand.

        Raises WorkshopNotFound, WorkOrderNotFound, WorkOrderCanceled, BudgetAlreadyExists, NegativeTotal,
        WrongCurrency.
        """
        _must_see(call, order.workshop_id)
        async with self.begin(call) as work:
            work_order = await self._work_order(work, call, order)
            if not call.actor.sees(work_order.workshop_id):
                raise WorkOrderNotFound
            if work_order.canceled:
                raise WorkOrderCanceled(metadata={"work_order_id": str(work_order.id)})
            if known := await work.budgets.of_work_order(order.work_order_id):
                raise BudgetAlreadyExists(metadata={"budget_id": str(known.id)})
            budget = self._generate(work, work_order, order, await self._price(work, order))
            await work.commit(budget)
            return budget

    @retried
    async def generate_budget(self, call: Call, order: Order) -> Outcome:
        """OsCreated: make the budget unless there is one, or a tombstone (B1-B3). Raises as `price` does."""
        async with self.begin(call) as work:
            work_order = await self._work_order(work, call, order)
            known = await work.budgets.of_work_order(order.work_order_id)
            if work_order.canceled:
                outcome = Outcome.TOMBSTONED
            elif known:
                wanted = await self._price(work, order)
                outcome = Outcome.KNOWN if wanted.total == known.total else Outcome.DIFFERS
            else:
                self._generate(work, work_order, order, await self._price(work, order))
                outcome = Outcome.APPLIED
            await work.commit()
            return outcome

    @retried
    async def cancel_work_order(self, call: Call, cancellation: Cancellation) -> Outcome:
        """OsCanceled or OsCompensationRequested: set the tombstone, withdraw a budget that is alive (B10, B11)."""
        async with self.begin(call) as work:
            work_order = await work.work_orders.get(cancellation.work_order_id)
            work_order = work_order or self._unannounced(call, cancellation)
            set_now = work_order.cancel(reason=cancellation.reason, at=cancellation.at or self.clock.now())
            if set_now:
                work.work_orders.save(work_order)
            budget = await work.budgets.of_work_order(work_order.id)
            if budget and budget.cancel(reason=cancellation.reason, at=self.clock.now()):
                work.budgets.save(budget)
            await work.commit()
            return Outcome.APPLIED if set_now else Outcome.KNOWN

    @retried
    async def upsert_service_price(self, call: Call, wanted: ServicePrice) -> ServicePrice:
        """Set a service's price. Raises WorkshopNotFound, WrongCurrency."""
        _must_see(call, wanted.workshop_id)
        must_be_billable(wanted.price)
        async with self.begin(call) as work:
            work.service_prices.save(wanted)
            await work.commit(wanted)
            return wanted

    async def _work_order(self, work: BillingWork, call: Call, order: Order) -> WorkOrder:
        known = await work.work_orders.get(order.work_order_id)
        return known or WorkOrder(
            id=order.work_order_id,
            workshop_id=order.workshop_id,
            correlation_id=call.correlation_id or call.causation_id,
            description=order.description,
            created_at=self.clock.now(),
        )

    async def _price(self, work: BillingWork, order: Order) -> Price:
        table = None
        if not order.prices_itself:
            table = await work.service_prices.find(
                order.workshop_id, code=order.service_code, description=order.description
            )
        return price(order, table, self.default_amount)

    def _generate(self, work: BillingWork, work_order: WorkOrder, order: Order, found: Price) -> Budget:
        now = self.clock.now()
        if work_order.state is None:
            work_order.open(at=now)
        # The workshop that announced it first owns it, whatever a later order says.
        order = replace(order, workshop_id=work_order.workshop_id)
        budget = Budget.generate(self.ids.new(), order, found, at=now)
        work.work_orders.save(work_order)
        work.budgets.save(budget)
        return budget

    def _unannounced(self, call: Call, cancellation: Cancellation) -> WorkOrder:
        return WorkOrder(
            id=cancellation.work_order_id,
            workshop_id=cancellation.workshop_id,
            correlation_id=call.correlation_id or call.causation_id,
            created_at=self.clock.now(),
        )


def _must_see(call: Call, workshop_id: str) -> None:
    if not call.actor.sees(workshop_id):
        raise WorkshopNotFound
