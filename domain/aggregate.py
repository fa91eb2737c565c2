"""What every aggregate has: an id, a version, and the changes it made since it was loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One move of one aggregate: a row of the append-only log, with the fact that tells others, if any."""

    key: str
    subject: str
    subject_id: UUID
    action: str
    before: str | None
    after: str
    at: datetime
    fact: Fact | None = None


@dataclass(kw_only=True)
class Aggregate:
    """A noun that changes as one. Each recorded change raises the version by one."""

    id: UUID
    version: int = 0
    changes: list[Change] = field(default_factory=list, compare=False)

    @property
    def stored_version(self) -> int:
        """The version it had when it was loaded; 0 when it is new."""
        return self.version - len(self.changes)

    @property
    def next_version(self) -> int:
        """The version that the next change will give it: what that change's fact must carry."""
        return self.version + 1

    def record(self, change: Change) -> None:
        """Take note of a change that was just made."""
        self.changes.append(change)
        self.version += 1
