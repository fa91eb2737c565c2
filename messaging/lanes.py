"""Keyed lanes: messages of one key are applied one after the other, those of different keys side by side.

Under load a lane takes a batch: at most one message per key, in one transaction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from domain.cancellation import ended
from domain.events import Received
from domain.meter import Meter
from messaging.broker import Delivery

LANES: Final = 16
BATCH: Final = 32
"""Messages that one transaction takes at most."""
TURNS: Final = 3
"""Lanes that work at once: enough to keep the database busy, few enough for the others to gather a batch meanwhile."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery on its lane, read."""

    delivery: Delivery
    message: Received


Settle = Callable[[Sequence[Waiting]], Awaitable[None]]
"""Applies a batch and acks it."""


class Lanes:
    """Runs `settle` over batches, one at a time per lane.

    The first failure empties all lanes and sets `failed`; `put` and `drain` raise it.
    """

    def __init__(self, settle: Settle, meter: Meter) -> None:
        self._settle = settle
        self._meter = meter
        self._lanes = [deque[Waiting]() for _ in range(LANES)]
        self._running: dict[int, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(TURNS)
        self._error: BaseException | None = None
        self.failed = asyncio.Event()

    def put(self, waiting: Waiting) -> None:
        """Queue a message on its key's lane. Raises what a lane failed with."""
        if self._error is not None:
            raise self._error
        number = crc32(waiting.message.key.encode()) % LANES
        self._lanes[number].append(waiting)
        if number not in self._running:
            self._start(number)

    async def drain(self) -> None:
        """Wait until every lane is empty. Raises what a lane failed with."""
        while self._running:
            await asyncio.wait(self._running.values())
            # The callbacks that empty `_running` run on the loop's next turn.
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error

    async def cancel(self) -> None:
        """Drop what waits and stop what runs; the broker delivers it again."""
        for lane in self._lanes:
            lane.clear()
        await ended(self._running.values())

    def _start(self, number: int) -> None:
        task = asyncio.create_task(self._run(number), name=f"lane-{number}")
        self._running[number] = task
        task.add_done_callback(lambda done: self._ended(number, done))

    async def _run(self, number: int) -> None:
        lane = self._lanes[number]
        # One turn of the loop lets the deliveries that came in the same breath join the batch.
        await asyncio.sleep(0)
        while lane:
            async with self._turns:
                self._meter.gauge("acerto_lane_depth", sum(map(len, self._lanes)))
                await self._settle(take(lane))

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        self._running.pop(number, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self.failed.set()
            for lane in self._lanes:
                lane.clear()
        elif self._lanes[number]:
            # It came after the task's last look and before this callback.
            self._start(number)


def take(lane: deque[Waiting]) -> list[Waiting]:
    """The next batch of a lane: from its head, in order, up to the first message whose key the batch already has."""
    batch: list[Waiting] = []
    keys: set[str] = set()
    ids: set[str] = set()
    while lane and len(batch) < BATCH:
        message = lane[0].message
        if message.key in keys or message.message_id in ids:
            break
        keys.add(message.key)
        ids.add(message.message_id)
        batch.append(lane.popleft())
    return batch
