"""The role `worker`: takes due rows and does what they say, any number of workers side by side.

A row is held by lease while its step runs; a worker that dies gives it back when the lease ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from domain.cancellation import ended
from domain.clock import Clock
from domain.errors import DomainError, Unavailable
from domain.failpoints import reach
from domain.meter import Meter
from domain.tasks import Task, Tasks

_log = logging.getLogger(__name__)

AT_ONCE: Final = 16
POLL: Final = 0.5
"""Seconds between looks when nobody wakes us."""

Step = Callable[[Task], Awaitable[datetime | None]]
"""Does what a task says; answers when to try again, or None when it is done."""


class DueWork:
    """Runs steps until it is told to stop. `woken` is set after a commit that left due work."""

    def __init__(
        self,
        tasks: Tasks,
        steps: Mapping[str, Step],
        clock: Clock,
        meter: Meter,
        woken: asyncio.Event,
        *,
        lease: float = 60.0,
        poll: float = POLL,
    ) -> None:
        """`lease` are the seconds for one step, more than a provider's call may last."""
        self._lease = lease
        self._poll = poll
        self._tasks = tasks
        self._steps = steps
        self._clock = clock
        self._meter = meter
        self._woken = woken
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the steps under way are finished. The database may come and go."""
        try:
            while not stop.is_set():
                self._woken.clear()
                if not await self._begin():
                    await self._rest(stop)
            while self._running:
                await asyncio.wait(self._running)
        finally:
            await ended(self._running)

    async def _begin(self) -> bool:
        """Claim what is due and begin it; answers whether there may be more."""
        free = AT_ONCE - len(self._running)
        if not free:
            return False
        try:
            claimed = await self._tasks.claim(self._clock.now(), lease_seconds=self._lease, limit=free)
        except Unavailable as error:
            _log.warning("due work waits for the database", extra={"cause": str(error)})
            return False
        reach("worker.after_claim")
        for task in claimed:
            running = asyncio.create_task(self._do(task), name=task.kind)
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        return len(claimed) == free

    async def _do(self, task: Task) -> None:
        outcome, error = "done", ""
        try:
            async with asyncio.timeout(self._lease * 0.9):
                again_at = await self._steps[task.kind](task)
            reach("worker.before_settle")
            outcome = "again" if again_at else "done"
        except Exception as failure:  # noqa: BLE001 -- whatever it is, the row is kept and tried again, and it is told
            outcome, error = "failed", _named(failure)
            _log.warning("due work failed", extra=_told(task) | {"cause": error}, exc_info=_odd(failure))
            again_at = self._clock.now() + timedelta(seconds=min(300.0, 2.0 ** min(task.attempts, 9)))
        self._meter.count("acerto_tasks_total", kind=task.kind, outcome=outcome)
        try:
            await self._tasks.settle(task, again_at, error)
        except Unavailable as failure:
            _log.warning("due work is settled by its lease", extra=_told(task) | {"cause": str(failure)})

    async def _rest(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._woken.wait())]
        pause = self._poll * random.uniform(0.8, 1.2)
        await asyncio.wait([*waits, *self._running], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _named(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure.code}" if isinstance(failure, DomainError) else type(failure).__name__


def _odd(failure: Exception) -> Exception | None:
    """What deserves a traceback: not the database being away, not a lost race."""
    return None if isinstance(failure, DomainError | TimeoutError) else failure


def _told(task: Task) -> dict[str, object]:
    return {"kind": task.kind, "subject_id": str(task.subject_id), "attempts": task.attempts}
