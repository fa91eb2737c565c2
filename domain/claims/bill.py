"""What an invoice is made of: who bills whom, and for which claims at what."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.claims.errors import WrongCurrency
from domain.money import BRL, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who bills and who pays: a provider, and an insurer or (`insurer_id` empty) a patient.

    `patient_id` is also said of an insurer's invoice whose claims are all of one patient.
    """

    provider_id: str
    insurer_id: str
    patient_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One claim of an invoice, with the last known numbers of that claim.

    `denied_pending` is denied and undecided, `denied_accepted` written off; a line that is not `live` does not count.
    """

    claim_id: UUID
    gross: Money
    denied_pending: Money
    denied_accepted: Money
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A bill before it is an invoice; `gross` is what its lines add up to, or where it has none the amount."""

    party: Party
    lines: tuple[InvoiceLine, ...]
    gross: Money


def must_be_billable(*amounts: Money) -> None:
    """Raise WrongCurrency unless invoices are in the currency of these amounts."""
    for amount in amounts:
        if amount.currency != BRL:
            raise WrongCurrency(f"invoices are in {BRL}, not in {amount.currency}")
