"""The connections that a process reads by, each on loan from the pool for a moment and then given back.

A check-out of the pool's costs as much as the read itself, so a loan is for many reads. It is short, so that whoever
else wants a connection of the pool waits for its turn and no longer, and nothing here has to be closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from persistence.connection import Connection, Pool
from persistence.reader import Known, Reader, Row, statement_of

_LOAN_SECONDS: Final = 0.1
_PATIENCE: Final = 5.0
"""Seconds that a statement nobody waits for has to end, once it was told to."""


class Readers:
    """As many readers as the pool has connections. Every method raises what the driver and its pool raise."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: list[Reader] = []
        self._lent: set[Reader] = set()
        self._borrowing = 0
        self._waiting: deque[asyncio.Future[Reader]] = deque()
        self._known: WeakKeyDictionary[Connection, Known] = WeakKeyDictionary()
        self._sweep: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows of a SELECT with `%(name)s` parameters, by their columns' names."""
        reader = self._idle.pop() if self._idle else await self._wait()
        try:
            return await reader.rows(statement_of(sql), parameters)
        finally:
            self._ended(reader)

    async def check(self) -> None:
        """Have no connection that has died: those on loan go back now, and the pool looks at all it has."""
        idle, self._idle = self._idle, []
        await self._give_back(idle)
        await self._pool.check()

    async def _wait(self) -> Reader:
        """The next that is free, for as long as the pool would let wait."""
        if len(self._waiting) >= self._pool.max_waiting > 0:
            raise TooManyRequests(f"{len(self._waiting)} reads are waiting already")
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Reader] = loop.create_future()
        self._waiting.append(place)
        self._borrow()
        timer = loop.call_later(self._pool.timeout, _too_long, place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._ended(place.result())
            raise
        finally:
            timer.cancel()
            with suppress(ValueError):
                self._waiting.remove(place)  # who left or waited too long is not counted

    def _ended(self, reader: Reader) -> None:
        """A read ended: the reader goes to who waits longest, or rests; not one whose statement is still under way."""
        if not reader.free:
            self._run(self._abandon(reader))
        elif reader.due or reader.broken:
            self._run(self._give_back([reader]))
        elif not self._hand_over(reader):
            self._idle.append(reader)

    def _hand_over(self, reader: Reader) -> bool:
        place = self._next_waiting()
        if place is None:
            return False
        place.set_result(reader)
        return True

    def _next_waiting(self) -> asyncio.Future[Reader] | None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                return place
        return None

    def _borrow(self) -> None:
        """Ask the pool for more, as long as somebody waits for them and there may be more."""
        while self._borrowing < len(self._waiting) and len(self._lent) + self._borrowing < self._pool.max_size:
            self._borrowing += 1
            self._run(self._borrowed())

    async def _borrowed(self) -> None:
        try:
            reader = await self._lend()
        except Exception as error:  # noqa: BLE001 -- it is raised where the connection is waited for
            self._borrowing -= 1
            place = self._next_waiting()
            if place is not None:
                place.set_exception(error)
            self._borrow()
        else:
            self._borrowing -= 1
            self._begin(reader)

    async def _lend(self) -> Reader:
        connection = await self._pool.getconn()
        try:
            return Reader(connection, self._known.setdefault(connection, {}))
        except BaseException:
            await self._pool.putconn(connection)
            raise

    def _begin(self, reader: Reader) -> None:
        self._lent.add(reader)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_LOAN_SECONDS, self._loans_end)
        self._ended(reader)

    def _loans_end(self) -> None:
        """Every loan is over: who rests goes back now, who works when it has done."""
        self._sweep = None
        for reader in self._lent:
            reader.due = True
        idle, self._idle = self._idle, []
        if idle:
            self._run(self._give_back(idle))

    async def _give_back(self, readers: list[Reader]) -> None:
        broken = [reader for reader in readers if reader.broken]
        for reader in readers:
            reader.close()
            self._lent.discard(reader)
        for reader in broken:
            await reader.connection.close()  # the pool must not lend it again
        for reader in readers:
            await self._pool.putconn(reader.connection)
        self._borrow()

    async def _abandon(self, reader: Reader) -> None:
        """Stop what nobody waits for any more; what does not stop in time goes with its connection."""
        with suppress(psycopg.Error):
            await reader.connection.cancel_safe(timeout=_PATIENCE)
        try:
            await asyncio.wait_for(reader.quiet(), _PATIENCE)
        except TimeoutError:
            reader.close()
            await reader.connection.close()
        await self._give_back([reader])

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _too_long(place: asyncio.Future[Reader]) -> None:
    if not place.done():
        place.set_exception(PoolTimeout("no connection for reads was free in time"))
