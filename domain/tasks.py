"""Work with a due time: what must still be done about an aggregate, kept as a row so that no crash forgets it.

An aggregate says what is due (`Due`), its row is written with it; the role `worker` claims rows by lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Due:
    """What must be done next about an aggregate, and from when on."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A claimed row: `kind` of work about `subject_id`, begun `attempts` times with this one.

    `causation_id`, `correlation_id` and `trace` are those of the call that made it due; `lease` proves the claim.
    """

    kind: str
    subject_id: UUID
    due_at: datetime
    attempts: int
    causation_id: str
    correlation_id: str
    trace: Mapping[str, str]
    lease: UUID


class Tasks(Protocol):
    """The worker's side of the due rows."""

    async def claim(self, now: datetime, *, lease_seconds: float, limit: int) -> Sequence[Task]:
        """Take some rows that are due and that nobody holds; a claim that is not settled in time is another's.

        Raises Unavailable.
        """
        ...

    async def settle(self, task: Task, again_at: datetime | None, error: str = "") -> None:
        """Drop the row, or have it due again; does nothing when it was replaced or claimed by another meanwhile.

        Raises Unavailable.
        """
        ...
