"""One work order with everything of it, and the rules that span its nouns (billing.md B.2 to B.5).

All of it is loaded together under the work order's lock, so that each rule sees one state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.errors import (
    BudgetIsBeingPaid,
    BudgetNotApproved,
    PaymentAlreadyOpen,
    TooManyPayments,
    WorkOrderCanceled,
    WrongAmount,
)
from domain.billing.line_item import LineItem
from domain.billing.payment import CANCELED, SUPERSEDED, Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.billing.work_order import WorkOrder
from domain.money import Money, total


@dataclass(kw_only=True)
class Saga:
    """A work order, its budget if it has one, and every attempt to pay it, oldest first."""

    work_order: WorkOrder
    budget: Budget | None
    payments: list[Payment]

    def payment(self, payment_id: UUID) -> Payment:
        """The attempt with this id, which is one of this work order's."""
        return next(payment for payment in self.payments if payment.id == payment_id)

    def kept_besides(self, payment: Payment) -> bool:
        """Whether another attempt holds money that may stay."""
        return any(other.kept for other in self.payments if other is not payment)

    def takes(self, payment: Payment) -> bool:
        """Whether money of this attempt is owed now: all of the present price, and none is here."""
        budget = self.budget
        owed = budget is not None and budget.approved and budget.total == payment.amount
        return owed and not self.kept_besides(payment)

    @property
    def net(self) -> Money:
        """What was paid and stays, of all attempts together (B.3)."""
        return total(payment.left for payment in self.payments if payment.kept)

    @property
    def amount_due(self) -> Money:
        """What the budget still lacks; zero while nobody owes anything."""
        if self.budget is None or not self.budget.approved or self.budget.total is None:
            return Money(0)
        return Money(max(0, self.budget.total.cents - self.net.cents))

    def revise(self, items: tuple[LineItem, ...], *, at: datetime) -> None:
        """Open the budget's next revision (B9). Raises WorkOrderCanceled, BudgetIsBeingPaid, and as `Budget.revise`."""
        if self.work_order.canceled:
            raise WorkOrderCanceled(metadata={"work_order_id": str(self.work_order.id)})
        busy = next((payment for payment in self.payments if payment.open or payment.kept), None)
        if busy is not None:
            raise BudgetIsBeingPaid(metadata={"payment_id": str(busy.id)})
        if self.budget is not None:
            self.budget.revise(items, at=at)

    def start_payment(
        self, payment_id: UUID, rules: BillingRules, *, at: datetime, amount: Money | None = None, script: str = ""
    ) -> Payment:
        """Begin an attempt to take the budget's total (P1).

        Raises BudgetNotApproved, PaymentAlreadyOpen, TooManyPayments, WrongAmount.
        """
        budget = self.budget
        if budget is None or not budget.approved:
            raise BudgetNotApproved
        busy = next((payment for payment in self.payments if payment.open or payment.kept), None)
        if busy is not None:
            raise PaymentAlreadyOpen(metadata={"payment_id": str(busy.id)})
        if amount is not None and amount != budget.total:
            raise WrongAmount
        if len(self.payments) >= rules.max_attempts:
            raise TooManyPayments(metadata={"max_attempts": str(rules.max_attempts)})
        payment = Payment.start(
            payment_id,
            budget,
            provider=rules.provider,
            expires_at=at + rules.payment_validity,
            at=at,
            script=script,
        )
        self.payments.append(payment)
        return payment

    def dispatch(self, payment: Payment, *, at: datetime) -> bool:
        """The provider is about to be asked (P2); answers False when it shall not be, or was already."""
        if payment.status is not PaymentStatus.CREATED or not self.takes(payment):
            return False
        payment.dispatch(at=at)
        return True

    def withdraw_others(self, payment: Payment, *, at: datetime) -> None:
        """This attempt has the money: no other may get any (P7)."""
        for other in self.payments:
            if other is not payment and other.open:
                other.withdraw(SUPERSEDED, at=at)

    def undo(self, reason: str, *, at: datetime) -> None:
        """Withdraw the budget if it is alive, and undo every attempt to pay: the compensation matrix (B.4).

        A budget that is CANCELED already was undone then; what is still on its way back is others' work.
        """
        if self.budget is None or self.budget.status is BudgetStatus.CANCELED:
            return
        self.budget.cancel(reason=reason, at=at)
        for payment in self.payments:
            if payment.open:
                payment.withdraw(CANCELED, at=at)
            else:
                payment.give_back(reason or CANCELED, at=at)

    @property
    def changed(self) -> list[Aggregate]:
        """What must be written, the root first."""
        nouns: list[Aggregate | None] = [self.work_order, self.budget, *self.payments]
        return [noun for noun in nouns if noun is not None and noun.changes]
