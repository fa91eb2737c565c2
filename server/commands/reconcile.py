"""`reconcile FILE`: the provider's settlement report held against our payments."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final

from domain.actor import Actor
from domain.billing.payment import Payment
from domain.billing.queries import PaymentFilter
from domain.billing.settlement import Difference, SettlementLine, Totals, differences, totals
from domain.money import Money
from server.commands.operator import show
from server.providers.mercadopago.orders import OrdersApi
from server.providers.mercadopago.payments import PaymentsApi
from server.providers.mercadopago.settlement import UnusableReport, read
from server.settings import Settings
from server.wiring import House, built

PAGE: Final = 500
"""Payments read at a time."""

_UNUSABLE: Final = 2
_OPERATOR: Final = Actor(id="system:operator")
_PROVIDERS: Final = (OrdersApi.name, PaymentsApi.name)
_BRASILIA: Final = timezone(timedelta(hours=-3))
"""Whose days the operator means; Brazil's capital has had no summer time since 2019."""
_INSTANT: Final = timedelta(microseconds=1)


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("reconcile", help="hold Mercado Pago's settlement report against our payments")
    verb.add_argument("file", type=Path, help="the report as CSV; best of a day more at either end")
    verb.add_argument("--since", type=_midnight, metavar="DATE", help="the first day, in Brasília; else the report's")
    verb.add_argument("--until", type=_midnight, metavar="DATE", help="the last day; else the report's")
    verb.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the report's sums and all differences; answers 1 when there are some, 2 for a file that is no use."""
    try:
        lines = read(await asyncio.to_thread(arguments.file.read_bytes))
        since, until = _period(lines, arguments.since, arguments.until)
    except (OSError, UnusableReport) as error:
        return _refused(arguments.file, error)
    async with built(settings) as house:
        payments = await _payments(house, lines, since, until)
    found = differences(lines, payments, since=since, until=until)
    within = [line for line in lines if since <= line.at < until]
    sys.stdout.write(f"from {since.isoformat()} to {until.isoformat()}: {len(within)} lines\n\n")
    show([_TOTALS, *map(_sums, totals(within))], none="no money")
    sys.stdout.write("\n")
    show([_HEADING, *map(_row, found)], none="no differences")
    return int(bool(found))


def _midnight(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), _BRASILIA)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day, as 2026-03-01") from None


def _period(
    lines: Sequence[SettlementLine], first: datetime | None, last: datetime | None
) -> tuple[datetime, datetime]:
    """From the first instant to the one that is excluded. Raises UnusableReport."""
    told = [line.at for line in lines]
    if not told and not (first and last):
        raise UnusableReport(["it has no lines: say --since and --until"])
    since = first or min(told)
    until = last + timedelta(days=1) if last else max(told) + _INSTANT
    if since >= until:
        raise UnusableReport([f"nothing lies between {since.isoformat()} and {until.isoformat()}"])
    return since, until


async def _payments(house: House, lines: Sequence[SettlementLine], since: datetime, until: datetime) -> list[Payment]:
    """Those of this provider that the report names, or that were confirmed in the period."""
    named = {name for line in lines for name in (line.charge_id, line.reference) if name}
    kept: list[Payment] = []
    after = None
    while page := await house.views.payments(_OPERATOR, PaymentFilter(), after=after, limit=PAGE):
        for payment in page:
            confirmed = payment.confirmed_at is not None and since <= payment.confirmed_at < until
            told = payment.provider_payment_id in named or str(payment.id) in named
            if payment.provider in _PROVIDERS and (confirmed or told):
                kept.append(payment)
        after = page[-1].created_at, page[-1].id
    return kept


def _refused(file: Path, error: OSError | UnusableReport) -> int:
    problems = error.problems if isinstance(error, UnusableReport) else [error.strerror or str(error)]
    sys.stderr.write("".join(f"acerto: {file}: {problem}\n" for problem in problems))
    return _UNUSABLE


_TOTALS = ("CURRENCY", "CAPTURED", "REVERSED", "WITHHELD", "OTHER", "FEES", "NET", "PAYOUTS")
_HEADING = ("DIFFERENCE", "CHARGE", "PAYMENT", "EXPECTED", "FOUND")


def _sums(sums: Totals) -> Sequence[object]:
    amounts = (sums.captured, sums.reversed, sums.withheld, sums.other, sums.fees, sums.net, sums.payouts)
    return (sums.captured.currency, *(f"{amount.decimal():.2f}" for amount in amounts))


def _row(one: Difference) -> Sequence[object]:
    return (one.kind.value, one.charge_id, one.payment_id or "-", _shown(one.expected), _shown(one.found))


def _shown(amount: Money | None) -> str:
    return "-" if amount is None else str(amount)
