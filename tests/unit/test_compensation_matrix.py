"""The compensation matrix, billing.md B.4, cell by cell: what a work order's end does to its budget and its payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus
from domain.billing.errors import WorkOrderCanceled
from domain.billing.events import BudgetCanceled, PaymentConfirmed, PaymentFailed
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.use_cases.budgets import Outcome
from domain.money import Money
from tests.support.billing_scene import CALL, BillingScene
from tests.support.saga_scene import MOVES, OS, PART, PRICE, SagaScene, Unreachable, a_line, a_saga
from tests.support.saga_walk import REFUNDS, WORDS, everywhere, walked

_B, _P = BudgetStatus, PaymentStatus

OVER: Final = (_P.REVERSED, _P.CHARGED_BACK, _P.FAILED, _P.EXPIRED, _P.CANCELED)
ALIVE: Final = (_B.DRAFT, _B.SENT, _B.APPROVED)
ENDED: Final = (_B.REJECTED, _B.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A row and a column; where both stand afterwards, what is told, in order, and what is asked back."""

    row: PaymentStatus | None
    column: BudgetStatus
    budget: BudgetStatus
    payment: PaymentStatus | None
    facts: tuple[str, ...] = ()
    giveback: bool = False
    asked: Money | None = None

    @property
    def name(self) -> str:
        return f"{self.row.value if self.row else 'NONE'} under {self.column.value}"


def unpaid(column: BudgetStatus, row: PaymentStatus | None = None) -> Cell:
    """Nothing of the payment changes; the budget is withdrawn if it is alive."""
    if column not in ALIVE:
        return Cell(row=row, column=column, budget=column, payment=row)
    return Cell(row=row, column=column, budget=_B.CANCELED, payment=row, facts=("BudgetCanceled",))


def approved(
    row: PaymentStatus, after: PaymentStatus, *more: str, giveback: bool = True, asked: Money | None = None
) -> Cell:
    """A cell of the column APPROVED."""
    facts = ("BudgetCanceled", *more)
    return Cell(
        row=row, column=_B.APPROVED, budget=_B.CANCELED, payment=after, facts=facts, giveback=giveback, asked=asked
    )


def cells() -> Iterator[Cell]:
    """The matrix, but for what cannot be reached."""
    yield from (unpaid(column, row) for row, column in product((None, *OVER), BudgetStatus))
    yield approved(_P.CREATED, _P.CANCELED, "PaymentFailed", giveback=False)
    yield approved(_P.UNKNOWN, _P.UNKNOWN)
    yield approved(_P.PENDING, _P.CANCELING)
    yield approved(_P.CANCELING, _P.CANCELING)
    yield approved(_P.CONFIRMED, _P.REFUNDING, asked=PRICE)
    yield approved(_P.PARTIALLY_REVERSED, _P.REFUNDING, asked=PRICE - PART)
    yield approved(_P.REFUNDING, _P.REFUNDING, asked=PART)
    yield approved(_P.REFUND_FAILED, _P.REFUNDING, asked=PRICE)
    yield approved(_P.DISPUTED, _P.DISPUTED)
    for column in (*ALIVE[:2], *ENDED):
        yield replace(unpaid(column, _P.REFUNDING), giveback=True, asked=PRICE)
        yield replace(unpaid(column, _P.REFUND_FAILED), payment=_P.REFUNDING, giveback=True, asked=PRICE)
        yield replace(unpaid(column, _P.DISPUTED), giveback=True, asked=PRICE)
    yield replace(unpaid(_B.CANCELED, _P.UNKNOWN), giveback=True)
    yield replace(unpaid(_B.CANCELED, _P.CANCELING), giveback=True)
    yield replace(unpaid(_B.CANCELED, _P.REFUNDING), giveback=True, asked=PRICE)
    yield replace(unpaid(_B.CANCELED, _P.REFUND_FAILED), giveback=True)
    yield replace(unpaid(_B.CANCELED, _P.DISPUTED), giveback=True)


CELLS: Final = list(cells())
EVERY_CELL = pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
BOTH_EVENTS = pytest.mark.parametrize("event", ["OsCanceled", "OsCompensationRequested"])
OTHER = {"OsCanceled": "OsCompensationRequested", "OsCompensationRequested": "OsCanceled"}


@BOTH_EVENTS
@EVERY_CELL
async def test_the_end_of_a_work_order_does_what_its_cell_says_once(cell: Cell, event: str) -> None:
    scene = BillingScene(saga=a_saga(cell.column, cell.row))
    assert await scene.cancel_work_order(event, reason="the customer left") is Outcome.APPLIED
    assert scene.names() == list(cell.facts)
    assert scene.statuses == [status.value for status in (cell.budget, cell.payment) if status]
    assert scene.saga.work_order.canceled
    for payment in scene.saga.payments if cell.row not in OVER else ():
        asked = payment.refunds.in_flight
        assert (payment.giveback, asked and asked.amount) == (cell.giveback, cell.asked)
    for fact in scene.facts:
        assert isinstance(fact, BudgetCanceled | PaymentFailed)
        assert fact.reason == ("the customer left" if isinstance(fact, BudgetCanceled) else "CANCELED")
    stored = scene.image()
    for again in (event, OTHER[event]):
        assert await scene.message(again, "again", Reason="again") is Outcome.KNOWN
    assert await scene.message("OsCreated", "late", Valor=1) is Outcome.TOMBSTONED
    with pytest.raises(WorkOrderCanceled):
        await scene.billing.revise_budget(CALL, scene.budget.id, (a_line(1),))
    assert scene.image() == stored


@pytest.mark.parametrize("event", ["OsCanceled", "OsCompensationRequested"])
async def test_none_under_no_budget_leaves_a_tombstone_and_a_later_announcement_makes_nothing(event: str) -> None:
    scene = BillingScene()
    assert await scene.cancel_work_order(event) is Outcome.APPLIED
    assert await scene.message("OsCreated", Valor=100) is Outcome.TOMBSTONED
    assert await scene.cancel_work_order(event, reason="again") is Outcome.KNOWN
    assert (scene.store.budgets, scene.names()) == ({}, [])
    assert scene.store.work_orders[OS].cancel_reason == "gone"


def test_no_payment_is_confirmed_after_any_cell_whatever_the_provider_says() -> None:
    starts = [a_saga(cell.column, cell.row) for cell in CELLS]
    for scene in starts:
        scene.cancel()
    states = list(walked(*(scene.fork() for scene in starts), moves={**WORDS, **REFUNDS}))
    assert len(states) > len(starts)
    for after in states:
        assert not any(isinstance(fact, PaymentConfirmed) for fact in after.told_facts)
        assert after.budget.status in (_B.CANCELED, *ENDED)
        assert set(after.state[1]) <= {_P.UNKNOWN, _P.CANCELING, _P.REFUNDING, _P.REFUND_FAILED, _P.DISPUTED, *OVER}


REACHED: Final = [
    (payment, budget)
    for payment, budget in product(PaymentStatus, BudgetStatus)
    if any((cell.row, cell.column) == (payment, budget) for cell in CELLS)
]
"""What the matrix has a cell for; every other pair it calls unreachable, by "unreachable" or by a dash."""


def test_what_the_matrix_calls_unreachable_no_moves_lead_to() -> None:
    states = [scene.state for scene in everywhere()]
    pairs = {(payment, budget) for budget, payments in states for payment in payments}
    assert pairs == set(REACHED)


@pytest.mark.parametrize(
    ("row", "column"),
    [(row, column) for row, column in product(PaymentStatus, BudgetStatus) if (row, column) not in REACHED],
    ids=lambda status: status.value,
)
def test_an_unreachable_cell_cannot_even_be_built(row: PaymentStatus, column: BudgetStatus) -> None:
    with pytest.raises(Unreachable):
        a_saga(column, row)


# ----------------------------------------------------------------------------------- what the cells promise for later


def undone(row: PaymentStatus) -> SagaScene:
    """The cell of this row under APPROVED, a moment later."""
    scene = a_saga(_B.APPROVED, row)
    scene.cancel()
    scene.facts()
    return scene


def test_unknown_under_approved_then_not_found_fails_as_canceled() -> None:
    scene = undone(_P.UNKNOWN)
    MOVES["give_up"](scene)
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentFailed)
    assert (fact.reason, scene.payment.status) == ("CANCELED", _P.FAILED)


def test_unknown_under_approved_then_pending_is_canceled_at_the_provider() -> None:
    scene = undone(_P.UNKNOWN)
    scene.told(ChargeStatus.PENDING)
    assert (scene.names(), scene.payment.status, scene.payment.pix) == ([], _P.CANCELING, None)
    assert scene.payment.due
    assert scene.payment.due.kind == "cancel_payment"


@pytest.mark.parametrize("row", [_P.UNKNOWN, _P.PENDING, _P.CANCELING])
def test_what_was_open_under_approved_then_paid_goes_back_and_is_told_when_it_went(row: PaymentStatus) -> None:
    scene = undone(row)
    scene.told(ChargeStatus.APPROVED)
    assert (scene.names(), scene.payment.status) == ([], _P.REFUNDING)
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REVERSED)


@pytest.mark.parametrize("row", [_P.UNKNOWN, _P.PENDING, _P.CANCELING])
def test_what_was_open_under_approved_then_canceled_there_fails_as_canceled(row: PaymentStatus) -> None:
    scene = undone(row)
    scene.told(ChargeStatus.CANCELED)
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentFailed)
    assert (fact.reason, scene.payment.status) == ("CANCELED", _P.CANCELED)


def test_refunding_under_approved_then_refunded_goes_on_with_the_rest() -> None:
    scene = undone(_P.REFUNDING)
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REFUNDING)
    assert scene.payment.refunds.in_flight
    assert scene.payment.refunds.in_flight.amount == PRICE - PART
    scene.refunded()
    assert (scene.names(), scene.payment.status) == (["PaymentReversed"], _P.REVERSED)


@pytest.mark.parametrize("column", [_B.APPROVED, _B.SENT, _B.REJECTED])
def test_disputed_then_won_goes_back_and_lost_is_charged_back(column: BudgetStatus) -> None:
    won, lost = a_saga(column, _P.DISPUTED), a_saga(column, _P.DISPUTED)
    for scene in (won, lost):
        scene.cancel()
        scene.facts()
        assert scene.payment.giveback
    won.told(ChargeStatus.DISPUTE_WON)
    assert (won.names(), won.payment.status) == (["PaymentDisputeWon"], _P.REFUNDING)
    lost.told(ChargeStatus.CHARGED_BACK)
    assert (lost.names(), lost.payment.status) == (["PaymentReversed"], _P.CHARGED_BACK)


@pytest.mark.parametrize("column", [_B.APPROVED, *ALIVE[:2], *ENDED])
async def test_the_end_said_twice_asks_once_though_the_refund_failed_in_between(column: BudgetStatus) -> None:
    saga = a_saga(column, _P.REFUND_FAILED)
    saga.cancel()
    saga.refund_failed()
    saga.facts()
    scene = BillingScene(saga=saga)
    before = scene.image()
    for event in OTHER:
        assert await scene.cancel_work_order(event) is Outcome.KNOWN
    assert scene.image() == before


async def test_refund_failed_under_canceled_waits_for_whoever_tries_again() -> None:
    scene = BillingScene(saga=a_saga(_B.CANCELED, _P.REFUND_FAILED))
    await scene.cancel_work_order()
    assert (scene.names(), scene.statuses) == ([], ["CANCELED", "REFUND_FAILED"])
    assert [kind for kind, _ in await scene.due()] == ["poll_payment"]
    await scene.payments.retry_refund(CALL, scene.payment.id)
    assert [kind for kind, _ in await scene.due()] == ["refund_payment"]
