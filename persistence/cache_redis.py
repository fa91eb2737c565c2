"""The cache in Redis, shared by all processes. It is a help, never a need: away, slow or broken, it is a miss.

After a failure it is left alone for a while, so that a dead Redis costs a request nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.meter import Meter

PREFIX: Final = "acerto:"
TIME_LIMIT: Final = 0.05
"""Seconds for one question, the connection included. The database answers in less than ten milliseconds."""
PAUSE: Final = 1.0
"""Seconds for which a Redis that failed is not asked."""
CONNECTIONS: Final = 16
_FAILURES: Final = (RedisError, OSError, TimeoutError)


class RedisCache:
    """Answers `domain.eligibility.ports.Cache`. Use it in `opened`."""

    def __init__(
        self,
        url: str,
        meter: Meter,
        *,
        prefix: str = PREFIX,
        time_limit: float = TIME_LIMIT,
        pause: float = PAUSE,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is redis://..; `time_limit` are the seconds for one question, `pause` those after a failure."""
        self._meter = meter
        self._prefix = prefix
        self._limit = time_limit
        self._pause = pause
        self._timer = timer
        self._left_alone_until: float | None = None
        self._redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url, max_connections=CONNECTIONS, timeout=time_limit, retry=Retry(NoBackoff(), 0)
            )
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RedisCache]:
        """The cache; its connections are made when they are needed, and end with the block."""
        try:
            yield self
        finally:
            await self._redis.aclose()
            await self._redis.connection_pool.disconnect()

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none, it has ended, or nobody can say."""
        value: bytes | None = await self._asked(lambda: self._redis.get(self._prefix + key))
        self._meter.count("acerto_cache_misses_total" if value is None else "acerto_cache_hits_total", cache="redis")
        return value

    async def found(self, key: str) -> tuple[bytes, float] | None:
        """The value, and for how many seconds more it is there; None as `get`."""
        found: tuple[bytes, float] | None = await self._asked(lambda: self._with_time_left(self._prefix + key))
        self._meter.count("acerto_cache_misses_total" if found is None else "acerto_cache_hits_total", cache="redis")
        return found

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds at most, if it can be."""
        milliseconds = int(ttl * 1000)
        if milliseconds > 0:
            await self._asked(lambda: self._redis.set(self._prefix + key, value, px=milliseconds))

    async def ping(self) -> None:
        """One round trip, whatever happened before. Raises what the driver raises."""
        async with asyncio.timeout(max(self._limit, 1.0)):
            await self._redis.ping()

    async def _with_time_left(self, key: str) -> tuple[bytes, float] | None:
        async with self._redis.pipeline(transaction=True) as both:
            both.get(key)
            both.pttl(key)
            value, milliseconds = await both.execute()
        return None if value is None else (value, milliseconds / 1000)

    async def _asked(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis answers, or None when it does not."""
        now = self._timer()
        if self._left_alone_until is not None:
            if now < self._left_alone_until:
                return None
            # One asks whether it is back; the others go on without it until that one knows.
            self._left_alone_until = now + self._pause
        try:
            async with asyncio.timeout(self._limit):
                answer = await ask()
        except _FAILURES:
            self._left_alone_until = self._timer() + self._pause
            self._meter.count("acerto_cache_failures_total", cache="redis")
            return None
        self._left_alone_until = None
        return answer
