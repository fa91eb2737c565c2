"""Money on its way back: how much, by which key, by whose hand, and what is told of it (billing.md P10 to P14)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus
from domain.billing.errors import NothingToRefund, PaymentIsDisputed, RefundInProgress, RefundWindowClosed
from domain.billing.events import PaymentReversalFailed, PaymentReversed
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.refund import Refund, RefundStatus
from domain.errors import DomainError, Kind
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene
from tests.support.saga_scene import AT, PART, PRICE, SagaScene, Unreachable, a_saga

_B, _P, _C, _R = BudgetStatus, PaymentStatus, ChargeStatus, RefundStatus

THIRDS = (Money(3_334), Money(3_333), Money(3_333))
REFUNDABLE = (_P.CONFIRMED, _P.PARTIALLY_REVERSED, _P.REFUND_FAILED)
REST = PRICE - PART


def last(scene: SagaScene) -> Refund:
    """The newest refund."""
    return scene.payment.refunds.all[-1]


def ambiguous(amount: Money = PART) -> SagaScene:
    """A refund that nobody could say anything of for too long."""
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.payment.refund(amount, reason="asked for", at=AT)
    scene.refund_failed(definitive=False)
    scene.facts()
    return scene


@pytest.mark.parametrize("status", REFUNDABLE)
def test_a_refund_asks_for_the_money_and_tells_nobody_until_it_went(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    left = scene.payment.left
    scene.payment.refund(left, reason="the customer left", at=AT)
    assert (scene.names(), scene.payment.status) == ([], _P.REFUNDING)
    assert (last(scene).amount, last(scene).status, last(scene).reason) == (left, _R.REQUESTED, "the customer left")
    assert scene.payment.giveback is False


@pytest.mark.parametrize("status", [status for status in PaymentStatus if status not in REFUNDABLE])
def test_what_cannot_be_refunded_is_refused_and_changes_nothing(status: PaymentStatus) -> None:
    better = {_P.REFUNDING: RefundInProgress, _P.DISPUTED: PaymentIsDisputed}
    scene = a_saga(_B.APPROVED, status)
    before = scene.written
    with pytest.raises(better.get(status, IllegalTransition)) as refused:
        scene.payment.refund(Money(1), reason="", at=AT)
    assert (scene.written, refused.value.kind) == (before, Kind.RULE)


@pytest.mark.parametrize("cents", [-1, 0, REST.cents + 1, PRICE.cents])
def test_no_more_is_refunded_than_is_left_and_no_less_than_a_centavo(cents: int) -> None:
    scene = a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED)
    before = scene.written
    with pytest.raises(NothingToRefund) as refused:
        scene.payment.refund(Money(cents), reason="", at=AT)
    assert refused.value.metadata == {"refundable_cents": str(REST.cents)}
    assert scene.written == before


def test_money_of_another_currency_is_not_refunded() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    with pytest.raises(DomainError):
        scene.payment.refund(Money(1, "USD"), reason="", at=AT)


@pytest.mark.parametrize("cents", [1, REST.cents])
def test_the_first_centavo_and_the_last_can_be_refunded(cents: int) -> None:
    scene = a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED)
    scene.payment.refund(Money(cents), reason="", at=AT)
    scene.refunded()
    assert scene.payment.left == REST - Money(cents)


def test_three_thirds_of_a_price_go_back_exactly() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    for third in THIRDS:
        scene.payment.refund(third, reason="", at=AT)
        scene.refunded()
    reversals = [fact for fact in scene.facts() if isinstance(fact, PaymentReversed)]
    assert [fact.amount_cents for fact in reversals] == [3_334, 3_333, 3_333]
    assert [fact.cumulative_amount_cents for fact in reversals] == [3_334, 6_667, 10_000]
    assert [fact.fully_reversed for fact in reversals] == [False, False, True]
    assert (scene.payment.status, scene.payment.left) == (_P.REVERSED, Money(0))


def test_each_refund_has_a_number_and_a_key_of_its_own() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    for third in THIRDS:
        scene.payment.refund(third, reason="", at=AT)
        scene.refunded()
    asked = scene.payment.refunds.all
    assert [refund.sequence for refund in asked] == [1, 2, 3]
    assert len({refund.key for refund in asked} | {scene.payment.idempotency_key}) == 4


def test_only_a_refund_of_everything_that_came_is_of_the_whole() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.payment.refund(PRICE, reason="", at=AT)
    assert last(scene).whole
    rest = a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED)
    rest.payment.refund(REST, reason="", at=AT)
    assert not last(rest).whole


# ----------------------------------------------------------------------------------------- the provider's answers: B.5


@pytest.mark.parametrize("budget", [_B.APPROVED, _B.CANCELED])
def test_an_answer_about_a_refund_that_nobody_waits_for_changes_nothing(budget: BudgetStatus) -> None:
    for status in PaymentStatus:
        with suppress(Unreachable):
            scene = a_saga(budget, status)
            before = scene.written
            for number in (0, 1, 2) if status is not _P.REFUNDING else (0, 2):
                assert not scene.payment.refunded(number, at=AT)
                assert not scene.payment.refund_failed(number, "no", definitive=True, at=AT)
            assert scene.written == before


def test_a_refund_that_went_through_is_told_once_with_its_kind() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    assert scene.payment.refunded(1, at=AT, provider_refund_id="refund 1")
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, fact.amount_cents, scene.payment.status) == (
        "REFUND",
        PART.cents,
        _P.PARTIALLY_REVERSED,
    )
    assert (last(scene).status, last(scene).provider_refund_id) == (_R.DONE, "refund 1")
    assert not scene.payment.refunded(1, at=AT, provider_refund_id="refund 1")
    assert scene.names() == []


def test_under_a_canceled_budget_the_rest_is_asked_for_until_all_went() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.cancel()
    scene.facts()
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REFUNDING)
    assert (last(scene).sequence, last(scene).amount) == (2, REST)
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REVERSED)


@pytest.mark.parametrize("budget", [_B.APPROVED, _B.CANCELED])
def test_a_refund_that_failed_is_told_once_and_reverses_nothing(budget: BudgetStatus) -> None:
    scene = a_saga(budget, _P.REFUNDING)
    assert scene.payment.refund_failed(1, "no balance", definitive=True, at=AT)
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversalFailed)
    assert (fact.reason, fact.status, scene.payment.status) == ("no balance", 1, _P.REFUND_FAILED)
    assert scene.payment.left == PRICE
    assert not scene.payment.refund_failed(1, "no balance", definitive=True, at=AT)
    assert scene.names() == []


@pytest.mark.parametrize("amount", [PART, PRICE])
def test_a_refund_that_was_given_up_may_turn_out_to_be_done(amount: Money) -> None:
    scene = ambiguous(amount)
    assert scene.refunded()
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, fact.amount_cents) == ("REFUND", amount.cents)
    assert scene.payment.status is (_P.REVERSED if amount == PRICE else _P.PARTIALLY_REVERSED)


@pytest.mark.parametrize("amount", [PART, PRICE])
def test_the_charge_itself_can_say_that_a_refund_that_was_given_up_is_done(amount: Money) -> None:
    scene = ambiguous(amount)
    scene.told(_C.REFUNDED if amount == PRICE else _C.APPROVED, refunded=amount)
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, last(scene).status) == ("REFUND", _R.DONE)


def test_a_refund_during_a_dispute_is_booked_and_decides_nothing_else() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.told(_C.DISPUTED)
    scene.facts()
    assert scene.refunded()
    assert (scene.names(), scene.payment.status, scene.payment.left) == (["PaymentReversed"], _P.DISPUTED, REST)


def test_all_of_it_refunded_during_a_dispute_ends_the_payment() -> None:
    scene = a_saga(_B.CANCELED, _P.REFUNDING)
    scene.told(_C.DISPUTED)
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentDisputed", "PaymentReversed"], _P.REVERSED)


def test_a_refund_that_failed_during_a_dispute_is_not_forgotten_when_that_is_won() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.told(_C.DISPUTED)
    scene.facts()
    before = scene.written
    assert not scene.refund_failed()
    assert scene.written == before
    scene.told(_C.DISPUTE_WON)
    assert (scene.names(), scene.payment.status) == (["PaymentDisputeWon"], _P.REFUNDING)
    assert scene.refund_failed()
    assert scene.names() == ["PaymentReversalFailed"]


# ------------------------------------------------------------------------------------------------------- trying again


async def retried(scene: SagaScene) -> tuple[Refund, Refund]:
    """The refund that failed, and what is asked for when a person tries again."""
    failed, billing = last(scene), BillingScene(saga=scene)
    await billing.payments.retry_refund(CALL, scene.payment.id)
    assert (billing.payment.status, billing.names()) == (_P.REFUNDING, [])
    return failed, billing.payment.refunds.all[-1]


async def test_after_a_definite_no_the_retry_has_a_new_key() -> None:
    failed, again = await retried(a_saga(_B.APPROVED, _P.REFUND_FAILED))
    assert (again.amount, again.sequence, again.reason) == (PART, 2, failed.reason)
    assert again.key != failed.key


@pytest.mark.parametrize("amount", [PART, PRICE])
async def test_while_nobody_can_say_the_retry_has_the_same_key(amount: Money) -> None:
    failed, again = await retried(ambiguous(amount))
    assert (again.key, again.sequence, again.amount, again.status) == (failed.key, 1, amount, _R.REQUESTED)


async def test_a_part_that_may_have_gone_is_asked_for_by_its_key_before_the_rest_is() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.cancel()
    scene.refund_failed(definitive=False)
    failed, again = await retried(scene)
    assert (again.key, again.amount) == (failed.key, PART)


@pytest.mark.parametrize("amount", [PART, PRICE])
def test_while_one_may_have_gone_nobody_can_tell_what_else_did(amount: Money) -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.payment.refund(amount, reason="asked for", at=AT)
    scene.cancel()
    scene.refund_failed(definitive=False)
    scene.facts()
    scene.told(_C.APPROVED, refunded=Money(1_000))
    assert (scene.payment.status, scene.payment.reversed, scene.facts()) == (_P.REFUND_FAILED, Money(0), [])
    assert scene.payment.refund_failed(1, "no", definitive=True, at=AT)
    scene.told(_C.APPROVED, refunded=Money(1_000))
    assert (scene.payment.status, scene.payment.reversed) == (_P.REFUNDING, Money(1_000))
    assert last(scene).amount == PRICE - Money(1_000)


def test_no_other_amount_is_asked_back_while_one_may_have_gone() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.payment.refund(PART, reason="asked for", at=AT)
    scene.refund_failed(definitive=False)
    with pytest.raises(RefundInProgress):
        scene.payment.refund(Money(1), reason="asked for", at=AT)
    scene.payment.refund(PART, reason="asked for", at=AT)
    assert len(scene.payment.refunds.all) == 1


def test_what_the_provider_gave_back_is_booked_and_not_what_was_asked_for() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.payment.refund(PRICE, reason="asked for", at=AT)
    assert scene.payment.refunded(1, amount=Money(7_000), at=AT)
    assert (scene.payment.reversed, scene.payment.status) == (Money(7_000), _P.PARTIALLY_REVERSED)


async def test_under_a_canceled_budget_the_retry_is_for_all_that_is_left() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.cancel()
    scene.refund_failed()
    _, again = await retried(scene)
    assert again.amount == PRICE


@pytest.mark.parametrize("status", [status for status in PaymentStatus if status is not _P.REFUND_FAILED])
async def test_only_a_refund_that_failed_is_tried_again(status: PaymentStatus) -> None:
    scene = BillingScene(saga=a_saga(_B.APPROVED, status))
    before = scene.image()
    with pytest.raises(DomainError):
        await scene.payments.retry_refund(CALL, scene.payment.id)
    assert scene.image() == before


# ----------------------------------------------------------------------------------------------------- others' refunds


def test_a_refund_made_in_the_panel_reverses_what_it_gave_back() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.told(_C.APPROVED, refunded=PART, detail="by_admin")
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, fact.amount_cents, fact.reason) == ("PROVIDER", PART.cents, "by_admin")
    assert (scene.payment.status, scene.payment.left) == (_P.PARTIALLY_REVERSED, REST)


def test_a_panels_refund_of_everything_ends_our_own_that_was_under_way() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.told(_C.REFUNDED)
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REVERSED)
    assert scene.payment.refunds.in_flight is None
    assert not scene.payment.refunded(1, at=AT)


def test_a_panels_refund_while_ours_failed_leaves_the_rest_to_be_asked_for() -> None:
    scene = a_saga(_B.CANCELED, _P.REFUND_FAILED)
    scene.told(_C.APPROVED, refunded=PART)
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REFUNDING)
    assert last(scene).amount == REST


async def test_after_the_window_nothing_is_asked_for() -> None:
    scene = BillingScene(saga=a_saga(_B.APPROVED, _P.CONFIRMED))
    confirmed = scene.payment.confirmed_at
    assert confirmed
    scene.clock.advance(days=90)
    before = scene.image()
    scene.clock.advance(seconds=(confirmed + timedelta(days=90) - scene.clock.now()).total_seconds(), microseconds=1)
    with pytest.raises(RefundWindowClosed) as refused:
        await scene.refund()
    assert (scene.image(), refused.value.kind) == (before, Kind.RULE)


async def test_the_last_instant_of_the_window_still_counts() -> None:
    scene = BillingScene(saga=a_saga(_B.APPROVED, _P.CONFIRMED))
    scene.clock.advance(days=90)
    await scene.refund()
    assert scene.statuses == ["APPROVED", "REFUNDING"]


async def test_without_an_amount_all_that_is_left_is_asked_for() -> None:
    scene = BillingScene(saga=a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED))
    payment = await scene.refund()
    assert payment.refunds.in_flight
    assert payment.refunds.in_flight.amount == REST
