"""A settlement report held against our payments: what is a difference, and what only looks like one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus as P
from domain.billing.settlement import Difference, DifferenceKind, LineKind, SettlementLine, Totals, differences, totals
from domain.money import Money
from tests.support.saga_scene import AT, PART, PRICE, a_saga

S, R, C, D = LineKind.SETTLEMENT, LineKind.REFUND, LineKind.CHARGEBACK, LineKind.DISPUTE
DAY = timedelta(days=1)
ALL, SOME = -PRICE.cents, -PART.cents


def a_payment(status: P = P.CONFIRMED) -> Payment:
    """A payment of 100.00 that came to stand so at AT; where a part of it is concerned, that is 40.00."""
    return a_saga(BudgetStatus.APPROVED, status).payment


CHARGE, PAYMENT = a_payment().provider_payment_id, a_payment().id


def a_line(kind: LineKind = S, cents: int = PRICE.cents, **changes: Any) -> SettlementLine:
    """What a report says of that payment's charge, without a fee."""
    line = SettlementLine(
        charge_id=CHARGE,
        reference=str(PAYMENT),
        kind=kind,
        amount=Money(cents),
        fee=Money(0),
        net=Money(cents),
        at=AT - timedelta(seconds=5),
    )
    return replace(line, **changes)


def held_against(
    lines: Sequence[SettlementLine], *payments: Payment, since: int = 1, until: int = 1
) -> list[Difference]:
    """The differences from so many days before AT to so many after."""
    return differences(lines, payments, since=AT - since * DAY, until=AT + until * DAY)


def told(kind: DifferenceKind, **changes: Any) -> Difference:
    return replace(Difference(kind=kind, charge_id=CHARGE, payment_id=PAYMENT), **changes)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (P.PENDING, []),
        (P.EXPIRED, []),
        (P.CONFIRMED, [(S, PRICE.cents)]),
        (P.REFUNDING, [(S, PRICE.cents)]),
        (P.REFUNDING, [(S, PRICE.cents), (R, SOME)]),
        (P.REFUND_FAILED, [(S, PRICE.cents)]),
        (P.PARTIALLY_REVERSED, [(S, PRICE.cents), (R, SOME)]),
        (P.REVERSED, [(S, PRICE.cents), (R, ALL)]),
        (P.REVERSED, [(S, PRICE.cents), (R, SOME), (R, ALL - SOME)]),
        (P.DISPUTED, [(S, PRICE.cents)]),
        (P.DISPUTED, [(S, PRICE.cents), (D, ALL)]),
        (P.DISPUTED, [(S, PRICE.cents), (C, ALL)]),
        (P.CONFIRMED, [(S, PRICE.cents), (C, ALL), (C, PRICE.cents)]),
        (P.CONFIRMED, [(S, PRICE.cents), (D, ALL), (D, PRICE.cents)]),
        (P.CONFIRMED, [(S, PRICE.cents), (D, PRICE.cents)]),
        (P.CHARGED_BACK, [(S, PRICE.cents), (C, ALL)]),
        (P.CHARGED_BACK, [(S, PRICE.cents), (D, ALL)]),
    ],
)
def test_a_report_that_says_what_we_know_has_no_differences(status: P, said: list[tuple[LineKind, int]]) -> None:
    assert held_against([a_line(kind, cents) for kind, cents in said], a_payment(status)) == []


@pytest.mark.parametrize(
    ("status", "said", "expected", "found"),
    [
        (P.CONFIRMED, [(R, SOME)], 0, PART.cents),
        (P.CONFIRMED, [(C, ALL)], 0, PRICE.cents),
        (P.REFUNDING, [(R, ALL)], 0, PRICE.cents),
        (P.PARTIALLY_REVERSED, [], PART.cents, 0),
        (P.REVERSED, [(R, SOME)], PRICE.cents, PART.cents),
        (P.CHARGED_BACK, [], PRICE.cents, 0),
        (P.DISPUTED, [(R, SOME)], 0, PART.cents),
        (P.REVERSED, [(D, PRICE.cents), (R, SOME)], PRICE.cents, PART.cents),
    ],
)
def test_money_that_went_back_otherwise_than_we_know_is_a_difference(
    status: P, said: list[tuple[LineKind, int]], expected: int, found: int
) -> None:
    lines = [a_line(), *(a_line(kind, cents) for kind, cents in said)]
    wanted = told(DifferenceKind.REVERSED_DIFFERS, expected=Money(expected), found=Money(found))
    assert held_against(lines, a_payment(status)) == [wanted]


def test_a_refund_that_we_gave_up_and_that_was_made_after_all_is_a_difference() -> None:
    scene = a_saga(BudgetStatus.APPROVED, P.REFUNDING)
    scene.refund_failed(definitive=False)
    wanted = told(DifferenceKind.REVERSED_DIFFERS, expected=Money(0), found=PART)
    assert held_against([a_line(), a_line(R, SOME)], scene.payment) == [wanted]


def test_a_refund_of_another_period_is_not_missed_in_this_one() -> None:
    later = replace(a_payment(P.REVERSED), updated_at=AT + 2 * DAY)
    assert held_against([a_line()], later) == []
    earlier = replace(a_payment(P.REVERSED), confirmed_at=AT - 2 * DAY)
    assert held_against([a_line(R, ALL)], earlier) == []
    partly = replace(earlier, updated_at=AT)
    assert held_against([a_line(R, SOME)], partly) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([a_line(cents=9_999)], 9_999),
        ([a_line(), a_line(charge_id="another of the same reference")], 20_000),
        ([a_line(D, 0)], 0),
    ],
)
def test_money_that_came_otherwise_than_we_know_is_a_difference(lines: list[SettlementLine], found: int) -> None:
    wanted = told(DifferenceKind.CAPTURED_DIFFERS, expected=PRICE, found=Money(found))
    assert held_against(lines, a_payment()) == [wanted]


def test_money_for_an_attempt_that_is_over_here_is_a_difference() -> None:
    wanted = told(DifferenceKind.CAPTURED_DIFFERS, expected=Money(0), found=PRICE)
    assert held_against([a_line()], a_payment(P.EXPIRED)) == [wanted]


def test_a_confirmed_charge_that_the_report_leaves_out_is_missing() -> None:
    wanted = told(DifferenceKind.MISSING_CHARGE, expected=PRICE)
    assert held_against([], a_payment()) == [wanted]
    assert held_against([a_line(LineKind.OTHER, -50), a_line(LineKind.PAYOUT, -50)], a_payment()) == [wanted]


def test_a_charge_confirmed_outside_the_period_is_not_missing() -> None:
    assert held_against([], a_payment(), since=-1, until=2) == []
    assert held_against([], a_payment(), since=1, until=0) == []
    assert held_against([], a_payment(), since=0) == [told(DifferenceKind.MISSING_CHARGE, expected=PRICE)]


def test_a_charge_of_nobody_is_unknown_whatever_became_of_it() -> None:
    unknown = told(DifferenceKind.UNKNOWN_CHARGE, payment_id=None)
    assert held_against([a_line(), a_line(R, ALL)]) == [replace(unknown, found=PRICE)]
    assert held_against([a_line(R, SOME)]) == [replace(unknown, found=Money(SOME))]
    assert held_against([a_line(charge_id="", reference="")], a_payment(P.CREATED)) == [
        replace(unknown, charge_id="", found=PRICE)
    ]
    assert held_against([a_line(LineKind.OTHER), a_line(LineKind.PAYOUT)]) == []


def test_a_line_with_another_number_is_ours_by_its_reference() -> None:
    assert held_against([a_line(charge_id="7001")], a_payment()) == []
    assert held_against([a_line(charge_id="7001", cents=1)], a_payment()) == [
        told(DifferenceKind.CAPTURED_DIFFERS, charge_id="7001", expected=PRICE, found=Money(1))
    ]


def test_a_charge_that_the_report_takes_for_something_else_is_a_difference() -> None:
    assert held_against([a_line(reference="another shop")], a_payment()) == [told(DifferenceKind.REFERENCE_DIFFERS)]
    assert held_against([a_line(reference="")], a_payment()) == []


def test_another_currency_is_told_and_not_compared() -> None:
    dollars = Money(PRICE.cents, "USD")
    wanted = told(DifferenceKind.WRONG_CURRENCY, expected=PRICE, found=dollars)
    assert held_against([a_line(amount=dollars)], a_payment()) == [wanted]
    assert held_against([a_line(), a_line(R, amount=-dollars)], a_payment()) == [replace(wanted, found=-dollars)]


def test_a_line_that_is_there_twice_is_told_and_counted_once() -> None:
    wanted = told(DifferenceKind.DUPLICATE_LINE, found=PRICE)
    assert held_against([a_line(), a_line()], a_payment()) == [wanted]
    nobodys = [replace(wanted, payment_id=None), told(DifferenceKind.UNKNOWN_CHARGE, payment_id=None, found=PRICE)]
    assert held_against([a_line(), a_line()]) == nobodys
    assert totals([a_line(), a_line()]) == totals([a_line()])


def test_a_wider_report_explains_the_period_and_adds_nothing_to_it() -> None:
    before, after = AT - timedelta(days=1, seconds=1), AT + DAY
    strange = [a_line(charge_id="8001", reference="", at=at) for at in (before, before, after, after)]
    assert held_against([a_line(at=before), *strange], a_payment()) == []
    assert held_against([a_line(cents=1, at=before)], replace(a_payment(), confirmed_at=before)) == []


def test_the_sums_of_each_currency_are_kept_apart_and_signed() -> None:
    lines = [
        a_line(fee=Money(-99), net=Money(9_901)),
        a_line(R, SOME, fee=Money(40), net=Money(-3_960)),
        a_line(C, -1_000),
        a_line(D, -500),
        a_line(LineKind.OTHER, -7),
        a_line(LineKind.PAYOUT, -2_000),
        a_line(LineKind.PAYOUT, 300),
        a_line(amount=Money(5, "USD"), fee=Money(-1, "USD"), net=Money(4, "USD")),
    ]
    nothing = Money(0, "USD")
    assert totals(lines) == (
        Totals(
            captured=PRICE,
            reversed=Money(5_000),
            withheld=Money(500),
            other=Money(-7),
            fees=Money(-59),
            net=Money(4_434),
            payouts=Money(1_700),
        ),
        Totals(
            captured=Money(5, "USD"),
            reversed=nothing,
            withheld=nothing,
            other=nothing,
            fees=Money(-1, "USD"),
            net=Money(4, "USD"),
            payouts=nothing,
        ),
    )
    assert totals([]) == ()
