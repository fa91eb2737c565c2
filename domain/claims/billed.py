"""A claim, or an invoice, with all that changes with it: the live invoice and its claims, read and locked together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.claims.claim import Claim
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import ClaimNotFound
from domain.claims.invoice import Invoice
from domain.claims.invoice_order import line_of

_LEFT: Final = (ClaimStatus.CANCELED, ClaimStatus.RETURNED)
"""No insurer has it any more: what may be owed for it is not owed now."""


@dataclass(kw_only=True)
class Billed:
    """The claims, in the order of their ids, and the one invoice that has them; None while they are in none."""

    claims: list[Claim]
    invoice: Invoice | None

    def claim(self, claim_id: UUID) -> Claim:
        """The claim with this id. Raises ClaimNotFound."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise ClaimNotFound

    def follow(self, claim: Claim) -> None:
        """A claim of these just changed: its invoice counts it as it is now, and may be settled by it, or no more.

        A claim that was canceled or returned leaves its invoice. Raises InvoiceOverpaid, InvoiceTooLarge.
        """
        if self.invoice is None:
            return
        if claim.status in _LEFT:
            self.invoice.drop(claim.id, at=claim.updated_at)
        else:
            self.invoice.reckon(line_of(claim), at=claim.updated_at)
        self.align(at=claim.updated_at)

    def align(self, *, at: datetime) -> None:
        """A claim is SETTLED when it is adjudicated, nothing of it is in dispute, and its invoice is settled."""
        if self.invoice is None:
            return
        for claim in self.claims:
            if self.invoice.settled and claim.settleable:
                claim.settle(at=at)
            elif not self.invoice.settled and claim.status is ClaimStatus.SETTLED:
                claim.reopen(at=at)
