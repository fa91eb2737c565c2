"""An invoice's amounts: five that are known, one that follows, and the identity that binds them (health.md B)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from domain.claims.bill import InvoiceLine
from domain.claims.errors import InvoiceOverpaid, InvoiceTooLarge
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.settlement import Settlement
from domain.money import LIMIT, Money, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """gross = paid + open + denied_pending + denied_accepted + withheld, each of them zero or more.

    Raises InvoiceOverpaid when what was paid, withheld and denied is more than `gross`.
    """

    gross: Money
    paid: Money
    withheld: Money
    denied_pending: Money
    denied_accepted: Money

    def __post_init__(self) -> None:
        known = (self.gross, self.paid, self.withheld, self.denied_pending, self.denied_accepted)
        if any(amount.cents < 0 for amount in known):
            raise ValueError("an invoice's amounts are zero or more")
        if self.open.cents < 0:
            raise InvoiceOverpaid(metadata={"overpaid_cents": str(-self.open.cents)})

    @classmethod
    def of(cls, gross: Money, lines: Iterable[InvoiceLine], settlements: Iterable[Settlement]) -> Self:
        """The amounts of live lines, or of `gross` where there are none, and of settlements that stand.

        Raises InvoiceTooLarge, InvoiceOverpaid.
        """
        live = [line for line in lines if line.live]
        kept = [settlement for settlement in settlements if settlement.reversal is None]
        if sum(line.gross.cents for line in live) > LIMIT:
            raise InvoiceTooLarge
        return cls(
            gross=total(line.gross for line in live) if live else gross,
            paid=total(settlement.amount for settlement in kept),
            withheld=total(settlement.withheld for settlement in kept),
            denied_pending=total(line.denied_pending for line in live),
            denied_accepted=total(line.denied_accepted for line in live),
        )

    @property
    def open(self) -> Money:
        """What is still due."""
        return self.gross - self.paid - self.withheld - self.denied_pending - self.denied_accepted

    @property
    def settled(self) -> Money:
        """What came or was withheld."""
        return self.paid + self.withheld

    @property
    def status(self) -> InvoiceStatus:
        """Where a live invoice with these amounts stands."""
        if not self.open.cents and not self.denied_pending.cents:
            return InvoiceStatus.SETTLED
        if self.settled.cents:
            return InvoiceStatus.PARTIALLY_SETTLED
        denied = self.denied_pending + self.denied_accepted
        return InvoiceStatus.PARTIALLY_DENIED if denied.cents else InvoiceStatus.OPEN
