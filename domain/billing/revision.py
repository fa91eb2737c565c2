"""Revisions: what exactly was offered, so that what was approved can be proven later; and the links to decide on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from domain.billing.line_item import LineItem
from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One offer of a budget, as it was made; it never changes.

    `digest` is `digest_of` its content; None for one that was made before digests were kept.
    """

    budget_id: UUID
    revision: int
    description: str
    items: tuple[LineItem, ...]
    total: Money | None
    digest: bytes | None
    created_at: datetime

    @property
    def intact(self) -> bool:
        """Whether the content is still what the digest was made of."""
        made = digest_of(self.budget_id, self.revision, self.description, self.items, self.total)
        return self.digest in (None, made)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLink:
    """What an approval link says, once its signature was found good: which revision it may decide on, until when."""

    budget_id: UUID
    revision: int
    expires_at: datetime


def digest_of(
    budget_id: UUID, revision: int, description: str, items: Sequence[LineItem], total: Money | None
) -> bytes:
    """SHA-256 of a revision's content, written in one way only: JSON, sorted names, exact numbers as text."""
    content = {
        "budget_id": str(budget_id),
        "revision": revision,
        "description": description,
        "items": [_written(item) for item in items],
        "total": None if total is None else str(total),
    }
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()


def _written(item: LineItem) -> dict[str, str]:
    return {
        "kind": item.kind.value,
        "code": item.code,
        "description": item.description,
        "quantity": f"{item.quantity.normalize():f}",
        "unit_price": str(item.unit_price),
    }
