"""An attempt to pay, pair by pair as billing.md B.2 says it: where it goes, what it tells, what it leaves due."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus
from domain.billing.events import (
    PaymentConfirmed,
    PaymentFact,
    PaymentFailed,
    PaymentPending,
    PaymentReversed,
)
from domain.billing.payment import CANCELED, SUPERSEDED
from domain.billing.payment_lifecycle import LIFECYCLE, PARTNERS, PaymentAction, PaymentStatus
from domain.lifecycle import IllegalTransition
from domain.money import Money
from domain.tasks import Due
from tests.support.saga_scene import AT, BUDGET, OS, PART, PRICE, SagaScene, a_saga, an_approved

_S, _A, _C = PaymentStatus, PaymentAction, ChargeStatus

OPEN = (_S.CREATED, _S.UNKNOWN, _S.PENDING, _S.CANCELING)
DEAD = (_S.FAILED, _S.EXPIRED, _S.CANCELED)
HELD = (_S.CONFIRMED, _S.REFUNDING, _S.PARTIALLY_REVERSED, _S.REFUND_FAILED, _S.DISPUTED)
OVER = (_S.REVERSED, _S.CHARGED_BACK)
UNDISPUTED = HELD[:4]


Pair = tuple[PaymentStatus | None, PaymentAction]


def moves(
    states: tuple[PaymentStatus | None, ...], action: PaymentAction, after: PaymentStatus
) -> dict[Pair, PaymentStatus]:
    return {(state, action): after for state in states}


AFTER: dict[Pair, PaymentStatus] = {
    **moves((None,), _A.START, _S.CREATED),  # P1
    **moves((_S.CREATED,), _A.DISPATCH, _S.UNKNOWN),  # P2
    **moves((_S.CREATED, _S.UNKNOWN), _A.PEND, _S.PENDING),  # P3
    **moves((_S.UNKNOWN,), _A.RECALL, _S.CANCELING),  # P4
    **moves(OPEN, _A.REJECT, _S.FAILED),  # P5
    **moves(OPEN, _A.EXPIRE, _S.EXPIRED),
    **moves(OPEN, _A.CANCEL, _S.CANCELED),
    **moves((_S.UNKNOWN,), _A.GIVE_UP, _S.FAILED),  # P6
    **moves((*OPEN, *DEAD), _A.CONFIRM, _S.CONFIRMED),  # P7
    **moves((*OPEN, *DEAD), _A.RETURN, _S.REFUNDING),  # P8
    **moves((_S.CONFIRMED, _S.PARTIALLY_REVERSED, _S.REFUND_FAILED), _A.REFUND, _S.REFUNDING),  # P10, P13
    **moves(HELD, _A.REVERSE, _S.REVERSED),  # P11, P14
    **moves(UNDISPUTED, _A.REVERSE_PART, _S.PARTIALLY_REVERSED),
    **moves((_S.REFUNDING, _S.REFUND_FAILED), _A.REVERSE_ON, _S.REFUNDING),
    **moves((_S.DISPUTED,), _A.REVERSE_SOME, _S.DISPUTED),  # B.5: a dispute books it
    **moves((_S.REFUNDING, _S.REFUND_FAILED), _A.FAIL_REFUND, _S.REFUND_FAILED),  # P12; a late no to what was ambiguous
    **moves(UNDISPUTED, _A.DISPUTE, _S.DISPUTED),  # P15
    **moves(HELD, _A.CHARGE_BACK, _S.CHARGED_BACK),  # P16
    **moves((_S.DISPUTED,), _A.WIN, _S.CONFIRMED),  # P17
    **moves((_S.DISPUTED,), _A.WIN_PART, _S.PARTIALLY_REVERSED),
    **moves((_S.DISPUTED,), _A.WIN_BACK, _S.REFUNDING),
    **moves((_S.CREATED,), _A.WITHDRAW, _S.CANCELED),  # B.4
    **moves((_S.UNKNOWN,), _A.WITHDRAW, _S.UNKNOWN),
    **moves((_S.PENDING,), _A.WITHDRAW, _S.CANCELING),
    **moves((_S.REFUNDING,), _A.OWE, _S.REFUNDING),
    **moves((_S.DISPUTED,), _A.OWE, _S.DISPUTED),
    **moves((*OPEN, *DEAD), _A.REVERSE, _S.REVERSED),  # it came and went before anybody looked
}
"""billing.md B.2 and B.4, written down a second time: the moves that change something."""

REPEATS = {
    (_S.PENDING, _A.PEND),
    (_S.CANCELING, _A.WITHDRAW),
    (_S.CANCELED, _A.WITHDRAW),
    (_S.DISPUTED, _A.DISPUTE),
}
"""What is allowed and changes nothing; every pair that is in neither is refused."""


def outcome(state: PaymentStatus | None, action: PaymentAction) -> PaymentStatus | str:
    try:
        return LIFECYCLE.next(state, action) if LIFECYCLE.changes(state, action) else "repeat"
    except IllegalTransition:
        return "refused"


@pytest.mark.parametrize("state", [None, *PaymentStatus], ids=lambda state: state.value if state else "absent")
def test_every_action_in_a_state_goes_where_the_table_says(state: PaymentStatus | None) -> None:
    pairs = {action: (state, action) for action in PaymentAction}
    expected = {action: "repeat" if pair in REPEATS else AFTER.get(pair, "refused") for action, pair in pairs.items()}
    assert {action: outcome(state, action) for action in PaymentAction} == expected


def test_each_status_has_the_partners_number() -> None:
    wire = dict.fromkeys(OPEN, 0) | dict.fromkeys(HELD, 1) | dict.fromkeys(DEAD, 2) | dict.fromkeys(OVER, 3)
    assert wire == PARTNERS
    assert wire.keys() == set(PaymentStatus)


def test_a_new_attempt_is_for_the_whole_total_and_tells_nobody_yet() -> None:
    scene = an_approved()
    payment = scene.start(UUID(int=7))
    (change,) = payment.changes
    assert (change.before, change.after, change.fact, change.entry) == (None, "CREATED", None, ())
    assert (payment.amount, payment.captured, payment.reversed) == (PRICE, Money(0), Money(0))
    assert payment.expires_at == AT + timedelta(hours=24)


def test_the_key_of_a_charge_is_its_attempts_own_and_always_the_same() -> None:
    keys = {an_approved().start(UUID(int=number)).idempotency_key for number in (7, 7, 8)}
    assert len(keys) == 2


@pytest.mark.parametrize("state", list(PaymentStatus))
def test_open_and_kept_are_what_their_sets_say(state: PaymentStatus) -> None:
    payment = a_saga(BudgetStatus.APPROVED, state).payment
    assert payment.open is (state in OPEN)
    assert payment.kept is (state in HELD)


@pytest.mark.parametrize("state", [_S.REFUNDING, _S.REFUND_FAILED, _S.DISPUTED])
def test_money_that_goes_back_is_not_kept_though_it_is_still_here(state: PaymentStatus) -> None:
    payment = a_saga(BudgetStatus.CANCELED, state).payment
    assert (payment.kept, payment.left) == (False, PRICE)


def only_fact(scene: SagaScene) -> PaymentFact:
    (fact,) = scene.facts()
    assert isinstance(fact, PaymentFact)
    assert (fact.payment_id, fact.budget_id, fact.os_id, fact.key) == (scene.payment.id, BUDGET, OS, str(OS))
    assert (fact.aggregate_id, fact.aggregate_version) == (scene.payment.id, scene.payment.version)
    assert fact.status_detail == (scene.payment.status and scene.payment.status.value)
    return fact


def test_a_pending_attempt_tells_how_it_can_be_paid() -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.UNKNOWN)
    scene.told(_C.PENDING, id="charge")
    fact = only_fact(scene)
    assert isinstance(fact, PaymentPending)
    assert (fact.status, fact.amount_cents, fact.provider_payment_id, fact.payment_method) == (
        0,
        10_000,
        "charge",
        "PIX",
    )
    assert scene.payment.pix


def test_a_confirmation_tells_that_nothing_is_due_any_more() -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.PENDING)
    charge = scene.payment.provider_payment_id
    scene.told(_C.APPROVED)
    fact = only_fact(scene)
    assert isinstance(fact, PaymentConfirmed)
    assert (fact.status, fact.amount_cents, fact.provider_payment_id) == (1, 10_000, charge)
    assert (fact.amount_due_cents, fact.budget_fully_paid) == (0, True)
    assert (scene.saga.net, scene.saga.amount_due) == (PRICE, Money(0))


@pytest.mark.parametrize(
    ("word", "after", "reason"),
    [
        (_C.REJECTED, _S.FAILED, "REJECTED"),
        (_C.EXPIRED, _S.EXPIRED, "EXPIRED"),
        (_C.CANCELED, _S.CANCELED, "CANCELED"),
    ],
)
def test_an_attempt_that_ends_without_money_tells_why(word: ChargeStatus, after: PaymentStatus, reason: str) -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.PENDING)
    scene.told(word, detail="the bank's own word")
    fact = only_fact(scene)
    assert isinstance(fact, PaymentFailed)
    assert (fact.status, fact.reason, fact.reason_detail) == (2, reason, "the bank's own word")
    assert (scene.payment.status, scene.payment.captured) == (after, Money(0))


def test_a_part_that_went_back_is_told_with_what_went_back_in_all() -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.PARTIALLY_REVERSED)
    scene.payment.refund(Money(6_000), reason="the rest", at=AT)
    scene.refunded()
    fact = only_fact(scene)
    assert isinstance(fact, PaymentReversed)
    assert (fact.status, fact.amount_cents, fact.cumulative_amount_cents) == (3, 6_000, 10_000)
    assert (fact.fully_reversed, fact.reversal_kind, fact.reason) == (True, "REFUND", "the rest")


def test_a_part_that_went_back_is_told_as_reversed_though_the_rest_stays() -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.REFUNDING)
    scene.refunded()
    fact = only_fact(scene)
    assert isinstance(fact, PaymentReversed)
    assert (fact.status, fact.amount_cents, fact.cumulative_amount_cents) == (3, PART.cents, PART.cents)
    assert (fact.fully_reversed, fact.status_detail) == (False, "PARTIALLY_REVERSED")


@pytest.mark.parametrize("reason", [CANCELED, SUPERSEDED])
def test_an_attempt_that_nobody_saw_ends_at_once_when_it_is_withdrawn(reason: str) -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.CREATED)
    assert scene.payment.withdraw(reason, at=AT)
    fact = only_fact(scene)
    assert isinstance(fact, PaymentFailed)
    assert (fact.reason, scene.payment.status, scene.payment.giveback) == (reason, _S.CANCELED, False)


@pytest.mark.parametrize(("state", "after"), [(_S.UNKNOWN, _S.UNKNOWN), (_S.PENDING, _S.CANCELING)])
def test_an_attempt_that_the_provider_may_have_ends_only_by_its_word(
    state: PaymentStatus, after: PaymentStatus
) -> None:
    scene = a_saga(BudgetStatus.APPROVED, state)
    assert scene.payment.withdraw(CANCELED, at=AT)
    assert (scene.names(), scene.payment.status, scene.payment.giveback) == ([], after, True)
    before = scene.written
    assert not scene.payment.withdraw(SUPERSEDED, at=AT)
    assert scene.written == before
    scene.told(_C.CANCELED)
    fact = only_fact(scene)
    assert isinstance(fact, PaymentFailed)
    assert (fact.reason, scene.payment.status) == (CANCELED, _S.CANCELED)


@pytest.mark.parametrize("state", [*HELD, *OVER, _S.FAILED, _S.EXPIRED])
def test_what_is_not_open_cannot_be_withdrawn(state: PaymentStatus) -> None:
    scene = a_saga(BudgetStatus.APPROVED, state)
    before = scene.written
    with pytest.raises(IllegalTransition):
        scene.payment.withdraw(CANCELED, at=AT)
    assert scene.written == before


DUE = {
    _S.CREATED: ("dispatch_payment", timedelta(0)),
    _S.UNKNOWN: ("resolve_payment", timedelta(seconds=15)),
    _S.PENDING: ("poll_payment", timedelta(seconds=30)),
    _S.CANCELING: ("cancel_payment", timedelta(0)),
    _S.REFUNDING: ("refund_payment", timedelta(0)),
    _S.REFUND_FAILED: ("poll_payment", timedelta(hours=1)),
    _S.DISPUTED: ("poll_payment", timedelta(hours=1)),
}


@pytest.mark.parametrize("state", DUE)
def test_whatever_only_the_provider_can_end_is_due_to_be_asked_for(state: PaymentStatus) -> None:
    payment = a_saga(BudgetStatus.APPROVED, state).payment
    kind, after = DUE[state]
    assert payment.due == Due(kind, payment.updated_at + after)


@pytest.mark.parametrize("state", [*DEAD, *OVER])
def test_about_what_is_over_nobody_is_asked(state: PaymentStatus) -> None:
    assert a_saga(BudgetStatus.APPROVED, state).payment.due is None


@pytest.mark.parametrize("state", list(PaymentStatus))
def test_a_person_may_cancel_what_is_open_and_refund_what_is_here(state: PaymentStatus) -> None:
    allowed = a_saga(BudgetStatus.APPROVED, state).payment.allowed_actions
    cancels = state in (_S.CREATED, _S.UNKNOWN, _S.PENDING)
    refunds = state in (_S.CONFIRMED, _S.PARTIALLY_REVERSED, _S.REFUND_FAILED)
    assert allowed == (("cancel",) if cancels else ("refund",) if refunds else ())


def test_a_failed_refund_of_money_that_nobody_wanted_may_be_asked_for_by_a_person() -> None:
    scene = a_saga(BudgetStatus.CANCELED, _S.CANCELING)
    scene.told(_C.APPROVED)
    scene.refund_failed()
    scene.payment.refund(PRICE, reason="again", at=AT)
    scene.refund_failed()
    assert scene.payment.status is _S.REFUND_FAILED
    assert scene.payment.allowed_actions == ("refund",)


def test_what_came_and_went_before_anybody_looked_is_told_as_gone() -> None:
    scene = a_saga(BudgetStatus.APPROVED, _S.PENDING)
    scene.told(_C.REFUNDED)
    fact = only_fact(scene)
    assert isinstance(fact, PaymentReversed)
    assert (fact.amount_cents, fact.fully_reversed, fact.reversal_kind) == (10_000, True, "PROVIDER")
    assert (scene.payment.status, scene.payment.captured, scene.payment.left) == (_S.REVERSED, PRICE, Money(0))
