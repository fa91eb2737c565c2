"""Claims and their invoice together: what may be billed, and what each does to the other."""

from __future__ import annotations

from typing import Any

import pytest

from domain.claims.billed import Billed
from domain.claims.claim import Claim
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.denial import DenialState
from domain.claims.errors import (
    AmountDiffers,
    ClaimNotInvoiceable,
    InvoiceOverpaid,
    InvoicePartyMismatch,
)
from domain.claims.events import InvoiceSettled
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.invoice_order import InvoiceOrder, bill_of
from domain.errors import Invalid
from domain.money import Money
from tests.support.claim_scene import AT, DEADLINE, INSURER, PROVIDER, TODAY, a_claim, an_item
from tests.support.invoice_scene import Desk, a_submitted, an_invoice_of, analyzed, in_state, said_of

_S, _I = ClaimStatus, InvoiceStatus


def refused(claim: Claim, **order: Any) -> dict[str, str]:
    """What the refusal to bill a claim names."""
    with pytest.raises(ClaimNotInvoiceable) as error:
        bill_of(InvoiceOrder(**order), [claim])
    return dict(error.value.metadata)


@pytest.mark.parametrize("status", [_S.SUBMITTED, _S.RECEIVED, _S.IN_ANALYSIS, _S.ADJUDICATED, _S.APPEALED])
def test_a_claim_can_be_billed_from_when_it_is_submitted(status: ClaimStatus) -> None:
    bill = bill_of(InvoiceOrder(), [a_claim(status)])
    assert bill.gross == Money(10_000)
    assert (bill.party.provider_id, bill.party.insurer_id, bill.party.patient_id) == (PROVIDER, INSURER, "patient-1")


@pytest.mark.parametrize("status", [_S.DRAFT, _S.READY, _S.BATCHED, _S.RETURNED, _S.SETTLED, _S.CANCELED])
def test_a_claim_that_no_insurer_has_or_that_is_settled_cannot_be_billed(status: ClaimStatus) -> None:
    assert refused(a_claim(status))["status"] == status.value


def test_an_invoice_for_a_claim_that_was_denied_is_left_behind() -> None:
    claim = a_submitted(1)
    analyzed(claim, said_of(claim, (0, (6_000, 4_000))))
    assert refused(claim) == {"claim_id": str(claim.id), "status": "ADJUDICATED", "outcome": "DENIED"}


def test_a_claim_that_nothing_is_owed_for_cannot_be_billed() -> None:
    assert refused(a_claim(_S.SUBMITTED, items=(an_item(cents=0),)))["outcome"] == "NONE"


def test_an_invoice_for_a_claim_that_belongs_to_another_patient_is_left_behind() -> None:
    with pytest.raises(InvoicePartyMismatch) as error:
        bill_of(InvoiceOrder(patient_id="patient-2"), [a_submitted(1)])
    assert error.value.metadata["field"] == "patient_id"


@pytest.mark.parametrize(
    ("other", "field"),
    [({"insurer_id": "999999"}, "insurer_id"), ({"provider_id": "7654321"}, "provider_id")],
)
def test_the_claims_of_an_invoice_are_of_one_provider_and_one_insurer(other: dict[str, Any], field: str) -> None:
    for claims, order in (([a_submitted(1), a_submitted(2, **other)], {}), ([a_submitted(1)], other)):
        with pytest.raises(InvoicePartyMismatch) as error:
            bill_of(InvoiceOrder(**order), claims)
        assert error.value.metadata["field"] == field


def test_an_insurer_is_billed_for_several_patients_and_a_patient_alone() -> None:
    insured = [a_submitted(1), a_submitted(2, patient_id="patient-2")]
    assert bill_of(InvoiceOrder(), insured).party.patient_id == ""
    private = [a_submitted(1, insurer_id=""), a_submitted(2, insurer_id="", patient_id="patient-2")]
    with pytest.raises(InvoicePartyMismatch):
        bill_of(InvoiceOrder(), private)
    assert bill_of(InvoiceOrder(), private[:1]).party.patient_id == "patient-1"


def test_an_amount_that_is_given_is_what_the_claims_add_up_to() -> None:
    claims = [a_submitted(1, 3_333, 3_333), a_submitted(2, 3_334)]
    assert bill_of(InvoiceOrder(amount=Money(10_000)), claims).gross == Money(10_000)
    with pytest.raises(AmountDiffers) as error:
        bill_of(InvoiceOrder(amount=Money(10_001)), claims)
    assert error.value.metadata == {"amount_cents": "10001", "claims_cents": "10000"}


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({}, ["patient_id", "amount"]),
        ({"patient_id": "patient-1"}, ["amount"]),
        ({"patient_id": "patient-1", "amount": Money(0)}, ["amount"]),
        ({"insurer_id": INSURER, "patient_id": "patient-1", "amount": Money(1)}, ["claim_ids"]),
    ],
)
def test_an_invoice_without_claims_is_a_patients_and_of_an_amount(order: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as error:
        bill_of(InvoiceOrder(**order), [])
    assert [violation.field for violation in error.value.violations] == fields
    assert bill_of(InvoiceOrder(patient_id="patient-1", amount=Money(1)), []).gross == Money(1)


def a_desk(*claims: Claim) -> Desk:
    return Desk(an_invoice_of(*claims))


def test_a_denial_is_not_due_an_appeal_makes_it_due_again_and_acceptance_writes_it_off() -> None:
    desk = a_desk(a_submitted(1))
    desk.changes(1, lambda claim: analyzed(claim, said_of(claim, (6_000, (3_000, 1_000)))))
    assert (desk.invoice.status, desk.invoice.amounts.open) == (_I.PARTIALLY_DENIED, Money(6_000))
    first, second = in_state(desk.claim(1), DenialState.PENDING)
    desk.changes(1, lambda claim: claim.appeal([first], "it was needed", on=TODAY, at=AT))
    desk.changes(1, lambda claim: claim.answer_appeal({first: Money(2_000)}, appeal_until=DEADLINE, on=TODAY, at=AT))
    assert desk.invoice.amounts.open == Money(8_000)
    desk.settle()
    assert (desk.invoice.status, desk.claim(1).status) == (_I.PARTIALLY_SETTLED, _S.ADJUDICATED)
    desk.changes(1, lambda claim: claim.accept_denials([first, second], reason="right", at=AT))
    assert (desk.invoice.status, desk.claim(1).status) == (_I.SETTLED, _S.SETTLED)
    assert desk.invoice.amounts.denied_accepted == Money(2_000)


def test_the_claims_of_an_invoice_are_settled_and_open_again_with_it() -> None:
    desk = a_desk(a_submitted(1), a_submitted(2), a_submitted(3))
    for number in (1, 2):
        desk.changes(number, lambda claim: analyzed(claim, said_of(claim, (10_000, ()))))
    desk.settle()
    assert [claim.status for claim in desk.billed.claims] == [_S.SETTLED, _S.SETTLED, _S.SUBMITTED]
    desk.changes(3, lambda claim: analyzed(claim, said_of(claim, (10_000, ()))))
    assert desk.claim(3).status is _S.SETTLED
    desk.reverse(0)
    assert {claim.status for claim in desk.billed.claims} == {_S.ADJUDICATED}


def test_what_an_insurer_pays_beyond_what_was_asked_opens_the_invoice_and_its_claims_again() -> None:
    desk = a_desk(a_submitted(1), a_submitted(2))
    desk.changes(1, lambda claim: analyzed(claim, said_of(claim, (10_000, ()))))
    desk.settle()
    desk.changes(2, lambda claim: analyzed(claim, said_of(claim, (10_500, ()))))
    assert (desk.invoice.status, desk.invoice.amounts.open) == (_I.PARTIALLY_SETTLED, Money(500))
    assert {claim.status for claim in desk.billed.claims} == {_S.ADJUDICATED}
    desk.settle()
    assert {claim.status for claim in desk.billed.claims} == {_S.SETTLED}
    told = [change.fact for change in desk.invoice.changes if isinstance(change.fact, InvoiceSettled)]
    assert [fact.settlement_version for fact in told] == [1, 2]


def test_an_analysis_that_denies_what_was_paid_already_waits_for_a_reversal() -> None:
    desk = a_desk(a_submitted(1))
    desk.settle()
    analysis = said_of(desk.claim(1), (9_999, (1,)))
    assert isinstance(desk.changes(1, lambda claim: analyzed(claim, analysis)), InvoiceOverpaid)
    assert (desk.claim(1).status, desk.invoice.status) == (_S.SUBMITTED, _I.SETTLED)
    desk.reverse(0)
    assert desk.changes(1, lambda claim: analyzed(claim, analysis)) is None


@pytest.mark.parametrize("how", ["cancel", "return"])
def test_a_claim_that_is_canceled_or_returned_leaves_its_invoice_unless_it_was_paid(how: str) -> None:
    def leave(claim: Claim) -> None:
        if how == "cancel":
            claim.cancel(reason="a mistake", at=AT)
        else:
            claim.return_("no such card", at=AT)

    desk = a_desk(a_submitted(1), a_submitted(2, 500))
    desk.settle(10_000)
    for number in (1, 2):
        assert isinstance(desk.changes(number, leave), InvoiceOverpaid), "the payment might be the other one's"
    desk.reverse(0)
    assert desk.changes(2, leave) is None
    assert (desk.invoice.status, desk.invoice.amounts.gross) == (_I.OPEN, Money(10_000))
    assert desk.changes(1, leave) is None
    assert (desk.invoice.status, desk.invoice.claim_ids) == (_I.CANCELED, ())


def test_claims_that_are_in_no_invoice_are_followed_by_nothing() -> None:
    claim = a_submitted(1)
    Billed(claims=[claim], invoice=None).follow(claim)
    Billed(claims=[claim], invoice=None).align(at=AT)
    assert claim.status is _S.SUBMITTED
