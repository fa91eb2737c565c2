"""Mercado Pago's settlement report ("all transactions") as CSV, read to the centavo; nothing in it is guessed.

Columns and words are those of its glossary for Brazil; SOURCE_ID is the number of the payment on a refund's line too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from domain.billing.settlement import LineKind, SettlementLine
from domain.money import Money
from server.providers.mercadopago import wire

COLUMNS: Final = (
    "EXTERNAL_REFERENCE",
    "SOURCE_ID",
    "TRANSACTION_TYPE",
    "TRANSACTION_AMOUNT",
    "TRANSACTION_CURRENCY",
    "TRANSACTION_DATE",
    "FEE_AMOUNT",
    "SETTLEMENT_NET_AMOUNT",
    "SETTLEMENT_DATE",
)
"""The columns that must be there, in any order, among any others."""

_KINDS: Final = {
    "SETTLEMENT": LineKind.SETTLEMENT,
    "REFUND": LineKind.REFUND,
    "CHARGEBACK": LineKind.CHARGEBACK,
    "DISPUTE": LineKind.DISPUTE,
    "WITHDRAWAL": LineKind.PAYOUT,
    "WITHDRAWAL_CANCEL": LineKind.PAYOUT,
    "PAYOUT": LineKind.PAYOUT,
}
"""Whatever else they tell of (shipping, cashback, blocked receivables) is of no charge of ours."""
_OF_NO_CHARGE: Final = (LineKind.PAYOUT, LineKind.OTHER)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class UnusableReport(Exception):
    """The file is no report that can be reckoned with. `problems` are all that is wrong, each a line of text."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def read(content: bytes) -> list[SettlementLine]:
    """The report's lines in their order. Parted by comma or semicolon; UTF-8, with or without a byte order mark.

    Amounts are plain decimals of two places at most, instants ISO 8601 with their offset. Raises UnusableReport.
    """
    text = _text(content)
    header, *_ = text.splitlines() or [""]
    # No name of theirs has either in it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=header.count), strict=True)
    names = _names(reader)
    lines: list[SettlementLine] = []
    problems: list[str] = []
    ended = False
    while not ended:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
            ended = row is None
            if row:
                lines.append(_line(_cells(names, row)))
        except (csv.Error, ValueError) as reason:
            problems.append(f"line {number}: {reason}")
    if problems:
        raise UnusableReport(problems)
    return lines


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableReport(["it is not UTF-8 text"]) from None


def _names(reader: Iterator[list[str]]) -> Sequence[str]:
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise UnusableReport([f"line 1: {error}"]) from None
    missing = [f"the column {name} is missing" for name in COLUMNS if name not in names]
    twice = [f"the column {name} is there twice" for name in COLUMNS if names.count(name) > 1]
    if missing or twice:
        raise UnusableReport([*missing, *twice])
    return names


def _cells(names: Sequence[str], row: Sequence[str]) -> Mapping[str, str]:
    """The cells by their columns. Raises ValueError."""
    if len(row) != len(names):
        raise ValueError(f"it has {len(row)} cells under {len(names)} columns")
    return {name: cell.strip() for name, cell in zip(names, row, strict=True)}


def _line(cells: Mapping[str, str]) -> SettlementLine:
    """Raises ValueError."""
    word, currency = cells["TRANSACTION_TYPE"], cells["TRANSACTION_CURRENCY"]
    if not word:
        raise ValueError("TRANSACTION_TYPE is empty")
    kind = _KINDS.get(word, LineKind.OTHER)
    if not cells["SOURCE_ID"] and kind not in _OF_NO_CHARGE:
        raise ValueError("SOURCE_ID is empty")
    if not _CURRENCY.fullmatch(currency):
        raise ValueError("TRANSACTION_CURRENCY is no currency such as BRL")
    return SettlementLine(
        charge_id=cells["SOURCE_ID"],
        reference=cells["EXTERNAL_REFERENCE"],
        kind=kind,
        amount=_amount(cells, "TRANSACTION_AMOUNT", currency),
        fee=_amount(cells, "FEE_AMOUNT", currency),
        net=_amount(cells, "SETTLEMENT_NET_AMOUNT", currency),
        at=_instant(cells, "TRANSACTION_DATE"),
        settled_at=_instant(cells, "SETTLEMENT_DATE") if cells["SETTLEMENT_DATE"] else None,
    )


def _amount(cells: Mapping[str, str], column: str, currency: str) -> Money:
    try:
        return Money.parse(cells[column], currency)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _instant(cells: Mapping[str, str], column: str) -> datetime:
    found = wire.optional_instant(cells[column])
    if found is None:
        raise ValueError(f"{column} is no instant with its offset, such as 2026-03-01T12:00:00.000-03:00")
    return found
