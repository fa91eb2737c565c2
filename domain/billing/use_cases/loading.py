"""How every use case of billing begins and ends: the whole saga under its work order's lock, and what changed of it."""

from __future__ import annotations

from uuid import UUID

from domain.actor import Call
from domain.billing.errors import BudgetNotFound, PaymentNotFound, WorkshopNotFound
from domain.billing.ports import BillingWork
from domain.billing.saga import Saga
from domain.billing.work_order import WorkOrder


async def saga_of(work: BillingWork, work_order: WorkOrder) -> Saga:
    """Everything of a work order that is locked already."""
    budget = await work.budgets.of_work_order(work_order.id)
    payments = await work.payments.of_work_order(work_order.id) if budget else []
    return Saga(work_order=work_order, budget=budget, payments=payments)


async def saga_of_budget(work: BillingWork, call: Call, budget_id: UUID) -> Saga:
    """The saga that a budget is of. Raises BudgetNotFound, also for what the actor does not see."""
    work_order = await work.work_orders.of_budget(budget_id)
    if work_order is None or not call.actor.sees(work_order.workshop_id):
        raise BudgetNotFound
    return await saga_of(work, work_order)


async def saga_of_payment(work: BillingWork, call: Call, payment_id: UUID) -> Saga:
    """The saga that a payment is of. Raises PaymentNotFound, also for what the actor does not see."""
    work_order = await work.work_orders.of_payment(payment_id)
    if work_order is None or not call.actor.sees(work_order.workshop_id):
        raise PaymentNotFound
    return await saga_of(work, work_order)


def save(work: BillingWork, saga: Saga) -> None:
    """Have what changed written at commit, the root first."""
    if saga.work_order.changes:
        work.work_orders.save(saga.work_order)
    if saga.budget is not None and saga.budget.changes:
        work.budgets.save(saga.budget)
    for payment in saga.payments:
        if payment.changes:
            work.payments.save(payment)


def must_see_workshop(call: Call, workshop_id: str) -> None:
    """Raise WorkshopNotFound for a workshop outside the actor's own."""
    if not call.actor.sees(workshop_id):
        raise WorkshopNotFound
