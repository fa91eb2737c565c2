"""Commands on a budget: who may give them, what they change, and what the rules of an installation add."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetIsCanceled,
    BudgetIsExpired,
    BudgetNotFound,
    BudgetWithoutPrice,
    PaymentNotFound,
    StaleRevision,
)
from domain.billing.events import BudgetExpired, PaymentFailed
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Changes, Decision, Outcome
from domain.errors import DomainError, Kind, Stale
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene
from tests.support.saga_scene import PRICE, a_line, a_saga

_B, _P = BudgetStatus, PaymentStatus
STRANGER = replace(CALL, actor=Actor(id="guest", workshops=frozenset({"other"})))
LINES = (a_line(2_500),)

Command = Callable[[BillingScene, Any], Awaitable[object]]

COMMANDS: dict[str, Command] = {
    "update": lambda scene, call: scene.billing.update_budget(call, scene.budget.id, Changes(items=LINES)),
    "revise": lambda scene, call: scene.billing.revise_budget(call, scene.budget.id, LINES),
    "send": lambda scene, call: scene.billing.send_budget(call, scene.budget.id),
    "approve": lambda scene, call: scene.billing.approve_budget(call, scene.budget.id, Decision()),
    "reject": lambda scene, call: scene.billing.reject_budget(call, scene.budget.id, Decision(reason="too dear")),
    "cancel": lambda scene, call: scene.billing.cancel_budget(call, scene.budget.id, "withdrawn"),
}


def over(budget: BudgetStatus, payment: PaymentStatus | None = None, **rules: Any) -> BillingScene:
    """Billing over a saga that stands so."""
    return BillingScene(BillingRules(**rules), saga=a_saga(budget, payment))


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_budget_outside_the_actors_workshops_is_as_if_absent(command: str) -> None:
    scene = over(_B.DRAFT)
    before = scene.image()
    with pytest.raises(BudgetNotFound):
        await COMMANDS[command](scene, STRANGER)
    assert scene.image() == before


async def test_a_budget_that_is_nobodys_is_absent() -> None:
    with pytest.raises(BudgetNotFound):
        await BillingScene().billing.send_budget(CALL, UUID(int=9))


async def test_a_payment_outside_the_actors_workshops_is_as_if_absent() -> None:
    scene = over(_B.APPROVED, _P.CONFIRMED)
    with pytest.raises(PaymentNotFound):
        await scene.payments.refund_payment(STRANGER, scene.payment.id, amount=None, reason="")
    with pytest.raises(PaymentNotFound):
        await scene.payments.cancel_payment(STRANGER, scene.payment.id)


COMMANDED = {
    (_B.DRAFT, "update"): _B.DRAFT,
    (_B.DRAFT, "send"): _B.SENT,
    (_B.DRAFT, "approve"): _B.APPROVED,
    (_B.DRAFT, "reject"): _B.REJECTED,
    (_B.DRAFT, "cancel"): _B.CANCELED,
    (_B.SENT, "revise"): _B.DRAFT,
    (_B.SENT, "send"): _B.SENT,
    (_B.SENT, "approve"): _B.APPROVED,
    (_B.SENT, "reject"): _B.REJECTED,
    (_B.SENT, "cancel"): _B.CANCELED,
    (_B.APPROVED, "revise"): _B.DRAFT,
    (_B.APPROVED, "approve"): _B.APPROVED,
    (_B.APPROVED, "cancel"): _B.CANCELED,
    (_B.REJECTED, "revise"): _B.DRAFT,
    (_B.REJECTED, "reject"): _B.REJECTED,
    (_B.EXPIRED, "revise"): _B.DRAFT,
    (_B.CANCELED, "cancel"): _B.CANCELED,
}
"""billing.md B.1 and B.5 for commands: every other pair is FAILED_PRECONDITION. A person cannot cancel what is over."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("status", list(BudgetStatus), ids=lambda status: status.value)
async def test_a_command_does_what_the_table_says_or_is_refused(status: BudgetStatus, command: str) -> None:
    scene = over(status)
    before = scene.image()
    after = COMMANDED.get((status, command))
    if after is None:
        with pytest.raises(DomainError) as refused:
            await COMMANDS[command](scene, CALL)
        assert (refused.value.kind, scene.image()) == (Kind.RULE, before)
        return
    await COMMANDS[command](scene, CALL)
    assert scene.budget.status is after
    assert (scene.image() == before) is (after is status and command != "update")


async def test_an_update_needs_the_version_that_its_author_saw() -> None:
    scene = over(_B.DRAFT)
    seen = scene.budget.version
    await scene.billing.update_budget(CALL, scene.budget.id, Changes(items=LINES, version=seen))
    before = scene.image()
    with pytest.raises(Stale):
        await scene.billing.update_budget(CALL, scene.budget.id, Changes(customer=Customer(), version=seen))
    assert scene.image() == before


async def test_an_update_that_changes_nothing_leaves_no_trace() -> None:
    scene = over(_B.DRAFT)
    before = scene.image()
    answer = await scene.billing.update_budget(CALL, scene.budget.id, Changes(items=(a_line(),)))
    assert (answer.version, scene.image()) == (scene.budget.version, before)


async def test_every_revision_is_kept_as_it_was_offered() -> None:
    scene = over(_B.SENT)
    await scene.billing.revise_budget(CALL, scene.budget.id, LINES)
    await scene.billing.update_budget(CALL, scene.budget.id, Changes(items=(a_line(1), a_line(2))))
    await scene.billing.approve_budget(CALL, scene.budget.id, Decision(revision=3))
    kept = [row for (_, number), row in sorted(scene.store.revisions.items()) if number > 1]
    assert [(row.revision, row.total, row.intact) for row in kept] == [(2, Money(2_500), True), (3, Money(3), True)]
    assert kept[-1].digest == scene.budget.digest


@pytest.mark.parametrize("command", ["send", "approve", "reject", "update", "cancel"])
async def test_what_comes_after_an_offers_end_expires_it_first_and_is_then_refused(command: str) -> None:
    scene = over(_B.SENT)
    scene.clock.advance(days=10, microseconds=1)
    with pytest.raises(DomainError) as refused:
        await COMMANDS[command](scene, CALL)
    assert refused.value.kind is Kind.RULE
    if command != "cancel":
        assert isinstance(refused.value, BudgetIsExpired)
    assert (scene.budget.status, scene.names()) == (_B.EXPIRED, ["BudgetExpired"])


async def test_an_offer_whose_time_has_passed_expires_before_it_is_revised() -> None:
    scene = over(_B.SENT)
    scene.clock.advance(days=11)
    await scene.billing.revise_budget(CALL, scene.budget.id, LINES)
    assert scene.names() == ["BudgetExpired", "BudgetGenerated"]
    assert scene.budget.status is _B.DRAFT


async def test_an_offer_ends_by_itself_just_after_its_last_instant() -> None:
    scene = BillingScene()
    await scene.generated()
    await scene.billing.send_budget(CALL, scene.budget.id)
    assert await scene.run(days=10) == []
    assert scene.budget.status is _B.SENT
    assert await scene.run(microseconds=1) == ["expire_budget"]
    assert isinstance(scene.facts[-1], BudgetExpired)
    assert (scene.budget.status, await scene.due()) == (_B.EXPIRED, [])


async def test_the_end_of_an_offer_that_was_decided_in_time_never_comes() -> None:
    scene = BillingScene()
    await scene.approved()
    assert await scene.run(days=20) == []
    assert scene.budget.status is _B.APPROVED


async def test_an_expiry_that_comes_too_early_or_twice_does_nothing() -> None:
    scene = over(_B.SENT)
    before = scene.image()
    await scene.billing.expire_budget(CALL, scene.budget.id)
    assert scene.image() == before
    scene.clock.advance(days=11)
    await scene.billing.expire_budget(CALL, scene.budget.id)
    await scene.billing.expire_budget(CALL, scene.budget.id)
    assert scene.names() == ["BudgetExpired"]


# --------------------------------------------------------------------------------------------------------- operator


async def test_a_person_cancels_a_budget_with_its_payment_and_the_work_order_goes_on() -> None:
    scene = over(_B.APPROVED, _P.CREATED)
    await scene.billing.cancel_budget(CALL, scene.budget.id, "no parts")
    assert scene.names() == ["BudgetCanceled", "PaymentFailed"]
    assert not scene.saga.work_order.canceled
    before = scene.image()
    await scene.billing.cancel_budget(CALL, scene.budget.id, "again")
    assert await scene.message("OsCreated", Valor=1) is Outcome.DIFFERS
    assert scene.image() == before
    with pytest.raises(BudgetIsCanceled):
        await scene.billing.revise_budget(CALL, scene.budget.id, LINES)


@pytest.mark.parametrize("status", [_P.CREATED, _P.UNKNOWN, _P.PENDING])
async def test_a_person_cancels_an_open_attempt_and_a_repeat_changes_nothing(status: PaymentStatus) -> None:
    scene = over(_B.APPROVED, status)
    await scene.payments.cancel_payment(CALL, scene.payment.id)
    assert scene.payment.withdrawn == "CANCELED"
    assert [type(fact) for fact in scene.facts] == ([PaymentFailed] if status is _P.CREATED else [])
    before = scene.image()
    await scene.payments.cancel_payment(CALL, scene.payment.id)
    assert scene.image() == before


UNREACHED = (_P.CREATED, _P.PENDING, _P.CONFIRMED, _P.PARTIALLY_REVERSED)


@pytest.mark.parametrize("status", [one for one in PaymentStatus if one not in (_P.REFUND_FAILED, *UNREACHED)])
async def test_under_a_canceled_budget_a_person_refunds_only_what_failed_to_go_back(status: PaymentStatus) -> None:
    scene = over(_B.CANCELED, status)
    before = scene.image()
    with pytest.raises(DomainError) as refused:
        await scene.refund()
    assert (refused.value.kind, scene.image()) == (Kind.RULE, before)


async def test_under_a_canceled_budget_a_person_refunds_what_failed_to_go_back() -> None:
    scene = over(_B.CANCELED, _P.REFUND_FAILED)
    payment = await scene.refund()
    assert (payment.status, payment.refunds.all[-1].amount) == (_P.REFUNDING, PRICE)


# ------------------------------------------------------------------------------------------------------ installations


async def test_where_budgets_must_be_sent_a_draft_is_not_approved() -> None:
    scene = over(_B.DRAFT, require_send=True)
    before = scene.image()
    with pytest.raises(IllegalTransition) as refused:
        await COMMANDS["approve"](scene, CALL)
    assert (refused.value.metadata, scene.image()) == ({"allowed_actions": "send"}, before)
    await scene.billing.send_budget(CALL, scene.budget.id)
    await COMMANDS["approve"](scene, CALL)
    assert scene.budget.status is _B.APPROVED


async def test_the_old_automatic_flow_approves_and_charges_as_it_is_announced() -> None:
    scene = BillingScene(BillingRules(auto_approve=True, charge_on_approval=True))
    await scene.message("OsCreated", Valor=100)
    assert (scene.names(), scene.statuses) == (["BudgetGenerated", "BudgetApproved"], ["APPROVED", "CREATED"])
    await scene.work()
    assert scene.names()[2:] == ["PaymentPending"]


async def test_the_old_automatic_flow_leaves_what_has_no_price_alone() -> None:
    scene = BillingScene(BillingRules(auto_approve=True, charge_on_approval=True))
    await scene.message("OsCreated")
    assert (scene.names(), scene.statuses) == (["BudgetGenerated"], ["DRAFT"])
    with pytest.raises(BudgetWithoutPrice):
        await COMMANDS["approve"](scene, CALL)


async def test_an_approval_charges_once_however_often_it_is_repeated() -> None:
    scene = over(_B.SENT, charge_on_approval=True)
    for _ in range(3):
        await COMMANDS["approve"](scene, CALL)
    assert scene.statuses == ["APPROVED", "CREATED"]


async def test_a_stale_revision_is_refused_with_nothing_changed() -> None:
    scene = over(_B.SENT)
    before = scene.image()
    with pytest.raises(StaleRevision):
        await scene.billing.approve_budget(CALL, scene.budget.id, Decision(revision=7))
    with pytest.raises(StaleRevision):
        await scene.billing.reject_budget(CALL, scene.budget.id, Decision(revision=7))
    assert scene.image() == before


async def test_what_is_caused_names_its_cause_and_its_saga() -> None:
    scene = over(_B.SENT)
    await COMMANDS["approve"](scene, replace(CALL, causation_id="command 7", correlation_id="another saga"))
    (told,) = scene.store.outbox
    assert (told.headers["CausationId"], told.headers["CorrelationId"]) == ("command 7", "saga")
    assert told.headers["AggregateVersion"] == scene.budget.version
