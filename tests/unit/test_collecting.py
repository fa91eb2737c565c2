"""The talk with a provider, cut off anywhere and begun again: one charge, one answer, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from domain.billing.charge import Charge, ChargeStatus, Snapshot
from domain.billing.events import PaymentFailed
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene
from tests.support.fake_provider import Fault
from tests.support.saga_scene import CUSTOMER, OS, PRICE

_P, _C = PaymentStatus, ChargeStatus

PENDING = ["BudgetGenerated", "BudgetSent", "BudgetApproved", "PaymentPending"]
CONFIRMED = [*PENDING, "PaymentConfirmed"]


async def test_the_provider_is_asked_for_what_the_attempt_says() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    asked = scene.provider.charge_of(payment.id).asked
    assert asked == Charge(
        reference=payment.id,
        key=payment.idempotency_key,
        amount=PRICE,
        description=f"OS {OS}",
        customer=CUSTOMER,
        expires_at=payment.expires_at,
    )
    assert payment.pix
    assert (payment.provider_payment_id, payment.pix.code) == ("charge-1", "pix of charge-1")


async def test_the_intent_is_committed_before_anybody_is_asked() -> None:
    scene = BillingScene()
    await scene.started()
    assert (scene.statuses, scene.provider.calls) == (["APPROVED", "CREATED"], [])
    assert await scene.due() == [("dispatch_payment", 0.0)]


async def test_while_the_provider_is_asked_it_is_committed_that_nobody_can_say() -> None:
    scene = BillingScene()
    seen: list[tuple[str, str]] = []

    async def look(place: str) -> None:
        seen.append((place, scene.statuses[1]))

    scene.provider.reached = look
    await scene.pending()
    assert seen == [("create asked", "UNKNOWN"), ("create done", "UNKNOWN")]


async def test_a_step_whose_task_was_overtaken_does_nothing() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    for kind in ("dispatch_payment", "resolve_payment", "cancel_payment", "refund_payment"):
        (row,) = scene.store.tasks.values()
        row.kind = kind
        (task,) = await scene.tasks.claim(scene.clock.now() + timedelta(hours=1), lease_seconds=0, limit=1)
        before, calls = scene.image(), Counter(scene.provider.calls)
        assert await scene.step(task) is None
        assert (scene.image(), Counter(scene.provider.calls)) == (before, calls)
    assert scene.store.payments[payment.id].status is _P.PENDING


# ------------------------------------------------------------------------------------------------ nobody says anything


async def test_a_lost_answer_is_looked_for_at_once_and_found() -> None:
    scene = BillingScene()
    scene.provider.faults["create"] = [Fault.LOST_AFTER]
    await scene.pending()
    assert (scene.statuses, scene.provider.calls) == (["APPROVED", "PENDING"], ["create", "find"])


async def test_a_lost_question_is_asked_again_by_the_same_key() -> None:
    scene = BillingScene()
    scene.provider.faults["create"] = [Fault.LOST_BEFORE]
    await scene.pending()
    assert scene.statuses == ["APPROVED", "UNKNOWN"]
    assert await scene.due() == [("resolve_payment", 15.0)]
    await scene.run(seconds=15)
    assert (scene.statuses, len(scene.provider.charges)) == (["APPROVED", "PENDING"], 1)


async def test_an_attempt_that_the_provider_never_heard_of_fails_once_after_its_last_try() -> None:
    scene = BillingScene()
    scene.provider.always["create"] = Fault.LOST_BEFORE
    await scene.started()
    await scene.run(minutes=30)
    assert scene.journal == [
        (0, "dispatch_payment"),
        *((second, "resolve_payment") for second in (15, 16, 18, 22, 30, 46, 78, 142, 270, 526)),
    ]
    (failed,) = [fact for fact in scene.facts if isinstance(fact, PaymentFailed)]
    assert (failed.reason, scene.statuses) == ("PROVIDER_UNAVAILABLE", ["APPROVED", "FAILED"])
    assert (scene.provider.charges, await scene.due()) == ({}, [])


@pytest.mark.parametrize("tries", range(8))
async def test_an_attempt_is_given_up_only_when_its_charge_was_looked_for_after_it_was_last_asked_for(
    tries: int,
) -> None:
    scene = BillingScene()
    scene.provider.faults["create"] = [*[Fault.LOST_BEFORE] * tries, *[Fault.LOST_AFTER] * 9]
    scene.provider.faults["find"] = [Fault.LOST_BEFORE]
    await scene.started()
    await scene.run(minutes=30)
    made = bool(scene.provider.charges)
    assert (scene.statuses, scene.provider.calls[-1]) == (
        ["APPROVED", "PENDING" if made else "FAILED"],
        "get" if made else "find",
    )


async def test_while_the_provider_is_away_nothing_is_decided() -> None:
    scene = BillingScene()
    scene.provider.always |= {"create": Fault.LOST_AFTER, "find": Fault.LOST_BEFORE}
    await scene.started()
    await scene.run(hours=2)
    assert scene.statuses == ["APPROVED", "UNKNOWN"]
    waits = [later - earlier for (earlier, _), (later, _) in pairwise(scene.journal)]
    assert waits[:10] == [15, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(waits[10:]) == {300}
    scene.provider.always.clear()
    await scene.run(minutes=5)
    assert (scene.statuses, len(scene.provider.charges)) == (["APPROVED", "PENDING"], 1)


async def test_a_provider_that_says_when_to_come_back_is_not_asked_before() -> None:
    scene = BillingScene()
    scene.provider.always |= {"create": Fault.LOST_BEFORE, "find": Fault.LOST_BEFORE}
    scene.provider.retry_after = 120.0
    await scene.started()
    await scene.run(minutes=5)
    assert [second for second, _ in scene.journal] == [0, 15, 135, 255]


async def test_what_the_provider_refuses_fails_at_once_with_its_reason() -> None:
    scene = BillingScene()
    scene.provider.faults["create"] = [Fault.REFUSED]
    await scene.pending()
    (failed,) = [fact for fact in scene.facts if isinstance(fact, PaymentFailed)]
    assert (failed.reason, failed.reason_detail, scene.statuses) == ("REJECTED", "refused", ["APPROVED", "FAILED"])
    assert await scene.due() == []


async def test_an_attempt_that_is_withdrawn_while_unknown_is_not_asked_for_again() -> None:
    scene = BillingScene()
    scene.provider.always["create"] = Fault.LOST_BEFORE
    await scene.pending()
    await scene.cancel_work_order()
    await scene.run(minutes=15)
    assert scene.provider.calls.count("create") == 1
    (failed,) = [fact for fact in scene.facts if isinstance(fact, PaymentFailed)]
    assert (failed.reason, scene.statuses) == ("CANCELED", ["CANCELED", "FAILED"])


async def test_an_attempt_that_is_withdrawn_while_it_is_made_is_canceled_there() -> None:
    scene = BillingScene()
    await scene.started()

    async def end(place: str) -> None:
        if place == "create done":
            scene.provider.reached = None
            await scene.cancel_work_order()

    scene.provider.reached = end
    await scene.work()
    assert (scene.statuses, scene.provider.calls) == (["CANCELED", "CANCELED"], ["create", "cancel"])
    assert "PaymentPending" not in scene.names()


@pytest.mark.parametrize("lost", [Fault.LOST_AFTER, Fault.LOST_BEFORE])
@pytest.mark.parametrize("word", [_C.UNKNOWN, _C.DISPUTED])
async def test_an_attempt_whose_charge_says_what_nobody_understands_is_looked_at_again(
    word: ChargeStatus, lost: Fault
) -> None:
    scene = BillingScene()
    payment = await scene.started()
    scene.provider.faults |= {"create": [lost], "find": [Fault.LOST_BEFORE]}

    async def speak(place: str) -> None:
        if place == "create done":
            scene.provider.say(payment.id, word)

    scene.provider.reached = speak
    await scene.run(minutes=5)
    assert scene.statuses == ["APPROVED", "UNKNOWN"]
    scene.provider.pay(payment.id)
    await scene.run(hours=1)
    assert scene.statuses == ["APPROVED", "CONFIRMED"]


async def test_an_attempt_that_is_paid_while_it_is_given_up_is_not_given_up() -> None:
    scene = BillingScene()
    payment = await scene.started()
    scene.provider.always["create"] = Fault.LOST_BEFORE
    await scene.run(seconds=31)
    assert scene.journal[-1] == (30, "resolve_payment")
    said = Snapshot(
        id="charge-9",
        reference=str(payment.id),
        status=_C.APPROVED,
        detail="accredited",
        amount=PRICE,
        refunded=Money(0),
        updated_at=scene.clock.now(),
    )

    async def tell(place: str) -> None:
        if place == "find done":
            await scene.payments.observe(CALL, payment.id, said)

    scene.provider.reached = tell
    await scene.run(minutes=5)
    assert (scene.statuses, scene.names().count("PaymentFailed")) == (["APPROVED", "CONFIRMED"], 0)


# -------------------------------------------------------------------------------------------------------------- polling


async def test_a_payment_whose_webhook_was_lost_is_found_by_asking() -> None:
    scene = BillingScene()
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    await scene.run(seconds=30)
    assert scene.names() == CONFIRMED


async def test_while_the_customer_may_pay_the_provider_is_asked_less_and_less_often() -> None:
    scene = BillingScene(BillingRules(payment_validity=timedelta(hours=2)))
    await scene.pending()
    await scene.run(hours=3)
    polls = [second for second, kind in scene.journal if kind == "poll_payment"]
    assert polls[:6] == [30, 60, 120, 240, 480, 960]
    assert 7_201 in polls
    assert max(later - earlier for earlier, later in pairwise(polls)) == 600


async def test_only_the_provider_says_that_an_attempt_expired() -> None:
    scene = BillingScene(BillingRules(payment_validity=timedelta(hours=2)))
    payment = await scene.pending()
    await scene.run(hours=3)
    assert scene.statuses == ["APPROVED", "PENDING"]
    scene.provider.say(payment.id, _C.EXPIRED)
    await scene.run(minutes=10)
    assert (scene.statuses, scene.names()) == (["APPROVED", "EXPIRED"], [*PENDING, "PaymentFailed"])
    assert await scene.due() == []


async def test_an_expiry_is_noticed_a_second_after_it() -> None:
    scene = BillingScene(BillingRules(payment_validity=timedelta(minutes=1)))
    payment = await scene.pending()
    await scene.run(seconds=59)
    scene.provider.say(payment.id, _C.EXPIRED)
    await scene.run(seconds=2)
    assert scene.statuses == ["APPROVED", "EXPIRED"]
