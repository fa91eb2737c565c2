"""The numbers that claims and batches have when nobody gives them one: made of their ids, and easy to read out."""

from __future__ import annotations

from typing import Final
from uuid import UUID

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def claim_number(claim_id: UUID) -> str:
    """20 characters of Crockford's base32: the first 100 bits of the id, so that numbers sort by time."""
    return _base32(claim_id.int >> 28, 20)


def claim_batch_number(claim_batch_id: UUID) -> str:
    """12 characters, all that TISS has room for: the last 60 bits of the id, which are drawn at random."""
    return _base32(claim_batch_id.int & (1 << 60) - 1, 12)


def _base32(value: int, length: int) -> str:
    return "".join(_CROCKFORD[value >> 5 * place & 31] for place in reversed(range(length)))
