"""An attempt to pay as it stands: what is known of it, what follows from that, and how a move of it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.charge import PixOffer, Snapshot
from domain.billing.events import PaymentFact, PaymentFailed
from domain.billing.payment_lifecycle import HELD, LIFECYCLE, OPEN, PARTNERS, TASKS, VERBS, PaymentAction, PaymentStatus
from domain.billing.refund import Refunds
from domain.money import Money
from domain.posting import Entry
from domain.tasks import Due

_NOTHING: Final = Money(0)
_NO_REFUNDS: Final = Refunds()


@dataclass(kw_only=True)
class PaymentState(Aggregate):
    """Pagamento. `captured` came and `reversed` went back, of `amount`; `giveback`: all of it must go back.

    `idempotency_key` is its charge's; `surplus`: its capture was owed by nobody. `withdrawn` is why we want
    it no more, empty while we do. `provider_updated_at` is the provider's clock in what was last believed.
    """

    subject = "payment"

    work_order_id: UUID
    workshop_id: str
    customer_id: UUID | None
    budget_id: UUID
    amount: Money
    provider: str
    idempotency_key: UUID
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    script: str = ""
    status: PaymentStatus | None = None
    captured: Money = _NOTHING
    reversed: Money = _NOTHING
    refunds: Refunds = _NO_REFUNDS
    giveback: bool = False
    surplus: bool = False
    withdrawn: str = ""
    detail: str = ""
    provider_payment_id: str = ""
    provider_updated_at: datetime | None = None
    pix: PixOffer | None = None
    confirmed_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its work order's id."""
        return str(self.work_order_id)

    @property
    def open(self) -> bool:
        """Whether money may still come, and is expected."""
        return self.status in OPEN

    @property
    def kept(self) -> bool:
        """Whether it holds money that may stay."""
        return self.status in HELD and not self.giveback

    @property
    def left(self) -> Money:
        """What came and did not go back."""
        return self.captured - self.reversed

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a person may do with it now, as verbs."""
        return () if self.withdrawn else tuple(VERBS[a] for a in LIFECYCLE.allowed(self.status) if a in VERBS)

    @property
    def due(self) -> Due | None:
        """What only the provider can end, to be asked for."""
        work = TASKS.get(self.status) if self.status else None
        return Due(work[0], self.updated_at + work[1]) if work else None

    def _capture(self, seen: Snapshot, at: datetime) -> None:
        self._believe(seen)
        self.captured, self.confirmed_at, self.withdrawn = seen.amount, at, ""

    def _believe(self, seen: Snapshot) -> None:
        self.provider_payment_id, self.provider_updated_at, self.detail = seen.id, seen.updated_at, seen.detail

    def _fail(self, action: PaymentAction, reason: str, detail: str, at: datetime) -> None:
        self.detail = detail or reason
        self._move(action, at, PaymentFailed, {"reason": reason, "reason_detail": detail})

    def _move(
        self,
        action: PaymentAction,
        at: datetime,
        tells: type[PaymentFact] | None = None,
        said: Mapping[str, Any] | None = None,
        *,
        entry: Entry = (),
    ) -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        fact = None if tells is None else tells(**{**self._said(), **(said or {})})
        self.record(action.value, before.value if before else None, self.status.value, at=at, fact=fact, entry=entry)

    def _said(self) -> dict[str, Any]:
        """What every fact about it says."""
        return {
            "aggregate_id": self.id,
            "aggregate_version": self.next_version,
            "os_id": self.work_order_id,
            "payment_id": self.id,
            "budget_id": self.budget_id,
            "provider_payment_id": self.provider_payment_id or None,
            "status": PARTNERS[self.status] if self.status else 0,
            "status_detail": self.status.value if self.status else "",
            "amount_cents": self.amount.cents,
        }
