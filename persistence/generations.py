"""What moved, as this process knows it: told at once of its own commits, soon by notices, and in truth by a poll.

Nothing here is ever guessed: a scope whose move was announced and not yet read, and everything once the poll has failed
for a while, has no known generation, and who asks does without a cache.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

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
_OVERLAP: Final = 60.0
"""Seconds that a poll looks back beyond the last one: longer than a transaction of ours may take to its commit. A bulk
load may take longer, and moves `*`, which every poll reads."""
_PAUSE: Final = 0.01
_READ: Final = """
SELECT extract(epoch FROM clock_timestamp())::float8,
       (SELECT coalesce(json_agg(json_build_array(scope, generation, extract(epoch FROM changed_at))), '[]')
          FROM generations
         WHERE changed_at > to_timestamp(coalesce(%s, extract(epoch FROM clock_timestamp()) - %s))
            OR scope = %s)
"""

_log = logging.getLogger(__name__)


class KnownGenerations:
    """Answers `domain.eligibility.ports.Generations`. `run` keeps it true; until its first poll nothing is known."""

    def __init__(self, database: Database, *, poll: float = POLL, timer: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._poll = poll
        self._timer = timer
        self._known: dict[str, tuple[int, float]] = {}
        self._announced: dict[str, int] = {}
        self._good_until = float("-inf")
        self._since: float | None = None
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
        return tuple(known[scope][0] if scope in known else 0 for scope in scopes)

    def moved(self, scopes: Iterable[str]) -> None:
        """Our own commit moved these: they are unknown until they are read. Neither blocks nor fails."""
        self.sequence += 1
        self._announced.update(dict.fromkeys(scopes, self.sequence))
        self._woken.set()

    def heard(self, payload: str) -> None:
        """A notice of the channel of news came, with keys, or none when anything may have been missed."""
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

    async def read(self) -> None:
        """One poll. Raises Unavailable."""
        began, at = self.sequence, self._timer()
        with translated():
            async with self._database.reads.connection() as connection:
                cursor = await connection.execute(_READ, (self._since, KEPT, EVERYTHING))
                now, rows = await cursor.fetchone() or (0.0, [])
        for scope, generation, changed_at in rows:
            if self._known.get(scope, (0, 0.0))[0] != generation:
                self.sequence += 1
            self._known[scope] = generation, changed_at
        # What was announced while we read may have been committed after our snapshot: the next poll sees it.
        self._announced = {scope: told for scope, told in self._announced.items() if told > began}
        self._forget(now - KEPT)
        self._since = now - _OVERLAP
        self._good_until = at + GOOD_FOR

    async def _tried(self) -> None:
        try:
            await self.read()
        except Unavailable as error:
            _log.warning("generations cannot be read, so nothing is cached", extra={"cause": str(error)})

    def _forget(self, before: float) -> None:
        old = [scope for scope, (_, at) in self._known.items() if at < before and scope != EVERYTHING]
        for scope in old:
            del self._known[scope]


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Come back when the event is set, or after so many seconds."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait([waiting], timeout=seconds)
    waiting.cancel()
