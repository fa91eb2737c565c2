"""What moved, as this process knows it: told at once of its own commits, soon by notices, and in truth by a poll.

Nothing here is ever guessed: a scope whose move was announced and not yet read, and everything once the poll has failed
for a while, has no known generation, and who asks does without a cache.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from domain.eligibility.generations import EVERYTHING
from domain.errors import Unavailable
from persistence.engine import Database
from persistence.errors import translated

NOTICE: Final = "generations"
"""The key of the channel of news under which it is told that something moved; what it was must be read."""
POLL: Final = 1.0
"""Seconds between two polls at most."""
GOOD_FOR: Final = 5.0
"""Seconds for which a poll stands. Another process' change is at most so much older than an answer that lacks it."""
KEPT: Final = 5400.0
"""Seconds for which a move is remembered, longer than a cached answer lives: none is older than what was forgotten."""
_PAUSE: Final = 0.01
_READ: Final = """
SELECT statement_timestamp(),
       (SELECT coalesce(json_agg(json_build_array(scope, generation, extract(epoch FROM changed_at))), '[]')
          FROM generations
         WHERE changed_at >= coalesce(%s, statement_timestamp() - make_interval(secs => %s))
            OR scope = %s),
       (SELECT coalesce(json_agg(virtualtransaction), '[]')
          FROM pg_locks
         WHERE relation = 'generations'::regclass AND mode = 'RowExclusiveLock'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
"""The instant, what moved, and who is moving something at present, which whoever reads the locks of a table sees."""

_log = logging.getLogger(__name__)


class _Move(NamedTuple):
    """The last move of a scope: when it was taken, in seconds, and our own sequence as we saw it."""

    generation: int
    changed_at: float
    sequence: int


class _Place:
    """From where on a poll must read, so that it reads little and misses nothing.

    `changed_at` is taken before the commit, and commits come in another order: nothing that was read last says that all
    before it was seen. But who moves a generation holds a lock on the table from before it takes the instant until
    after its commit is visible. When everybody has let go who held one at an instant, or soon after, all that was moved
    up to that instant is there for the next poll to see; and the one after that begins to read at that instant.
    """

    def __init__(self) -> None:
        self.since: datetime | None = None
        """None: from the beginning."""
        self._settled: datetime | None = None
        self._noted: tuple[datetime, frozenset[str]] | None = None

    def went_back(self, now: datetime) -> bool:
        """Whether the clock did, as when another machine took over: then no instant from before it says anything."""
        return self._noted is not None and now < self._noted[0]

    def move(self, now: datetime, writers: frozenset[str]) -> None:
        """A poll was made at `now`, and saw these at their writing after that, and after all that it read."""
        self.since = self._settled
        if not writers:
            self._settled, self._noted = now, (now, writers)
        elif self._noted is None:
            self._noted = now, writers
        elif not self._noted[1] & writers:
            self._settled, self._noted = self._noted[0], (now, writers)


class KnownGenerations:
    """Answers `domain.eligibility.ports.Generations`. `run` keeps it true; until its first poll nothing is known."""

    def __init__(self, database: Database, *, poll: float = POLL, timer: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._poll = poll
        self._timer = timer
        self._known: dict[str, _Move] = {}
        self._announced: dict[str, int] = {}
        self._good_until = float("-inf")
        self._place = _Place()
        self._woken = asyncio.Event()
        self.sequence = 0

    def of(self, scopes: Iterable[str]) -> tuple[int, ...] | None:
        """The generation of each scope; None when what is known of them may be old."""
        if self._timer() > self._good_until:
            return None
        scopes = tuple(scopes)
        if self._announced and not self._announced.keys().isdisjoint(scopes):
            return None
        known = self._known
        return tuple(known[scope].generation if scope in known else 0 for scope in scopes)

    def moved_since(self, before: int, scopes: Iterable[str]) -> bool:
        """Whether any of the scopes moved after the sequence was `before`."""
        known, announced = self._known, self._announced
        return any(
            announced.get(scope, 0) > before or (scope in known and known[scope].sequence > before) for scope in scopes
        )

    def moved(self, scopes: Iterable[str]) -> None:
        """Our own commit moved these: they are unknown until they are read. Neither blocks nor fails."""
        self.sequence += 1
        self._announced.update(dict.fromkeys(scopes, self.sequence))
        self._woken.set()

    def heard(self, payload: str) -> None:
        """A notice of the channel of news came, with keys, or none when anything may have been missed."""
        if not payload:
            # Listening begins, perhaps to another machine with another clock: no instant from before it says anything.
            self._place = _Place()
        if not payload or NOTICE in payload.split(","):
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; a database that is away is waited for."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._woken.set())
        try:
            while not stop.is_set():
                self._woken.clear()
                await self._tried()
                await asyncio.sleep(_PAUSE)
                await set_within(self._woken, self._poll)
        finally:
            stopping.cancel()

    async def read(self) -> int:
        """One poll; answers how many moves it read. Raises Unavailable."""
        began, at = self.sequence, self._timer()
        now, rows, writers = await self._asked()
        if self._place.went_back(now):
            self._place = _Place()
            now, rows, writers = await self._asked()
        for scope, generation, changed_at in rows:
            known = self._known.get(scope)
            if known is None or known.generation != generation:
                self.sequence += 1
                self._known[scope] = _Move(generation, changed_at, self.sequence)
        # What was announced while we read may have been committed after our snapshot: the next poll sees it.
        self._announced = {scope: told for scope, told in self._announced.items() if told > began}
        self._forget(now.timestamp() - KEPT)
        self._place.move(now, frozenset(writers))
        self._good_until = at + GOOD_FOR
        return len(rows)

    async def _asked(self) -> tuple[datetime, list[tuple[str, int, float]], list[str]]:
        with translated():
            async with self._database.reads.connection() as connection:
                cursor = await connection.execute(_READ, (self._place.since, KEPT, EVERYTHING))
                now, rows, writers = (await cursor.fetchall())[0]
        return now, rows, writers

    async def _tried(self) -> None:
        try:
            await self.read()
        except Unavailable as error:
            _log.warning("generations cannot be read, so nothing is cached", extra={"cause": str(error)})

    def _forget(self, before: float) -> None:
        old = [scope for scope, move in self._known.items() if move.changed_at < before and scope != EVERYTHING]
        for scope in old:
            del self._known[scope]


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Come back when the event is set, or after so many seconds."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait([waiting], timeout=seconds)
    waiting.cancel()
