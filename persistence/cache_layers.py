"""Two caches as one: what the process has been told lately is not asked of Redis again.

Both hold the same bytes under keys that name the generations, so that the near one is never older than the far one.
"""

from __future__ import annotations

from typing import Protocol

from domain.eligibility.ports import Cache


class FarCache(Cache, Protocol):
    """A cache that tells how long it will have a thing."""

    async def found(self, key: str) -> tuple[bytes, float] | None:
        """The value, and for how many seconds more it is there; None as `get`."""
        ...


class LayeredCache:
    """Answers `domain.eligibility.ports.Cache`: `near` is asked first."""

    def __init__(self, near: Cache, far: FarCache) -> None:
        self._near = near
        self._far = far

    async def get(self, key: str) -> bytes | None:
        """The value, from the near one if it has it."""
        value = await self._near.get(key)
        if value is not None:
            return value
        found = await self._far.found(key)
        if found is None:
            return None
        await self._near.put(key, *found)
        return found[0]

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep it in both."""
        await self._near.put(key, value, ttl)
        await self._far.put(key, value, ttl)
