"""The budget's life, pair by pair, and the facts it tells."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from domain.billing.budget import LIFECYCLE, Budget, BudgetAction, BudgetStatus
from domain.billing.events import BudgetCanceled, BudgetGenerated
from domain.billing.pricing import Order, Price, PriceSource, price
from domain.lifecycle import IllegalTransition
from domain.money import Money

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = Order(work_order_id=UUID(int=7), workshop_id="main", amount=Money(12_345))

AFTER = {
    (None, BudgetAction.GENERATE): BudgetStatus.DRAFT,
    (BudgetStatus.DRAFT, BudgetAction.CANCEL): BudgetStatus.CANCELED,
    (BudgetStatus.SENT, BudgetAction.CANCEL): BudgetStatus.CANCELED,
    (BudgetStatus.APPROVED, BudgetAction.CANCEL): BudgetStatus.CANCELED,
    (BudgetStatus.REJECTED, BudgetAction.CANCEL): BudgetStatus.REJECTED,
    (BudgetStatus.EXPIRED, BudgetAction.CANCEL): BudgetStatus.EXPIRED,
    (BudgetStatus.CANCELED, BudgetAction.CANCEL): BudgetStatus.CANCELED,
}
"""billing.md B.1, written down a second time: every other pair is refused."""


def a_budget(status: BudgetStatus = BudgetStatus.DRAFT) -> Budget:
    budget = Budget.generate(UUID(int=1), ORDER, price(ORDER, None, None), at=AT)
    budget.changes.clear()
    budget.status = status
    return budget


@pytest.mark.parametrize(("state", "action"), list(product([None, *BudgetStatus], BudgetAction)))
def test_every_action_in_every_state_goes_where_the_table_says(
    state: BudgetStatus | None, action: BudgetAction
) -> None:
    if after := AFTER.get((state, action)):
        assert LIFECYCLE.next(state, action) is after
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.next(state, action)


def test_a_refused_action_names_what_is_allowed_instead() -> None:
    with pytest.raises(IllegalTransition) as refused:
        LIFECYCLE.next(BudgetStatus.DRAFT, BudgetAction.GENERATE)
    assert refused.value.metadata == {"allowed_actions": "cancel"}


def test_a_new_budget_tells_that_it_was_generated() -> None:
    budget = Budget.generate(UUID(int=1), ORDER, price(ORDER, None, None), at=AT)
    (change,) = budget.changes
    assert change.fact == BudgetGenerated(
        aggregate_id=UUID(int=1),
        aggregate_version=1,
        os_id=UUID(int=7),
        budget_id=UUID(int=1),
        amount_cents=12_345,
        revision=1,
        status_detail="DRAFT",
    )
    assert (budget.status, budget.version, budget.revision) == (BudgetStatus.DRAFT, 1, 1)


def test_a_budget_without_a_price_is_told_with_zero() -> None:
    budget = Budget.generate(UUID(int=1), ORDER, Price(source=PriceSource.NONE), at=AT)
    assert budget.total is None
    assert budget.amount_cents == 0


@pytest.mark.parametrize("status", [BudgetStatus.DRAFT, BudgetStatus.SENT, BudgetStatus.APPROVED])
def test_canceling_a_budget_that_is_alive_withdraws_it_and_tells(status: BudgetStatus) -> None:
    budget = a_budget(status)
    assert budget.cancel(reason="the customer left", at=LATER)
    (change,) = budget.changes
    assert isinstance(change.fact, BudgetCanceled)
    assert (change.fact.reason, change.fact.aggregate_version) == ("the customer left", 2)
    assert (change.before, change.after) == (status.value, "CANCELED")
    assert (budget.status, budget.updated_at) == (BudgetStatus.CANCELED, LATER)


@pytest.mark.parametrize("status", [BudgetStatus.REJECTED, BudgetStatus.EXPIRED, BudgetStatus.CANCELED])
def test_canceling_a_budget_that_is_over_changes_and_tells_nothing(status: BudgetStatus) -> None:
    budget = a_budget(status)
    assert not budget.cancel(reason="again", at=LATER)
    assert (budget.status, budget.version, budget.changes, budget.updated_at) == (status, 1, [], AT)


@pytest.mark.parametrize("status", list(BudgetStatus))
def test_allowed_actions_are_those_that_lead_somewhere(status: BudgetStatus) -> None:
    leads = [action.value for (state, action), after in AFTER.items() if state is status and after is not status]
    assert list(a_budget(status).allowed_actions) == leads
