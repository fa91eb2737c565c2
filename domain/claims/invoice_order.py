"""What a new invoice is to be of: its claims are of one payer and one provider, and add up to what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from domain.claims.bill import Bill, InvoiceLine, Party, must_be_billable
from domain.claims.claim import Claim
from domain.claims.errors import AmountDiffers, ClaimNotInvoiceable, InvoicePartyMismatch
from domain.claims.invoice_amounts import Amounts
from domain.errors import Invalid, Violation
from domain.money import Money

_NOTHING: Final = Money(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceOrder:
    """What somebody wants billed. What is empty or None is whatever the claims say; `due_date` None: the usual term."""

    claim_ids: tuple[UUID, ...] = ()
    provider_id: str = ""
    insurer_id: str = ""
    patient_id: str = ""
    amount: Money | None = None
    due_date: date | None = None
    note: str = ""


def line_of(claim: Claim) -> InvoiceLine:
    """A claim's numbers as an invoice counts them."""
    amounts = claim.amounts
    return InvoiceLine(
        claim_id=claim.id,
        gross=amounts.gross,
        denied_pending=amounts.pending,
        denied_accepted=amounts.accepted,
    )


def bill_of(order: InvoiceOrder, claims: Sequence[Claim]) -> Bill:
    """The bill for these claims, which are those that the order names.

    Raises Invalid, WrongCurrency, ClaimNotInvoiceable, InvoicePartyMismatch, AmountDiffers, InvoiceTooLarge.
    """
    if order.amount is not None:
        must_be_billable(order.amount)
    if not claims:
        return _bill_without_claims(order)
    for claim in claims:
        _must_be_invoiceable(claim)
    party = _party_of(order, claims)
    lines = tuple(sorted(map(line_of, claims), key=lambda line: line.claim_id))
    gross = Amounts.of(_NOTHING, lines, ()).gross
    if order.amount is not None and order.amount != gross:
        cents = {"amount_cents": str(order.amount.cents), "claims_cents": str(gross.cents)}
        raise AmountDiffers("The amount is not what the claims add up to.", metadata=cents)
    return Bill(party=party, lines=lines, gross=gross)


def _bill_without_claims(order: InvoiceOrder) -> Bill:
    gross = order.amount or _NOTHING
    wrong = [
        *_unless(not order.insurer_id, "claim_ids", "an insurer is billed for claims"),
        *_unless(bool(order.patient_id), "patient_id", "must be given where there are no claims"),
        *_unless(gross.cents > 0, "amount", "must be given, above zero, where there are no claims"),
    ]
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].description}", violations=wrong)
    party = Party(provider_id=order.provider_id, insurer_id="", patient_id=order.patient_id)
    return Bill(party=party, lines=(), gross=gross)


def _unless(right: bool, field: str, sentence: str) -> list[Violation]:
    return [] if right else [Violation(field, sentence, "invoice.without_claims")]


def _must_be_invoiceable(claim: Claim) -> None:
    if not claim.invoiceable or not claim.gross.cents:
        status = claim.status.value if claim.status else ""
        raise ClaimNotInvoiceable(
            metadata={"claim_id": str(claim.id), "status": status, "outcome": claim.outcome.value}
        )


def _party_of(order: InvoiceOrder, claims: Sequence[Claim]) -> Party:
    provider_id = _one("provider_id", order.provider_id, claims)
    insurer_id = _one("insurer_id", order.insurer_id, claims)
    patients = {claim.form.patient_id for claim in claims}
    if order.patient_id or not insurer_id:
        patients = {_one("patient_id", order.patient_id, claims)}
    patient_id = patients.pop() if len(patients) == 1 else ""
    return Party(provider_id=provider_id, insurer_id=insurer_id, patient_id=patient_id)


def _one(name: str, wanted: str, claims: Iterable[Claim]) -> str:
    """What all of the claims say there: what is wanted, or where nothing is, what the first says."""
    for claim in claims:
        said = getattr(claim.form, name)
        wanted = wanted or said
        if said != wanted:
            raise InvoicePartyMismatch(metadata={"claim_id": str(claim.id), "field": name})
    return wanted
