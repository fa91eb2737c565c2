"""What every aggregate has: an id, a version, and the changes it made since it was loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.events import Fact
from domain.posting import Entry
from domain.tasks import Due


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One move of one aggregate: a row of the append-only log, with the fact that tells others, if any.

    `entry` is what it means for the books; empty when it means nothing there. `event_type` is the event that somebody
    says it follows from; a `fact` names its own. `note` is what the log adds in somebody's words: why, or which.
    """

    key: str
    subject: str
    subject_id: UUID
    action: str
    before: str | None
    after: str
    at: datetime
    fact: Fact | None = None
    entry: Entry = ()
    event_type: str = ""
    note: str = ""


@dataclass(kw_only=True)
class Aggregate:
    """A noun that changes as one. Each recorded change raises the version by one."""

    subject: ClassVar[str]
    """What the log calls it, as in `budget`."""

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

    @property
    def due(self) -> Due | None:
        """What must be done about it next, if time or another system decides."""
        return None

    @property
    def key(self) -> str:
        """What its facts keep their order by; see `Fact.key`."""
        raise TypeError(f"{type(self).__name__} does not say its key")

    def record(
        self,
        action: str,
        before: str | None,
        after: str,
        *,
        at: datetime,
        fact: Fact | None = None,
        entry: Entry = (),
        event_type: str = "",
        note: str = "",
    ) -> None:
        """Take note of a change that was just made; `before` and `after` are its states, the rest as in Change."""
        self.changes.append(
            Change(
                key=self.key,
                subject=self.subject,
                subject_id=self.id,
                action=action,
                before=before,
                after=after,
                at=at,
                fact=fact,
                entry=entry,
                event_type=event_type,
                note=note,
            )
        )
        self.version += 1
