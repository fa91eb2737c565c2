"""The partner's queue as the benchmarks see it: how much is in it, and emptied between rounds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel

from tests.support.waiting import eventually

PARTNER: Final = "os-events"
_LOOK: Final = 0.02


class PartnerQueue:
    """Counts by asking the broker, which costs next to nothing: a consumer would take a core from what is measured."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    async def count(self) -> int:
        """Messages that wait."""
        declared = await self._channel.declare_queue(PARTNER, passive=True)
        return declared.declaration_result.message_count or 0

    async def empty(self) -> None:
        """Drop all that waits."""
        await (await self._channel.get_queue(PARTNER)).purge()

    async def reaches(self, wanted: int, *, within: float) -> float:
        """The moment (time.perf_counter) at which so many wait. Raises AssertionError after so many seconds."""

        async def there() -> bool:
            return await self.count() >= wanted

        await eventually(there, within=within, every=_LOOK, what=f"{wanted} messages in {PARTNER}")
        return time.perf_counter()


@asynccontextmanager
async def partner_queue(url: str) -> AsyncIterator[PartnerQueue]:
    """The queue, on an independent client's connection."""
    async with await aio_pika.connect(url, timeout=10) as connection:
        yield PartnerQueue(await connection.channel())
