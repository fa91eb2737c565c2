"""The budget's life, pair by pair as billing.md B.1 says it, and the facts it tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest

from domain.billing.budget import EXPIRE, Budget
from domain.billing.budget_lifecycle import LIFECYCLE, BudgetAction, BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetIsCanceled,
    BudgetIsExpired,
    BudgetWithoutCustomer,
    BudgetWithoutPrice,
    NegativeTotal,
    WrongCurrency,
)
from domain.billing.events import (
    BudgetApproved,
    BudgetCanceled,
    BudgetExpired,
    BudgetGenerated,
    BudgetRejected,
    BudgetSent,
)
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import Order, Price, PriceSource, price
from domain.errors import DomainError
from domain.lifecycle import IllegalTransition
from domain.money import Money
from domain.tasks import Due
from tests.support.saga_scene import AT, BUDGET, CUSTOMER, OS, SagaScene, a_draft, a_line, a_saga

_S, _A = BudgetStatus, BudgetAction

AFTER = {
    (None, _A.GENERATE): _S.DRAFT,  # B1
    (_S.DRAFT, _A.UPDATE): _S.DRAFT,  # B4
    (_S.DRAFT, _A.SEND): _S.SENT,  # B5
    (_S.DRAFT, _A.APPROVE): _S.APPROVED,  # B6
    (_S.SENT, _A.APPROVE): _S.APPROVED,
    (_S.DRAFT, _A.REJECT): _S.REJECTED,  # B7
    (_S.SENT, _A.REJECT): _S.REJECTED,
    (_S.SENT, _A.EXPIRE): _S.EXPIRED,  # B8
    (_S.SENT, _A.REVISE): _S.DRAFT,  # B9
    (_S.REJECTED, _A.REVISE): _S.DRAFT,
    (_S.EXPIRED, _A.REVISE): _S.DRAFT,
    (_S.APPROVED, _A.REVISE): _S.DRAFT,
    (_S.DRAFT, _A.CANCEL): _S.CANCELED,  # B10
    (_S.SENT, _A.CANCEL): _S.CANCELED,
    (_S.APPROVED, _A.CANCEL): _S.CANCELED,
}
"""billing.md B.1, written down a second time: the moves that change something."""

REPEATS = {
    (_S.REJECTED, _A.CANCEL),  # B11
    (_S.EXPIRED, _A.CANCEL),
    (_S.APPROVED, _A.APPROVE),  # B12
    (_S.REJECTED, _A.REJECT),
    (_S.SENT, _A.SEND),
    (_S.CANCELED, _A.CANCEL),
}
"""What is allowed and changes nothing; every pair that is in neither is refused."""

TELLS = {
    _A.UPDATE: BudgetGenerated,
    _A.SEND: BudgetSent,
    _A.APPROVE: BudgetApproved,
    _A.REJECT: BudgetRejected,
    _A.EXPIRE: BudgetExpired,
    _A.REVISE: BudgetGenerated,
    _A.CANCEL: BudgetCanceled,
}

OTHER_LINES = (a_line(2_500), a_line(500, LineItemKind.PART))
LATER = AT + timedelta(days=1)


def _expire(budget: Budget) -> bool:
    return budget.expire_if_due(at=(budget.valid_until or AT) + timedelta(microseconds=1))


DONE: dict[BudgetAction, Callable[[Budget], object]] = {
    _A.UPDATE: lambda budget: budget.update(items=OTHER_LINES, at=LATER),
    _A.SEND: lambda budget: budget.send(at=LATER),
    _A.APPROVE: lambda budget: budget.approve(at=LATER),
    _A.REJECT: lambda budget: budget.reject(reason="too dear", at=LATER),
    _A.EXPIRE: _expire,
    _A.REVISE: lambda budget: budget.revise(OTHER_LINES, at=LATER),
    _A.CANCEL: lambda budget: budget.cancel(reason="the customer left", at=LATER),
}
"""Each action through the budget's own door."""

MOVES = [(state, action) for (state, action) in AFTER if state is not None]
REFUSED = [pair for pair in product(BudgetStatus, DONE) if pair not in AFTER and pair not in REPEATS]


def refusal(state: BudgetStatus) -> type[DomainError]:
    """What says best why it may not be done."""
    if state is _S.CANCELED:
        return BudgetIsCanceled
    return BudgetIsExpired if state is _S.EXPIRED else IllegalTransition


def named(pair: object) -> str:
    return pair.value if isinstance(pair, BudgetStatus | BudgetAction) else str(pair)


@pytest.mark.parametrize(("state", "action"), list(product([None, *BudgetStatus], BudgetAction)), ids=named)
def test_every_action_in_every_state_goes_where_the_table_says(
    state: BudgetStatus | None, action: BudgetAction
) -> None:
    if (state, action) in REPEATS:
        assert not LIFECYCLE.changes(state, action)
    elif after := AFTER.get((state, action)):
        assert LIFECYCLE.changes(state, action)
        assert LIFECYCLE.next(state, action) is after
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.changes(state, action)


@pytest.mark.parametrize(("state", "action"), MOVES, ids=named)
def test_a_move_ends_where_the_table_says_and_tells_its_one_fact(state: BudgetStatus, action: BudgetAction) -> None:
    scene = a_saga(state)
    before = scene.budget.version
    DONE[action](scene.budget)
    (change,) = scene.budget.changes
    assert (change.before, change.after) == (state.value, AFTER[state, action].value)
    (fact,) = scene.facts()
    assert type(fact) is TELLS[action]
    assert (scene.budget.status, scene.budget.version) == (AFTER[state, action], before + 1)
    assert (fact.aggregate_version, fact.aggregate_id, fact.key) == (before + 1, BUDGET, str(OS))


@pytest.mark.parametrize(("state", "action"), sorted(REPEATS, key=str), ids=named)
def test_a_repeat_is_allowed_and_changes_nothing_at_all(state: BudgetStatus, action: BudgetAction) -> None:
    scene = a_saga(state)
    before = scene.written
    assert DONE[action](scene.budget) is False
    assert scene.written == before


@pytest.mark.parametrize(("state", "action"), [pair for pair in REFUSED if pair[1] is not _A.EXPIRE], ids=named)
def test_what_the_table_does_not_have_is_refused_and_changes_nothing(state: BudgetStatus, action: BudgetAction) -> None:
    scene = a_saga(state)
    before = scene.written
    with pytest.raises(refusal(state)):
        DONE[action](scene.budget)
    assert scene.written == before


@pytest.mark.parametrize("state", [state for state in BudgetStatus if state is not _S.SENT], ids=named)
def test_only_what_was_sent_can_expire_and_the_rest_does_not_notice(state: BudgetStatus) -> None:
    scene = a_saga(state)
    before = scene.written
    assert not scene.budget.expire_if_due(at=AT + timedelta(days=400))
    assert scene.written == before


@pytest.mark.parametrize("state", list(BudgetStatus), ids=named)
def test_allowed_actions_are_those_that_change_something(state: BudgetStatus) -> None:
    changing = [action.value for (from_, action) in AFTER if from_ is state]
    assert list(a_saga(state).budget.allowed_actions) == changing


def test_a_refused_action_names_what_is_allowed_instead() -> None:
    with pytest.raises(IllegalTransition) as refused:
        a_saga(_S.REJECTED).budget.approve(at=LATER)
    assert refused.value.metadata == {"allowed_actions": "revise"}


def test_a_new_budget_tells_that_it_was_generated() -> None:
    order = Order(work_order_id=OS, workshop_id="main", amount=Money(12_345))
    budget = Budget.generate(UUID(int=1), order, price(order, None, None), at=AT)
    (change,) = budget.changes
    assert change.fact == BudgetGenerated(
        aggregate_id=UUID(int=1),
        aggregate_version=1,
        os_id=OS,
        budget_id=UUID(int=1),
        amount_cents=12_345,
        revision=1,
        status_detail="DRAFT",
    )
    assert (budget.status, budget.version, budget.revision) == (_S.DRAFT, 1, 1)


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        (_A.APPROVE, 1, {"amount_cents": 10_000, "status_detail": "APPROVED", "revision": 1}),
        (_A.REJECT, 2, {"status_detail": "REJECTED", "reason": "too dear", "revision": 1}),
        (_A.CANCEL, 3, {"status_detail": "CANCELED", "reason": "the customer left"}),
        (_A.EXPIRE, 3, {"status_detail": "EXPIRED"}),
    ],
)
def test_each_fact_says_the_partners_number_and_our_own_word(
    action: BudgetAction, status: int, said: dict[str, object]
) -> None:
    scene = a_saga(_S.SENT)
    DONE[action](scene.budget)
    (fact,) = scene.facts()
    told = {name: getattr(fact, name) for name in ("status", *said)}
    assert told == {"status": status, **said}


def test_a_cancel_without_a_reason_says_none() -> None:
    scene = a_draft()
    scene.budget.cancel(reason="", at=LATER)
    (fact,) = scene.facts()
    assert isinstance(fact, BudgetCanceled)
    assert fact.reason is None


@pytest.mark.parametrize("action", [_A.SEND, _A.APPROVE, _A.REJECT])
@pytest.mark.parametrize("worth", ["no price", "zero"])
def test_a_budget_that_is_worth_nothing_is_not_offered_and_not_decided(action: BudgetAction, worth: str) -> None:
    scene = unpriced() if worth == "no price" else a_draft(items=(a_line(0),))
    before = scene.written
    with pytest.raises(BudgetWithoutPrice):
        DONE[action](scene.budget)
    assert scene.written == before


def unpriced() -> SagaScene:
    """A budget that nothing priced, as one unpriced order makes it."""
    scene = a_draft()
    order = Order(work_order_id=OS, workshop_id="main", customer=CUSTOMER)
    scene.saga.budget = Budget.generate(BUDGET, order, Price(source=PriceSource.NONE), at=AT)
    scene.facts()
    return scene


def test_a_budget_without_a_price_is_told_with_zero_and_waits_as_a_draft() -> None:
    budget = unpriced().budget
    assert (budget.total, budget.amount_cents, budget.status) == (None, 0, _S.DRAFT)


def test_a_budget_for_nobody_is_not_sent_yet_may_be_approved_at_the_counter() -> None:
    scene = a_draft(customer=Customer())
    with pytest.raises(BudgetWithoutCustomer):
        scene.budget.send(at=LATER)
    assert scene.budget.approve(at=LATER)


def test_sending_starts_the_clock_for_ten_days_unless_told_otherwise() -> None:
    scene = a_draft()
    scene.budget.send(at=AT)
    assert scene.budget.valid_until == AT + timedelta(days=10)
    other = a_draft()
    other.budget.update(validity_days=3, at=AT)
    other.budget.send(at=LATER)
    assert other.budget.valid_until == LATER + timedelta(days=3)


@pytest.mark.parametrize(("microseconds", "expires"), [(-1, False), (0, False), (1, True)])
def test_an_offer_counts_to_the_very_instant_of_its_end(microseconds: int, *, expires: bool) -> None:
    budget = a_saga(_S.SENT).budget
    assert budget.valid_until
    assert budget.expire_if_due(at=budget.valid_until + timedelta(microseconds=microseconds)) is expires


def test_only_an_offer_has_something_due_and_it_is_its_end() -> None:
    sent = a_saga(_S.SENT).budget
    assert sent.valid_until
    assert sent.due == Due(EXPIRE, sent.valid_until + timedelta(microseconds=1))
    assert sent.expire_if_due(at=sent.due.at)
    assert {a_saga(state).budget.due for state in BudgetStatus if state is not _S.SENT} == {None}


def test_other_lines_in_a_draft_make_the_next_revision_and_tell_it() -> None:
    scene = a_draft()
    assert scene.budget.update(items=OTHER_LINES, at=LATER)
    (fact,) = scene.facts()
    assert isinstance(fact, BudgetGenerated)
    assert (fact.revision, fact.amount_cents, fact.status_detail) == (2, 3_000, "DRAFT")
    assert (scene.budget.total, scene.budget.price_source) == (Money(3_000), PriceSource.ITEMS)


@pytest.mark.parametrize("changes", [{"customer": Customer(name="Another")}, {"validity_days": 5}])
def test_what_is_no_part_of_the_offer_changes_without_a_revision_or_a_fact(changes: dict[str, object]) -> None:
    scene = a_draft()
    version = scene.budget.version
    assert scene.budget.update(at=LATER, **changes)  # type: ignore[arg-type] # each case gives what one argument takes
    assert [change.fact for change in scene.budget.changes] == [None]
    assert (scene.budget.revision, scene.budget.version) == (1, version + 1)


@pytest.mark.parametrize("changes", [{}, {"items": (a_line(),)}, {"customer": CUSTOMER, "validity_days": 10}])
def test_an_update_that_changes_nothing_records_nothing(changes: dict[str, object]) -> None:
    scene = a_draft()
    before = scene.written
    assert not scene.budget.update(at=LATER, **changes)  # type: ignore[arg-type] # each case gives what one takes
    assert scene.written == before


DOLLARS = LineItem(kind=LineItemKind.PART, description="", quantity=a_line().quantity, unit_price=Money(1, "USD"))
BELOW_ZERO = (a_line(100), a_line(101, LineItemKind.DISCOUNT))


@pytest.mark.parametrize(("items", "error"), [(BELOW_ZERO, NegativeTotal), ((DOLLARS,), WrongCurrency)])
def test_lines_that_cannot_be_billed_are_refused_and_change_nothing(
    items: tuple[LineItem, ...], error: type[DomainError]
) -> None:
    draft, sent = a_draft(), a_saga(_S.SENT)
    before = (draft.written, sent.written)
    with pytest.raises(error):
        draft.budget.update(items=items, customer=Customer(name="Another"), at=LATER)
    with pytest.raises(error):
        sent.budget.revise(items, at=LATER)
    assert (draft.written, sent.written) == before
