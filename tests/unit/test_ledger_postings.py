"""What each move means for the books: every entry balances, and the balances are the payments told in another way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus
from domain.billing.events import PaymentReversed
from domain.billing.line_item import LineItemKind
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.errors import DomainError
from domain.money import Money
from domain.posting import Entry, Posting, entry, undone
from tests.support.saga_scene import MOVES, PART, PRICE, SagaScene, a_draft, a_line, a_saga, an_approved

_B, _P, _C = BudgetStatus, PaymentStatus, ChargeStatus

RECEIVABLE, CLEARING, FEES = "receivable:os", "clearing:mp", "fees:mp"
SUSPENSE, LOSS = "suspense:customer_giveback", "loss:chargeback"

MIXED = (
    a_line(10_000, LineItemKind.LABOR),
    a_line(3_333, LineItemKind.PART, "3"),
    a_line(500, LineItemKind.FEE),
    a_line(700, LineItemKind.SERVICE),
    a_line(1_200, LineItemKind.DISCOUNT),
)


def booked(scene: SagaScene) -> list[Entry]:
    """The entries that were booked since the facts were last asked for."""
    before = len(scene.booked)
    scene.facts()
    return scene.booked[before:]


def balances(entries: Iterable[Entry]) -> dict[str, int]:
    """What the entries leave on each account, in centavos; accounts at zero are left out."""
    sums: Counter[str] = Counter()
    for posting in (posting for one in entries for posting in one):
        sums[posting.account] += posting.amount.cents
    return {account: cents for account, cents in sums.items() if cents}


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="differ"):
        entry([("a", Money(1))], [("b", Money(2))])


def test_an_entry_leaves_zeros_out_and_its_undoing_is_its_mirror() -> None:
    made = entry([("a", Money(3)), ("b", Money(0))], [("c", Money(3))])
    assert made == (Posting("a", Money(3)), Posting("c", Money(-3)))
    assert undone(made) == (Posting("a", Money(-3)), Posting("c", Money(3)))


def test_an_approval_books_what_is_owed_against_what_each_kind_of_line_earns() -> None:
    scene = an_approved(items=MIXED)
    assert scene.budget.amount_cents == 10_000 + 9_999 + 500 + 700 - 1_200
    assert balances(scene.booked) == {
        RECEIVABLE: 19_999,
        "revenue:labor": -10_000,
        "revenue:parts": -9_999,
        "revenue:fees": -500,
        "revenue:services": -700,
        "revenue:discounts": 1_200,
    }


@pytest.mark.parametrize("end", ["withdraw_budget", "revise"])
def test_the_end_of_an_approval_books_its_mirror(end: str) -> None:
    scene = an_approved(items=MIXED)
    (made,) = scene.booked
    MOVES[end](scene)
    assert booked(scene) == [undone(made)]


@pytest.mark.parametrize("status", [_B.DRAFT, _B.SENT, _B.REJECTED, _B.EXPIRED])
def test_a_budget_that_was_not_approved_is_in_no_books(status: BudgetStatus) -> None:
    scene = a_saga(status)
    scene.cancel()
    scene.facts()
    assert scene.booked == []


def test_a_second_approval_books_the_new_lines_once() -> None:
    scene = an_approved()
    scene.saga.revise(MIXED, at=scene.now)
    scene.approve()
    assert not scene.budget.approve(at=scene.now)
    scene.facts()
    assert balances(scene.booked)[RECEIVABLE] == 19_999
    assert len(scene.booked) == 3


def test_a_confirmation_books_the_money_less_the_providers_fee() -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    scene.told(_C.APPROVED, fee=Money(99))
    (made,) = booked(scene)
    assert made == (Posting(CLEARING, Money(9_901)), Posting(FEES, Money(99)), Posting(RECEIVABLE, Money(-10_000)))


def test_a_refund_is_booked_when_the_money_went_and_not_before() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    MOVES["refund_part"](scene)
    assert booked(scene) == []
    scene.refunded()
    assert booked(scene) == [(Posting(RECEIVABLE, PART), Posting(CLEARING, -PART))]


def test_a_refund_that_failed_is_in_no_books() -> None:
    scene = a_saga(_B.APPROVED, _P.REFUNDING)
    scene.refund_failed()
    assert booked(scene) == []


def test_money_given_back_in_the_panel_is_booked_as_any_other() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    scene.told(_C.APPROVED, refunded=PART)
    assert booked(scene) == [(Posting(RECEIVABLE, PART), Posting(CLEARING, -PART))]


def test_surplus_money_waits_in_suspense_and_leaves_from_there() -> None:
    scene = a_saga(_B.CANCELED, _P.CANCELING)
    scene.told(_C.APPROVED)
    assert booked(scene) == [(Posting(CLEARING, PRICE), Posting(SUSPENSE, -PRICE))]
    scene.refunded()
    assert booked(scene) == [(Posting(SUSPENSE, PRICE), Posting(CLEARING, -PRICE))]


def test_what_came_and_went_unseen_passes_through_suspense_in_one_balanced_entry() -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    scene.told(_C.REFUNDED)
    (made,) = booked(scene)
    assert (balances([made]), len(made)) == ({}, 4)


def test_a_lost_dispute_is_a_loss_of_what_was_left() -> None:
    scene = a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED)
    scene.told(_C.DISPUTED)
    assert booked(scene) == []
    scene.told(_C.CHARGED_BACK)
    assert booked(scene) == [(Posting(LOSS, PRICE - PART), Posting(CLEARING, PART - PRICE))]


def test_a_lost_dispute_of_surplus_money_is_no_loss_of_ours() -> None:
    scene = a_saga(_B.SENT, _P.DISPUTED)
    scene.told(_C.CHARGED_BACK)
    assert booked(scene) == [(Posting(SUSPENSE, PRICE), Posting(CLEARING, -PRICE))]


def test_a_dispute_that_was_won_is_in_no_books() -> None:
    scene = a_saga(_B.APPROVED, _P.DISPUTED)
    scene.told(_C.DISPUTE_WON)
    assert booked(scene) == []


@pytest.mark.parametrize("first", ["paid", "canceled"])
def test_paid_and_canceled_in_either_order_leave_every_account_at_zero(first: str) -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    said = scene.seen(_C.APPROVED)
    for happens in ("paid", "canceled") if first == "paid" else ("canceled", "paid"):
        if happens == "paid":
            scene.apply(said)
        else:
            scene.cancel()
    scene.refunded()
    scene.facts()
    assert scene.state == (_B.CANCELED, [_P.REVERSED])
    approval = an_approved().booked
    assert balances([*approval, *scene.booked[scene.booked.index(approval[0]) + 1 :]]) == {}


# ------------------------------------------------------------------------------------------- long and random scripts


def _word(word: ChargeStatus) -> Callable[[SagaScene, random.Random], object]:
    def say(scene: SagaScene, chance: random.Random) -> None:
        payment = chance.choice(scene.saga.payments)
        gone = payment.reversed + Money(chance.choice((0, 0, 1, 777)))
        partial = {} if word is _C.REFUNDED else {"refunded": min(gone, payment.captured)}
        fee = chance.choice((None, Money(37)))
        scene.told(word, payment, fee=fee, **partial)

    return say


def _refund_some(scene: SagaScene, chance: random.Random) -> None:
    payment = chance.choice(scene.saga.payments)
    payment.refund(Money(chance.randint(1, max(1, payment.left.cents))), reason="", at=scene.now)


def _revise(scene: SagaScene, chance: random.Random) -> None:
    scene.saga.revise((a_line(chance.randint(1, 20_000)), *MIXED[1:4]), at=scene.now)


DEEDS: list[Callable[[SagaScene, random.Random], object]] = [
    *(_word(word) for word in (*ChargeStatus, _C.APPROVED, _C.APPROVED, _C.PENDING)),
    lambda scene, _: scene.approve(),
    lambda scene, _: scene.approve(),
    lambda scene, _: scene.start(),
    lambda scene, _: scene.start(),
    lambda scene, chance: scene.saga.dispatch(chance.choice(scene.saga.payments), at=scene.now),
    lambda scene, chance: chance.choice(scene.saga.payments).withdraw("CANCELED", at=scene.now),
    lambda scene, chance: scene.refunded(chance.choice(scene.saga.payments)),
    lambda scene, chance: scene.refunded(chance.choice(scene.saga.payments)),
    lambda scene, chance: scene.refund_failed(chance.choice(scene.saga.payments), definitive=chance.random() < 0.5),
    _refund_some,
    _revise,
    lambda scene, chance: MOVES["withdraw_budget"](scene) if chance.random() < 0.1 else None,
]


def folded(scene: SagaScene, fees: int) -> dict[str, int]:
    """The balances that the nouns themselves say there must be."""
    payments = scene.saga.payments
    kept, passed = [p for p in payments if not p.surplus], [p for p in payments if p.surplus]
    lost = sum(
        fact.amount_cents
        for fact in scene.told_facts
        if isinstance(fact, PaymentReversed)
        and fact.reversal_kind == "CHARGEBACK"
        and fact.payment_id in {payment.id for payment in kept}
    )
    approved = scene.budget.amount_cents if scene.budget.approved else 0
    said = {
        CLEARING: sum(payment.left.cents for payment in payments) - fees,
        FEES: fees,
        SUSPENSE: -sum(payment.left.cents for payment in passed),
        LOSS: lost,
        RECEIVABLE: approved - sum(payment.left.cents for payment in kept) - lost,
    }
    return {account: cents for account, cents in said.items() if cents}


@pytest.mark.parametrize("seed", range(20))
def test_after_each_deed_of_any_script_the_books_are_what_the_payments_say(seed: int) -> None:
    chance, scene = random.Random(seed), a_draft(items=MIXED)
    scene.rules = BillingRules(max_attempts=6)
    for _ in range(200):
        with suppress(DomainError, IndexError):
            chance.choice(DEEDS)(scene, chance)
        if not booked(scene):
            continue
        found = balances(scene.booked)
        revenue = sum(cents for account, cents in found.items() if account.startswith("revenue:"))
        assert revenue == -(scene.budget.amount_cents if scene.budget.approved else 0)
        others = {account: cents for account, cents in found.items() if not account.startswith("revenue:")}
        assert others == folded(scene, found.get(FEES, 0))
    assert all(sum(posting.amount.cents for posting in one) == 0 for one in scene.booked)
