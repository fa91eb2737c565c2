"""Races and deliveries while money is taken: billing.md B.6, R14 to R25, R38, R39 and R42, each under its number."""

from __future__ import annotations

from itertools import permutations

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus, Snapshot
from domain.billing.events import PaymentFailed
from domain.billing.observing import UNCHANGED, Effect
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import NoticeStatus
from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Decision
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene, must_add_up
from tests.support.fake_provider import FakeProvider, Fault
from tests.support.saga_scene import PRICE, a_line, a_saga

_B, _P, _C = BudgetStatus, PaymentStatus, ChargeStatus


def confirmations(scene: BillingScene) -> int:
    return scene.names().count("PaymentConfirmed")


async def test_r14_a_crash_after_the_intent_was_committed_leaves_one_charge() -> None:
    scene = BillingScene()
    await scene.started()
    assert await scene.work_until(0)
    assert (scene.statuses, scene.provider.charges) == (["APPROVED", "CREATED"], {})
    await scene.work()
    assert (scene.statuses, len(scene.provider.charges)) == (["APPROVED", "PENDING"], 1)


@pytest.mark.parametrize("place", [1, 2, 3])
async def test_r15_a_crash_around_the_call_leaves_one_charge_by_one_key(place: int) -> None:
    scene = BillingScene()
    payment = await scene.started()
    assert await scene.work_until(place)
    assert scene.statuses == ["APPROVED", "UNKNOWN"]
    await scene.run(minutes=1)
    assert (scene.statuses, len(scene.provider.charges)) == (["APPROVED", "PENDING"], 1)
    assert scene.provider.charge_of(payment.id).asked.key == payment.idempotency_key


async def test_r16_a_time_out_of_a_charge_that_was_made_is_found_again() -> None:
    scene = BillingScene()
    scene.provider.faults["create"] = [Fault.LOST_AFTER]
    scene.provider.faults["find"] = [Fault.LOST_AFTER]
    await scene.pending()
    assert scene.statuses == ["APPROVED", "UNKNOWN"]
    await scene.run(seconds=15)
    assert (scene.statuses, len(scene.provider.charges)) == (["APPROVED", "PENDING"], 1)


async def test_r17_a_time_out_of_a_charge_that_was_not_made_fails_once() -> None:
    scene = BillingScene()
    scene.provider.always["create"] = Fault.LOST_BEFORE
    await scene.started()
    await scene.run(hours=1)
    assert (scene.statuses, scene.provider.charges) == (["APPROVED", "FAILED"], {})
    assert scene.names().count("PaymentFailed") == 1


async def test_r19_a_webhook_five_times_confirms_once() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    for number in range(5):
        await scene.webhook(payment, "one event")
        await scene.webhook(payment, f"event {number} of its own")
    assert (scene.statuses, confirmations(scene)) == (["APPROVED", "CONFIRMED"], 1)
    assert len(scene.store.notices) == 6


async def test_r19_words_in_any_order_and_number_confirm_once() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    words = [scene.provider.charge_of(payment.id).seen()]
    scene.provider.pay(payment.id)
    words.append(scene.provider.charge_of(payment.id).seen())
    for order in permutations([*words, *words]):
        fresh = BillingScene()
        started = await fresh.pending()
        for said in order:
            await fresh.payments.observe(CALL, started.id, said)
        assert (fresh.statuses, confirmations(fresh)) == (["APPROVED", "CONFIRMED"], 1)
        assert await fresh.payments.observe(CALL, started.id, words[0]) == UNCHANGED


@pytest.mark.parametrize("before", ["PENDING", "UNKNOWN"])
@pytest.mark.parametrize("winner", ["approved", "canceled"])
async def test_r20_approved_beside_canceled_ends_in_the_same_money(winner: str, before: str) -> None:
    scene = BillingScene()
    if before == "UNKNOWN":
        scene.provider.faults["create"] = [Fault.LOST_AFTER]
        scene.provider.faults["find"] = [Fault.LOST_AFTER]
    payment = await scene.pending()
    assert scene.statuses[1] == before
    scene.provider.pay(payment.id)
    approved = scene.payments.observe(CALL, payment.id, scene.provider.charge_of(payment.id).seen())
    canceled = scene.cancel_work_order()
    await (scene.race(approved, canceled) if winner == "approved" else scene.race(canceled, approved))
    await scene.run(minutes=5)
    assert (scene.statuses, scene.payment.left) == (["CANCELED", "REVERSED"], Money(0))
    assert (scene.payment.captured, scene.provider.given_back) == (PRICE, PRICE)
    assert confirmations(scene) == (winner == "approved")
    ledger = await scene.queries.ledger(CALL.actor, scene.saga.work_order.id)
    assert ledger is not None
    assert all(balance == Money(0) for balance in ledger.values())
    must_add_up(scene)


@pytest.mark.parametrize("status", [_P.FAILED, _P.EXPIRED, _P.CANCELED])
@pytest.mark.parametrize("budget", list(BudgetStatus), ids=lambda status: status.value)
async def test_r21_money_after_the_end_of_its_attempt_or_budget(budget: BudgetStatus, status: PaymentStatus) -> None:
    saga = a_saga(budget, status)
    scene, said = BillingScene(saga=saga), saga.seen(_C.APPROVED)
    await scene.payments.observe(CALL, scene.payment.id, said)
    if budget is _B.APPROVED:
        assert (scene.statuses, scene.names()) == (["APPROVED", "CONFIRMED"], ["PaymentConfirmed"])
    else:
        assert (scene.statuses, scene.names()) == ([budget.value, "REFUNDING"], [])


async def second_attempt(scene: BillingScene) -> tuple[Payment, Payment]:
    """An attempt that expired, and a newer one that waits for the customer."""
    first = await scene.pending()
    scene.provider.say(first.id, _C.EXPIRED)
    await scene.webhook(first)
    return first, await scene.pending()


async def test_r22_the_old_code_paid_after_a_new_one_was_issued_withdraws_the_new_one() -> None:
    scene = BillingScene()
    first, second = await second_attempt(scene)
    scene.provider.pay(first.id)
    await scene.webhook(first)
    assert scene.statuses == ["APPROVED", "CONFIRMED", "CANCELED"]
    assert scene.names()[-2:] == ["PaymentConfirmed", "PaymentFailed"]
    (*_, failed) = [fact for fact in scene.facts if isinstance(fact, PaymentFailed)]
    assert (failed.payment_id, failed.reason) == (second.id, "SUPERSEDED")
    must_add_up(scene)


@pytest.mark.parametrize("told_first", [0, 1])
async def test_r23_of_two_codes_that_were_both_paid_the_second_goes_back(told_first: int) -> None:
    scene = BillingScene()
    both = await second_attempt(scene)
    for payment in both:
        scene.provider.pay(payment.id)
    await scene.webhook(both[told_first])
    await scene.webhook(both[1 - told_first])
    ends = ["CONFIRMED", "REVERSED"] if told_first == 0 else ["REVERSED", "CONFIRMED"]
    assert (scene.statuses, confirmations(scene)) == (["APPROVED", *ends], 1)
    assert scene.provider.given_back == PRICE
    must_add_up(scene)


@pytest.mark.parametrize("withdraw", ["the work order", "the attempt"])
async def test_r24_a_cancel_that_is_answered_with_an_approval_follows_the_money(withdraw: str) -> None:
    scene = BillingScene()
    payment = await scene.pending()
    if withdraw == "the work order":
        await scene.cancel_work_order()
    else:
        await scene.payments.cancel_payment(CALL, payment.id)
    scene.provider.pay(payment.id)
    await scene.work()
    ends = ["CANCELED", "REVERSED"] if withdraw == "the work order" else ["APPROVED", "CONFIRMED"]
    assert (scene.statuses, confirmations(scene)) == (ends, withdraw == "the attempt")
    must_add_up(scene)


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
@pytest.mark.parametrize("paid", [False, True])
async def test_r25_a_cancel_that_times_out_is_asked_again_and_follows_the_money(fault: Fault, *, paid: bool) -> None:
    scene = BillingScene()
    payment = await scene.pending()
    await scene.cancel_work_order()
    if paid:
        scene.provider.pay(payment.id)
    scene.provider.faults["cancel"] = [fault]
    await scene.run(minutes=1)
    assert scene.statuses == ["CANCELED", "REVERSED" if paid else "CANCELED"]
    assert scene.names()[-1] == ("PaymentReversed" if paid else "PaymentFailed")
    must_add_up(scene)


@pytest.mark.parametrize("amount", [Money(1), Money(9_999), Money(10_001)])
async def test_r38_another_amount_by_a_centavo_is_parked(amount: Money) -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id, amount)
    await scene.webhook(payment)
    assert scene.statuses == ["APPROVED", "PENDING"]
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.reason) == (NoticeStatus.QUARANTINED, "amount_differs")


async def test_r39_test_money_is_parked_where_real_money_is_taken() -> None:
    scene = BillingScene(BillingRules(live=True), provider=FakeProvider(live=False))
    payment = await scene.started()
    scene.provider.faults["create"] = [Fault.LOST_AFTER]
    scene.provider.faults["find"] = [Fault.LOST_AFTER]
    await scene.work()
    scene.provider.pay(payment.id)
    await scene.webhook(payment)
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.reason, confirmations(scene)) == (NoticeStatus.QUARANTINED, "test_money", 0)
    assert scene.statuses == ["APPROVED", "UNKNOWN"]


async def test_r42_words_older_than_the_last_believed_one_are_ignored_in_every_order() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    history: list[Snapshot] = []
    for word in (None, _C.DISPUTED, _C.DISPUTE_WON):
        if word is None:
            scene.provider.pay(payment.id)
        else:
            scene.provider.say(payment.id, word)
        history.append(scene.provider.charge_of(payment.id).seen())
        await scene.payments.observe(CALL, payment.id, history[-1])
        before = scene.image()
        for old in history[:-1]:
            assert (await scene.payments.observe(CALL, payment.id, old)).effect is Effect.UNCHANGED
        assert scene.image() == before
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_r42_our_own_clock_decides_nothing_about_a_providers_words() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.clock.advance(days=-30)
    scene.provider.pay(payment.id)
    await scene.webhook(payment)
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_r21_money_for_the_total_of_an_older_revision_is_no_part_of_the_new_price() -> None:
    scene = BillingScene()
    first = await scene.pending()
    scene.provider.say(first.id, _C.EXPIRED)
    await scene.webhook(first)
    await scene.billing.revise_budget(CALL, scene.budget.id, (a_line(15_000),))
    await scene.billing.approve_budget(CALL, scene.budget.id, Decision())
    scene.provider.pay(first.id)
    await scene.webhook(first)
    assert (scene.statuses, confirmations(scene)) == (["APPROVED", "REVERSED"], 0)
    must_add_up(scene)
