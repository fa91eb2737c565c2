"""What a provider says, in every state of the attempt and of its budget: billing.md B.5, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any, Final

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus, Snapshot
from domain.billing.events import PaymentFailed, PaymentReversed
from domain.billing.observing import APPLIED, UNCHANGED, Effect, Observed
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.money import Money
from tests.support.saga_scene import AT, PART, PRICE, SagaScene, Unreachable, a_saga

_B, _P, _C = BudgetStatus, PaymentStatus, ChargeStatus

OPEN = (_P.CREATED, _P.UNKNOWN, _P.PENDING, _P.CANCELING)
DEAD = (_P.FAILED, _P.EXPIRED, _P.CANCELED)
UNPAID = (*OPEN, *DEAD)
UNDISPUTED = (_P.CONFIRMED, _P.REFUNDING, _P.PARTIALLY_REVERSED, _P.REFUND_FAILED)
HELD = (*UNDISPUTED, _P.DISPUTED)

Cells = dict[PaymentStatus, tuple[PaymentStatus, *tuple[str, ...]]]


def from_(states: Iterable[PaymentStatus], after: PaymentStatus, *facts: str) -> Cells:
    """These states end there and tell that."""
    return dict.fromkeys(states, (after, *facts))


WORDS: Final[dict[str, Callable[[SagaScene], Snapshot]]] = {
    "ProviderPending": lambda scene: scene.seen(_C.PENDING),
    "ProviderRejected": lambda scene: scene.seen(_C.REJECTED),
    "ProviderExpired": lambda scene: scene.seen(_C.EXPIRED),
    "ProviderCancelled": lambda scene: scene.seen(_C.CANCELED),
    "ProviderApproved": lambda scene: scene.seen(_C.APPROVED),
    "AmountMismatch": lambda scene: scene.seen(_C.APPROVED, amount=Money(9_999)),
    "RefundExternal": lambda scene: scene.seen(_C.REFUNDED),
    "ChargebackOpened": lambda scene: scene.seen(_C.DISPUTED),
    "ChargebackLost": lambda scene: scene.seen(_C.CHARGED_BACK),
    "ChargebackWon": lambda scene: scene.seen(_C.DISPUTE_WON),
    "a word nobody knows": lambda scene: scene.seen(_C.UNKNOWN),
}
"""Each row of B.5 that a provider says by the charge itself; its answers to refunds are in test_refunds.py."""

BOTH: Final[dict[str, Cells]] = {
    "RefundExternal": from_(HELD, _P.REVERSED, "PaymentReversed") | from_(UNPAID, _P.REVERSED, "PaymentReversed"),
    "ChargebackOpened": from_(UNDISPUTED, _P.DISPUTED, "PaymentDisputed"),
    "ChargebackLost": from_(HELD, _P.CHARGED_BACK, "PaymentReversed"),
}
"""The same under every budget. (What came and went unseen is REVERSED: D.1, "returns the money to the payer".)"""

UNDER_APPROVED: Final[dict[str, Cells]] = BOTH | {
    "ProviderPending": from_((_P.CREATED, _P.UNKNOWN), _P.PENDING, "PaymentPending"),
    "ProviderRejected": from_(OPEN, _P.FAILED, "PaymentFailed"),
    "ProviderExpired": from_(OPEN, _P.EXPIRED, "PaymentFailed"),
    "ProviderCancelled": from_(OPEN, _P.CANCELED, "PaymentFailed"),
    "ProviderApproved": from_(UNPAID, _P.CONFIRMED, "PaymentConfirmed")
    | from_((_P.DISPUTED,), _P.CONFIRMED, "PaymentDisputeWon"),  # D.1: "back to approved"
    "ChargebackWon": from_((_P.DISPUTED,), _P.CONFIRMED, "PaymentDisputeWon")
    | from_(UNPAID, _P.CONFIRMED, "PaymentConfirmed"),  # a dispute that nobody saw leaves an approval (decision 13)
}

UNDER_ANOTHER: Final[dict[str, Cells]] = BOTH | {
    "ProviderPending": from_((_P.UNKNOWN,), _P.CANCELING),
    "ProviderRejected": from_((_P.UNKNOWN, _P.CANCELING), _P.FAILED, "PaymentFailed"),
    "ProviderExpired": from_((_P.UNKNOWN, _P.CANCELING), _P.EXPIRED, "PaymentFailed"),
    "ProviderCancelled": from_((_P.UNKNOWN, _P.CANCELING), _P.CANCELED, "PaymentFailed"),
    "ProviderApproved": from_(UNPAID, _P.REFUNDING) | from_((_P.DISPUTED,), _P.REFUNDING, "PaymentDisputeWon"),
    "ChargebackWon": from_((_P.DISPUTED,), _P.REFUNDING, "PaymentDisputeWon") | from_(UNPAID, _P.REFUNDING),
}

PARKED: Final[dict[str, tuple[PaymentStatus, ...]]] = {
    "AmountMismatch": UNPAID,
    "ChargebackOpened": (*UNPAID, _P.REVERSED),
    "ChargebackLost": (*UNPAID, _P.REVERSED),
    "ChargebackWon": (_P.REVERSED,),
    "a word nobody knows": tuple(PaymentStatus),
}
"""What a person has to look at."""

UNSAID: Final = {(word, _P.CHARGED_BACK) for word in ("ProviderApproved", "ChargebackOpened", "ChargebackWon")}
"""Nothing happens, and B.5 does not say whether anybody is told."""


def reachable(*budgets: BudgetStatus) -> list[tuple[BudgetStatus, PaymentStatus]]:
    """Every state that moves lead to; test_compensation_matrix.py proves that there are no more."""
    found = []
    for budget, payment in product(budgets, PaymentStatus):
        with suppress(Unreachable):
            a_saga(budget, payment)
            found.append((budget, payment))
    return found


def tell(word: str, budget: BudgetStatus, before: PaymentStatus) -> None:
    """Say it, and see what B.5 says of it."""
    scene = a_saga(budget, before)
    stored = scene.written
    table = UNDER_APPROVED if budget is _B.APPROVED else UNDER_ANOTHER
    after, *facts = table.get(word, {}).get(before, (None,))
    observed = scene.apply(WORDS[word](scene))
    if after is not None:
        assert observed == APPLIED
        assert scene.state == (budget, [after])
        assert scene.names() == facts
        return
    assert scene.written == stored
    if before in PARKED.get(word, ()):
        assert observed.effect is Effect.QUARANTINED
        assert observed.reason
    elif (word, before) not in UNSAID:
        assert observed == UNCHANGED


@pytest.mark.parametrize(
    ("word", "budget", "before"),
    [
        pytest.param(word, budget, before, id=f"{word} to {before.value} under {budget.value}")
        for word, (budget, before) in product(WORDS, reachable(_B.APPROVED, _B.CANCELED))
    ],
)
def test_a_providers_word_does_what_its_cell_says(word: str, budget: BudgetStatus, before: PaymentStatus) -> None:
    tell(word, budget, before)


@pytest.mark.parametrize("word", WORDS)
def test_any_budget_that_is_not_approved_is_as_a_canceled_one(word: str) -> None:
    for budget, before in reachable(_B.DRAFT, _B.SENT, _B.REJECTED, _B.EXPIRED):
        tell(word, budget, before)


@pytest.mark.parametrize("word", WORDS)
def test_the_same_word_again_does_nothing(word: str) -> None:
    for budget, before in reachable(*BudgetStatus):
        scene = a_saga(budget, before)
        said = WORDS[word](scene)
        scene.apply(said)
        scene.facts()
        stored = scene.written
        assert scene.apply(said) != APPLIED
        assert scene.written == stored


@pytest.mark.parametrize("word", WORDS)
def test_a_word_older_than_the_last_believed_one_is_ignored(word: str) -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    older = replace(WORDS[word](scene), updated_at=AT)
    stored = scene.written
    assert scene.apply(older) == UNCHANGED
    assert scene.written == stored


@pytest.mark.parametrize("later", ["ChargebackOpened", "ChargebackLost"])
def test_no_word_from_before_a_dispute_is_heard_after_it(later: str) -> None:
    heard = []
    for earlier in WORDS:
        scene = a_saga(_B.APPROVED, _P.CONFIRMED)
        before, after = WORDS[earlier](scene), WORDS[later](scene)
        scene.apply(after)
        scene.facts()
        stored = scene.written
        if scene.apply(before) != UNCHANGED or scene.written != stored:
            heard.append(earlier)
    assert heard == []


def test_a_dispute_that_was_won_is_not_opened_again_by_its_own_past() -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    opened, won = scene.seen(_C.DISPUTED), scene.seen(_C.DISPUTE_WON)
    scene.apply(opened)
    scene.apply(won)
    assert scene.apply(opened) == UNCHANGED
    assert scene.names() == ["PaymentDisputed", "PaymentDisputeWon"]


def test_the_approval_that_confirmed_a_payment_does_not_win_its_dispute() -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    approved = scene.seen(_C.APPROVED)
    scene.apply(approved)
    scene.told(_C.DISPUTED)
    assert scene.apply(approved) == UNCHANGED
    assert scene.payment.status is _P.DISPUTED


@pytest.mark.parametrize("word", ["ProviderRejected", "ProviderExpired", "ProviderCancelled"])
def test_what_ends_under_a_canceled_budget_fails_because_it_was_canceled(word: str) -> None:
    for before in (_P.UNKNOWN, _P.CANCELING):
        scene = a_saga(_B.CANCELED, before)
        scene.apply(WORDS[word](scene))
        (fact,) = scene.facts()
        assert isinstance(fact, PaymentFailed)
        assert fact.reason == "CANCELED"


@pytest.mark.parametrize(("word", "kind"), [("RefundExternal", "PROVIDER"), ("ChargebackLost", "CHARGEBACK")])
def test_a_reversal_says_who_took_the_money_and_takes_what_was_left(word: str, kind: str) -> None:
    scene = a_saga(_B.APPROVED, _P.PARTIALLY_REVERSED)
    scene.apply(WORDS[word](scene))
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, fact.amount_cents, fact.cumulative_amount_cents) == (kind, 6_000, 10_000)
    assert (fact.fully_reversed, scene.payment.left) == (True, Money(0))


@pytest.mark.parametrize("word", [_C.APPROVED, _C.DISPUTE_WON])
@pytest.mark.parametrize("before", [_P.CONFIRMED, _P.PARTIALLY_REVERSED, _P.REFUND_FAILED])
def test_a_part_that_somebody_else_gave_back_is_booked_whatever_the_charge_is_called(
    before: PaymentStatus, word: ChargeStatus
) -> None:
    scene = a_saga(_B.APPROVED, before)
    already = scene.payment.reversed
    scene.told(word, refunded=already + Money(100))
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentReversed)
    assert (fact.reversal_kind, fact.amount_cents) == ("PROVIDER", 100)
    assert (scene.payment.status, scene.payment.reversed) == (_P.PARTIALLY_REVERSED, already + Money(100))


def test_a_part_that_somebody_else_gave_back_during_a_dispute_is_booked_and_decides_nothing() -> None:
    scene = a_saga(_B.APPROVED, _P.DISPUTED)
    scene.told(_C.DISPUTED, refunded=PART)
    assert (scene.names(), scene.payment.status, scene.payment.reversed) == (["PaymentReversed"], _P.DISPUTED, PART)
    scene.told(_C.DISPUTE_WON)
    assert scene.payment.status is _P.PARTIALLY_REVERSED


@pytest.mark.parametrize("waiting", ["for nothing", "for a refund", "for a refund that may have gone"])
def test_more_given_back_than_came_is_not_believed(waiting: str) -> None:
    scene = a_saga(_B.APPROVED, _P.CONFIRMED)
    if waiting != "for nothing":
        scene.payment.refund(PRICE, reason="", at=AT)
    if waiting == "for a refund that may have gone":
        scene.refund_failed(definitive=False)
        scene.told(_C.APPROVED, refunded=PART)
    scene.facts()
    stored = scene.written
    assert scene.told(_C.APPROVED, refunded=scene.payment.reversed + PRICE + Money(1)).effect is Effect.QUARANTINED
    assert scene.told(_C.APPROVED, refunded=Money(PRICE.cents + PART.cents)).effect is Effect.QUARANTINED
    assert scene.written == stored


@pytest.mark.parametrize("before", UNPAID)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": Money(9_999)}, "amount_differs"),
        ({"amount": Money(10_001)}, "amount_differs"),
        ({"amount": Money(10_000, "USD")}, "currency_differs"),
        ({"reference": "somebody else's"}, "reference_differs"),
        ({"live": False}, "test_money"),
    ],
)
def test_money_that_is_not_quite_ours_is_parked_with_its_reason(
    before: PaymentStatus, changes: dict[str, Any], reason: str
) -> None:
    scene = a_saga(_B.APPROVED, before)
    scene.rules = BillingRules(live=True)
    stored = scene.written
    assert scene.told(_C.APPROVED, **changes) == Observed(Effect.QUARANTINED, reason)
    assert scene.written == stored


def test_test_money_is_taken_where_the_rules_say_so() -> None:
    scene = a_saga(_B.APPROVED, _P.PENDING)
    assert scene.told(_C.APPROVED, live=False) == APPLIED


@pytest.mark.parametrize("before", DEAD)
def test_late_money_goes_back_where_the_rules_refuse_it(before: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, before)
    scene.rules = BillingRules(accept_late=False)
    scene.told(_C.APPROVED)
    assert (scene.names(), scene.payment.status, scene.payment.giveback) == ([], _P.REFUNDING, True)


@pytest.mark.parametrize("before", OPEN)
def test_money_of_an_open_attempt_is_never_late(before: PaymentStatus) -> None:
    scene = a_saga(_B.APPROVED, before)
    scene.rules = BillingRules(accept_late=False)
    scene.told(_C.APPROVED)
    assert scene.names() == ["PaymentConfirmed"]
