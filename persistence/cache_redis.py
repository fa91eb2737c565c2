"""The cache in Redis, shared by all processes. It is a help, never a need: away, slow or broken, it is a miss.

After a failure it is left alone for a while, so that a dead Redis costs a request nothing. Nor does a new connection:
it is made beside the questions, which go without an answer until it is there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from domain.meter import Meter
from persistence.cache_lines import FAILURES, Lines, NoLine

PREFIX: Final = "acerto:"
TIME_LIMIT: Final = 0.05
"""Seconds for one question, which the database answers in less than ten milliseconds, and for a connection in use."""
CONNECT_LIMIT: Final = 1.0
"""Seconds for a connection, until it has answered once."""
PAUSE: Final = 1.0
"""Seconds for which a Redis that failed is not asked."""
CONNECTIONS: Final = 16


class RedisCache:
    """Answers `domain.eligibility.ports.Cache`. Use it in `opened`."""

    def __init__(
        self,
        url: str,
        meter: Meter,
        *,
        prefix: str = PREFIX,
        time_limit: float = TIME_LIMIT,
        connect_limit: float = CONNECT_LIMIT,
        pause: float = PAUSE,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is redis://..; the limits are seconds for a question and for a connection, `pause` after a failure."""
        self._meter = meter
        self._prefix = prefix
        self._limit = time_limit
        self._pause = pause
        self._timer = timer
        self._left_alone_until: float | None = None
        self._lines = Lines(url, self._failed, most=CONNECTIONS, time_limit=connect_limit)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RedisCache]:
        """The cache, with its first connection if it can be made; the connections end with the block."""
        try:
            await self._lines.connect()
        except FAILURES:
            self._failed()
        try:
            yield self
        finally:
            await self._lines.close()

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none, it has ended, or nobody can say."""
        value: bytes | None = await self._asked(lambda redis: redis.get(self._prefix + key))
        self._meter.count("acerto_cache_misses_total" if value is None else "acerto_cache_hits_total", cache="redis")
        return value

    async def found(self, key: str) -> tuple[bytes, float] | None:
        """The value, and for how many seconds more it is there; None as `get`."""
        found: tuple[bytes, float] | None = await self._asked(lambda redis: _with_time_left(redis, self._prefix + key))
        self._meter.count("acerto_cache_misses_total" if found is None else "acerto_cache_hits_total", cache="redis")
        return found

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds at most, if it can be."""
        milliseconds = int(ttl * 1000)
        if milliseconds > 0:
            await self._asked(lambda redis: redis.set(self._prefix + key, value, px=milliseconds))

    async def ping(self) -> None:
        """One round trip, whatever happened before. Raises what the driver raises."""
        await self._lines.must_be_one()
        limit = max(self._limit, 1.0)
        async with self._lines.line(within=limit) as redis, asyncio.timeout(limit):
            await redis.ping()

    async def _asked(self, ask: Callable[[Redis], Awaitable[Any]]) -> Any:
        """What Redis answers, or None when it does not."""
        if self._left_alone_until is not None and self._timer() < self._left_alone_until:
            return None
        try:
            # Who waits in vain for a connection that others use has found nothing out, and its wait is not Redis' time.
            async with self._lines.line(within=self._limit) as redis, asyncio.timeout(self._limit):
                answer = await ask(redis)
        except NoLine:
            return None
        except ResponseError:  # full, read only, still loading: nothing is wrong with the lines
            self._failed()
            return None
        except FAILURES:
            self._lines.end_idle()
            self._failed()
            return None
        self._left_alone_until = None
        return answer

    def _failed(self) -> None:
        self._left_alone_until = self._timer() + self._pause
        self._meter.count("acerto_cache_failures_total", cache="redis")


async def _with_time_left(redis: Redis, key: str) -> tuple[bytes, float] | None:
    async with redis.pipeline(transaction=True) as both:
        both.get(key)
        both.pttl(key)
        value, milliseconds = await both.execute()
    return None if value is None else (value, milliseconds / 1000)
