"""The talk with a provider about what is over: charges withdrawn, money given back, and what it tells unasked."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.billing.charge import Charge, ChargeStatus, GivebackStatus
from domain.billing.customer import Customer
from domain.billing.events import PaymentReversalFailed, PaymentReversed
from domain.billing.observing import UNCHANGED
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import NoticeStatus
from domain.billing.refund import RefundStatus
from domain.billing.rules import BillingRules
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene
from tests.support.fake_provider import Fault
from tests.support.saga_scene import PART, PRICE

_P, _C = PaymentStatus, ChargeStatus
REST = PRICE - PART


async def undone(*, paid: bool) -> BillingScene:
    """A work order that ended while its payment waited, or after it was made; nobody asked the provider yet."""
    scene = BillingScene()
    if paid:
        await scene.confirmed()
    else:
        await scene.pending()
    await scene.cancel_work_order()
    return scene


def kinds(scene: BillingScene) -> list[tuple[str, int]]:
    """Who took back how much."""
    return [(fact.reversal_kind, fact.amount_cents) for fact in scene.facts if isinstance(fact, PaymentReversed)]


# ---------------------------------------------------------------------------------------------------------- canceling


async def test_a_charge_that_nobody_wants_is_withdrawn_and_only_then_told_as_failed() -> None:
    scene = await undone(paid=False)
    assert scene.names()[-1] == "BudgetCanceled"
    await scene.work()
    assert (scene.names()[-1], scene.statuses) == ("PaymentFailed", ["CANCELED", "CANCELED"])
    assert scene.provider.charge_of(scene.payment.id).status is _C.CANCELED


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.REFUSED])
async def test_a_withdrawal_without_an_answer_is_tried_again_until_there_is_one(fault: Fault) -> None:
    scene = await undone(paid=False)
    scene.provider.faults["cancel"] = [fault] * 3
    await scene.run(seconds=6)
    assert scene.statuses == ["CANCELED", "CANCELING"]
    await scene.run(seconds=1)
    assert [second for second, kind in scene.journal if kind == "cancel_payment"] == [0, 1, 3, 7]
    assert (scene.statuses, scene.names().count("PaymentFailed")) == (["CANCELED", "CANCELED"], 1)


async def test_a_withdrawal_that_the_provider_only_notes_is_asked_for_until_it_is_done() -> None:
    scene = await undone(paid=False)
    charge = scene.provider.charge_of(scene.payment.id)

    async def slow(_: str) -> None:
        charge.status = _C.PENDING

    scene.provider.reached = slow
    await scene.run(minutes=1)
    assert scene.statuses == ["CANCELED", "CANCELING"]
    scene.provider.reached = None
    await scene.run(minutes=5)
    assert scene.statuses == ["CANCELED", "CANCELED"]


# ------------------------------------------------------------------------------------------------------------ refunds


async def test_a_refund_without_an_answer_is_asked_for_by_one_key_and_given_once() -> None:
    scene = await undone(paid=True)
    scene.provider.faults["refund"] = [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LOST_AFTER]
    await scene.run(minutes=5)
    assert [second for second, kind in scene.journal if kind == "refund_payment"] == [0, 1, 3, 7]
    assert (len(set(scene.provider.keys)), scene.provider.given_back) == (1, PRICE)
    assert (scene.statuses, kinds(scene)) == (["CANCELED", "REVERSED"], [("REFUND", 10_000)])


async def test_a_refund_without_any_answer_is_given_up_once_and_told_to_a_person() -> None:
    scene = await undone(paid=True)
    scene.provider.always["refund"] = Fault.LOST_BEFORE
    await scene.run(minutes=70)
    tries = [second for second, kind in scene.journal if kind == "refund_payment"]
    assert tries == [0, 1, 3, 7, 15, 31, 63, 127, 255, *range(511, 3900, 300)]
    (failed,) = [fact for fact in scene.facts if isinstance(fact, PaymentReversalFailed)]
    assert (failed.reason, scene.statuses, kinds(scene)) == ("no answer", ["CANCELED", "REFUND_FAILED"], [])
    assert scene.payment.refunds.all[-1].status is RefundStatus.AMBIGUOUS
    assert [kind for kind, _ in await scene.due()] == ["poll_payment"]


async def test_a_refund_that_was_given_up_and_went_after_all_is_noticed_by_asking() -> None:
    scene = await undone(paid=True)
    scene.provider.always["refund"] = Fault.LOST_AFTER
    await scene.run(hours=3)
    assert (scene.statuses, kinds(scene)) == (["CANCELED", "REVERSED"], [("REFUND", 10_000)])
    assert (scene.names().count("PaymentReversalFailed"), await scene.due()) == (1, [])


async def test_a_refund_that_was_given_up_is_tried_again_by_the_same_key() -> None:
    scene = await undone(paid=True)
    scene.provider.always["refund"] = Fault.LOST_AFTER
    await scene.run(minutes=70)
    scene.provider.always.clear()
    await scene.payments.retry_refund(CALL, scene.payment.id)
    await scene.run(minutes=1)
    assert (len(set(scene.provider.keys)), scene.provider.given_back) == (1, PRICE)
    assert scene.statuses == ["CANCELED", "REVERSED"]


async def test_a_refund_that_was_refused_is_tried_again_by_a_new_key() -> None:
    scene = await undone(paid=True)
    scene.provider.faults["refund"] = [Fault.REFUSED]
    await scene.work()
    assert scene.statuses == ["CANCELED", "REFUND_FAILED"]
    assert scene.payment.refunds.all[-1].status is RefundStatus.FAILED
    await scene.payments.retry_refund(CALL, scene.payment.id)
    await scene.work()
    assert (len(set(scene.provider.keys)), scene.provider.given_back) == (2, PRICE)
    assert scene.statuses == ["CANCELED", "REVERSED"]


@pytest.mark.parametrize(
    ("end", "statuses"),
    [(GivebackStatus.DONE, ["CANCELED", "REVERSED"]), (GivebackStatus.REJECTED, ["CANCELED", "REFUND_FAILED"])],
)
async def test_a_refund_in_process_is_asked_after_until_it_ends(end: GivebackStatus, statuses: list[str]) -> None:
    scene = await undone(paid=True)
    scene.provider.faults["refund"] = [Fault.IN_PROCESS]
    await scene.run(hours=5)
    assert (scene.statuses, kinds(scene)) == (["CANCELED", "REFUNDING"], [])
    scene.provider.end_refunds(scene.payment.id, end)
    await scene.run(hours=1)
    assert (scene.statuses, len(set(scene.provider.keys))) == (statuses, 1)


async def test_a_part_that_may_have_gone_and_the_end_of_the_work_order_give_back_all_without_a_false_alarm() -> None:
    scene = BillingScene()
    await scene.confirmed()
    scene.provider.always["refund"] = Fault.LOST_AFTER
    await scene.refund(PART)
    await scene.run(minutes=70)
    assert scene.names().count("PaymentReversalFailed") == 1
    scene.provider.always.clear()
    await scene.cancel_work_order()
    await scene.run(hours=2)
    assert (scene.statuses, scene.provider.given_back) == (["CANCELED", "REVERSED"], PRICE)
    assert scene.names().count("PaymentReversalFailed") == 1
    assert kinds(scene) == [("REFUND", PART.cents), ("REFUND", REST.cents)]


async def test_a_refund_of_a_disputed_charge_is_refused_and_the_dispute_is_noticed_by_asking() -> None:
    scene = await undone(paid=True)
    scene.provider.say(scene.payment.id, _C.DISPUTED)
    await scene.run(hours=2)
    assert (scene.statuses, scene.names()[-2:]) == (
        ["CANCELED", "DISPUTED"],
        ["PaymentReversalFailed", "PaymentDisputed"],
    )
    scene.provider.say(scene.payment.id, _C.DISPUTE_WON)
    await scene.run(hours=8)
    assert (scene.statuses, scene.provider.given_back) == (["CANCELED", "REVERSED"], PRICE)


# ------------------------------------------------------------------------------------------------- what is told unasked


async def test_a_notice_is_kept_before_anybody_looks_into_it() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    assert await scene.notice("charge-1", "event")
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.payment_id, scene.statuses[1]) == (NoticeStatus.WAITING, None, "PENDING")
    await scene.work()
    assert (notice.status, notice.payment_id, scene.statuses[1]) == (NoticeStatus.APPLIED, payment.id, "CONFIRMED")


async def test_a_notice_that_comes_again_is_kept_once_and_looked_into_once() -> None:
    scene = BillingScene()
    await scene.confirmed()
    before, calls = scene.image(), len(scene.provider.calls)
    assert [await scene.notice("charge-1", "event 1") for _ in range(5)] == [False] * 5
    await scene.work()
    assert (scene.image(), len(scene.provider.calls), len(scene.store.notices)) == (before, calls, 1)


async def test_a_worker_that_died_after_a_notice_was_applied_leaves_it_so() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    await scene.notice("charge-1")
    (task,) = await scene.tasks.claim(scene.clock.now(), lease_seconds=0, limit=1)
    await scene.step(task)
    before, calls = scene.image(), list(scene.provider.calls)
    assert await scene.step(task) is None
    (notice,) = scene.store.notices.values()
    assert (notice.status, scene.image(), scene.provider.calls) == (NoticeStatus.APPLIED, before, calls)


async def test_a_notice_of_a_charge_that_nobody_knows_yet_is_parked_and_matched_later() -> None:
    scene = BillingScene()
    payment = await scene.started()
    await scene.notice("charge-1")
    (row,) = [row for row in scene.store.tasks.values() if row.kind == "dispatch_payment"]
    row.due_at += timedelta(seconds=10)
    await scene.run(seconds=9)
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.reason, notice.payment_id) == (NoticeStatus.PARKED, "no_such_charge", None)
    await scene.run(seconds=1)
    scene.provider.pay(payment.id)
    await scene.run(seconds=10)
    assert (notice.status, notice.payment_id) == (NoticeStatus.APPLIED, payment.id)
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_a_notice_of_a_strangers_charge_stays_parked_and_is_left_alone_in_the_end() -> None:
    scene = BillingScene()
    stranger = Charge(
        reference=UUID(int=99),
        key=UUID(int=99),
        amount=PRICE,
        description="",
        customer=Customer(),
        expires_at=scene.clock.now(),
    )
    await scene.provider.create(stranger)
    await scene.notice("charge-1")
    await scene.run(days=3)
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.reason) == (NoticeStatus.PARKED, "no_such_payment")
    assert ([kind for _, kind in scene.journal], await scene.due()) == (["fetch_notice"] * 12, [])


async def test_a_payment_that_is_paid_before_its_charge_is_answered_is_confirmed_once() -> None:
    scene = BillingScene()
    payment = await scene.started()

    async def pay(place: str) -> None:
        if place == "create done":
            scene.provider.reached = None
            answer = scene.provider.charge_of(payment.id).seen()
            scene.provider.pay(payment.id)
            await scene.webhook(payment)
            assert scene.statuses == ["APPROVED", "CONFIRMED"]
            assert await scene.payments.observe(CALL, payment.id, answer) == UNCHANGED

    scene.provider.reached = pay
    await scene.work()
    assert (scene.statuses, scene.names().count("PaymentConfirmed")) == (["APPROVED", "CONFIRMED"], 1)
    assert "PaymentPending" not in scene.names()


async def test_a_notice_while_the_provider_is_away_waits_for_it() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    scene.provider.faults["get"] = [Fault.LOST_BEFORE, Fault.LOST_AFTER]
    await scene.notice("charge-1")
    await scene.run(seconds=3)
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_money_that_cannot_be_believed_is_kept_for_a_person_once_however_often_it_is_seen() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id, Money(PRICE.cents - 1))
    await scene.run(hours=1)
    (notice,) = scene.store.notices.values()
    assert (notice.status, notice.reason, notice.payment_id) == (NoticeStatus.QUARANTINED, "amount_differs", payment.id)
    assert (scene.statuses, await scene.queries.notices(NoticeStatus.QUARANTINED, after=None, limit=9)) == (
        ["APPROVED", "PENDING"],
        [notice],
    )


@pytest.mark.parametrize(("accept_late", "after"), [(True, "CONFIRMED"), (False, "REVERSED")])
async def test_money_that_comes_after_the_attempt_was_over_does_what_the_rules_say(
    *, accept_late: bool, after: str
) -> None:
    scene = BillingScene(BillingRules(accept_late=accept_late))
    payment = await scene.pending()
    scene.provider.say(payment.id, _C.EXPIRED)
    await scene.webhook(payment)
    assert scene.statuses == ["APPROVED", "EXPIRED"]
    scene.provider.pay(payment.id)
    await scene.webhook(payment)
    assert scene.statuses == ["APPROVED", after]
    told = ["PaymentFailed", "PaymentConfirmed" if accept_late else "PaymentReversed"]
    assert scene.names()[-2:] == told
    versions = [fact.aggregate_version for fact in scene.facts if fact.aggregate_id == payment.id]
    assert versions == sorted(set(versions))
