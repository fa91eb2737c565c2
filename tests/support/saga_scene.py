"""Sagas in any state, brought there by real moves alone: a state that no moves lead to cannot be built here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus, PixOffer, Snapshot
from domain.billing.customer import Customer
from domain.billing.events import BillingFact
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.observing import Observed, observe
from domain.billing.payment import CANCELED, UNAVAILABLE, Payment
from domain.billing.payment_lifecycle import PaymentAction, PaymentStatus
from domain.billing.pricing import Order, price
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.billing.work_order import WorkOrder
from domain.money import Money
from domain.posting import Entry
from tests.support.builders import an_os

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
OS: Final = an_os(42)
BUDGET: Final = UUID(int=1000)
PRICE: Final = Money(10_000)
PART: Final = Money(4_000)
"""What is refunded where only some of it is."""
PANEL: Final = Money(3_000)
"""What somebody gives back in the provider's panel."""
CUSTOMER: Final = Customer(name="A customer", email="customer@example.com")

AggregateT = TypeVar("AggregateT", bound=Aggregate)

_B, _P, _C = BudgetStatus, PaymentStatus, ChargeStatus


class Unreachable(Exception):
    """No moves lead to this state."""


@dataclass(kw_only=True)
class SagaScene:
    """A saga at an instant, and a provider whose clock goes a second further with each word it says."""

    saga: Saga
    rules: BillingRules = field(default_factory=BillingRules)
    now: datetime = AT
    stamp: datetime = AT
    told_facts: list[BillingFact] = field(default_factory=list)
    booked: list[Entry] = field(default_factory=list)

    @property
    def budget(self) -> Budget:
        """The budget, which every saga here has."""
        assert self.saga.budget is not None
        return self.saga.budget

    @property
    def payment(self) -> Payment:
        """The newest attempt to pay."""
        return self.saga.payments[-1]

    @property
    def state(self) -> tuple[BudgetStatus | None, list[PaymentStatus | None]]:
        """Where the budget and each attempt stand."""
        return self.budget.status, [payment.status for payment in self.saga.payments]

    @property
    def written(self) -> tuple[object, ...]:
        """All that would be stored, and what was changed of it: equal before and after means that nothing happened."""
        nouns = (self.saga.work_order, self.budget, *self.saga.payments)
        return tuple((replace(noun), list(noun.changes)) for noun in nouns)

    @property
    def standing(self) -> tuple[object, ...]:
        """All that decides what can happen next, ids and instants aside."""
        payments = (
            (p.status, p.giveback, p.surplus, bool(p.withdrawn), p.captured, p.reversed, _last(p))
            for p in self.saga.payments
        )
        return self.saga.work_order.state, self.budget.status, *payments

    def fork(self) -> SagaScene:
        """Another one that stands as this one does, and goes its own way from here."""
        saga = Saga(
            work_order=_own(self.saga.work_order),
            budget=_own(self.budget),
            payments=[_own(payment) for payment in self.saga.payments],
        )
        return SagaScene(saga=saga, rules=self.rules, now=self.now, stamp=self.stamp)

    def facts(self) -> list[BillingFact]:
        """What was told since this was last asked, in the order in which it is written."""
        changed = self.saga.changed
        changes = [change for noun in changed for change in noun.changes]
        self.booked += [change.entry for change in changes if change.entry]
        fresh = [change.fact for change in changes if isinstance(change.fact, BillingFact)]
        self.told_facts += fresh
        for noun in changed:
            noun.changes.clear()
        return fresh

    def names(self) -> list[str]:
        """The names of `facts`."""
        return [type(fact).__name__ for fact in self.facts()]

    def start(self, payment_id: UUID | None = None) -> Payment:
        """One more attempt to pay."""
        new = payment_id or UUID(int=1001 + len(self.saga.payments))
        return self.saga.start_payment(new, self.rules, at=self.now)

    def seen(self, status: ChargeStatus, payment: Payment | None = None, **changes: Any) -> Snapshot:
        """What the provider says of an attempt next, `status` in a moment later than everything before."""
        payment = payment or self.payment
        self.stamp += timedelta(seconds=1)
        said = Snapshot(
            id=f"charge-{payment.id.int}",
            reference=str(payment.id),
            status=status,
            detail=status.value.lower(),
            amount=payment.amount,
            refunded=payment.amount if status is _C.REFUNDED else payment.reversed,
            updated_at=self.stamp,
            pix=PixOffer(code="pix") if status is _C.PENDING else None,
        )
        return replace(said, **changes)

    def told(self, status: ChargeStatus, payment: Payment | None = None, **changes: Any) -> Observed:
        """The provider says it, and it is applied."""
        return self.apply(self.seen(status, payment, **changes), payment)

    def apply(self, said: Snapshot, payment: Payment | None = None) -> Observed:
        """What the provider said is applied, for the first time or once more."""
        return observe(self.saga, payment or self.payment, said, self.rules, at=self.now)

    def refunded(self, payment: Payment | None = None) -> bool:
        """The provider gave back what it was asked for, if it has so much."""
        payment = payment or self.payment
        asked = payment.refunds.unsettled
        if asked is None or asked.amount.cents > payment.left.cents:
            return False
        return payment.refunded(asked.sequence, at=self.now, provider_refund_id="refund")

    def refund_failed(self, payment: Payment | None = None, *, definitive: bool = True) -> bool:
        """The provider did not give back what it was asked for, or could not say for too long."""
        payment, reason = payment or self.payment, "no balance"
        asked = payment.refunds.in_flight
        return asked is not None and payment.refund_failed(asked.sequence, reason, definitive=definitive, at=self.now)

    def cancel(self, reason: str = "OsCanceled") -> bool:
        """The work order is over; answers whether that was news."""
        news = self.saga.work_order.cancel(reason=reason, at=self.now)
        if news:
            self.saga.undo(reason, at=self.now)
        return news

    def approve(self) -> SagaScene:
        """The customer accepts the budget."""
        self.budget.approve(at=self.now)
        return self


def _own(noun: AggregateT) -> AggregateT:
    twin = copy(noun)  # a walk makes tens of thousands: `replace` would take ten times as long
    twin.changes = []
    return twin


def _last(payment: Payment) -> tuple[object, ...]:
    asked = payment.refunds.all[-1:]
    return tuple((refund.amount, refund.status) for refund in asked)


def a_line(cents: int = PRICE.cents, kind: LineItemKind = LineItemKind.LABOR, quantity: str = "1") -> LineItem:
    """A line of a budget."""
    return LineItem(kind=kind, description=kind.value, quantity=Decimal(quantity), unit_price=Money(cents))


def a_draft(**changes: Any) -> SagaScene:
    """A budget as it was just made; `changes` are the order's."""
    order = Order(work_order_id=OS, workshop_id="main", description="Repair", customer=CUSTOMER, items=(a_line(),))
    order = replace(order, **changes)
    work_order = WorkOrder(id=OS, workshop_id="main", correlation_id="saga", created_at=AT)
    work_order.open(at=AT)
    budget = Budget.generate(BUDGET, order, price(order, None, None), at=AT)
    scene = SagaScene(saga=Saga(work_order=work_order, budget=budget, payments=[]))
    scene.facts()
    return scene


def an_approved(**changes: Any) -> SagaScene:
    """A budget that was accepted, and that nobody began to pay."""
    scene = a_draft(**changes).approve()
    scene.facts()
    return scene


def a_saga(budget: BudgetStatus, payment: PaymentStatus | None = None) -> SagaScene:
    """A saga whose budget, and the only attempt to pay it, stand so. Raises Unreachable.

    A CANCELED budget was withdrawn by an operator: no tombstone stands yet.
    """
    scene = a_draft()
    for move in _way(budget, payment):
        MOVES[move](scene)
    scene.facts()
    if scene.state != (budget, [payment] if payment else []):
        raise Unreachable(f"{budget} with {payment} came to {scene.state}")
    return scene


def _way(budget: BudgetStatus, payment: PaymentStatus | None) -> list[str]:
    """The moves that lead there, by name."""
    if budget is _B.APPROVED:
        return ["approve", *(["start", *_PAID[payment].split()] if payment else [])]
    if budget is _B.CANCELED:
        if payment is None:
            return ["withdraw_budget"]
        return ["approve", "start", *_known(_UNDONE, payment)]
    if payment is None:
        return _AFTER_REVISION[budget].split()
    before, after = _known(_LATE, payment, " | ") if payment in _LATE else (_paid_out(payment), "")
    return ["approve", "start", *before.split(), "revise", *_AFTER_REVISION[budget].split(), *after.split()]


def _known(ways: Mapping[PaymentStatus, str], payment: PaymentStatus, separator: str | None = None) -> list[str]:
    if payment not in ways:
        raise Unreachable(payment.value)
    return ways[payment].split(separator)


def _paid_out(payment: PaymentStatus) -> str:
    """How an attempt comes to hold nothing, so that its budget may be revised."""
    if payment not in (_P.REVERSED, _P.CHARGED_BACK, _P.FAILED, _P.EXPIRED, _P.CANCELED):
        raise Unreachable(payment.value)
    return _PAID[payment]


_PAID: Final = {
    _P.CREATED: "",
    _P.UNKNOWN: "dispatch",
    _P.PENDING: "dispatch pend",
    _P.CANCELING: "dispatch pend withdraw",
    _P.CONFIRMED: "dispatch pend pay",
    _P.REFUNDING: "dispatch pend pay refund_part",
    _P.PARTIALLY_REVERSED: "dispatch pend pay refund_part refunded",
    _P.REFUND_FAILED: "dispatch pend pay refund_part refund_failed",
    _P.REVERSED: "dispatch pend pay refund_all refunded",
    _P.DISPUTED: "dispatch pend pay dispute",
    _P.CHARGED_BACK: "dispatch pend pay dispute lose",
    _P.FAILED: "dispatch refuse",
    _P.EXPIRED: "dispatch pend expire",
    _P.CANCELED: "withdraw",
}
"""From a new attempt of an approved budget to each status."""

_UNDONE: Final = {
    _P.UNKNOWN: "dispatch withdraw_budget",
    _P.CANCELING: "dispatch pend withdraw_budget",
    _P.REFUNDING: "dispatch pend pay withdraw_budget",
    _P.REFUND_FAILED: "dispatch pend pay withdraw_budget refund_failed",
    _P.REVERSED: "dispatch pend pay withdraw_budget refunded",
    _P.DISPUTED: "dispatch pend pay dispute withdraw_budget",
    _P.CHARGED_BACK: "dispatch pend pay dispute withdraw_budget lose",
    _P.FAILED: "dispatch withdraw_budget give_up",
    _P.EXPIRED: "dispatch pend expire withdraw_budget",
    _P.CANCELED: "withdraw_budget",
}
"""From a new attempt to each status under a withdrawn budget."""

_LATE: Final = {
    _P.REFUNDING: "dispatch pend expire | pay",
    _P.REFUND_FAILED: "dispatch pend expire | pay refund_failed",
    _P.DISPUTED: "dispatch pend expire | pay dispute",
}
"""Money that came after the attempt was over and the budget revised: before the revision | and after it."""

_AFTER_REVISION: Final = {
    _B.DRAFT: "",
    _B.SENT: "send",
    _B.REJECTED: "send reject",
    _B.EXPIRED: "send lapse",
}
"""From a draft to each other status that owes nothing."""


def _lapse(scene: SagaScene) -> None:
    scene.now = (scene.budget.valid_until or scene.now) + timedelta(microseconds=1)
    scene.budget.expire_if_due(at=scene.now)


def _refund(scene: SagaScene, amount: Money) -> None:
    scene.payment.refund(amount, reason="asked for", at=scene.now)


MOVES: Final[dict[str, Callable[[SagaScene], object]]] = {
    "approve": lambda scene: scene.approve(),
    "send": lambda scene: scene.budget.send(at=scene.now),
    "reject": lambda scene: scene.budget.reject(reason="too dear", at=scene.now),
    "lapse": _lapse,
    "revise": lambda scene: scene.saga.revise((a_line(),), at=scene.now),
    "withdraw_budget": lambda scene: scene.saga.undo("withdrawn", at=scene.now),
    "start": lambda scene: scene.start(),
    "dispatch": lambda scene: scene.saga.dispatch(scene.payment, at=scene.now),
    "withdraw": lambda scene: scene.payment.withdraw(CANCELED, at=scene.now),
    "give_up": lambda scene: scene.payment.end(PaymentAction.GIVE_UP, UNAVAILABLE, at=scene.now),
    "pend": lambda scene: scene.told(_C.PENDING),
    "refuse": lambda scene: scene.told(_C.REJECTED),
    "expire": lambda scene: scene.told(_C.EXPIRED),
    "pay": lambda scene: scene.told(_C.APPROVED),
    "refund_part": lambda scene: _refund(scene, PART),
    "refund_all": lambda scene: _refund(scene, PRICE),
    "refunded": lambda scene: scene.refunded(),
    "refund_failed": lambda scene: scene.refund_failed(),
    "refund_doubted": lambda scene: scene.refund_failed(definitive=False),
    "refund_by_admin": lambda scene: scene.told(_C.APPROVED, refunded=max(PANEL, scene.payment.reversed)),
    "dispute": lambda scene: scene.told(_C.DISPUTED),
    "lose": lambda scene: scene.told(_C.CHARGED_BACK),
}
"""Every move, by name."""
