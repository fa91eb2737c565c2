"""A worker that dies at any place whatever, or meets another: one charge, one refund, and each fact once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.money import Money
from tests.support.billing_scene import BillingScene, must_add_up
from tests.support.fake_provider import Fault
from tests.support.saga_scene import PART, PRICE

PENDING = ["BudgetGenerated", "BudgetSent", "BudgetApproved", "PaymentPending"]
CONFIRMED = [*PENDING, "PaymentConfirmed"]


async def _begin(scene: BillingScene) -> None:
    await scene.started()


async def _begin_and_lose_the_answer(scene: BillingScene) -> None:
    await scene.started()
    scene.provider.faults["create"] = [Fault.LOST_AFTER]


async def _pay(scene: BillingScene) -> None:
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    await scene.notice("charge-1")


async def _end_while_it_waits(scene: BillingScene) -> None:
    await scene.pending()
    await scene.cancel_work_order()


async def _end_after_it_was_paid(scene: BillingScene) -> None:
    await scene.confirmed()
    await scene.cancel_work_order()


async def _end_while_it_is_paid(scene: BillingScene) -> None:
    payment = await scene.pending()
    scene.provider.pay(payment.id)
    await scene.cancel_work_order()


async def _refund_some(scene: BillingScene) -> None:
    await scene.confirmed()
    await scene.refund(PART)


async def _end_while_some_is_refunded(scene: BillingScene) -> None:
    await _refund_some(scene)
    await scene.cancel_work_order()


async def _refuse_a_refund(scene: BillingScene) -> None:
    await scene.confirmed()
    scene.provider.always["refund"] = Fault.REFUSED
    await scene.refund(PART)


FLOWS: dict[str, tuple[Callable[[BillingScene], Awaitable[None]], list[str], list[str], int]] = {
    "begin": (_begin, ["APPROVED", "PENDING"], PENDING, 0),
    "begin, answer lost": (_begin_and_lose_the_answer, ["APPROVED", "PENDING"], PENDING, 0),
    "pay": (_pay, ["APPROVED", "CONFIRMED"], CONFIRMED, 0),
    "end while it waits": (
        _end_while_it_waits,
        ["CANCELED", "CANCELED"],
        [*PENDING, "BudgetCanceled", "PaymentFailed"],
        0,
    ),
    "end after it was paid": (
        _end_after_it_was_paid,
        ["CANCELED", "REVERSED"],
        [*CONFIRMED, "BudgetCanceled", "PaymentReversed"],
        10_000,
    ),
    "end while it is paid": (
        _end_while_it_is_paid,
        ["CANCELED", "REVERSED"],
        [*PENDING, "BudgetCanceled", "PaymentReversed"],
        10_000,
    ),
    "refund some": (_refund_some, ["APPROVED", "PARTIALLY_REVERSED"], [*CONFIRMED, "PaymentReversed"], 4_000),
    "end while some is refunded": (
        _end_while_some_is_refunded,
        ["CANCELED", "REVERSED"],
        [*CONFIRMED, "BudgetCanceled", "PaymentReversed", "PaymentReversed"],
        10_000,
    ),
    "refuse a refund": (_refuse_a_refund, ["APPROVED", "REFUND_FAILED"], [*CONFIRMED, "PaymentReversalFailed"], 0),
}


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_worker_that_dies_anywhere_leaves_one_charge_one_refund_and_each_fact_once(flow: str) -> None:
    begin, statuses, facts, back = FLOWS[flow]
    for place in range(50):
        scene = BillingScene()
        await begin(scene)
        died = await scene.work_until(place)
        await scene.run(minutes=10)
        assert (scene.statuses, scene.names()) == (statuses, facts), f"died at place {place}"
        assert (len(scene.provider.charges), scene.provider.given_back) == (1, Money(back))
        must_add_up(scene)
        if not died:
            assert place > 0
            return
    raise AssertionError("there is no end to the places")


async def test_two_workers_at_one_refund_give_the_money_back_once() -> None:
    scene = BillingScene()
    await scene.confirmed()
    await scene.cancel_work_order()
    (task,) = await scene.tasks.claim(scene.clock.now(), lease_seconds=1, limit=1)
    meeting = asyncio.Barrier(2)

    async def meet(place: str) -> None:
        if place == "refund done":
            await meeting.wait()

    scene.provider.reached = meet
    await asyncio.gather(scene.step(task), scene.step(task))
    assert (scene.provider.given_back, scene.names().count("PaymentReversed")) == (PRICE, 1)
