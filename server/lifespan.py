"""What runs together, and how it ends: one signal asks for an orderly stop, a second one stops at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from domain.cancellation import ended

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs until its event is set, and then ends in its own time.

    `run` must return soon after the event is set; it is cancelled when it takes longer than the grace.
    """

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class PartFailed(Exception):
    """A part ended without being asked to; the text names it, the cause says why."""


class Signals:
    """SIGINT and SIGTERM while the block runs: `first` is set by one, `second` by the next."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def _heard(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


async def serve(
    parts: Sequence[Part],
    *,
    grace: float,
    stopping: Callable[[], None] = lambda: None,
    enough: asyncio.Event | None = None,
) -> None:
    """Run the parts until a signal comes or one of them ends; then stop them one by one, the last one first.

    `enough` asks for the same orderly stop as a signal does, when the program itself has done what it was run for.
    `stopping` is called before the first part is stopped; `grace` are the seconds for all of them together.
    Raises PartFailed when a part ended without being asked to.
    """
    with Signals() as signals:
        tasks = [asyncio.create_task(_named(part), name=part.name) for part in parts]
        try:
            await _first_of([signals.first, *([enough] if enough else [])], tasks)
            stopping()
            failed = [task for task in tasks if task.done()]
            await _stop(list(zip(parts, tasks, strict=True)), signals.second, grace)
        finally:
            await ended(tasks)
    if failed:
        raise PartFailed(f"{failed[0].get_name()} ended without being asked to") from failed[0].exception()


async def _named(part: Part) -> None:
    await part.run(part.stop)


async def _first_of(events: Sequence[asyncio.Event], tasks: Sequence[asyncio.Task[None]]) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([*waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waiting:
            wait.cancel()


async def _stop(running: list[tuple[Part, asyncio.Task[None]]], at_once: asyncio.Event, grace: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + grace
    hurry = asyncio.create_task(at_once.wait())
    try:
        for part, task in reversed(running):
            part.stop.set()
            left = max(0.0, until - loop.time())
            await asyncio.wait([task, hurry], timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hurry.cancel()
