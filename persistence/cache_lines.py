"""Connections to Redis, made beside the questions: a question takes one that is there, or does without an answer.

To connect takes several times as long as to ask, so that a question that had to would never be answered in its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from domain.cancellation import ended

FAILURES: Final = (RedisError, OSError, TimeoutError)


class NoLine(Exception):
    """There is no connection for the question at present; one is being made if it may be."""


class Lines:
    """Up to `most` connections, each for one question at a time; they are made one after the other."""

    def __init__(self, url: str, failed: Callable[[], None], *, most: int, time_limit: float) -> None:
        """`time_limit` are the seconds for making one; `failed` is told when one cannot be made."""
        self._url = url
        self._failed = failed
        self._most = most
        self._limit = time_limit
        self._idle: asyncio.LifoQueue[Redis] = asyncio.LifoQueue()
        self._live = 0
        self._making: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def line(self, *, within: float) -> AsyncIterator[Redis]:
        """One that is connected, waited for so many seconds where all are in use. Raises NoLine.

        Whatever goes wrong on it ends it, but a refusal: that is an answer.
        """
        line = await self._taken(within)
        try:
            yield line
        except ResponseError:
            self._idle.put_nowait(line)
            raise
        except BaseException:
            self._live -= 1
            self._end(line)
            raise
        self._idle.put_nowait(line)

    async def connect(self) -> None:
        """Make one more. Raises what is in `FAILURES`."""
        line = Redis.from_url(self._url, max_connections=1, retry=Retry(NoBackoff(), 0))
        try:
            async with asyncio.timeout(self._limit):
                await line.ping()
        except BaseException:
            self._end(line)
            raise
        self._live += 1
        self._idle.put_nowait(line)

    async def must_be_one(self) -> None:
        """Make one where there is none. Raises what is in `FAILURES`."""
        if not self._live:
            await self.connect()

    def end_idle(self) -> None:
        """End those that nobody uses: where one was cut, the others are."""
        while not self._idle.empty():
            self._live -= 1
            self._end(self._idle.get_nowait())

    async def close(self) -> None:
        """End all; nobody uses one any more."""
        if self._making is not None:
            await ended([self._making])
        self.end_idle()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _taken(self, within: float) -> Redis:
        if self._idle.empty():
            self._make()
            if not self._live:
                raise NoLine
        try:
            async with asyncio.timeout(within):
                return await self._idle.get()
        except TimeoutError as error:
            raise NoLine from error

    def _make(self) -> None:
        if (self._making is None or self._making.done()) and self._live < self._most:
            self._making = asyncio.create_task(self._made())

    async def _made(self) -> None:
        try:
            await self.connect()
        except FAILURES:
            self._failed()

    def _end(self, line: Redis) -> None:
        ending = asyncio.create_task(_closed(line))
        self._tasks.add(ending)
        ending.add_done_callback(self._tasks.discard)


async def _closed(line: Redis) -> None:
    try:
        await line.aclose()
    except FAILURES:
        return
