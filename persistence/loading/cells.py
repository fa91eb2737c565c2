"""What a cell of a file can say, read strictly: each of these gives a value or raises ValueError with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Final, TypeVar

from domain import identifiers
from domain.eligibility.health_plan import CoverageRule, Segment
from domain.money import Money

EnumT = TypeVar("EnumT", bound=Enum)

_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{1,2}))?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_BRAZILIAN: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)
_RULE: Final = re.compile(r"(?P<table>[0-9]{2}):(?P<prefix>[0-9]*)=(?P<words>[a-z0-9_:+]+)", re.ASCII)
_YES_OR_NO: Final = {"true": True, "false": False, "1": True, "0": False}


def line_of_text(text: str) -> str:
    """Text whose blanks, of whatever kind, are single spaces."""
    return " ".join(text.split())


def cnpj(text: str) -> str:
    """A CNPJ, with or without its punctuation; what is none is left for the noun to refuse."""
    try:
        return identifiers.cnpj(text)
    except ValueError:
        return text


def number(text: str) -> int:
    """A whole number, zero or more."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def yes_or_no(text: str) -> bool:
    """`true` or `false`, `1` or `0`."""
    try:
        return _YES_OR_NO[text.lower()]
    except KeyError as error:
        raise ValueError("must be true or false") from error


@lru_cache(maxsize=1000)  # a file has few days, and says each of them thousands of times
def day(text: str) -> date:
    """A day as `2026-03-01` or `01/03/2026`."""
    if iso := _ISO.fullmatch(text):
        parts = iso.groups()
    elif brazilian := _BRAZILIAN.fullmatch(text):
        parts = brazilian.groups()[::-1]
    else:
        raise ValueError("must be a day, as 2026-03-01 or 01/03/2026")
    try:
        return date(*map(int, parts))
    except ValueError as error:
        raise ValueError("must be a day of the calendar") from error


def amount(text: str) -> Money:
    """An amount in BRL, as `1234.50` or `1234,50`: nothing between the thousands, so that no mark is ambiguous."""
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise ValueError("must be an amount, as 1234.50 or 1234,50, without a mark between the thousands")
    return Money(int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")))


def one_of(words: type[EnumT]) -> Callable[[str], EnumT]:
    """A reader of one of an enum's words, whatever its case."""

    def read(text: str) -> EnumT:
        try:
            return words(text.upper())
        except ValueError as error:
            raise ValueError(f"must be one of {', '.join(word.value for word in words)}") from error

    return read


def segments(text: str) -> frozenset[Segment]:
    """Segments with blanks between them."""
    return frozenset(map(one_of(Segment), text.split()))


def network(text: str) -> frozenset[str]:
    """CNES with blanks between them."""
    return frozenset(text.split())


def coverage(text: str) -> tuple[CoverageRule, ...]:
    """Rules with blanks between them: `22:40=authorization+limit:2 20:=not_covered`."""
    return tuple(map(_rule, text.split()))


def _rule(text: str) -> CoverageRule:
    found = _RULE.fullmatch(text)
    if not found:
        raise ValueError("must be rules as TABLE:PREFIX=WORDS with blanks between them, as 22:40=authorization")
    rule: dict[str, object] = {}
    for word in found["words"].split("+"):
        name, _, most = word.partition(":")
        match name:
            case "covered" | "not_covered" if not most:
                rule["covered"] = name == "covered"
            case "authorization" if not most:
                rule["needs_authorization"] = True
            case "limit":
                rule["yearly_limit"] = number(most)
            case _:
                raise ValueError("must say of a code: covered, not_covered, authorization, limit:N, with + between")
    return CoverageRule(table=found["table"], prefix=found["prefix"], **rule)  # type: ignore[arg-type] # as read above
