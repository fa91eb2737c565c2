"""The values that every context's messages share, from the wire and onto it: money, instants, ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money as MoneyProto

from domain.errors import Violation
from domain.money import Money
from server.rpc.validation import refuse

T = TypeVar("T")

_CENTAVO: Final = 10_000_000
"""Nanos of one centavo."""
_WHOLE: Final = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reading:
    """Reads a request's values and collects what is wrong, so that a caller learns all of it at once."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def take(self, field: str, read: Callable[[], T], instead: T) -> T:
        """What `read` gives; when it raises ValueError, the field is noted as wrong and `instead` is given."""
        try:
            return read()
        except ValueError as error:
            self._violations.append(Violation(field, str(error)))
            return instead

    def finish(self) -> None:
        """Raise Invalid if anything was wrong."""
        refuse(self._violations)


def money_to_wire(money: Money) -> MoneyProto:
    """google.type.Money: units and nanos carry the same sign (billing.md C)."""
    return MoneyProto(**money_fields(money))


def money_fields(money: Money) -> Any:
    """The same as a dict, for a field of a larger message: a message there would be made and then copied."""
    return cents_fields(money.cents, money.currency)


def cents_fields(cents: int, currency: str) -> Any:
    """The same of centavos, which as a sum of many amounts may be beyond the limit of one."""
    units, rest = divmod(abs(cents), 100)
    sign = -1 if cents < 0 else 1
    return {"currency_code": currency, "units": sign * units, "nanos": sign * rest * _CENTAVO}


def money_from_wire(wire: MoneyProto) -> Money:
    """The exact amount. Raises ValueError: signs that differ, fractions of a centavo, no currency, beyond the limit."""
    if not (len(wire.currency_code) == 3 and wire.currency_code.isascii() and wire.currency_code.isupper()):
        raise ValueError("currency_code must be three capital letters (ISO 4217)")
    if abs(wire.nanos) >= _WHOLE:
        raise ValueError("nanos must be between -999999999 and 999999999")
    if wire.units * wire.nanos < 0:
        raise ValueError("units and nanos must have the same sign")
    if wire.nanos % _CENTAVO:
        raise ValueError("must have at most two decimal places")
    return Money(wire.units * 100 + wire.nanos // _CENTAVO, wire.currency_code)


def price_from_wire(wire: MoneyProto, *, least: int) -> Money:
    """As money_from_wire, and at least so many centavos. Raises ValueError."""
    money = money_from_wire(wire)
    if money.cents < least:
        raise ValueError("must be above zero" if least else "must be zero or more")
    return money


def instant_to_wire(instant: datetime) -> Timestamp:
    """A timezone-aware instant, to the microsecond."""
    return Timestamp(**instant_fields(instant))


def instant_fields(instant: datetime) -> Any:
    """The same as a dict, as `money_fields`."""
    since = instant - _EPOCH
    return {"seconds": since.days * 86_400 + since.seconds, "nanos": since.microseconds * 1000}


def instant_from_wire(wire: Timestamp) -> datetime:
    """The instant in UTC, to the microsecond. Raises ValueError outside the years 1 to 9999."""
    try:
        return wire.ToDatetime(tzinfo=UTC)
    except (OverflowError, ValueError) as error:
        raise ValueError("must be an instant between the years 1 and 9999") from error


def date_fields(day: date | None) -> Any:
    """A calendar day as `google.type.Date`, in a dict for a field of a larger message; None for none."""
    return None if day is None else {"year": day.year, "month": day.month, "day": day.day}


def date_from_wire(wire: Date) -> date:
    """The calendar day. Raises ValueError for a part of one, and for one that there never is."""
    try:
        return date(wire.year, wire.month, wire.day)
    except ValueError as error:
        raise ValueError("must be a day of the calendar: year, month and day") from error


def id_from_wire(text: str) -> UUID:
    """The UUID that a request names. Raises ValueError."""
    try:
        return UUID(text)
    except ValueError as error:
        raise ValueError("must be a UUID") from error
