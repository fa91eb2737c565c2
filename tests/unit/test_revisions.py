"""Revisions: what was offered can be proven later, is decided by its own link, and stays while it is being paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from uuid import UUID

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetIsBeingPaid,
    BudgetIsCanceled,
    LinkInvalid,
    LinkRevoked,
    StaleRevision,
    WorkOrderCanceled,
)
from domain.billing.events import BudgetApproved, BudgetGenerated
from domain.billing.line_item import LineItemKind
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.revision import ApprovalLink, Revision, digest_of
from domain.errors import DomainError, Kind
from domain.money import Money
from tests.support.saga_scene import AT, BUDGET, PART, SagaScene, a_draft, a_line, a_saga

_B, _P = BudgetStatus, PaymentStatus
OTHER_LINES = (a_line(2_500), a_line(500, LineItemKind.PART))
FOREVER = AT + timedelta(days=36_500)


def a_link(revision: int = 1, **changes: object) -> ApprovalLink:
    link = ApprovalLink(budget_id=BUDGET, revision=revision, expires_at=FOREVER)
    return replace(link, **changes)  # type: ignore[arg-type] # a test names the fields that it changes


def test_the_digest_is_one_for_each_content_and_one_only() -> None:
    line, content = a_line(), (BUDGET, 1, "Repair", (a_line(),), Money(10_000))
    contents = [
        content,
        (UUID(int=2), *content[1:]),
        (BUDGET, 2, *content[2:]),
        (BUDGET, 1, "Repairs", *content[3:]),
        (*content[:4], Money(10_001)),
        (*content[:4], None),
        (*content[:3], (), content[4]),
        (*content[:3], (line, line), content[4]),
        (*content[:3], (replace(line, kind=LineItemKind.PART),), content[4]),
        (*content[:3], (replace(line, code="X"),), content[4]),
        (*content[:3], (replace(line, description="x"),), content[4]),
        (*content[:3], (replace(line, quantity=Decimal("1.0001")),), content[4]),
        (*content[:3], (replace(line, unit_price=Money(10_001)),), content[4]),
    ]
    digests = [digest_of(*one) for one in contents]
    assert all(one != other for one, other in combinations(digests, 2))
    assert {len(digest) for digest in digests} == {32}


def test_the_digest_knows_lines_by_their_order_and_numbers_by_their_value() -> None:
    one, other = a_line(1), a_line(2)
    assert digest_of(BUDGET, 1, "", (one, other), None) != digest_of(BUDGET, 1, "", (other, one), None)
    written = [replace(one, quantity=Decimal(text)) for text in ("100", "100.00", "1E+2")]
    assert len({digest_of(BUDGET, 1, "", (line,), None) for line in written}) == 1


def test_a_customers_change_leaves_the_digest_and_other_lines_make_another() -> None:
    budget = a_draft().budget
    first = budget.digest
    budget.update(customer=Customer(name="Another", document="191"), validity_days=3, at=AT)
    assert budget.digest == first
    budget.update(items=OTHER_LINES, at=AT)
    assert budget.digest != first


def test_a_revision_is_intact_until_anything_of_it_was_touched() -> None:
    budget = a_draft().budget
    kept = Revision(
        budget_id=budget.id,
        revision=1,
        description=budget.description,
        items=budget.items,
        total=budget.total,
        digest=budget.digest,
        created_at=AT,
    )
    assert kept.intact
    assert replace(kept, digest=None).intact
    assert not replace(kept, total=Money(9_999)).intact
    assert not replace(kept, items=OTHER_LINES).intact


@pytest.mark.parametrize("status", [_B.SENT, _B.REJECTED, _B.EXPIRED, _B.APPROVED])
def test_revising_opens_a_draft_whose_number_is_the_next_and_tells_it(status: BudgetStatus) -> None:
    scene = a_saga(status)
    number, digest = scene.budget.revision, scene.budget.digest
    scene.saga.revise(OTHER_LINES, at=AT)
    (fact,) = scene.facts()
    assert isinstance(fact, BudgetGenerated)
    assert (fact.revision, fact.amount_cents) == (number + 1, 3_000)
    assert (scene.budget.status, scene.budget.valid_until, scene.budget.due) == (_B.DRAFT, None, None)
    assert scene.budget.digest != digest


@pytest.mark.parametrize("status", [_P.CREATED, _P.UNKNOWN, _P.PENDING, _P.CANCELING])
def test_a_budget_with_an_open_attempt_is_not_revised(status: PaymentStatus) -> None:
    must_not_be_revised(a_saga(_B.APPROVED, status), BudgetIsBeingPaid)


@pytest.mark.parametrize("status", [_P.CONFIRMED, _P.REFUNDING, _P.PARTIALLY_REVERSED, _P.REFUND_FAILED, _P.DISPUTED])
def test_a_budget_whose_money_is_kept_is_not_revised(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    refused = must_not_be_revised(scene, BudgetIsBeingPaid)
    assert refused.metadata == {"payment_id": str(scene.payment.id)}


@pytest.mark.parametrize("status", [_P.FAILED, _P.EXPIRED, _P.CANCELED, _P.REVERSED, _P.CHARGED_BACK])
def test_a_budget_whose_attempts_hold_nothing_may_be_revised(status: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, status)
    scene.saga.revise(OTHER_LINES, at=AT)
    assert scene.budget.status is _B.DRAFT


@pytest.mark.parametrize("status", [_P.REFUNDING, _P.REFUND_FAILED, _P.DISPUTED])
def test_a_budget_whose_money_goes_back_anyhow_may_be_revised(status: PaymentStatus) -> None:
    scene = a_saga(_B.SENT, status)
    scene.saga.revise(OTHER_LINES, at=AT)
    assert (scene.budget.status, scene.payment.status) == (_B.DRAFT, status)


@pytest.mark.parametrize("status", list(BudgetStatus))
def test_nothing_is_revised_once_the_tombstone_stands(status: BudgetStatus) -> None:
    scene = a_saga(status)
    scene.cancel()
    scene.facts()
    must_not_be_revised(scene, WorkOrderCanceled)


def test_a_budget_that_an_operator_withdrew_is_not_revised_either() -> None:
    must_not_be_revised(a_saga(_B.CANCELED), BudgetIsCanceled)


def must_not_be_revised(scene: SagaScene, error: type[DomainError]) -> DomainError:
    before = scene.written
    with pytest.raises(error) as refused:
        scene.saga.revise(OTHER_LINES, at=AT)
    assert (scene.written, refused.value.kind) == (before, Kind.RULE)
    return refused.value


@pytest.mark.parametrize("status", [_B.DRAFT, _B.SENT])
def test_a_link_decides_on_its_own_revision(status: BudgetStatus) -> None:
    scene = a_saga(status)
    assert scene.budget.approve(link=a_link(), at=AT)
    assert a_saga(status).budget.reject(link=a_link(), reason="", at=AT)


def test_a_link_dies_with_its_revision_whatever_is_decided_later() -> None:
    scene = a_saga(_B.SENT)
    scene.saga.revise(OTHER_LINES, at=AT)
    scene.budget.send(at=AT)
    before = scene.written
    for decide in (scene.budget.approve, lambda **said: scene.budget.reject(reason="", **said)):
        with pytest.raises(LinkRevoked) as refused:
            decide(link=a_link(1), at=AT)
        assert (refused.value.kind, refused.value.metadata) == (Kind.RULE, {"revision": "2"})
    assert scene.written == before
    assert scene.budget.approve(link=a_link(2), at=AT)


def test_a_link_of_another_budget_decides_nothing_here() -> None:
    scene = a_saga(_B.SENT)
    with pytest.raises(LinkInvalid):
        scene.budget.approve(link=a_link(budget_id=UUID(int=99)), at=AT)
    assert scene.names() == []


def test_a_link_whose_time_has_passed_decides_nothing() -> None:
    scene = a_saga(_B.SENT)
    expired = a_link(expires_at=AT)
    assert a_saga(_B.SENT).budget.approve(link=expired, at=AT)
    with pytest.raises(DomainError):
        scene.budget.approve(link=expired, at=AT + timedelta(microseconds=1))


def test_a_link_followed_twice_approves_once() -> None:
    scene = a_saga(_B.SENT)
    assert scene.budget.approve(link=a_link(), at=AT)
    assert not scene.budget.approve(link=a_link(), at=AT)
    assert [type(fact) for fact in scene.facts()] == [BudgetApproved]


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_only_the_present_revision_can_be_expected(expected: int) -> None:
    scene = a_draft()
    scene.budget.update(items=OTHER_LINES, at=AT)
    scene.facts()
    before = scene.written
    with pytest.raises(StaleRevision) as refused:
        scene.budget.approve(expected_revision=expected, at=AT)
    assert (refused.value.kind, refused.value.metadata) == (Kind.RULE, {"revision": "2"})
    with pytest.raises(StaleRevision):
        scene.budget.reject(expected_revision=expected, reason="", at=AT)
    assert scene.written == before
    assert scene.budget.approve(expected_revision=2, at=AT)


def test_approving_again_with_an_older_revision_in_mind_is_no_repeat() -> None:
    scene = a_saga(_B.REJECTED)
    scene.saga.revise(OTHER_LINES, at=AT)
    scene.budget.approve(at=AT)
    with pytest.raises(StaleRevision):
        scene.budget.approve(expected_revision=1, at=AT)


def test_each_revision_is_told_once_and_decided_once() -> None:
    scene = a_saga(_B.SENT)
    scene.budget.approve(at=AT)
    scene.saga.revise(OTHER_LINES, at=AT)
    scene.budget.update(items=(a_line(PART.cents),), at=AT)
    scene.budget.reject(reason="", at=AT)
    assert scene.names() == ["BudgetApproved", "BudgetGenerated", "BudgetGenerated", "BudgetRejected"]
    assert [getattr(fact, "revision", None) for fact in scene.told_facts] == [1, 1, 1, 2, 3, 3]
