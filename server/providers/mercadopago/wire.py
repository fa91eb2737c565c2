"""Mercado Pago's JSON, both ways, with exact amounts: read as Decimal, written digit by digit, never a float."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

from domain.billing.charge import ProviderAmbiguous
from domain.money import BRL, LIMIT, Money

Json = Mapping[str, Any]

_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)


class BrokenAnswer(ProviderAmbiguous):
    """The answer is JSON, and not what the API promises; the text names the member, never what it holds."""


def read(content: bytes) -> Json:
    """A JSON object with Decimal numbers; a list becomes the member `results`. Raises ValueError for anything else."""
    try:
        found = json.loads(content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ValueError("no JSON object") from error
    if isinstance(found, list):
        return {"results": found}
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - callers know one way in which bytes are wrong
    return found


def write(value: object) -> str:
    """JSON text of dicts, lists, text, whole numbers, booleans, None and Decimals; a Decimal becomes a number."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{write(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(write(item) for item in value) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if value is None or isinstance(value, str | int):
        return json.dumps(value)
    raise TypeError(f"a {type(value).__name__} is not written")


def money(value: object, currency: str = BRL, *, what: str = "amount") -> Money:
    """An amount given as a number or as text. Raises BrokenAnswer when it is none, negative or finer than a centavo."""
    try:
        cents = _exact(value).scaleb(2)
        # The limit first: to count out a number of a million digits takes a minute.
        if 0 <= cents <= LIMIT and cents == cents.to_integral_value():
            return Money(int(cents), currency)
    except (ArithmeticError, ValueError) as error:
        raise BrokenAnswer(f"{what} is no amount") from error
    raise BrokenAnswer(f"{what} is no amount")


def instant(value: object, *, what: str) -> datetime:
    """A date with its offset. Raises BrokenAnswer."""
    found = optional_instant(value)
    if found is None:
        raise BrokenAnswer(f"{what} is no date")
    return found


def optional_instant(value: object) -> datetime | None:
    """A date with its offset, None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def text(body: Json, name: str) -> str:
    """A member that is text or a whole number, as text; empty when it is absent."""
    value = body.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def required(body: Json, name: str) -> str:
    """As `text`. Raises BrokenAnswer when it is empty."""
    found = text(body, name)
    if not found:
        raise BrokenAnswer(f"{name} is missing")
    return found


def part(body: Json, name: str) -> Json:
    """A member that is an object; an empty one when it is not there."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def rows(body: Json, name: str) -> Sequence[Json]:
    """The objects of a member that is a list; none when it is not there."""
    value = body.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _exact(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("no number")  # noqa: TRY004 - one way to be wrong
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("no number")
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError("no amount")
    return exact


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
