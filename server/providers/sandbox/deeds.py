"""What becomes of a charge, by its script or by what is done to it: pure functions, nothing here touches a file.

Each takes the charge and the instant, and gives the charge as it is then; no change is earlier than the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from domain.billing.charge import ChargeStatus, GivebackStatus, ProviderRefused
from domain.identity import derived_id
from domain.money import Money
from server.providers.sandbox.record import Record, Refund, number
from server.providers.sandbox.script import LOST

BY_ADMIN: Final = "by_admin"
"""The detail of a refund that somebody made in the provider's panel."""

_OVER = (ChargeStatus.REJECTED, ChargeStatus.EXPIRED, ChargeStatus.CANCELED)
_HELD = (ChargeStatus.APPROVED, ChargeStatus.DISPUTE_WON)

Deed = Callable[[Record, int], Record]
"""What happens to a charge at an instant."""


def due(record: Record) -> int | None:
    """When something happens to it by itself, as things stand; None: nothing will."""
    step = _next_step(record)
    return step[0] if step else None


def advanced(record: Record, now: int) -> list[Record]:
    """All that happened to it by itself until now, change by change."""
    changes: list[Record] = []
    while (step := _next_step(record)) and step[0] <= now:
        at, happens = step
        record = happens(record, at)
        changes.append(record)
    return changes


def pay(record: Record, at: int, amount: Money | None = None) -> Record:
    """The customer pays, the charge's amount unless another is told; a charge that is over takes the money too.

    A charge is paid once only: afterwards nothing changes. Raises ProviderRefused.
    """
    if record.paid is not None:
        return record
    paid = record.amount if amount is None else amount
    must_be_payable(paid, record.amount.currency)
    return record.changed(at, status=ChargeStatus.APPROVED, detail="accredited", paid=paid, approved=at)


def cancel(record: Record, at: int) -> Record:
    """Withdrawn, if it still waits; else it stays as it is."""
    if record.status is not ChargeStatus.PENDING:
        return record
    return record.changed(at, status=ChargeStatus.CANCELED, detail="by_collector")


def refund(record: Record, at: int, *, key: UUID, amount: Money, whole: bool) -> Record:
    """Some of it goes back, or the `whole`, as its script says; the same key again changes nothing.

    Raises ProviderRefused.
    """
    asked = record.refund(key)
    if asked is not None:
        if asked.amount != amount:
            raise ProviderRefused("idempotency_key_already_used", "the key has asked for another amount")
        return record
    _must_be_refundable(record, amount)
    if whole and amount != record.paid:
        raise ProviderRefused("invalid_amount", f"the whole is {record.paid}")
    earlier = sum(refund.detail != BY_ADMIN for refund in record.refunds)
    rejected = earlier < record.plan.refunds_rejected
    begun = Refund(
        key=key,
        id=str(number(record.id, str(key))),
        amount=amount,
        status=GivebackStatus.IN_PROCESS,
        ends=GivebackStatus.REJECTED if rejected else GivebackStatus.DONE,
        due=at + record.plan.refund_takes,
    )
    if record.plan.refund_takes:
        return record.changed(at, refunds=(*record.refunds, begun))
    return _settled(record, at, begun)


def refund_by_admin(record: Record, at: int, amount: Money) -> Record:
    """Some of it goes back at once, without our asking. Raises ProviderRefused."""
    _must_be_refundable(record, amount)
    key = derived_id("sandbox", record.id, BY_ADMIN, str(len(record.refunds)))
    made = Refund(key=key, id=str(number(record.id, str(key))), amount=amount, status=GivebackStatus.DONE)
    return _given_back(record, at, replace(made, detail=BY_ADMIN))


def dispute(record: Record, at: int) -> Record:
    """The customer's bank holds the money. Raises ProviderRefused."""
    _must_be(record, "disputed", *_HELD)
    return record.changed(at, status=ChargeStatus.DISPUTED, detail="in_process", disputed=at)


def lose(record: Record, at: int) -> Record:
    """The customer's bank keeps the money. Raises ProviderRefused."""
    _must_be(record, "lost", ChargeStatus.DISPUTED)
    return record.changed(at, status=ChargeStatus.CHARGED_BACK, detail="settled")


def win(record: Record, at: int) -> Record:
    """The money is ours again. Raises ProviderRefused."""
    _must_be(record, "won", ChargeStatus.DISPUTED)
    return record.changed(at, status=ChargeStatus.DISPUTE_WON, detail="reimbursed")


def must_be_payable(amount: Money, currency: str) -> None:
    """Raises ProviderRefused for an amount that is not above zero or not in this currency."""
    if amount.cents <= 0 or amount.currency != currency:
        raise ProviderRefused("invalid_amount", f"an amount is above zero, in {currency}")


def _next_step(record: Record) -> tuple[int, Deed] | None:
    return min(_steps(record), key=lambda step: step[0], default=None)


def _steps(record: Record) -> Iterator[tuple[int, Deed]]:
    """What happens by itself, as things stand, and when; of two at the same time the first one goes first."""
    script, pending = record.plan, record.status is ChargeStatus.PENDING
    if script.approve_after is not None and (pending or (script.late and record.status in _OVER)):
        yield record.created + script.approve_after, pay
    if pending:
        if script.reject_after is not None:
            yield record.created + script.reject_after, _reject
        if script.expire_after is not None:
            yield record.created + script.expire_after, _expire
        yield record.expires + 1, _expire
    if record.status in _HELD and script.dispute_after is not None and record.disputed is None:
        yield (record.approved or 0) + script.dispute_after, dispute
    if record.status is ChargeStatus.DISPUTED and script.verdict:
        yield (record.disputed or 0) + script.verdict_after, lose if script.verdict == LOST else win
    for begun in record.refunds:
        if begun.due is not None:
            yield begun.due, partial(_settled, begun=begun)


def _reject(record: Record, at: int) -> Record:
    return record.changed(at, status=ChargeStatus.REJECTED, detail=record.plan.rejection)


def _expire(record: Record, at: int) -> Record:
    return record.changed(at, status=ChargeStatus.EXPIRED, detail="expired")


def _settled(record: Record, at: int, begun: Refund) -> Record:
    """A refund ends; what the bank took back meanwhile cannot be given back too."""
    if record.status is ChargeStatus.CHARGED_BACK or begun.ends is GivebackStatus.REJECTED:
        ended = replace(begun, status=GivebackStatus.REJECTED, detail="insufficient_balance", due=None)
        return record.changed(at, refunds=_with(record.refunds, ended))
    return _given_back(record, at, replace(begun, status=GivebackStatus.DONE, due=None))


def _given_back(record: Record, at: int, done: Refund) -> Record:
    after = record.changed(at, refunds=_with(record.refunds, done))
    if after.refunded == after.paid:
        return replace(after, status=ChargeStatus.REFUNDED, detail=done.detail or "refunded")
    return replace(after, detail="partially_refunded") if after.status is ChargeStatus.APPROVED else after


def _with(refunds: tuple[Refund, ...], one: Refund) -> tuple[Refund, ...]:
    if all(refund.key != one.key for refund in refunds):
        return (*refunds, one)
    return tuple(one if refund.key == one.key else refund for refund in refunds)


def _must_be_refundable(record: Record, amount: Money) -> None:
    _must_be(record, "refunded", *_HELD)
    must_be_payable(amount, record.amount.currency)
    if amount.cents > record.left.cents:
        raise ProviderRefused("refund_amount_exceeds", f"{record.left} can be refunded")


def _must_be(record: Record, what: str, *statuses: ChargeStatus) -> None:
    if record.status not in statuses:
        raise ProviderRefused("wrong_status", f"a charge that is {record.status.value} cannot be {what}")
