"""The facts of a claim, made of it as it is right after the move that they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.claims.events import ClaimAdjudicated, ClaimCanceled, ClaimSubmitted, EventClaimItem, EventDenial
from domain.claims.outcome import old_status
from domain.money import BRL

if TYPE_CHECKING:
    from domain.claims.claim import Claim


def submitted(claim: Claim) -> ClaimSubmitted:
    """It went to the insurer, for the first time or once more."""
    return ClaimSubmitted(
        **_of(claim),
        amount_cents=claim.amounts.presented.cents,
        items=tuple(
            EventClaimItem(
                description=item.description,
                code=item.code or None,
                value_cents=item.unit_price.cents,
                quantity=item.quantity,
                amount_cents=item.total.cents,
                line=item.number,
            )
            for item in claim.items
        ),
        created_at=claim.created_at,
        submission=claim.submissions,
    )


def adjudicated(claim: Claim) -> ClaimAdjudicated:
    """The insurer's analysis is here, or its last answer to an appeal."""
    amounts = claim.amounts
    return ClaimAdjudicated(
        **_of(claim),
        outcome=claim.outcome.value,
        presented_cents=amounts.presented.cents,
        released_cents=amounts.released.cents,
        denied_cents=amounts.denied.cents,
        recovered_cents=amounts.recovered.cents,
        denials=tuple(
            EventDenial(code=denial.code, amount_cents=denial.amount.cents, line=item.number)
            for item in claim.items
            for denial in item.denials
        ),
        adjudicated_at=claim.updated_at,
    )


def canceled(claim: Claim) -> ClaimCanceled:
    """It is wanted no more."""
    return ClaimCanceled(
        **_of(claim),
        amount_cents=claim.amounts.presented.cents,
        reason=claim.cancel_reason or None,
        canceled_at=claim.updated_at,
    )


def _of(claim: Claim) -> dict[str, Any]:
    """What every fact of a claim says."""
    status = {} if claim.status is None else {"status": old_status(claim.status, claim.outcome).value}
    return {
        "aggregate_id": claim.id,
        "aggregate_version": claim.next_version,
        "id": claim.id,
        "patient_id": claim.form.patient_id,
        "insurance_id": claim.form.insurer_id or None,
        "currency": BRL,
        **status,
    }
