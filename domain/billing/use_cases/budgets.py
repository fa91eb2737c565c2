"""Budgets and work orders: made, offered, decided, changed and undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetAlreadyExists,
    BudgetNotFound,
    WorkOrderCanceled,
    WorkOrderNotFound,
)
from domain.billing.line_item import LineItem, must_be_billable
from domain.billing.ports import Begin, BillingWork
from domain.billing.pricing import Order, Price, price
from domain.billing.revision import ApprovalLink
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.loading import must_see_workshop, saga_of, saga_of_budget, save
from domain.billing.work_order import WorkOrder
from domain.clock import Clock
from domain.errors import DomainError, Stale
from domain.identity import Ids
from domain.lifecycle import IllegalTransition
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to change of a draft; None stays. `version` None: whatever it is now."""

    items: tuple[LineItem, ...] | None = None
    customer: Customer | None = None
    validity_days: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A customer's word on a budget: on which revision, and by which link, as far as it is said."""

    revision: int | None = None
    link: ApprovalLink | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Billing:
    """The use cases of budgets and work orders."""

    begin: Begin
    clock: Clock
    ids: Ids
    rules: BillingRules

    async def create_budget(self, call: Call, order: Order) -> Budget:
        """Make a budget by hand.

        Raises WorkshopNotFound, WorkOrderNotFound, WorkOrderCanceled, BudgetAlreadyExists, NegativeTotal,
        WrongCurrency.
        """
        return await self._created(call, order)

    async def offer_budget(self, call: Call, order: Order) -> Budget:
        """Make a budget by hand and offer it at once (B5); one without a price or a customer stays a draft.

        Raises as `create_budget` does.
        """
        return await self._created(call, order, offered=True)

    @retried
    async def generate_budget(self, call: Call, order: Order) -> Outcome:
        """OsCreated: make the budget unless there is one, or a tombstone (B1-B3). Raises as `price` does."""
        async with self.begin(call) as work:
            saga = await self._saga(work, call, order)
            if saga.work_order.canceled:
                outcome = Outcome.TOMBSTONED
            elif saga.budget:
                wanted = await self._price(work, order)
                outcome = Outcome.KNOWN if wanted.total == saga.budget.total else Outcome.DIFFERS
            else:
                self._generate(saga, order, await self._price(work, order))
                outcome = Outcome.APPLIED
            save(work, saga)
            await work.commit()
            return outcome

    async def update_budget(self, call: Call, budget_id: UUID, changes: Changes) -> Budget:
        """Change a draft (B4). Raises BudgetNotFound, Stale, and as `Budget.update` does."""

        def update(_: Saga, budget: Budget) -> None:
            if changes.version not in (None, budget.version):
                raise Stale
            budget.update(
                items=changes.items,
                customer=changes.customer,
                validity_days=changes.validity_days,
                at=self.clock.now(),
            )

        return await self._decided(call, budget_id, update)

    async def revise_budget(self, call: Call, budget_id: UUID, items: tuple[LineItem, ...]) -> Budget:
        """Open the next revision (B9). Raises BudgetNotFound, and as `Saga.revise` does."""
        return await self._decided(call, budget_id, lambda saga, _: saga.revise(items, at=self.clock.now()))

    async def send_budget(self, call: Call, budget_id: UUID) -> Budget:
        """Offer it to the customer (B5). Raises BudgetNotFound, and as `Budget.send` does."""
        return await self._decided(call, budget_id, lambda _, budget: budget.send(at=self.clock.now()))

    async def approve_budget(self, call: Call, budget_id: UUID, decision: Decision) -> Budget:
        """Accept a revision (B6), and begin its payment where the rules say so.

        Raises BudgetNotFound, and as `Budget.approve` and `Saga.start_payment` do.
        """
        return await self._decided(call, budget_id, lambda saga, _: self._approve(saga, decision))

    async def reject_budget(self, call: Call, budget_id: UUID, decision: Decision) -> Budget:
        """Refuse a revision (B7). Raises BudgetNotFound, and as `Budget.reject` does."""

        def reject(_: Saga, budget: Budget) -> None:
            budget.reject(
                reason=decision.reason,
                expected_revision=decision.revision,
                link=decision.link,
                at=self.clock.now(),
            )

        return await self._decided(call, budget_id, reject)

    async def cancel_budget(self, call: Call, budget_id: UUID, reason: str) -> Budget:
        """Withdraw a budget and undo its payments, without ending the work order (B10).

        Raises BudgetNotFound, IllegalTransition.
        """

        def cancel(saga: Saga, budget: Budget) -> None:
            if budget.status in (BudgetStatus.REJECTED, BudgetStatus.EXPIRED):
                raise IllegalTransition(f"budget is {budget.status.name}: there is nothing to cancel")
            saga.undo(reason, at=self.clock.now())

        return await self._decided(call, budget_id, cancel)

    @retried
    async def expire_budget(self, call: Call, budget_id: UUID) -> None:
        """The clock says that a budget's validity has passed (B8)."""
        async with self.begin(call) as work:
            saga = await saga_of_budget(work, call, budget_id)
            if saga.budget:
                saga.budget.expire_if_due(at=self.clock.now())
            save(work, saga)
            await work.commit()

    @retried
    async def cancel_work_order(self, call: Call, cancellation: Cancellation) -> Outcome:
        """OsCanceled or OsCompensationRequested: set the tombstone and undo everything (B.4)."""
        async with self.begin(call) as work:
            known = await work.work_orders.get(cancellation.work_order_id)
            saga = await saga_of(work, known or self._unannounced(call, cancellation))
            now = self.clock.now()
            set_now = saga.work_order.cancel(reason=cancellation.reason, at=cancellation.at or now)
            if set_now:
                saga.undo(cancellation.reason, at=now)
            save(work, saga)
            await work.commit()
            return Outcome.APPLIED if set_now else Outcome.KNOWN

    @retried
    async def update_work_order_status(
        self, call: Call, work_order_id: UUID, status: str, event_type: str = ""
    ) -> WorkOrder:
        """Keep what is said of the repair, and after which event. Raises WorkOrderNotFound."""
        async with self.begin(call) as work:
            work_order = await work.work_orders.get(work_order_id)
            if work_order is None or not call.actor.sees(work_order.workshop_id):
                raise WorkOrderNotFound
            work_order.update_status(status, event_type=event_type, at=self.clock.now())
            work.work_orders.save(work_order)
            await work.commit(work_order)
            return work_order

    @retried
    async def upsert_service_price(self, call: Call, wanted: ServicePrice) -> ServicePrice:
        """Set a service's price. Raises WorkshopNotFound, WrongCurrency."""
        must_see_workshop(call, wanted.workshop_id)
        must_be_billable(wanted.price)
        async with self.begin(call) as work:
            work.service_prices.save(wanted)
            await work.commit(wanted)
            return wanted

    @retried
    async def _created(self, call: Call, order: Order, *, offered: bool = False) -> Budget:
        must_see_workshop(call, order.workshop_id)
        async with self.begin(call) as work:
            saga = await self._saga(work, call, order)
            if not call.actor.sees(saga.work_order.workshop_id):
                raise WorkOrderNotFound
            if saga.work_order.canceled:
                raise WorkOrderCanceled(metadata={"work_order_id": str(saga.work_order.id)})
            if saga.budget:
                raise BudgetAlreadyExists(metadata={"budget_id": str(saga.budget.id)})
            budget = self._generate(saga, order, await self._price(work, order))
            if offered and budget.offerable:
                budget.send(at=self.clock.now())
            save(work, saga)
            await work.commit(budget)
            return budget

    @retried
    async def _decided(self, call: Call, budget_id: UUID, decide: Callable[[Saga, Budget], object]) -> Budget:
        """One command on one budget. An offer whose time has passed expires first, whatever is then refused (B8)."""
        async with self.begin(call) as work:
            saga = await saga_of_budget(work, call, budget_id)
            if saga.budget is None:
                raise BudgetNotFound
            expired = saga.budget.expire_if_due(at=self.clock.now())
            refusal = _refusal_of(decide, saga, saga.budget)
            if refusal and not expired:
                raise refusal
            save(work, saga)
            await work.commit(None if refusal else saga.budget)
            if refusal:
                raise refusal
            return saga.budget

    def _approve(self, saga: Saga, decision: Decision) -> None:
        budget, now = saga.budget, self.clock.now()
        if budget is None:
            return
        if self.rules.require_send and budget.status is BudgetStatus.DRAFT:
            raise IllegalTransition("budget is DRAFT: it must be sent first", metadata={"allowed_actions": "send"})
        approved = budget.approve(expected_revision=decision.revision, link=decision.link, at=now)
        if approved and self.rules.charge_on_approval:
            saga.start_payment(self.ids.new(), self.rules, at=now)

    async def _saga(self, work: BillingWork, call: Call, order: Order) -> Saga:
        known = await work.work_orders.get(order.work_order_id)
        new = WorkOrder(
            id=order.work_order_id,
            workshop_id=order.workshop_id,
            correlation_id=call.correlation_id or call.causation_id,
            description=order.description,
            created_at=self.clock.now(),
        )
        budget = await work.budgets.of_work_order(order.work_order_id)
        return Saga(work_order=known or new, budget=budget, payments=[])

    async def _price(self, work: BillingWork, order: Order) -> Price:
        table = None
        if not order.prices_itself:
            table = await work.service_prices.find(
                order.workshop_id, code=order.service_code, description=order.description
            )
        return price(order, table, self.rules.default_amount)

    def _generate(self, saga: Saga, order: Order, found: Price) -> Budget:
        now = self.clock.now()
        if saga.work_order.state is None:
            saga.work_order.open(at=now)
        # The workshop that announced it first owns it, whatever a later order says.
        order = replace(order, workshop_id=saga.work_order.workshop_id)
        days = self.rules.validity_days
        budget = saga.budget = Budget.generate(self.ids.new(), order, found, at=now, validity_days=days)
        if self.rules.auto_approve and budget.amount_cents:
            self._approve(saga, Decision())
        return budget

    def _unannounced(self, call: Call, cancellation: Cancellation) -> WorkOrder:
        return WorkOrder(
            id=cancellation.work_order_id,
            workshop_id=cancellation.workshop_id,
            correlation_id=call.correlation_id or call.causation_id,
            created_at=self.clock.now(),
        )


def _refusal_of(decide: Callable[[Saga, Budget], object], saga: Saga, budget: Budget) -> DomainError | None:
    try:
        decide(saga, budget)
    except DomainError as refusal:
        return refusal
    return None
