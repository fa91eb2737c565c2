"""An outbox kept in memory, for the relay's own rules: rows leave only when a claim is settled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from domain.errors import DomainError
from domain.events import Pending, Refusal


class MemoryClaim:
    """One cycle's claim."""

    def __init__(self, outbox: MemoryOutbox, pending: Sequence[Pending]) -> None:
        self.pending = pending
        self._outbox = outbox

    async def settle(self, confirmed: Sequence[Pending], refused: Sequence[tuple[Pending, Refusal]]) -> None:
        if self._outbox.failures:
            raise self._outbox.failures.pop(0)
        self._outbox.archive += confirmed
        self._outbox.refused += refused
        gone = {row.id for row in (*confirmed, *(row for row, _ in refused))}
        self._outbox.rows = [row for row in self._outbox.rows if row.id not in gone]


class MemoryOutbox:
    """`failures` are raised by the next settlements, one each; `after_read` is called once a claim has read."""

    def __init__(self, *rows: Pending) -> None:
        self.rows = list(rows)
        self.archive: list[Pending] = []
        self.refused: list[tuple[Pending, Refusal]] = []
        self.failures: list[DomainError] = []
        self.after_read: Callable[[], None] | None = None
        self.openings = 0
        self.claims = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MemoryOutbox]:
        self.openings += 1
        yield self

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[MemoryClaim]:
        self.claims += 1
        claim = MemoryClaim(self, tuple(self.rows))
        if self.after_read:
            self.after_read()
        yield claim
