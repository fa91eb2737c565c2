"""What a provider says, made into what happens: the one place where outside word becomes a transition (billing.md B.5).

Whatever order words come in, and however often, they end in the same money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from domain.billing.charge import ChargeStatus, Snapshot
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import DEAD, HELD, OPEN, PaymentAction, PaymentStatus
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.money import Money


class Effect(Enum):
    """What became of a provider's word. QUARANTINED: it was not believed, and a person has to look."""

    APPLIED = "APPLIED"
    UNCHANGED = "UNCHANGED"
    QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class Observed:
    """The effect, and for a quarantine its reason: a short stable name."""

    effect: Effect
    reason: str = ""


APPLIED: Final = Observed(Effect.APPLIED)
UNCHANGED: Final = Observed(Effect.UNCHANGED)

_UNPAID: Final = (*OPEN, *DEAD)
_OTHER_CHARGE: Final = "charge_differs"
"""A second charge for one attempt: a person has to look, whatever it says."""


def observe(saga: Saga, payment: Payment, seen: Snapshot, rules: BillingRules, *, at: datetime) -> Observed:
    """Apply what the provider says of one attempt's charge.

    A snapshot older than the last believed one is ignored; one of the same instant is not, since a provider's clock may
    give two changes one stamp, and every rule below takes a repeat for nothing.
    """
    if payment.provider_updated_at is not None and seen.updated_at < payment.provider_updated_at:
        return UNCHANGED
    if problem := _mismatch(payment, seen, rules):
        believable = payment.status not in _UNPAID and problem != _OTHER_CHARGE
        return UNCHANGED if believable else _quarantined(problem)
    observed = _RULES[seen.status](saga, payment, seen, rules, at)
    if observed.effect is Effect.APPLIED:
        payment.provider_updated_at = seen.updated_at
    return observed


def _mismatch(payment: Payment, seen: Snapshot, rules: BillingRules) -> str:
    if seen.reference != str(payment.id):
        return "reference_differs"
    if payment.provider_payment_id not in ("", seen.id):
        return _OTHER_CHARGE
    if rules.live and not seen.live:
        return "test_money"
    if seen.status in _ABOUT_MONEY and seen.amount != payment.amount:
        return "currency_differs" if seen.amount.currency != payment.amount.currency else "amount_differs"
    return ""


def _pending(_: Saga, payment: Payment, seen: Snapshot, __: BillingRules, at: datetime) -> Observed:
    if payment.status not in (PaymentStatus.CREATED, PaymentStatus.UNKNOWN):
        return UNCHANGED
    if seen.pix is None and not payment.withdrawn:
        return UNCHANGED  # nobody can pay yet: it is looked up again
    payment.pend(seen, at=at)
    return APPLIED


def _approved(saga: Saga, payment: Payment, seen: Snapshot, rules: BillingRules, at: datetime) -> Observed:
    if payment.status in HELD:
        won = payment.status is PaymentStatus.DISPUTED
        return _won(saga, payment, seen, rules, at) if won else _gone_back(payment, seen, at)
    if payment.status is PaymentStatus.CHARGED_BACK:
        return _quarantined("won_after_lost")
    if payment.status not in _UNPAID:
        return UNCHANGED
    whole = not seen.refunded.cents  # a repair never begins for a part of the price
    if whole and saga.takes(payment) and (payment.open or rules.accept_late):
        payment.confirm(seen, amount_due=Money(max(0, saga.amount_due.cents - seen.amount.cents)), at=at)
        saga.withdraw_others(payment, at=at)
    else:
        payment.send_back(seen, reason="not owed", at=at)
    _gone_back(payment, seen, at)
    return APPLIED


def _ended(action: PaymentAction) -> _Rule:
    reasons = {PaymentAction.REJECT: "REJECTED", PaymentAction.EXPIRE: "EXPIRED", PaymentAction.CANCEL: "CANCELED"}

    def ended(_: Saga, payment: Payment, seen: Snapshot, __: BillingRules, at: datetime) -> Observed:
        if not payment.open:
            return UNCHANGED  # above all: an expiry that comes late never undoes a payment
        payment.end(action, reasons[action], seen=seen, at=at)
        return APPLIED

    return ended


def _refunded(_: Saga, payment: Payment, seen: Snapshot, __: BillingRules, at: datetime) -> Observed:
    if payment.status in _UNPAID:
        payment.bounce(seen, at=at)
        return APPLIED
    return _gone_back(payment, seen, at) if payment.status in HELD else UNCHANGED


def _gone_back(payment: Payment, seen: Snapshot, at: datetime) -> Observed:
    """Money that went back, as far as it is more than we know of; ours is told from others' by its amount."""
    grown = seen.refunded - payment.reversed
    if grown.cents <= 0 or payment.status not in HELD:
        return UNCHANGED
    if seen.refunded.cents > payment.captured.cents:
        return _quarantined("refunded_more_than_captured")
    everything, ours = seen.refunded == payment.captured, payment.refunds.unsettled
    if ours and grown == ours.amount and (everything or payment.status is not PaymentStatus.REFUNDING):
        payment.refunded(ours.sequence, at=at)
    elif ours and not everything:
        return UNCHANGED  # which part is ours is known when our own refund has ended
    else:
        payment.reversed_elsewhere(seen.refunded, detail=seen.detail, at=at)
    return APPLIED


def _disputed(_: Saga, payment: Payment, seen: Snapshot, __: BillingRules, at: datetime) -> Observed:
    if payment.status not in HELD:
        return _quarantined("dispute_of_no_held_money")
    if payment.status is PaymentStatus.DISPUTED:
        return _gone_back(payment, seen, at)
    payment.dispute(seen.detail, at=at)
    return APPLIED


def _lost(_: Saga, payment: Payment, seen: Snapshot, __: BillingRules, at: datetime) -> Observed:
    if payment.status is PaymentStatus.CHARGED_BACK:
        return UNCHANGED
    if payment.status not in HELD:
        return _quarantined("chargeback_of_no_held_money")
    payment.charge_back(seen.detail, at=at)
    return APPLIED


def _won(saga: Saga, payment: Payment, seen: Snapshot, rules: BillingRules, at: datetime) -> Observed:
    if payment.status in _UNPAID:
        return _approved(saga, payment, seen, rules, at)  # a dispute that nobody saw leaves an approval
    if payment.status is PaymentStatus.CHARGED_BACK:
        return _quarantined("won_after_lost")
    if payment.status is PaymentStatus.REVERSED:
        return _quarantined("dispute_of_no_held_money")
    gone = _gone_back(payment, seen, at)
    if payment.status is not PaymentStatus.DISPUTED:
        return gone
    payment.win(owed=saga.takes(payment), at=at)
    return APPLIED


def _unknown(_: Saga, __: Payment, ___: Snapshot, ____: BillingRules, _____: datetime) -> Observed:
    return _quarantined("unknown_status")


def _quarantined(reason: str) -> Observed:
    return Observed(Effect.QUARANTINED, reason)


_Rule = Callable[[Saga, Payment, Snapshot, BillingRules, datetime], Observed]

_ABOUT_MONEY: Final = (ChargeStatus.PENDING, ChargeStatus.APPROVED, ChargeStatus.REFUNDED)

_RULES: Final[dict[ChargeStatus, _Rule]] = {
    ChargeStatus.PENDING: _pending,
    ChargeStatus.APPROVED: _approved,
    ChargeStatus.REJECTED: _ended(PaymentAction.REJECT),
    ChargeStatus.EXPIRED: _ended(PaymentAction.EXPIRE),
    ChargeStatus.CANCELED: _ended(PaymentAction.CANCEL),
    ChargeStatus.REFUNDED: _refunded,
    ChargeStatus.DISPUTED: _disputed,
    ChargeStatus.DISPUTE_WON: _won,
    ChargeStatus.CHARGED_BACK: _lost,
    ChargeStatus.UNKNOWN: _unknown,
}
