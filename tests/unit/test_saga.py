"""The rules that span a budget and its attempts to pay: who may begin, whose money stays, what is still owed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus
from domain.billing.errors import BudgetNotApproved, PaymentAlreadyOpen, TooManyPayments, WrongAmount
from domain.billing.events import PaymentConfirmed, PaymentFailed
from domain.billing.payment import SUPERSEDED, Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.errors import Kind
from domain.money import Money
from tests.support.saga_scene import AT, MOVES, PART, PRICE, SagaScene, a_line, a_saga, an_approved
from tests.support.saga_walk import everywhere, walked

_B, _P, _C = BudgetStatus, PaymentStatus, ChargeStatus

OPEN = (_P.CREATED, _P.UNKNOWN, _P.PENDING, _P.CANCELING)
DEAD = (_P.FAILED, _P.EXPIRED, _P.CANCELED)
HELD = (_P.CONFIRMED, _P.REFUNDING, _P.PARTIALLY_REVERSED, _P.REFUND_FAILED, _P.DISPUTED)
OVER = (_P.REVERSED, _P.CHARGED_BACK)


# ------------------------------------------------------------------------------------------------------- StartPayment


@pytest.mark.parametrize("status", [*DEAD, *OVER])
def test_after_an_attempt_that_holds_nothing_another_may_begin(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    scene.start()
    assert scene.state == (_B.APPROVED, [status, _P.CREATED])


@pytest.mark.parametrize("status", [*OPEN, *HELD])
def test_beside_an_open_or_kept_attempt_none_may_begin(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    with pytest.raises(PaymentAlreadyOpen) as refused:
        scene.start()
    assert refused.value.kind is Kind.ALREADY_EXISTS
    assert refused.value.metadata == {"payment_id": str(scene.payment.id)}
    assert len(scene.saga.payments) == 1


@pytest.mark.parametrize("status", [_P.REFUNDING, _P.REFUND_FAILED, _P.DISPUTED])
def test_money_that_goes_back_anyhow_stands_in_nobodys_way(status: PaymentStatus) -> None:
    scene = a_saga(_B.SENT, status).approve()
    scene.start()
    assert scene.state == (_B.APPROVED, [status, _P.CREATED])


@pytest.mark.parametrize("status", [status for status in BudgetStatus if status is not _B.APPROVED])
def test_money_is_taken_for_approved_budgets_only(status: BudgetStatus) -> None:
    scene = a_saga(status)
    with pytest.raises(BudgetNotApproved) as refused:
        scene.start()
    assert (refused.value.kind, scene.saga.payments) == (Kind.RULE, [])


@pytest.mark.parametrize("amount", [Money(0), Money(9_999), Money(10_001), Money(10_000, "USD")])
def test_an_attempt_is_for_the_whole_total_to_the_centavo(amount: Money) -> None:
    scene = an_approved()
    with pytest.raises(WrongAmount) as refused:
        scene.saga.start_payment(UUID(int=7), scene.rules, at=AT, amount=amount)
    assert (refused.value.kind, scene.saga.payments) == (Kind.INVALID, [])
    scene.saga.start_payment(UUID(int=7), scene.rules, at=AT, amount=PRICE)
    assert scene.payment.amount == PRICE


def test_a_budget_has_no_more_attempts_than_the_rules_allow() -> None:
    scene = an_approved()
    for _ in range(scene.rules.max_attempts):
        scene.start().withdraw("CANCELED", at=AT)
    with pytest.raises(TooManyPayments) as refused:
        scene.start()
    assert (refused.value.kind, refused.value.metadata) == (Kind.EXHAUSTED, {"max_attempts": "5"})


# ----------------------------------------------------------------------------------------------------------- dispatch


def test_an_attempt_is_dispatched_once() -> None:
    scene = a_saga(_B.APPROVED, _P.CREATED)
    assert scene.saga.dispatch(scene.payment, at=AT)
    before = scene.written
    assert not scene.saga.dispatch(scene.payment, at=AT)
    assert scene.written == before


@pytest.mark.parametrize("status", [status for status in PaymentStatus if status is not _P.CREATED])
def test_what_was_dispatched_before_is_not_dispatched_again(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    before = scene.written
    assert not scene.saga.dispatch(scene.payment, at=AT)
    assert scene.written == before


def test_an_attempt_whose_budget_was_withdrawn_is_not_dispatched() -> None:
    scene = a_saga(_B.APPROVED, _P.CREATED)
    scene.budget.cancel(reason="", at=AT)  # its attempt is left as it was, which no use case does
    assert not scene.saga.dispatch(scene.payment, at=AT)
    assert scene.payment.status is _P.CREATED


# ----------------------------------------------------------------------------------------------- two attempts at once


def beside(second: PaymentStatus) -> tuple[SagaScene, Payment, Payment]:
    """An attempt that expired, and a newer one that stands so."""
    scene = a_saga(_B.APPROVED, _P.EXPIRED)
    scene.start()
    for move in WAYS[second].split():
        MOVES[move](scene)
    scene.facts()
    first, newest = scene.saga.payments
    assert newest.status is second
    return scene, first, newest


WAYS = {
    _P.CREATED: "",
    _P.UNKNOWN: "dispatch",
    _P.PENDING: "dispatch pend",
    _P.CANCELING: "dispatch pend withdraw",
    _P.CONFIRMED: "dispatch pend pay",
    _P.REFUNDING: "dispatch pend pay refund_part",
    _P.PARTIALLY_REVERSED: "dispatch pend pay refund_part refunded",
    _P.REFUND_FAILED: "dispatch pend pay refund_part refund_failed",
    _P.DISPUTED: "dispatch pend pay dispute",
    _P.REVERSED: "dispatch pend pay refund_all refunded",
    _P.CHARGED_BACK: "dispatch pend pay dispute lose",
}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (_P.CREATED, _P.CANCELED, ["PaymentConfirmed", "PaymentFailed"]),
        (_P.UNKNOWN, _P.UNKNOWN, ["PaymentConfirmed"]),
        (_P.PENDING, _P.CANCELING, ["PaymentConfirmed"]),
        (_P.CANCELING, _P.CANCELING, ["PaymentConfirmed"]),
    ],
)
def test_late_money_is_taken_and_the_newer_attempt_is_wanted_no_more(
    before: PaymentStatus, after: PaymentStatus, told: list[str]
) -> None:
    scene, first, newest = beside(before)
    scene.told(_C.APPROVED, first)
    facts = scene.facts()
    assert [type(fact).__name__ for fact in facts] == told
    assert (first.status, newest.status) == (_P.CONFIRMED, after)
    assert [fact.reason for fact in facts if isinstance(fact, PaymentFailed)] == [SUPERSEDED] * (len(told) - 1)
    assert newest.withdrawn


@pytest.mark.parametrize("kept", HELD)
def test_money_that_comes_beside_kept_money_goes_back_and_is_told_when_it_went(kept: PaymentStatus) -> None:
    scene, first, newest = beside(kept)
    scene.told(_C.APPROVED, first)
    assert (scene.names(), first.status, newest.status) == ([], _P.REFUNDING, kept)
    assert (first.surplus, first.kept, newest.kept) == (True, False, True)
    scene.refunded(first)
    assert (scene.names(), first.status) == (["PaymentReversed"], _P.REVERSED)


@pytest.mark.parametrize("gone", OVER)
def test_money_that_comes_after_the_other_went_is_taken(gone: PaymentStatus) -> None:
    scene, first, _ = beside(gone)
    scene.told(_C.APPROVED, first)
    assert (scene.names(), first.status) == (["PaymentConfirmed"], _P.CONFIRMED)


def test_a_dispute_won_beside_other_kept_money_goes_back() -> None:
    scene, first, newest = beside(_P.CONFIRMED)
    scene.told(_C.APPROVED, first)
    scene.told(_C.DISPUTED, first)
    scene.facts()
    scene.told(_C.DISPUTE_WON, first)
    assert (scene.names(), first.status, newest.status) == (["PaymentDisputeWon"], _P.REFUNDING, _P.CONFIRMED)


def test_money_for_an_older_and_smaller_total_is_no_confirmation() -> None:
    scene = a_saga(_B.APPROVED, _P.EXPIRED)
    scene.saga.revise((a_line(15_000),), at=AT)
    scene.approve()
    scene.facts()
    scene.told(_C.APPROVED)
    assert not any(isinstance(fact, PaymentConfirmed) for fact in scene.facts())
    assert (scene.payment.status, scene.saga.net, scene.saga.amount_due) == (_P.REFUNDING, Money(0), Money(15_000))
    scene.start()
    assert scene.payment.amount == Money(15_000)


# --------------------------------------------------------------------------------------------------- what is still owed


@pytest.mark.parametrize(
    ("status", "net"), [(_P.PENDING, 0), (_P.CONFIRMED, 10_000), (_P.PARTIALLY_REVERSED, 6_000), (_P.REVERSED, 0)]
)
def test_what_is_due_is_the_total_less_what_stays(status: PaymentStatus, net: int) -> None:
    saga = a_saga(_B.APPROVED, status).saga
    assert (saga.net, saga.amount_due) == (Money(net), PRICE - Money(net))


def test_money_on_its_way_back_pays_nothing() -> None:
    scene, first, _ = beside(_P.PARTIALLY_REVERSED)
    scene.told(_C.APPROVED, first)
    assert (scene.saga.net, scene.saga.amount_due) == (PRICE - PART, PART)


@pytest.mark.parametrize("status", [status for status in BudgetStatus if status is not _B.APPROVED])
def test_nothing_is_due_for_a_budget_that_is_not_approved(status: BudgetStatus) -> None:
    assert a_saga(status).saga.amount_due == Money(0)


# -------------------------------------------------------------------------------------------- invariants, everywhere


def must_be_sound(scene: SagaScene) -> None:
    """I1 to I4, I10 and I11 of one state."""
    for payment in scene.saga.payments:
        under_way = payment.refunds.in_flight
        assert 0 <= payment.reversed.cents <= payment.captured.cents <= payment.amount.cents
        assert payment.reversed.cents + (under_way.amount.cents if under_way else 0) <= payment.captured.cents
        if payment.status in (*OPEN, *DEAD):
            assert payment.captured == Money(0)
        if payment.status in OVER:
            assert payment.reversed == payment.captured != Money(0)
        assert (payment.status is _P.REFUNDING) <= (under_way is not None)
    statuses = [payment.status for payment in scene.saga.payments]
    assert sum(payment.kept for payment in scene.saga.payments) <= 1
    assert sum(payment.open and not payment.withdrawn for payment in scene.saga.payments) <= 1
    if not scene.budget.approved:
        assert not {_P.CREATED, _P.PENDING, _P.CONFIRMED, _P.PARTIALLY_REVERSED} & set(statuses)


def test_one_attempt_keeps_every_invariant_in_every_state_it_can_come_to() -> None:
    states = everywhere()
    assert len(states) > 300
    for scene in states:
        must_be_sound(scene)


def test_two_attempts_keep_every_invariant_whatever_is_said_of_either() -> None:
    scene, _, _ = beside(_P.PENDING)
    states = list(walked(scene.fork(), moves=OF_EITHER))
    assert len(states) > 100
    for state in states:
        must_be_sound(state)


def _of(number: int, move: Callable[[SagaScene, Payment], object], scene: SagaScene) -> None:
    move(scene, scene.saga.payments[number])


OF_EITHER: dict[str, Callable[[SagaScene], object]] = {
    f"{name} {number}": partial(_of, number, move)
    for number in (0, 1)
    for name, move in {
        "approved": lambda scene, payment: scene.told(_C.APPROVED, payment),
        "expired": lambda scene, payment: scene.told(_C.EXPIRED, payment),
        "disputed": lambda scene, payment: scene.told(_C.DISPUTED, payment),
        "won": lambda scene, payment: scene.told(_C.DISPUTE_WON, payment),
        "refunded": lambda scene, payment: scene.refunded(payment),
        "failed": lambda scene, payment: scene.refund_failed(payment),
    }.items()
} | {"withdrawn": MOVES["withdraw_budget"]}
"""Whatever a provider says of one of two attempts, and the budget's end."""
