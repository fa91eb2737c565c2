"""The budget: its rules, and the facts they make (billing.md B.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.accounts import approval
from domain.billing.budget_lifecycle import LIFECYCLE, BudgetAction, BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetIsCanceled,
    BudgetIsExpired,
    BudgetWithoutCustomer,
    BudgetWithoutPrice,
    LinkInvalid,
    LinkRevoked,
    StaleRevision,
)
from domain.billing.events import (
    BillingFact,
    BudgetApproved,
    BudgetCanceled,
    BudgetExpired,
    BudgetGenerated,
    BudgetRejected,
    BudgetSent,
)
from domain.billing.line_item import LineItem, total_of
from domain.billing.pricing import Order, Price, PriceSource
from domain.billing.revision import ApprovalLink, digest_of
from domain.money import Money
from domain.posting import Entry, undone
from domain.tasks import Due

EXPIRE: Final = "expire_budget"
"""The kind of the task that is due when a sent budget's validity has passed."""

_INSTANT: Final = timedelta(microseconds=1)


@dataclass(kw_only=True)
class Budget(Aggregate):
    """Orçamento: a quote for one work order. `total` is None while there is no price.

    The lines never change within a revision: other lines are the next revision. `valid_until` is set while it is, or
    was, offered; that very instant still counts.
    """

    subject = "budget"

    work_order_id: UUID
    workshop_id: str
    description: str
    customer: Customer
    items: tuple[LineItem, ...]
    total: Money | None
    price_source: PriceSource
    revision: int
    created_at: datetime
    updated_at: datetime
    validity_days: int = 10
    valid_until: datetime | None = None
    status: BudgetStatus | None = None

    @classmethod
    def generate(cls, budget_id: UUID, order: Order, price: Price, *, at: datetime, validity_days: int = 10) -> Budget:
        """The first revision of a new budget. Records BudgetGenerated."""
        budget = cls(
            id=budget_id,
            work_order_id=order.work_order_id,
            workshop_id=order.workshop_id,
            description=order.description,
            customer=order.customer,
            items=price.items,
            total=price.total,
            price_source=price.source,
            revision=1,
            created_at=at,
            updated_at=at,
            validity_days=validity_days,
        )
        budget._move(BudgetAction.GENERATE, at)
        return budget

    def update(
        self,
        *,
        at: datetime,
        items: tuple[LineItem, ...] | None = None,
        customer: Customer | None = None,
        validity_days: int | None = None,
    ) -> bool:
        """Change a draft; what is None stays. Other lines make the next revision, and BudgetGenerated tells it (B4).

        Answers False, changing nothing, when everything is so already. Raises IllegalTransition, BudgetIsCanceled,
        BudgetIsExpired, NegativeTotal, WrongCurrency.
        """
        self._must_live(BudgetAction.UPDATE)
        wanted = (
            self.items if items is None else items,
            self.customer if customer is None else customer,
            self.validity_days if validity_days is None else validity_days,
        )
        if wanted == (self.items, self.customer, self.validity_days):
            return False
        relined = wanted[0] != self.items
        if relined:
            self._reline(wanted[0])
        _, self.customer, self.validity_days = wanted
        self._move(BudgetAction.UPDATE, at, tells=relined)
        return True

    def revise(self, items: tuple[LineItem, ...], *, at: datetime) -> None:
        """Open the next revision of a budget that was offered or decided; its link dies with the old one (B9).

        Raises IllegalTransition, BudgetIsCanceled, NegativeTotal, WrongCurrency.
        """
        if self.status is BudgetStatus.CANCELED:
            raise BudgetIsCanceled
        LIFECYCLE.next(self.status, BudgetAction.REVISE)
        entry = undone(approval(self.items)) if self.status is BudgetStatus.APPROVED else ()
        self._reline(items)
        self.valid_until = None
        self._move(BudgetAction.REVISE, at, entry=entry)

    def send(self, *, at: datetime) -> bool:
        """Offer it to the customer; from now on the clock runs (B5). Answers False for a repeat.

        Raises IllegalTransition, BudgetIsCanceled, BudgetIsExpired, BudgetWithoutPrice, BudgetWithoutCustomer.
        """
        if not self._must_live(BudgetAction.SEND):
            return False
        self._must_have_a_price()
        if self.customer == Customer():
            raise BudgetWithoutCustomer
        self.valid_until = at + timedelta(days=self.validity_days)
        self._move(BudgetAction.SEND, at)
        return True

    def approve(self, *, at: datetime, expected_revision: int | None = None, link: ApprovalLink | None = None) -> bool:
        """Accept the current revision (B6). Answers False for a repeat.

        Raises IllegalTransition, BudgetIsCanceled, BudgetIsExpired, StaleRevision, LinkInvalid, LinkRevoked,
        BudgetWithoutPrice.
        """
        if not self._must_be_decidable(BudgetAction.APPROVE, expected_revision, link, at):
            return False
        self._must_have_a_price()
        self._move(BudgetAction.APPROVE, at, entry=approval(self.items))
        return True

    def reject(
        self, *, reason: str, at: datetime, expected_revision: int | None = None, link: ApprovalLink | None = None
    ) -> bool:
        """Refuse the current revision (B7). Answers False for a repeat. Raises as `approve` does."""
        if not self._must_be_decidable(BudgetAction.REJECT, expected_revision, link, at):
            return False
        self._must_have_a_price()
        self._move(BudgetAction.REJECT, at, reason=reason)
        return True

    def expire_if_due(self, *, at: datetime) -> bool:
        """End an offer whose validity has passed (B8); answers whether it was so."""
        if self.status is not BudgetStatus.SENT or self.valid_until is None or at <= self.valid_until:
            return False
        self._move(BudgetAction.EXPIRE, at)
        return True

    def cancel(self, *, reason: str, at: datetime) -> bool:
        """Withdraw it (B10). Answers False, changing nothing, when it is over already (B11, B12)."""
        if not LIFECYCLE.changes(self.status, BudgetAction.CANCEL):
            return False
        entry = undone(approval(self.items)) if self.status is BudgetStatus.APPROVED else ()
        self._move(BudgetAction.CANCEL, at, reason=reason, entry=entry)
        return True

    @property
    def key(self) -> str:
        """Its work order's id."""
        return str(self.work_order_id)

    @property
    def approved(self) -> bool:
        """Whether its current revision is accepted: only then may money be taken for it."""
        return self.status is BudgetStatus.APPROVED

    @property
    def offerable(self) -> bool:
        """Whether `send` would offer it: a draft with a price above zero and somebody to offer it to."""
        return self.status is BudgetStatus.DRAFT and self.amount_cents > 0 and self.customer != Customer()

    @property
    def amount_cents(self) -> int:
        """The total in centavos; 0 while there is no price."""
        return self.total.cents if self.total else 0

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What may be done with it now, as verbs."""
        return tuple(action.value for action in LIFECYCLE.allowed(self.status))

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the current revision's content; see `revision.digest_of`."""
        return digest_of(self.id, self.revision, self.description, self.items, self.total)

    @property
    def due(self) -> Due | None:
        """Its expiry, while it is offered."""
        if self.status is not BudgetStatus.SENT or self.valid_until is None:
            return None
        return Due(EXPIRE, self.valid_until + _INSTANT)

    def _reline(self, items: tuple[LineItem, ...]) -> None:
        self.total, self.items = total_of(items), items
        self.price_source = PriceSource.ITEMS
        self.revision += 1

    def _must_live(self, action: BudgetAction) -> bool:
        """Whether the action changes anything. Raises what says best why it may not be done."""
        if self.status is BudgetStatus.CANCELED:
            raise BudgetIsCanceled
        if self.status is BudgetStatus.EXPIRED:
            raise BudgetIsExpired
        return LIFECYCLE.changes(self.status, action)

    def _must_be_decidable(
        self, action: BudgetAction, expected: int | None, link: ApprovalLink | None, at: datetime
    ) -> bool:
        if link is not None and link.budget_id != self.id:
            raise LinkInvalid
        if link is not None and link.revision != self.revision:
            raise LinkRevoked(metadata={"revision": str(self.revision)})
        if expected is not None and expected != self.revision:
            raise StaleRevision(metadata={"revision": str(self.revision)})
        changes = self._must_live(action)
        if changes and link is not None and at > link.expires_at:
            raise BudgetIsExpired
        return changes

    def _must_have_a_price(self) -> None:
        if self.amount_cents <= 0:
            raise BudgetWithoutPrice

    def _move(
        self, action: BudgetAction, at: datetime, *, reason: str = "", entry: Entry = (), tells: bool = True
    ) -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        fact = self._fact(action, reason) if tells else None
        self.record(action.value, before.value if before else None, self.status.value, at=at, fact=fact, entry=entry)

    def _fact(self, action: BudgetAction, reason: str) -> BillingFact:
        told = _FACTS[action]
        known = {"revision": self.revision, "reason": reason if told is BudgetRejected else reason or None}
        return told(
            aggregate_id=self.id,
            aggregate_version=self.next_version,
            os_id=self.work_order_id,
            budget_id=self.id,
            amount_cents=self.amount_cents,
            status_detail=self.status.value if self.status else "",
            **{name: known[name] for name in _ADDED[action]},
        )


_FACTS: Final[dict[BudgetAction, Callable[..., BillingFact]]] = {
    BudgetAction.GENERATE: BudgetGenerated,
    BudgetAction.UPDATE: BudgetGenerated,
    BudgetAction.REVISE: BudgetGenerated,
    BudgetAction.SEND: BudgetSent,
    BudgetAction.APPROVE: BudgetApproved,
    BudgetAction.REJECT: BudgetRejected,
    BudgetAction.EXPIRE: BudgetExpired,
    BudgetAction.CANCEL: BudgetCanceled,
}
"""Which fact tells of which move."""

_ADDED: Final[dict[BudgetAction, tuple[str, ...]]] = {
    **dict.fromkeys((BudgetAction.GENERATE, BudgetAction.UPDATE, BudgetAction.REVISE), ("revision",)),
    BudgetAction.SEND: ("revision",),
    BudgetAction.APPROVE: ("revision",),
    BudgetAction.REJECT: ("revision", "reason"),
    BudgetAction.EXPIRE: (),
    BudgetAction.CANCEL: ("reason",),
}
"""What each of them says beyond what all say."""
