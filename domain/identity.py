"""Ids: where new ones come from, and how a partner's work-order number becomes one."""

from __future__ import annotations

import re
from typing import Protocol
from uuid import UUID, uuid5

_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_NIL = UUID(int=0)

DERIVED = UUID("6f1a2f0e-7a54-5b0e-9d55-0c8a1d1e7ac0")
"""Namespace of every id that is derived from content instead of drawn."""


class Ids(Protocol):
    """Draws new ids."""

    def new(self) -> UUID:
        """A UUIDv7: unique, and sorted by the time it was drawn."""
        ...


def derived_id(*parts: str) -> UUID:
    """The id that the same parts give every time: what stands for a message that carries none."""
    return uuid5(DERIVED, "\x1f".join(parts))


def work_order_id(text: str) -> UUID:
    """A partner's OsId as a UUID: a UUID itself, or a work-order number of at most 12 digits (billing.md A).

    Raises ValueError for anything else, the nil UUID and number zero included.
    """
    text = text.strip()
    padded = f"00000000-0000-0000-0000-{text:0>12}" if _NUMBER.fullmatch(text) else text
    parsed = UUID(padded)
    if parsed == _NIL:
        raise ValueError("the nil UUID names no work order")
    return parsed
