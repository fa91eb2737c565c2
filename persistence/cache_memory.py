"""The cache in the process: bounded, each entry with its own end; the least used goes first when it is full."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cachetools import TLRUCache

from domain.meter import Meter

ENTRIES: Final = 20_000
"""Entries at most; one has some 500 bytes."""


class _Entry(NamedTuple):
    value: bytes
    ttl: float


class MemoryCache:
    """Answers `domain.eligibility.ports.Cache`; what it holds goes with the process. `timer` counts seconds."""

    def __init__(self, meter: Meter, *, entries: int = ENTRIES, timer: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._kept = _Counted(meter, entries, timer)

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none or it has ended."""
        try:
            value = self._kept[key].value  # `get` would look twice
        except KeyError:
            self._meter.count("acerto_cache_misses_total", cache="memory")
            return None
        self._meter.count("acerto_cache_hits_total", cache="memory")
        return value

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds at most."""
        self._kept[key] = _Entry(value, ttl)


class _Counted(TLRUCache[str, _Entry]):
    """Counts what has to go before its end."""

    def __init__(self, meter: Meter, entries: int, timer: Callable[[], float]) -> None:
        super().__init__(entries, lambda _, entry, now: now + entry.ttl, timer)
        self._meter = meter

    def popitem(self) -> tuple[str, _Entry]:
        """Make room for one more."""
        self._meter.count("acerto_cache_evictions_total", cache="memory")
        return super().popitem()
