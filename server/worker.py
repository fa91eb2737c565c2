"""The role `worker`: duties that are due again and again, each in its own rhythm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from domain.errors import Unavailable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do every so many seconds, the first time at once."""

    name: str
    every: float
    run: Callable[[], Awaitable[None]]


class Worker:
    """Runs duties until it is told to stop. A duty whose database is away is tried again at its next turn."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties = duties

    async def run(self, stop: asyncio.Event) -> None:
        """Run all duties, each in a task of its own. Raises what a duty raises, Unavailable excepted."""
        async with asyncio.TaskGroup() as group:
            for duty in self._duties:
                group.create_task(_repeat(duty, stop))


async def _repeat(duty: Duty, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await duty.run()
        except Unavailable as error:
            _log.warning("%s waits for the database", duty.name, extra={"cause": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), duty.every)
