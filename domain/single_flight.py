"""One run for all who want the same thing at the same time: the others wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """The runs under way, by key. A waiter that is cancelled harms nobody: a run goes on while anybody waits for it."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[T]] = {}
        self._waiting: dict[Hashable, int] = {}

    async def join(self, key: Hashable, run: Callable[[], Awaitable[T]]) -> T:
        """What the key's run under way gives, or raises; without one, this run's."""
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.ensure_future(_coroutine(run))
            task.add_done_callback(lambda ended: self._landed(key, ended))
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._leave(key, task)

    def _leave(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._flying.get(key) is not task:
            return
        self._waiting[key] -= 1
        if not self._waiting[key]:
            # Nobody wants it any more. Whoever comes now begins anew.
            self._landed(key, task)
            task.cancel()

    def _landed(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._flying.get(key) is task:
            del self._flying[key], self._waiting[key]
        if task.done() and not task.cancelled():
            task.exception()  # marks it as seen, also when the last waiter left just before


async def _coroutine(run: Callable[[], Awaitable[T]]) -> T:
    return await run()
