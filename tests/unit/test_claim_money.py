"""A claim's money: rounded half up by line, and identities that hold whatever an insurer says in whatever order."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.claims.adjudication import SaidDenial, SaidItem
from domain.claims.claim import Claim
from domain.claims.claim_item import ClaimItem
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.denial import DenialState
from domain.claims.errors import (
    AdjudicationDiffers,
    AppealDeadlinePassed,
    DenialNotAppealed,
    DenialNotFound,
    DenialNotPending,
    RecoveryExceedsDenial,
)
from domain.claims.outcome import OldStatus, Outcome, old_status, standings_of
from domain.errors import DomainError
from domain.money import Money
from tests.support.claim_scene import (
    AT,
    DEADLINE,
    TODAY,
    a_claim,
    adjudicate,
    an_item,
    answer_all,
    appeal_all,
    new_id,
    said,
)

_S = ClaimStatus
CENTS = st.integers(0, 50_000)
QUANTITIES = st.decimals("0.0001", "999", places=4)
FACTORS = st.decimals("0.0001", "10", places=4)


@given(cents=st.integers(0, 10**9), quantity=QUANTITIES, factor=FACTORS)
def test_a_line_is_rounded_once_half_up(cents: int, quantity: Decimal, factor: Decimal) -> None:
    exact = Decimal(cents) * quantity * factor
    item = an_item(cents=cents, quantity=quantity, factor=factor)
    assert item.total == Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def test_half_a_centavo_goes_up_where_billing_would_round_it_to_even() -> None:
    assert an_item(cents=105, quantity=Decimal("0.5")).total == Money(53)
    assert an_item(cents=1, quantity=Decimal("0.5")).total == Money(1)


@given(st.lists(st.tuples(CENTS, QUANTITIES, FACTORS), max_size=6))
def test_the_lines_add_up_exactly(lines: list[tuple[int, Decimal, Decimal]]) -> None:
    items = tuple(an_item(at, c, quantity=q, factor=f) for at, (c, q, f) in enumerate(lines, 1))
    amounts = a_claim(items=items).amounts
    assert amounts.presented == amounts.gross == Money(sum(item.total.cents for item in items))
    assert (amounts.processed, amounts.denied, amounts.net) == (Money(0), Money(0), Money(0))


def must_add_up(claim: Claim) -> None:
    """Every identity of health.md B, for each item and for the whole."""
    for item in claim.items:
        if item.processed is None or item.released is None:
            assert item.denials == ()
            continue
        assert item.released + item.denied == item.processed
        assert item.gross == max(item.total, item.processed)
    for denial in claim.denials:
        assert denial.recovered + denial.pending + denial.accepted == denial.amount
        assert min(denial.recovered.cents, denial.pending.cents, denial.accepted.cents) >= 0
        assert (denial.pending.cents == 0) is (denial.state in (DenialState.RECOVERED, DenialState.ACCEPTED))
    amounts = claim.amounts
    assert amounts.recovered + amounts.pending + amounts.accepted == amounts.denied
    assert amounts.released + amounts.denied == amounts.processed
    assert amounts.gross >= max(amounts.presented, amounts.processed)
    assert (claim.denied_pending, claim.denied_accepted) == (amounts.pending, amounts.accepted)
    assert claim.outcome is expected_outcome(claim)


def expected_outcome(claim: Claim) -> Outcome:
    if any(item.processed is None for item in claim.items):
        return Outcome.NONE
    asked = sum(item.total.cents for item in claim.items)
    paid = sum(item.released.cents for item in claim.items if item.released)
    paid += sum(denial.recovered.cents for denial in claim.denials)
    lost = sum(denial.amount.cents - denial.recovered.cents for denial in claim.denials)
    if paid > asked:
        return Outcome.OVERPAID
    if not lost:
        return Outcome.APPROVED
    return Outcome.DENIED if not paid else Outcome.PARTIALLY_DENIED


@st.composite
def analyses(draw: st.DrawFn) -> tuple[tuple[ClaimItem, ...], list[SaidItem]]:
    items = tuple(an_item(number, draw(CENTS)) for number in range(1, draw(st.integers(1, 4)) + 1))
    return items, draw(st.permutations([draw(words_for(item)) for item in items]))


@st.composite
def words_for(draw: st.DrawFn, item: ClaimItem) -> SaidItem:
    """What an insurer may say: all that is asked is released or denied, or more than that."""
    denied = tuple(draw(st.lists(st.integers(1, 9_999), max_size=3)))
    least = max(0, item.total.cents - sum(denied))
    return said(item.number, released=draw(st.integers(least, least + 9_999)), denied=denied)


@settings(max_examples=150)
@given(analysis=analyses(), choice=st.data())
def test_the_identities_hold_whatever_is_said_appealed_answered_and_accepted(
    analysis: tuple[tuple[ClaimItem, ...], list[SaidItem]], choice: Any
) -> None:
    items, what = analysis
    claim = a_claim(_S.IN_ANALYSIS, items=items)
    must_add_up(claim)
    adjudicate(claim, *what)
    must_add_up(claim)
    for _ in range(choice.draw(st.integers(0, 6))):
        step(claim, choice)
        must_add_up(claim)


def step(claim: Claim, choice: Any) -> None:
    """Something that somebody does about some of the denials; what is refused changes nothing."""
    wanted: list[UUID] = choice.draw(st.lists(st.sampled_from(sorted(d.id for d in claim.denials) or [new_id()])))
    before = claim.items
    try:
        match choice.draw(st.sampled_from(["appeal", "answer", "accept"])):
            case "appeal":
                claim.appeal(wanted, "needed", on=DEADLINE, at=AT)
            case "answer":
                amounts = {one: Money(choice.draw(st.integers(0, 10_000))) for one in wanted}
                claim.answer_appeal(amounts, appeal_until=DEADLINE, on=TODAY, at=AT)
            case _:
                claim.accept_denials(wanted, reason="so be it", at=AT)
    except DomainError:
        assert claim.items == before


@pytest.mark.parametrize(
    ("released", "denied", "outcome"),
    [
        (10_000, (), Outcome.APPROVED),
        (0, (10_000,), Outcome.DENIED),
        (1, (9_999,), Outcome.PARTIALLY_DENIED),
        (10_001, (), Outcome.OVERPAID),
        (10_001, (1,), Outcome.OVERPAID),
        (10_000, (1,), Outcome.PARTIALLY_DENIED),
    ],
)
def test_the_outcome_is_computed_from_the_items(released: int, denied: tuple[int, ...], outcome: Outcome) -> None:
    claim = a_claim(_S.IN_ANALYSIS)
    assert claim.outcome is Outcome.NONE
    adjudicate(claim, said(released=released, denied=denied))
    assert claim.outcome is outcome


def test_what_is_recovered_makes_a_denied_claim_approved() -> None:
    claim = a_claim(_S.IN_ANALYSIS)
    adjudicate(claim, said(released=0, denied=(10_000,)))
    appeal_all(claim)
    answer_all(claim, 4_000)
    assert (claim.outcome, claim.denied_pending) == (Outcome.PARTIALLY_DENIED, Money(6_000))
    appeal_all(claim)
    answer_all(claim, 6_000)
    assert (claim.outcome, claim.denied_pending, [d.round for d in claim.denials]) == (Outcome.APPROVED, Money(0), [2])


def test_an_analysis_that_does_not_fit_is_refused_with_every_violation() -> None:
    claim = a_claim(_S.IN_ANALYSIS, items=tuple(an_item(number) for number in (1, 2, 3)))
    wrong = [said(1, processed=1), said(9), said(2), said(2)]
    with pytest.raises(AdjudicationDiffers) as refused:
        adjudicate(claim, *wrong)
    assert [(v.field, v.rule) for v in refused.value.violations] == [
        ("items[1].number", "adjudication.item"),
        ("items[2].number", "adjudication.item"),
        ("items[3].number", "adjudication.item"),
        ("items", "adjudication.item"),
        ("items[0].processed", "adjudication.processed"),
    ]
    assert (claim.status, claim.outcome) == (_S.IN_ANALYSIS, Outcome.NONE)


@pytest.mark.parametrize(("released", "denied"), [(0, ()), (9_999, ()), (6_000, (3_999,))])
def test_what_is_neither_paid_nor_denied_is_refused_so_that_nothing_of_a_claim_is_lost(
    released: int, denied: tuple[int, ...]
) -> None:
    claim = a_claim(_S.IN_ANALYSIS, items=(an_item(1), an_item(2)))
    with pytest.raises(AdjudicationDiffers) as refused:
        adjudicate(claim, said(1), said(2, released=released, denied=denied))
    (violation,) = refused.value.violations
    assert (violation.field, violation.rule) == ("items[1].processed", "adjudication.processed")
    assert violation.description.startswith("is less than what is asked")
    assert (claim.status, claim.outcome) == (_S.IN_ANALYSIS, Outcome.NONE)


def test_a_denial_is_appealed_once_in_each_round_and_until_its_last_day() -> None:
    claim = a_claim(_S.ADJUDICATED)
    first, second = (denial.id for denial in claim.denials)
    claim.appeal([first], "needed", on=DEADLINE, at=AT)
    with pytest.raises(DenialNotPending) as refused:
        claim.appeal([first], "once more", on=DEADLINE, at=AT)
    assert refused.value.metadata == {"denial_id": str(first), "state": "APPEALED"}
    with pytest.raises(AppealDeadlinePassed):
        claim.appeal([second], "too late", on=DEADLINE + timedelta(days=1), at=AT)
    with pytest.raises(DenialNotFound):
        claim.appeal([new_id()], "which?", on=DEADLINE, at=AT)
    claim.appeal([second], "needed too", on=DEADLINE, at=AT)
    claim.answer_appeal({first: Money(0)}, appeal_until=DEADLINE, on=DEADLINE, at=AT)
    assert claim.status is _S.APPEALED, "the other one is still under appeal"
    claim.appeal([first], "second instance", on=DEADLINE, at=AT)
    assert [denial.round for denial in claim.denials] == [2, 1]


def test_an_answer_recovers_no_more_than_is_pending_and_only_of_what_is_under_appeal() -> None:
    claim = a_claim(_S.APPEALED)
    first, second = claim.denials
    for cents in (first.amount.cents + 1, -1):
        with pytest.raises(RecoveryExceedsDenial):
            claim.answer_appeal({first.id: Money(cents)}, appeal_until=DEADLINE, on=TODAY, at=AT)
    claim.answer_appeal({first.id: first.amount}, appeal_until=DEADLINE, on=TODAY, at=AT)
    with pytest.raises(DenialNotAppealed):
        claim.answer_appeal({first.id: Money(0)}, appeal_until=DEADLINE, on=TODAY, at=AT)
    assert [denial.state for denial in claim.denials] == [DenialState.RECOVERED, DenialState.APPEALED]
    assert claim.denied_pending == second.amount


def test_nothing_is_written_off_but_by_accepting_it() -> None:
    claim = a_claim(_S.ADJUDICATED)
    first, second = claim.denials
    claim.accept_denials([first.id], reason="it was our mistake", at=AT)
    assert (claim.denied_accepted, claim.denied_pending) == (first.amount, second.amount)
    with pytest.raises(DenialNotPending):
        claim.accept_denials([first.id], reason="again", at=AT)
    claim.accept_denials([], reason="the rest too", at=AT)
    assert (claim.denied_pending, claim.outcome) == (Money(0), Outcome.PARTIALLY_DENIED)
    assert claim.accept_denials([], reason="nothing is left", at=AT) is False


def test_one_bad_denial_in_a_request_leaves_the_good_ones_alone() -> None:
    claim = a_claim(_S.ADJUDICATED)
    with pytest.raises(DenialNotFound):
        claim.accept_denials([claim.denials[0].id, new_id()], reason="both", at=AT)
    assert claim.denied_accepted == Money(0)


def test_denial_lines_of_an_item_say_their_code_and_reason() -> None:
    claim = a_claim(_S.IN_ANALYSIS)
    why = SaidDenial(code="1705", reason="Valor apresentado a maior", amount=Money(10_000))
    adjudicate(claim, SaidItem(number=1, processed=Money(10_000), released=Money(0), denials=(why,)))
    (denial,) = claim.denials
    assert (denial.code, denial.reason, denial.amount, denial.appeal_until) == (
        why.code,
        why.reason,
        why.amount,
        DEADLINE,
    )


def test_the_old_clients_statuses_are_a_view_that_leaves_nothing_out() -> None:
    pairs = [standing for old in OldStatus for standing in standings_of(old)]
    assert len(pairs) == len(set(pairs)) == len(ClaimStatus) * len(Outcome)
    assert old_status(_S.DRAFT, Outcome.NONE) is OldStatus.PENDING
    assert old_status(_S.APPEALED, Outcome.DENIED) is OldStatus.PROCESSING
    assert old_status(_S.SETTLED, Outcome.OVERPAID) is OldStatus.APPROVED
    assert old_status(_S.ADJUDICATED, Outcome.PARTIALLY_DENIED) is OldStatus.PARTIALLY_APPROVED
    assert old_status(_S.ADJUDICATED, Outcome.DENIED) is OldStatus.REJECTED
    assert old_status(_S.CANCELED, Outcome.APPROVED) is OldStatus.REJECTED
