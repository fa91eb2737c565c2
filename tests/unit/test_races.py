"""Races and deliveries around a budget: billing.md B.6, R1 to R12, each under its number."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.errors import (
    BudgetIsCanceled,
    BudgetIsExpired,
    BudgetWithoutPrice,
    LinkInvalid,
    LinkRevoked,
    StaleRevision,
)
from domain.billing.pricing import PriceSource
from domain.billing.revision import ApprovalLink
from domain.billing.rules import BillingRules
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.budgets import Decision, Outcome
from domain.errors import Kind
from domain.lifecycle import IllegalTransition
from domain.money import Money
from messaging.reader import Unusable
from tests.support.billing_scene import CALL, BillingScene
from tests.support.saga_scene import AT, a_line, a_saga

LINES = (a_line(2_500),)


def sent() -> BillingScene:
    """A budget that was offered."""
    return BillingScene(saga=a_saga(BudgetStatus.SENT))


def a_link(scene: BillingScene, **changes: Any) -> ApprovalLink:
    """The link that was sent with the present revision, or one that differs from it."""
    budget = scene.budget
    said = {"budget_id": budget.id, "revision": budget.revision, "expires_at": AT + timedelta(days=10)}
    return ApprovalLink(**{**said, **changes})


async def approve(scene: BillingScene, **said: Any) -> Budget:
    return await scene.billing.approve_budget(CALL, scene.budget.id, Decision(**said))


async def reject(scene: BillingScene) -> Budget:
    return await scene.billing.reject_budget(CALL, scene.budget.id, Decision(reason="too dear"))


async def test_r01_the_same_announcement_twice_makes_one_budget_and_one_event() -> None:
    scene = BillingScene()
    assert await scene.message("OsCreated", Valor=100) is Outcome.APPLIED
    before = scene.image()
    assert await scene.message("OsCreated", Valor=100) is Outcome.KNOWN
    assert (scene.image(), scene.names()) == (before, ["BudgetGenerated"])


async def test_r02_two_announcements_at_once_make_one_budget_and_the_loser_does_nothing() -> None:
    scene = BillingScene()
    one, other = scene.message("OsCreated", "one", Valor=100), scene.message("OsCreated", "other", Valor=100)
    assert await scene.race(one, other) == [Outcome.APPLIED, Outcome.KNOWN]
    assert (len(scene.store.budgets), scene.names()) == (1, ["BudgetGenerated"])


@pytest.mark.parametrize("event", ["OsCanceled", "OsCompensationRequested"])
async def test_r03_a_cancel_before_its_announcement_leaves_a_tombstone(event: str) -> None:
    scene = BillingScene()
    assert await scene.cancel_work_order(event) is Outcome.APPLIED
    assert await scene.message("OsCreated", Valor=100) is Outcome.TOMBSTONED
    assert (scene.store.budgets, scene.names()) == ({}, [])


@pytest.mark.parametrize("winner", ["cancel", "announce"])
async def test_r03_a_cancel_beside_its_announcement_leaves_nothing_alive(winner: str) -> None:
    scene = BillingScene()
    announced, canceled = scene.message("OsCreated", Valor=100), scene.cancel_work_order()
    first, second = (announced, canceled) if winner == "announce" else (canceled, announced)
    await scene.race(first, second)
    told = ["BudgetGenerated", "BudgetCanceled"] if winner == "announce" else []
    assert (scene.names(), scene.saga.work_order.canceled) == (told, True)


async def test_r04_another_amount_after_the_approval_changes_nothing_and_is_noted() -> None:
    scene = BillingScene()
    await scene.message("OsCreated", Valor=100)
    await approve(scene)
    before = scene.image()
    assert await scene.message("OsCreated", "other", Valor=200) is Outcome.DIFFERS
    assert scene.image() == before


@pytest.mark.parametrize("amount", [None, 0, -1, "0.00"])
async def test_r05_without_an_amount_the_price_table_is_asked_and_then_the_default(amount: object) -> None:
    scene = BillingScene(BillingRules(default_amount=Money(9_900)))
    await scene.message("OsCreated", Valor=amount, Description="Oil change")
    assert (scene.budget.total, scene.budget.price_source) == (Money(9_900), PriceSource.DEFAULT)
    priced = BillingScene(BillingRules(default_amount=Money(9_900)))
    row = ServicePrice(workshop_id="main", code="OIL", description="Oil change", price=Money(8_000), updated_at=AT)
    await priced.billing.upsert_service_price(CALL, row)
    await priced.message("OsCreated", Valor=amount, Description="Oil change")
    assert (priced.budget.total, priced.budget.price_source) == (Money(8_000), PriceSource.SERVICE_PRICE)


@pytest.mark.parametrize("amount", ["NaN", "dez", "10.505", 10.505, "1e2"])
async def test_r05_an_amount_that_is_none_is_dead_lettered(amount: object) -> None:
    scene = BillingScene()
    with pytest.raises(Unusable):
        await scene.message("OsCreated", Valor=amount)
    assert (scene.store.work_orders, scene.names()) == ({}, [])


async def test_r05_without_any_price_a_draft_waits_and_is_not_approved() -> None:
    scene = BillingScene()
    await scene.message("OsCreated")
    assert (scene.budget.amount_cents, scene.statuses) == (0, ["DRAFT"])
    with pytest.raises(BudgetWithoutPrice):
        await approve(scene)


@pytest.mark.parametrize("winner", ["approve", "cancel"])
async def test_r06_approve_beside_cancel_is_one_after_the_other(winner: str) -> None:
    scene = sent()
    if winner == "approve":
        _, outcome = await scene.race(approve(scene), scene.cancel_work_order())
        assert (outcome, scene.names()) == (Outcome.APPLIED, ["BudgetApproved", "BudgetCanceled"])
    else:
        _, refusal = await scene.race(scene.cancel_work_order(), approve(scene))
        assert isinstance(refusal, BudgetIsCanceled)
        assert (refusal.kind, scene.names()) == (Kind.RULE, ["BudgetCanceled"])
    assert scene.statuses == ["CANCELED"]


async def test_r07_two_approvals_at_once_tell_of_one() -> None:
    scene = sent()
    one, other = await scene.race(approve(scene), approve(scene))
    assert isinstance(one, Budget)
    assert isinstance(other, Budget)
    assert (one.status, other.status) == (BudgetStatus.APPROVED, BudgetStatus.APPROVED)
    assert scene.names() == ["BudgetApproved"]


@pytest.mark.parametrize(("winner", "told"), [("approve", "BudgetApproved"), ("reject", "BudgetRejected")])
async def test_r08_of_an_approval_and_a_refusal_exactly_one_wins(winner: str, told: str) -> None:
    scene = sent()
    first, second = (approve(scene), reject(scene)) if winner == "approve" else (reject(scene), approve(scene))
    _, refusal = await scene.race(first, second)
    assert isinstance(refusal, IllegalTransition)
    assert (refusal.kind, scene.names()) == (Kind.RULE, [told])


async def test_r09_an_old_revision_or_link_decides_nothing() -> None:
    scene = sent()
    old = a_link(scene)
    await scene.billing.revise_budget(CALL, scene.budget.id, LINES)
    await scene.billing.send_budget(CALL, scene.budget.id)
    before = scene.image()
    with pytest.raises(LinkRevoked) as revoked:
        await approve(scene, link=old)
    assert (revoked.value.kind, revoked.value.code) == (Kind.RULE, "LINK_REVOKED")
    with pytest.raises(StaleRevision) as stale:
        await approve(scene, revision=1)
    assert (stale.value.kind, stale.value.code) == (Kind.RULE, "STALE_REVISION")
    assert scene.image() == before


async def test_r09_an_approval_by_link_beside_a_revision_approves_nothing_new() -> None:
    scene = sent()
    revised = scene.billing.revise_budget(CALL, scene.budget.id, LINES)
    _, refusal = await scene.race(revised, approve(scene, link=a_link(scene)))
    assert isinstance(refusal, LinkRevoked)
    assert (scene.names(), scene.statuses) == (["BudgetGenerated"], ["DRAFT"])


async def test_r10_the_very_instant_of_its_end_still_approves_and_the_next_one_expires() -> None:
    in_time, late = sent(), sent()
    assert in_time.budget.valid_until
    left = in_time.budget.valid_until - in_time.clock.now()
    in_time.clock.advance(seconds=left.total_seconds())
    await approve(in_time)
    assert in_time.names() == ["BudgetApproved"]
    late.clock.advance(seconds=left.total_seconds(), microseconds=1)
    with pytest.raises(BudgetIsExpired) as refused:
        await approve(late)
    assert (refused.value.kind, refused.value.code) == (Kind.RULE, "BUDGET_EXPIRED")
    assert (late.names(), late.statuses) == (["BudgetExpired"], ["EXPIRED"])


async def test_r10_an_approval_beside_its_expiry_expires_once() -> None:
    scene = sent()
    scene.clock.advance(days=10, microseconds=1)
    expired = scene.billing.expire_budget(CALL, scene.budget.id)
    _, refusal = await scene.race(expired, approve(scene))
    assert isinstance(refusal, BudgetIsExpired)
    assert scene.names() == ["BudgetExpired"]


async def test_r11_after_a_cancel_nothing_is_approved() -> None:
    scene = sent()
    await scene.cancel_work_order()
    before = scene.image()
    with pytest.raises(BudgetIsCanceled) as refused:
        await approve(scene)
    assert (refused.value.code, scene.image()) == ("BUDGET_CANCELED", before)


async def test_r12_a_link_that_is_followed_twice_approves_once() -> None:
    scene = sent()
    link = a_link(scene)
    for _ in range(2):
        assert (await approve(scene, link=link)).status is BudgetStatus.APPROVED
    assert scene.names() == ["BudgetApproved"]


@pytest.mark.parametrize("decide", ["approve", "reject"])
async def test_r12_another_budgets_link_decides_nothing(decide: str) -> None:
    scene = sent()
    decision = Decision(link=a_link(scene, budget_id=UUID(int=7)))
    use_case = scene.billing.approve_budget if decide == "approve" else scene.billing.reject_budget
    before = scene.image()
    with pytest.raises(LinkInvalid) as refused:
        await use_case(CALL, scene.budget.id, decision)
    assert (refused.value.kind, scene.image()) == (Kind.FORBIDDEN, before)


async def test_r35_cancel_and_compensation_in_any_number_and_order_undo_once() -> None:
    for events in permutations(["OsCanceled", "OsCompensationRequested", "OsCanceled"]):
        scene = BillingScene()
        await scene.confirmed()
        outcomes = [await scene.message(event, str(n), Reason="gone") for n, event in enumerate(events)]
        await scene.work()
        assert outcomes == [Outcome.APPLIED, Outcome.KNOWN, Outcome.KNOWN]
        assert scene.names()[-2:] == ["BudgetCanceled", "PaymentReversed"]
        assert scene.names().count("BudgetCanceled") == 1


async def test_r35_cancel_and_compensation_at_once_undo_once() -> None:
    scene = BillingScene()
    await scene.confirmed()
    both = scene.message("OsCanceled", Reason="a"), scene.message("OsCompensationRequested", Reason="b")
    assert await scene.race(*both) == [Outcome.APPLIED, Outcome.KNOWN]
    assert scene.names().count("BudgetCanceled") == 1
