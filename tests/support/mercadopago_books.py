"""What a fake Mercado Pago knows and does with money, in the Payments API's words; no HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


class Denied(Exception):
    """It does not do it; each API has its own status and code for the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FakeTime:
    """The real time, and as far ahead of it as it was moved; a Clock."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **by: float) -> None:
        self._ahead += timedelta(**by)


@dataclass
class FakeRefund:
    """A refund: approved, in_process or rejected; asked for by the `api` or in the `panel`."""

    id: str
    cents: int
    status: str
    asked_by: str


@dataclass
class FakeCharge:
    """A charge of one of the two APIs (`kind`). `words` are a status and a detail that its API says, whatever is true.

    `captured` is what the customer paid, 0 until then.
    """

    kind: str
    id: str
    transaction_id: str
    reference: str
    cents: int
    description: str
    payer: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    updated_at: datetime
    notification_url: str = ""
    status: str = "pending"
    detail: str = "pending_waiting_transfer"
    currency: str = "BRL"
    live: bool = True
    captured: int = 0
    approved_at: datetime | None = None
    fee_cents: int = 0
    refunds: list[FakeRefund] = field(default_factory=list)
    words: tuple[str, str] | None = None

    @property
    def refunded(self) -> int:
        return sum(refund.cents for refund in self.refunds if refund.status == "approved")

    @property
    def left(self) -> int:
        """What can still be given back."""
        running = sum(refund.cents for refund in self.refunds if refund.status == "in_process")
        return self.captured - self.refunded - running


class Books:
    """Every charge, and what customers, operators and banks do with it. What a test may change is public."""

    def __init__(self, time: FakeTime) -> None:
        self.time = time
        self.charges: dict[str, FakeCharge] = {}
        self.refunds_become = "approved"
        """What a refund asked for now becomes: approved, in_process or rejected."""
        self.has_balance = True
        self.indexed = True
        """Whether a search finds what was made; it may lag behind."""
        self.newest_first = True
        """In what order searches and orders list things, which is nowhere said."""
        self.live = True
        self.refund_window = timedelta(days=180)
        self._last = 0

    # -- what the APIs ask for --

    def open(self, kind: str, *, expires_at: datetime, **said: Any) -> FakeCharge:
        """A new charge that waits for its customer; `said` are fields of it."""
        now, number = self.time.now(), self._next()
        prefix = "ORD" if self.live else "ORDTST"
        charge = FakeCharge(
            kind=kind,
            id=str(number) if kind == "payments" else f"{prefix}01{number:024d}",
            transaction_id=f"PAY01{number:024d}",
            created_at=now,
            updated_at=now,
            expires_at=expires_at,
            live=self.live,
            **said,
        )
        self.charges[charge.id] = charge
        return charge

    def charge(self, kind: str, charge_id: str) -> FakeCharge:
        """As it is now: what is due is expired. Raises Denied."""
        charge = self.charges.get(charge_id)
        if charge is None or charge.kind != kind:
            raise Denied("not_found")
        if charge.status == "pending" and self.time.now() > charge.expires_at:
            self._become(charge, "cancelled", "expired")
        return charge

    def found(self, kind: str, reference: str, begin: datetime | None, end: datetime | None) -> Iterator[FakeCharge]:
        """Charges of a reference made within a range."""
        for charge in sorted(self.charges.values(), key=lambda one: one.created_at, reverse=self.newest_first):
            within = (begin is None or charge.created_at >= begin) and (end is None or charge.created_at <= end)
            if self.indexed and charge.kind == kind and charge.reference == reference and within:
                yield self.charge(kind, charge.id)

    def listed(self, charge: FakeCharge) -> list[FakeRefund]:
        """A charge's refunds."""
        return charge.refunds[::-1] if self.newest_first else charge.refunds[:]

    def cancel(self, charge: FakeCharge) -> None:
        """Raises Denied unless it waits."""
        if charge.status not in ("pending", "in_process"):
            raise Denied("not_cancelable")
        self._become(charge, "cancelled", "by_collector")

    def refund(self, charge: FakeCharge, cents: int | None, *, asked_by: str = "api") -> FakeRefund:
        """Give back an amount, or all that is left. Raises Denied."""
        self._check_refund(charge, cents)
        number = self._next()
        refund_id = str(number) if charge.kind == "payments" else f"REF01{number:024d}"
        refund = FakeRefund(refund_id, cents or charge.left, self.refunds_become, asked_by)
        charge.refunds.append(refund)
        self._settle(charge)
        return refund

    # -- what people ask for --

    def pay(self, charge_id: str, *, cents: int | None = None, fee_cents: int = 0, late: bool = False) -> FakeCharge:
        """The customer pays; after its expiry only a `late` payment arrives, any other goes back to the customer."""
        charge = self.charge(self.charges[charge_id].kind, charge_id)
        if charge.status == "pending" or late:
            charge.captured, charge.fee_cents = charge.cents if cents is None else cents, fee_cents
            charge.approved_at = self.time.now()
            self._become(charge, "approved", "accredited")
        return charge

    def refund_in_panel(self, charge_id: str, cents: int | None = None) -> FakeRefund:
        """An operator gives money back by hand."""
        return self.refund(self.charges[charge_id], cents, asked_by="panel")

    def settle_refunds(self, charge_id: str, *, approved: bool) -> None:
        """Every refund in process ends."""
        charge = self.charges[charge_id]
        for refund in charge.refunds:
            if refund.status == "in_process":
                refund.status = "approved" if approved else "rejected"
        self._settle(charge)

    def dispute(self, charge_id: str, detail: str) -> None:
        """A chargeback: `in_process` opens it, `settled` loses it, `reimbursed` wins it."""
        self._become(self.charges[charge_id], "charged_back", detail)

    def say(self, charge_id: str, status: str, detail: str) -> None:
        """Have its API say these words, in its own spelling."""
        charge = self.charges[charge_id]
        charge.words = (status, detail)
        self._become(charge, charge.status, charge.detail)

    # -- what tests ask --

    @property
    def charged(self) -> int:
        """Centavos that customers paid."""
        return sum(charge.captured for charge in self.charges.values())

    @property
    def given_back(self) -> int:
        """Centavos that went back to customers."""
        return sum(charge.refunded for charge in self.charges.values())

    @property
    def refunds(self) -> list[FakeRefund]:
        """Every refund that was not rejected."""
        return [one for charge in self.charges.values() for one in charge.refunds if one.status != "rejected"]

    def _check_refund(self, charge: FakeCharge, cents: int | None) -> None:
        if charge.captured and charge.refunded == charge.captured:
            raise Denied("already_refunded")
        if charge.status != "approved" or charge.approved_at is None:
            raise Denied("not_refundable")
        if charge.kind == "orders" and any(refund.status == "in_process" for refund in charge.refunds):
            raise Denied("refund_running")
        if self.time.now() - charge.approved_at > self.refund_window:
            raise Denied("too_old")
        if not self.has_balance:
            raise Denied("no_money")
        if not 0 < (charge.left if cents is None else cents) <= charge.left:
            raise Denied("amount_exceeds")

    def _settle(self, charge: FakeCharge) -> None:
        if charge.refunded == charge.captured:
            self._become(charge, "refunded", "refunded")
        elif charge.refunded:
            self._become(charge, "approved", "partially_refunded")
        else:
            self._become(charge, charge.status, charge.detail)

    def _become(self, charge: FakeCharge, status: str, detail: str) -> None:
        charge.status, charge.detail = status, detail
        charge.updated_at = max(self.time.now(), charge.updated_at + timedelta(milliseconds=1))

    def _next(self) -> int:
        self._last += 1
        return 10_000_000_000 + self._last
