"""What must be true before anything is served: each part we depend on is there, and is as this version needs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

_log = logging.getLogger(__name__)

_LONGEST_WAIT = 2.0
"""Seconds between two looks at a part that is away."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A part outside the process. `away` are the errors of `ping` and `prepare` that waiting can mend.

    `kept` are the seconds for which a good ping stands.
    """

    name: str
    where: str
    ping: Callable[[], Awaitable[object]]
    prepare: Callable[[], Awaitable[object]]
    away: tuple[type[Exception], ...]
    kept: float = 1.0


class Preparation:
    """Waits for the dependencies, prepares each once, and then lets everybody else begin."""

    def __init__(self, dependencies: Sequence[Dependency], done: Callable[[], None]) -> None:
        self._dependencies = dependencies
        self._done = done
        self._ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Prepare, then wait to be stopped. Raises what a dependency's `prepare` refuses for good."""
        for dependency in self._dependencies:
            if not await _prepared(dependency, stop):
                return
        self._done()
        self._ready.set()
        await stop.wait()

    def first(self, run: Callable[[asyncio.Event], Awaitable[None]]) -> Callable[[asyncio.Event], Awaitable[None]]:
        """The same work, begun only when everything is prepared."""

        async def afterwards(stop: asyncio.Event) -> None:
            if await _either(self._ready, stop):
                await run(stop)

        return afterwards


async def _prepared(dependency: Dependency, stop: asyncio.Event) -> bool:
    """Wait for it and prepare it, saying so once; False when `stop` came first."""
    pause, told = 0.1, False
    while not stop.is_set():
        try:
            await dependency.ping()
            await dependency.prepare()
        except dependency.away as error:
            if not told:
                cause = type(error).__name__
                _log.warning("waiting for the %s at %s (%s)", dependency.name, dependency.where, cause)
            told = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(_LONGEST_WAIT, pause * 2)
        else:
            if told:
                _log.info("the %s is there", dependency.name)
            return True
    return False


async def _either(ready: asyncio.Event, stop: asyncio.Event) -> bool:
    """Wait for one of them; whether it was `ready`."""
    waits = [asyncio.ensure_future(event.wait()) for event in (ready, stop)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not stop.is_set()
