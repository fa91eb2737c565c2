"""What a provider's settlement report says came and went, held against what we know; nothing here touches a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.money import Money, total


class LineKind(Enum):
    """What a line of a report tells of. DISPUTE: money that is withheld, or no longer; OTHER: nothing of a charge."""

    SETTLEMENT = "SETTLEMENT"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    DISPUTE = "DISPUTE"
    PAYOUT = "PAYOUT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """One line. Amounts are signed as the account sees them: what comes is above zero, what goes below, fees too.

    `reference` is what the provider says ours is, as in `Snapshot`; it and `charge_id` may be empty where the line is
    of no charge. `at` is when it happened, `settled_at` when its money was credited, None while it is not.
    """

    charge_id: str
    reference: str
    kind: LineKind
    amount: Money
    fee: Money
    net: Money
    at: datetime
    settled_at: datetime | None = None


class DifferenceKind(Enum):
    """How a report and our payments differ; `Difference` says what its amounts are."""

    DUPLICATE_LINE = "duplicate_line"
    """A line that is there more than once, the same in all that is read of it; it is counted once."""
    UNKNOWN_CHARGE = "unknown_charge"
    """In the report, and of no payment here."""
    MISSING_CHARGE = "missing_charge"
    """Confirmed here in the period, and not in the report."""
    REFERENCE_DIFFERS = "reference_differs"
    """The charge is a payment's, and the report says that it is for something else."""
    WRONG_CURRENCY = "wrong_currency"
    """Not the payment's; its amounts are not compared."""
    CAPTURED_DIFFERS = "captured_differs"
    REVERSED_DIFFERS = "reversed_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. `expected` is what we know, `found` what the report says; None where that says nothing.

    `payment_id` is None for a charge that is nobody's.
    """

    kind: DifferenceKind
    charge_id: str
    payment_id: UUID | None
    expected: Money | None = None
    found: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A report's sums in one currency, a line that is there twice counted once.

    `reversed`, `withheld` (by disputes) and `payouts` are above zero for money that went; the others are as signed.
    `net` is what all but payouts brought to the account.
    """

    captured: Money
    reversed: Money
    withheld: Money
    other: Money
    fees: Money
    net: Money
    payouts: Money


def totals(lines: Iterable[SettlementLine]) -> tuple[Totals, ...]:
    """The sums of each currency, by its code."""
    every = tuple(dict.fromkeys(lines))
    return tuple(
        _totals_in([line for line in every if line.amount.currency == currency], currency)
        for currency in sorted({line.amount.currency for line in every})
    )


def differences(
    lines: Sequence[SettlementLine], payments: Iterable[Payment], *, since: datetime, until: datetime
) -> list[Difference]:
    """How a report differs from our payments in a period, `until` excluded.

    A line is of the payment whose charge it names, else of the one that its reference names: a provider may give a
    charge's money a number of its own. A charge is looked at when a line or our confirmation is of the period, and then
    with all that the report says of it: a report that begins and ends a day wider misses no charge that was paid just
    before midnight and confirmed here just after.
    """
    known = list(payments)
    owners = {str(payment.id): payment for payment in known}
    owners |= {payment.provider_payment_id: payment for payment in known if payment.provider_payment_id}
    told: dict[UUID, list[SettlementLine]] = defaultdict(list)
    strangers: dict[tuple[str, str], list[SettlementLine]] = defaultdict(list)
    found: list[Difference] = []
    for line, times in Counter(lines).items():
        owner, now = owners.get(line.charge_id) or owners.get(line.reference), since <= line.at < until
        if times > 1 and now:
            found.append(_difference(DifferenceKind.DUPLICATE_LINE, line.charge_id, owner, found=line.amount))
        if line.kind in _OF_A_CHARGE and owner is not None:
            told[owner.id].append(line)
        elif line.kind in _OF_A_CHARGE and now:
            strangers[line.charge_id, line.amount.currency].append(line)
    for (charge_id, _), said in strangers.items():
        amount = _sum(said, LineKind.SETTLEMENT) if _any(said, LineKind.SETTLEMENT) else _sum(said, *_OF_A_CHARGE)
        found.append(_difference(DifferenceKind.UNKNOWN_CHARGE, charge_id, None, found=amount))
    for payment in known:
        found += _of_payment(payment, told[payment.id], since, until)
    return found


_OF_A_CHARGE: Final = (LineKind.SETTLEMENT, LineKind.REFUND, LineKind.CHARGEBACK, LineKind.DISPUTE)


def _of_payment(
    payment: Payment, said: Sequence[SettlementLine], since: datetime, until: datetime
) -> Iterator[Difference]:
    confirmed = payment.confirmed_at is not None and since <= payment.confirmed_at < until
    if not confirmed and not any(since <= line.at < until for line in said):
        return
    charge_id = said[0].charge_id if said else payment.provider_payment_id
    if not said:
        yield _difference(DifferenceKind.MISSING_CHARGE, charge_id, payment, expected=payment.captured)
        return
    if any(line.reference not in ("", str(payment.id)) for line in said):
        yield _difference(DifferenceKind.REFERENCE_DIFFERS, charge_id, payment)
    foreign = [line for line in said if line.amount.currency != payment.amount.currency]
    if foreign:
        yield _difference(
            DifferenceKind.WRONG_CURRENCY, charge_id, payment, expected=payment.amount, found=foreign[0].amount
        )
        return
    captured = _sum(said, LineKind.SETTLEMENT)
    if captured != payment.captured and (confirmed or _any(said, LineKind.SETTLEMENT)):
        yield _difference(
            DifferenceKind.CAPTURED_DIFFERS, charge_id, payment, expected=payment.captured, found=captured
        )
    lived = confirmed and payment.updated_at < until
    gone = -_sum(said, *_gone(payment))
    if not _may_be(payment, gone, withheld=-_sum(said, *_withheld(payment)), lived=lived):
        yield _difference(DifferenceKind.REVERSED_DIFFERS, charge_id, payment, expected=payment.reversed, found=gone)


def _may_be(payment: Payment, gone: Money, *, withheld: Money, lived: bool) -> bool:
    """Whether what the report says went back can be true.

    A refund under way may be in it already, and what is withheld may be lost by now. What we know went back must be in
    it only if the payment `lived` within the period: else another report may have it.
    """
    under_way = payment.refunds.in_flight
    least = payment.reversed if lived else Money(0, gone.currency)
    most = payment.reversed + under_way.amount if under_way else payment.reversed
    return gone <= most and least.cents <= gone.cents + max(0, withheld.cents)


def _gone(payment: Payment) -> tuple[LineKind, ...]:
    """While a dispute is open its bank only holds the money, whatever the report calls that (billing.md D.1)."""
    disputed = payment.status is PaymentStatus.DISPUTED
    return (LineKind.REFUND,) if disputed else (LineKind.REFUND, LineKind.CHARGEBACK)


def _withheld(payment: Payment) -> tuple[LineKind, ...]:
    disputed = payment.status is PaymentStatus.DISPUTED
    return (LineKind.DISPUTE, LineKind.CHARGEBACK) if disputed else (LineKind.DISPUTE,)


def _totals_in(lines: Sequence[SettlementLine], currency: str) -> Totals:
    return Totals(
        captured=_sum(lines, LineKind.SETTLEMENT, currency=currency),
        reversed=-_sum(lines, LineKind.REFUND, LineKind.CHARGEBACK, currency=currency),
        withheld=-_sum(lines, LineKind.DISPUTE, currency=currency),
        other=_sum(lines, LineKind.OTHER, currency=currency),
        fees=total((line.fee for line in lines), currency),
        net=total((line.net for line in lines if line.kind is not LineKind.PAYOUT), currency),
        payouts=-_sum(lines, LineKind.PAYOUT, currency=currency),
    )


def _sum(lines: Sequence[SettlementLine], *kinds: LineKind, currency: str = "") -> Money:
    """What the lines of these kinds add up to; all are in one currency, and there is at least one, or it is given."""
    return total((line.amount for line in lines if line.kind in kinds), currency or lines[0].amount.currency)


def _any(lines: Iterable[SettlementLine], kind: LineKind) -> bool:
    return any(line.kind is kind for line in lines)


def _difference(
    kind: DifferenceKind,
    charge_id: str,
    payment: Payment | None,
    *,
    expected: Money | None = None,
    found: Money | None = None,
) -> Difference:
    return Difference(
        kind=kind, charge_id=charge_id, payment_id=payment.id if payment else None, expected=expected, found=found
    )
