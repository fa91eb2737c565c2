"""Races and deliveries while money goes back: billing.md B.6, R26 to R36, each under its number."""

from __future__ import annotations

import pytest

from domain.billing.charge import ChargeStatus, GivebackStatus
from domain.billing.errors import NothingToRefund, PaymentIsDisputed, RefundInProgress, RefundWindowClosed
from domain.billing.events import PaymentReversalFailed, PaymentReversed
from domain.billing.observing import Effect
from domain.billing.payment import Payment
from domain.billing.provider_notice import NoticeStatus
from domain.errors import DomainError
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene, must_add_up
from tests.support.fake_provider import Fault
from tests.support.saga_scene import PART, PRICE

_C = ChargeStatus
REST = PRICE - PART


async def paid() -> BillingScene:
    """A budget that was approved and paid."""
    scene = BillingScene()
    await scene.confirmed()
    return scene


def reversals(scene: BillingScene) -> list[tuple[str, int]]:
    """Who took back how much, in order."""
    return [(fact.reversal_kind, fact.amount_cents) for fact in scene.facts if isinstance(fact, PaymentReversed)]


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
@pytest.mark.parametrize("times", [1, 2, 9])
async def test_r26_a_refund_that_times_out_is_given_once_by_one_key(fault: Fault, times: int) -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [fault] * times
    await scene.refund()
    await scene.run(hours=1)
    assert (scene.statuses, len(set(scene.provider.keys))) == (["APPROVED", "REVERSED"], 1)
    assert (reversals(scene), scene.provider.given_back) == ([("REFUND", 10_000)], PRICE)
    must_add_up(scene)


async def test_r27_a_refund_in_process_is_told_when_it_is_done_and_not_before() -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.IN_PROCESS]
    await scene.refund(PART)
    await scene.run(minutes=10)
    assert (scene.statuses, reversals(scene)) == (["APPROVED", "REFUNDING"], [])
    scene.provider.end_refunds(scene.payment.id)
    await scene.run(hours=1)
    assert (scene.statuses, reversals(scene)) == (["APPROVED", "PARTIALLY_REVERSED"], [("REFUND", PART.cents)])
    must_add_up(scene)


@pytest.mark.parametrize("amount", [PART, PRICE])
async def test_r27_a_webhook_about_a_refund_that_is_done_does_not_book_it_twice(amount: Money) -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.IN_PROCESS]
    await scene.refund(amount)
    await scene.run(minutes=10)
    scene.provider.end_refunds(scene.payment.id)
    for _ in range(3):
        await scene.webhook(scene.payment)
    await scene.run(hours=1)
    assert reversals(scene) == [("REFUND", amount.cents)]
    must_add_up(scene)


async def test_r28_a_refusal_that_may_be_none_decides_nothing_until_the_refund_is_seen() -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.LOST_AFTER, Fault.LOST_BEFORE]
    await scene.refund(PART)
    await scene.work()
    assert (scene.statuses, reversals(scene)) == (["APPROVED", "REFUNDING"], [])
    await scene.run(minutes=1)
    assert (scene.statuses, scene.names().count("PaymentReversalFailed")) == (["APPROVED", "PARTIALLY_REVERSED"], 0)
    must_add_up(scene)


@pytest.mark.parametrize("how", ["refused", "rejected after it was in process"])
async def test_r29_a_refund_that_is_rejected_alarms_once_and_reverses_nothing(how: str) -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.REFUSED if how == "refused" else Fault.IN_PROCESS]
    await scene.refund()
    await scene.work()
    scene.provider.end_refunds(scene.payment.id, GivebackStatus.REJECTED)
    await scene.run(hours=12)
    assert (scene.statuses, reversals(scene)) == (["APPROVED", "REFUND_FAILED"], [])
    assert scene.names().count("PaymentReversalFailed") == 1
    must_add_up(scene)


async def test_r29_after_ninety_days_nobody_is_asked() -> None:
    scene = await paid()
    scene.clock.advance(days=90, seconds=1)
    with pytest.raises(RefundWindowClosed):
        await scene.refund()
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_r29_the_end_of_a_work_order_after_ninety_days_asks_and_then_alarms() -> None:
    scene = await paid()
    scene.clock.advance(days=91)
    scene.provider.always["refund"] = Fault.REFUSED
    await scene.cancel_work_order()
    await scene.work()
    assert (scene.statuses, scene.names()[-1]) == (["CANCELED", "REFUND_FAILED"], "PaymentReversalFailed")


async def test_r30_three_thirds_go_back_exactly() -> None:
    scene = await paid()
    for cents in (3_334, 3_333, 3_333):
        await scene.refund(Money(cents))
        await scene.work()
    assert (scene.statuses, scene.payment.left) == (["APPROVED", "REVERSED"], Money(0))
    assert [cents for _, cents in reversals(scene)] == [3_334, 3_333, 3_333]
    must_add_up(scene)


async def test_r31_of_two_refunds_at_once_that_are_too_much_one_wins() -> None:
    scene = await paid()
    won, lost = await scene.race(scene.refund(Money(6_000)), scene.refund(Money(6_000)))
    assert isinstance(won, Payment)
    assert isinstance(lost, RefundInProgress)
    await scene.work()
    with pytest.raises(NothingToRefund):
        await scene.refund(Money(6_000))
    assert scene.payment.reversed == Money(6_000)
    must_add_up(scene)


async def test_r31_a_refund_beside_the_end_of_the_work_order_gives_all_back_once() -> None:
    for winner in ("refund", "end"):
        scene = await paid()
        refund, end = scene.refund(PART), scene.cancel_work_order()
        await (scene.race(refund, end) if winner == "refund" else scene.race(end, refund))
        await scene.work()
        assert (scene.statuses, scene.provider.given_back) == (["CANCELED", "REVERSED"], PRICE)
        must_add_up(scene)


async def test_r32_during_a_dispute_nothing_is_refunded() -> None:
    scene = await paid()
    scene.provider.say(scene.payment.id, _C.DISPUTED)
    await scene.webhook(scene.payment)
    before = scene.image()
    with pytest.raises(PaymentIsDisputed) as refused:
        await scene.refund()
    assert (refused.value.code, scene.image()) == ("DISPUTED", before)


@pytest.mark.parametrize("end", [GivebackStatus.DONE, GivebackStatus.REJECTED])
@pytest.mark.parametrize("verdict", [_C.DISPUTE_WON, _C.CHARGED_BACK])
async def test_r32_a_dispute_during_a_refund_waits_for_both_ends(verdict: ChargeStatus, end: GivebackStatus) -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.IN_PROCESS]
    await scene.refund(PART)
    await scene.work()
    scene.provider.say(scene.payment.id, _C.DISPUTED)
    await scene.webhook(scene.payment)
    assert scene.statuses == ["APPROVED", "DISPUTED"]
    scene.provider.end_refunds(scene.payment.id, end)
    await scene.webhook(scene.payment)
    scene.provider.say(scene.payment.id, verdict)
    await scene.webhook(scene.payment)
    await scene.run(hours=2)
    lost, done = verdict is _C.CHARGED_BACK, end is GivebackStatus.DONE
    still = "PARTIALLY_REVERSED" if done else "REFUND_FAILED"
    assert scene.statuses == ["APPROVED", "CHARGED_BACK" if lost else still]
    assert scene.names().count("PaymentReversalFailed") == (not lost and not done)
    must_add_up(scene)


async def test_r33_a_panels_refund_of_all_beside_ours_gives_it_back_once() -> None:
    scene = await paid()
    await scene.refund()
    scene.provider.refund_by_admin(scene.payment.id, PRICE)
    await scene.run(hours=3)
    assert (scene.statuses, scene.provider.given_back) == (["APPROVED", "REVERSED"], PRICE)
    assert reversals(scene) == [("PROVIDER", 10_000)]
    must_add_up(scene)


@pytest.mark.parametrize("panel", [Money(1_000), REST])
async def test_r33_a_panels_refund_of_a_part_beside_ours_is_booked_too(panel: Money) -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.IN_PROCESS]
    await scene.refund(PART)
    await scene.work()
    scene.provider.refund_by_admin(scene.payment.id, panel)
    await scene.webhook(scene.payment)
    scene.provider.end_refunds(scene.payment.id)
    await scene.run(days=2)
    assert sorted(reversals(scene)) == [("PROVIDER", panel.cents), ("REFUND", PART.cents)]
    assert scene.statuses == ["APPROVED", "REVERSED" if panel == REST else "PARTIALLY_REVERSED"]
    must_add_up(scene)


async def test_r33_a_worker_that_dies_anywhere_beside_a_panels_refund_books_both() -> None:
    for place in range(20):
        scene = await paid()
        scene.provider.faults["refund"] = [Fault.IN_PROCESS]
        await scene.refund(PART)
        await scene.work()
        scene.provider.refund_by_admin(scene.payment.id, Money(1_000))
        await scene.webhook(scene.payment)
        scene.provider.end_refunds(scene.payment.id)
        scene.clock.advance(seconds=1)
        died = await scene.work_until(place)
        await scene.run(days=2)
        assert (scene.payment.reversed, scene.provider.given_back) == (Money(5_000), Money(5_000)), f"place {place}"
        if not died:
            return


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
async def test_r33_a_panels_refund_after_a_dispute_beside_ours_that_may_have_gone_is_booked_too(fault: Fault) -> None:
    scene = await paid()
    scene.provider.always["refund"] = fault
    await scene.refund(PART)
    await scene.run(hours=2)
    assert scene.names()[-1] == "PaymentReversalFailed"
    for word in (_C.DISPUTED, _C.DISPUTE_WON):
        scene.provider.say(scene.payment.id, word)
        await scene.webhook(scene.payment)
    scene.provider.always.clear()
    scene.provider.refund_by_admin(scene.payment.id, Money(1_000))
    await scene.webhook(scene.payment)
    await scene.run(days=9)
    must_add_up(scene)


async def test_r33_a_panels_refund_of_a_part_beside_the_end_of_the_work_order_leaves_nothing_here() -> None:
    scene = await paid()
    await scene.cancel_work_order()
    scene.provider.refund_by_admin(scene.payment.id, PART)
    await scene.run(days=2)
    assert (scene.statuses, scene.provider.given_back) == (["CANCELED", "REVERSED"], PRICE)
    must_add_up(scene)


@pytest.mark.parametrize("word", [_C.DISPUTED, _C.CHARGED_BACK, _C.DISPUTE_WON])
async def test_r34_a_dispute_of_money_that_went_back_only_alarms(word: ChargeStatus) -> None:
    scene = await paid()
    await scene.refund()
    await scene.work()
    before = scene.image()
    scene.provider.say(scene.payment.id, word)
    observed = await scene.payments.observe(CALL, scene.payment.id, scene.provider.charge_of(scene.payment.id).seen())
    assert (observed.effect, scene.image()) == (Effect.QUARANTINED, before)
    assert len(await scene.queries.notices(NoticeStatus.QUARANTINED, after=None, limit=9)) == 1


async def test_r36_a_refund_that_keeps_failing_alarms_once_and_is_never_forgotten() -> None:
    scene = await paid()
    scene.provider.always["refund"] = Fault.LOST_BEFORE
    await scene.cancel_work_order()
    await scene.run(days=7)
    assert scene.statuses == ["CANCELED", "REFUND_FAILED"]
    (failed,) = [fact for fact in scene.facts if isinstance(fact, PaymentReversalFailed)]
    assert (failed.payment_id, reversals(scene)) == (scene.payment.id, [])
    assert scene.provider.calls.count("refund") > 30
    assert len(set(scene.provider.keys)) == 1
    scene.provider.always.clear()
    await scene.payments.retry_refund(CALL, scene.payment.id)
    await scene.work()
    assert (scene.statuses, scene.provider.given_back) == (["CANCELED", "REVERSED"], PRICE)
    must_add_up(scene)


async def test_r36_a_retry_beside_a_retry_asks_once() -> None:
    scene = await paid()
    scene.provider.faults["refund"] = [Fault.REFUSED]
    await scene.refund(PART)
    await scene.work()
    retries = [scene.payments.retry_refund(CALL, scene.payment.id) for _ in range(2)]
    _, refused = await scene.race(*retries)
    assert isinstance(refused, DomainError)
    await scene.work()
    with pytest.raises(DomainError):
        await scene.payments.retry_refund(CALL, scene.payment.id)
    await scene.work()
    assert scene.provider.given_back == PART
    must_add_up(scene)
