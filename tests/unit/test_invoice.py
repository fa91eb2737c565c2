"""An invoice, pair by pair as health.md B says it: where it goes, what it adds up to, what it tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from domain.claims.errors import (
    AmountExceedsDue,
    InvoiceOverpaid,
    InvoiceTooLarge,
    NothingDue,
    SettlementNotFound,
)
from domain.claims.events import InvoiceCreated, InvoiceSettled, InvoiceSettlementReversed
from domain.claims.invoice_amounts import Amounts
from domain.claims.invoice_lifecycle import LIFECYCLE, InvoiceAction, InvoiceStatus
from domain.lifecycle import IllegalTransition
from domain.money import LIMIT, Money
from tests.support.lone_invoice import AT, DAY, ONE, a_line, amounts, an_invoice, facts, in_status, reverse, settle

_S, _A = InvoiceStatus, InvoiceAction
LATER = date(2026, 3, 2)
NOTHING = Money(0)
OTHER = UUID(int=2)

UNPAID = (_S.OPEN, _S.PARTIALLY_DENIED)
UNSETTLED = (*UNPAID, _S.PARTIALLY_SETTLED)
PAID = (_S.PARTIALLY_SETTLED, _S.SETTLED)
LIVE = (*UNSETTLED, _S.SETTLED)

Pair = tuple[InvoiceStatus | None, InvoiceAction]


def moves(
    states: tuple[InvoiceStatus | None, ...], action: InvoiceAction, after: InvoiceStatus
) -> dict[Pair, InvoiceStatus]:
    return {(state, action): after for state in states}


AFTER: dict[Pair, InvoiceStatus] = {
    **moves((None,), _A.CREATE, _S.OPEN),
    **moves((None,), _A.CREATE_DENIED, _S.PARTIALLY_DENIED),
    **moves(UNSETTLED, _A.SETTLE, _S.SETTLED),
    **moves(UNSETTLED, _A.SETTLE_PART, _S.PARTIALLY_SETTLED),
    **moves(PAID, _A.REVERSE, _S.OPEN),
    **moves(PAID, _A.REVERSE_TO_DENIED, _S.PARTIALLY_DENIED),
    **moves(PAID, _A.REVERSE_PART, _S.PARTIALLY_SETTLED),
    **moves(UNPAID, _A.RECKON, _S.OPEN),
    **moves(UNPAID, _A.RECKON_DENIED, _S.PARTIALLY_DENIED),
    **moves(PAID, _A.RECKON_PART, _S.PARTIALLY_SETTLED),
    **moves((_S.PARTIALLY_DENIED, *PAID), _A.RECKON_SETTLED, _S.SETTLED),
    **{(state, _A.UPDATE): state for state in LIVE},
    **moves(UNPAID, _A.CANCEL, _S.CANCELED),
}
"""health.md B, written down a second time: the moves that change something."""

REPEATS = {(_S.SETTLED, _A.SETTLE), (_S.CANCELED, _A.CANCEL)}
"""What is allowed and changes nothing; every pair that is in neither is refused."""


def outcome(state: InvoiceStatus | None, action: InvoiceAction) -> InvoiceStatus | str:
    try:
        return LIFECYCLE.next(state, action) if LIFECYCLE.changes(state, action) else "repeat"
    except IllegalTransition:
        return "refused"


@pytest.mark.parametrize("state", [None, *InvoiceStatus], ids=lambda state: state.value if state else "absent")
def test_every_action_in_a_state_goes_where_the_table_says(state: InvoiceStatus | None) -> None:
    pairs = {action: (state, action) for action in InvoiceAction}
    expected = {action: "repeat" if pair in REPEATS else AFTER.get(pair, "refused") for action, pair in pairs.items()}
    assert {action: outcome(state, action) for action in InvoiceAction} == expected


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ((100, 0, 0, 0, 0), _S.OPEN),
        ((100, 0, 0, 1, 0), _S.PARTIALLY_DENIED),
        ((100, 0, 0, 0, 1), _S.PARTIALLY_DENIED),
        ((100, 0, 0, 100, 0), _S.PARTIALLY_DENIED),
        ((100, 1, 0, 0, 0), _S.PARTIALLY_SETTLED),
        ((100, 0, 1, 99, 0), _S.PARTIALLY_SETTLED),
        ((100, 60, 10, 0, 30), _S.SETTLED),
        ((100, 0, 100, 0, 0), _S.SETTLED),
        ((100, 0, 0, 0, 100), _S.SETTLED),
    ],
)
def test_the_amounts_alone_say_where_an_invoice_stands(known: tuple[int, ...], status: InvoiceStatus) -> None:
    names = ("gross", "paid", "withheld", "denied_pending", "denied_accepted")
    found = Amounts(**{name: Money(cents) for name, cents in zip(names, known, strict=True)})
    assert found.status is status


def test_amounts_below_zero_or_beyond_the_limit_cannot_be() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        Amounts(gross=NOTHING, paid=Money(1), withheld=Money(-1), denied_pending=NOTHING, denied_accepted=NOTHING)
    with pytest.raises(InvoiceTooLarge):
        Amounts.of(NOTHING, [a_line(gross=LIMIT), a_line(OTHER, gross=1)], [])


def test_a_new_invoice_is_what_its_claims_add_up_to_and_says_so_once() -> None:
    invoice = an_invoice(a_line(), a_line(OTHER, 5_000, pending=2_000, accepted=500))
    assert amounts(invoice) == (15_000, 0, 12_500, 2_000, 500, 0)
    assert invoice.status is _S.PARTIALLY_DENIED
    (fact,) = facts(invoice)
    assert isinstance(fact, InvoiceCreated)
    assert fact.status == "partially_denied"
    assert (fact.key, fact.aggregate_version) == (str(invoice.id), invoice.version)
    assert invoice.claim_ids == (ONE, OTHER)


def test_a_patients_invoice_without_claims_is_of_the_amount_that_was_given() -> None:
    invoice = an_invoice(gross=7_550)
    assert amounts(invoice) == (7_550, 0, 7_550, 0, 0, 0)
    settle(invoice)
    assert amounts(invoice) == (7_550, 7_550, 0, 0, 0, 0)


def test_a_settlement_without_an_amount_is_of_all_that_is_due() -> None:
    invoice = an_invoice(a_line(accepted=1_000))
    settle(invoice, withheld=135)
    assert amounts(invoice) == (10_000, 8_865, 0, 0, 1_000, 135)
    assert (invoice.status, invoice.settlement_version, invoice.settled_at) == (_S.SETTLED, 1, AT)
    assert isinstance(facts(invoice)[-1], InvoiceSettled)


def test_partial_settlements_add_up_and_only_the_last_tells() -> None:
    invoice = an_invoice(a_line())
    settle(invoice, 2_500)
    settle(invoice, 2_500, withheld=100)
    assert (invoice.status, amounts(invoice)) == (_S.PARTIALLY_SETTLED, (10_000, 5_000, 4_900, 0, 0, 100))
    assert [type(fact) for fact in facts(invoice)] == [InvoiceCreated]
    settle(invoice)
    assert [type(fact) for fact in facts(invoice)] == [InvoiceCreated, InvoiceSettled]


def test_a_settle_that_emits_twice_is_left_behind_settling_what_is_settled_changes_nothing() -> None:
    invoice = in_status(_S.SETTLED)
    before = (invoice.version, amounts(invoice), len(facts(invoice)))
    assert settle(invoice) is False
    assert settle(invoice, 10_000) is False, "it is the settlement that stands, said once more"
    assert (invoice.version, amounts(invoice), len(facts(invoice))) == before


@pytest.mark.parametrize(("amount", "withheld"), [(10_001, 0), (10_000, 1), (None, 10_001), (LIMIT, LIMIT)])
def test_more_than_is_due_is_refused(amount: int | None, withheld: int) -> None:
    invoice = an_invoice(a_line())
    with pytest.raises(AmountExceedsDue) as refused:
        settle(invoice, amount, withheld)
    assert refused.value.metadata == {"open_cents": "10000"}
    assert amounts(invoice) == (10_000, 0, 10_000, 0, 0, 0)


def test_what_is_denied_and_undecided_is_not_due() -> None:
    invoice = an_invoice(a_line(pending=3_000))
    settle(invoice)
    assert (invoice.status, amounts(invoice)) == (_S.PARTIALLY_SETTLED, (10_000, 7_000, 0, 3_000, 0, 0))
    with pytest.raises(NothingDue):
        settle(invoice, 3_000)
    with pytest.raises(NothingDue):
        settle(invoice, withheld=1)
    with pytest.raises(NothingDue):
        settle(an_invoice(a_line(pending=10_000)))
    invoice.reckon(a_line(accepted=3_000), at=AT)
    assert (invoice.status, invoice.settlement_version) == (_S.SETTLED, 1)


def test_settling_what_is_due_again_while_a_denial_pends_answers_the_same_and_emits_nothing() -> None:
    invoice = an_invoice(a_line(pending=3_000))
    settle(invoice)
    before = (invoice.version, invoice.settlements, facts(invoice))
    assert settle(invoice) is False
    assert settle(invoice, 7_000) is False
    assert (invoice.version, invoice.settlements, facts(invoice)) == before


@pytest.mark.parametrize("other", [{"amount": Money(9_999)}, {"withheld": Money(1)}, {"on": LATER}, {"reference": "2"}])
def test_other_money_for_a_settled_invoice_is_never_swallowed(other: dict[str, Any]) -> None:
    invoice = in_status(_S.SETTLED)
    came = {"amount": Money(10_000), "withheld": NOTHING, "on": DAY, "reference": "ref", **other}
    with pytest.raises(AmountExceedsDue) as refused:
        invoice.settle(UUID(int=299), **came, at=AT)
    assert refused.value.metadata == {"open_cents": "0"}


def test_the_repeat_of_a_settlement_that_was_reversed_is_no_repeat() -> None:
    invoice = an_invoice(a_line())
    settle(invoice, 4_000)
    reverse(invoice, 200)
    settle(invoice, 10_000)
    with pytest.raises(AmountExceedsDue):
        settle(invoice, 4_000)


def test_what_an_appeal_recovered_is_due() -> None:
    invoice = an_invoice(a_line(pending=3_000))
    settle(invoice)
    invoice.reckon(a_line(), at=AT)
    assert (invoice.status, amounts(invoice)) == (_S.PARTIALLY_SETTLED, (10_000, 7_000, 3_000, 0, 0, 0))
    settle(invoice)
    assert invoice.status is _S.SETTLED


def test_a_reversal_makes_it_due_again_and_each_settlement_version_tells_once() -> None:
    invoice = in_status(_S.SETTLED)
    assert reverse(invoice) is True
    assert (invoice.status, invoice.settled_at, amounts(invoice)) == (_S.OPEN, None, (10_000, 0, 10_000, 0, 0, 0))
    assert reverse(invoice) is False
    settle(invoice)
    told = facts(invoice)
    assert [type(fact) for fact in told] == [InvoiceCreated, InvoiceSettled, InvoiceSettlementReversed, InvoiceSettled]
    assert [fact.settlement_version for fact in told if isinstance(fact, InvoiceSettled)] == [1, 2]


def test_a_reversal_of_one_of_two_leaves_the_other() -> None:
    invoice = an_invoice(a_line(pending=100))
    settle(invoice, 1_000)
    settle(invoice, 2_000)
    reverse(invoice, 201)
    assert (invoice.status, amounts(invoice)[1]) == (_S.PARTIALLY_SETTLED, 1_000)
    reverse(invoice, 200)
    assert (invoice.status, amounts(invoice)[1]) == (_S.PARTIALLY_DENIED, 0)
    with pytest.raises(SettlementNotFound):
        reverse(invoice, 299)


def test_a_claim_that_is_worth_more_than_was_presented_makes_more_due() -> None:
    invoice = in_status(_S.SETTLED)
    invoice.reckon(a_line(gross=12_000), at=AT)
    assert (invoice.status, amounts(invoice)) == (_S.PARTIALLY_SETTLED, (12_000, 10_000, 2_000, 0, 0, 0))
    settle(invoice)
    assert invoice.settlement_version == 2


def test_a_claim_cannot_be_denied_below_what_was_paid() -> None:
    invoice = in_status(_S.SETTLED)
    with pytest.raises(InvoiceOverpaid) as refused:
        invoice.reckon(a_line(pending=1), at=AT)
    assert refused.value.metadata == {"overpaid_cents": "1"}
    assert (invoice.status, amounts(invoice)) == (_S.SETTLED, (10_000, 10_000, 0, 0, 0, 0))


def test_the_same_numbers_again_change_nothing() -> None:
    invoice = in_status(_S.PARTIALLY_DENIED)
    version = invoice.version
    assert invoice.reckon(a_line(pending=1), at=AT) is False
    assert invoice.version == version


def test_a_claim_that_was_canceled_counts_no_more_and_the_last_takes_the_invoice_along() -> None:
    invoice = an_invoice(a_line(), a_line(OTHER, 500))
    invoice.drop(ONE, at=AT)
    assert (invoice.status, invoice.claim_ids, amounts(invoice)[0]) == (_S.OPEN, (OTHER,), 500)
    invoice.drop(OTHER, at=AT)
    assert (invoice.status, invoice.claim_ids, amounts(invoice)[0]) == (_S.CANCELED, (), 500)
    assert invoice.cancel_reason


def test_a_claim_that_was_paid_for_is_not_dropped() -> None:
    for invoice in (in_status(_S.PARTIALLY_SETTLED), in_status(_S.SETTLED)):
        with pytest.raises(InvoiceOverpaid):
            invoice.drop(ONE, at=AT)
        assert invoice.claim_ids == (ONE,)


def test_what_was_paid_for_a_claim_never_settles_another_that_stays() -> None:
    invoice = an_invoice(a_line(), a_line(OTHER))
    settle(invoice, 10_000)
    with pytest.raises(InvoiceOverpaid, match="reverse the settlement first") as refused:
        invoice.drop(ONE, at=AT)
    assert refused.value.metadata == {"settled_cents": "10000"}
    assert (invoice.status, invoice.claim_ids) == (_S.PARTIALLY_SETTLED, (ONE, OTHER))
    reverse(invoice)
    invoice.drop(ONE, at=AT)
    assert (invoice.status, amounts(invoice)) == (_S.OPEN, (10_000, 0, 10_000, 0, 0, 0))


@pytest.mark.parametrize("status", [_S.PARTIALLY_SETTLED, _S.SETTLED])
def test_an_invoice_that_something_was_paid_of_is_not_canceled(status: InvoiceStatus) -> None:
    invoice = in_status(status)
    with pytest.raises(IllegalTransition) as refused:
        invoice.cancel("no", at=AT)
    assert "reverse" in refused.value.metadata["allowed_actions"].split(",")


def test_a_canceled_invoice_settled_is_left_behind() -> None:
    invoice = in_status(_S.CANCELED)
    with pytest.raises(IllegalTransition) as refused:
        settle(invoice)
    assert refused.value.metadata == {"allowed_actions": ""}
    assert (invoice.claim_ids, amounts(invoice)) == ((), (10_000, 0, 10_000, 0, 0, 0))
    assert invoice.cancel("again", at=AT) is False
    assert invoice.cancel_reason == "by mistake"


def test_an_invoice_whose_payments_were_all_reversed_can_be_canceled() -> None:
    invoice = in_status(_S.SETTLED)
    reverse(invoice)
    assert invoice.cancel("", at=AT) is True
    assert reverse(invoice) is False


@pytest.mark.parametrize("status", LIVE)
def test_only_the_due_date_and_the_note_are_set_by_hand(status: InvoiceStatus) -> None:
    invoice = in_status(status)
    told = facts(invoice)
    assert invoice.update(due_date=DAY, at=AT) is False
    assert invoice.update(due_date=date(2026, 4, 1), note="call them", at=AT) is True
    assert (invoice.due_date, invoice.note, invoice.status) == (date(2026, 4, 1), "call them", status)
    assert (facts(invoice), invoice.settlement_version) == (told, int(status is _S.SETTLED))
    with pytest.raises(IllegalTransition):
        in_status(_S.CANCELED).update(note="late", at=AT)


@pytest.mark.parametrize(
    ("status", "verbs"),
    [
        (_S.OPEN, {"update", "settle", "cancel"}),
        (_S.PARTIALLY_DENIED, {"update", "settle", "cancel"}),
        (_S.PARTIALLY_SETTLED, {"update", "settle", "reverse"}),
        (_S.SETTLED, {"update", "reverse"}),
        (_S.CANCELED, set()),
    ],
)
def test_what_a_person_may_do_is_said_in_verbs(status: InvoiceStatus, verbs: set[str]) -> None:
    assert set(in_status(status).allowed_actions) == verbs


def test_what_was_written_off_whole_is_settled_and_has_nothing_to_reverse() -> None:
    invoice = an_invoice(a_line(pending=10_000))
    invoice.reckon(replace(a_line(), denied_accepted=Money(10_000)), at=AT)
    assert (invoice.status, invoice.allowed_actions) == (_S.SETTLED, ("update",))
