"""Who in this process waits for news about which key: one notice wakes those it concerns, and nobody else.

Notices can get lost with a connection or a process, so that nobody waits for one alone: an ear also opens by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

PATIENCE: Final = 5.0
"""Seconds, give or take a fifth, after which an ear opens by itself: the dice keep watchers from reading in step."""


class Newsroom:
    """Answers `domain.events.News` from the notices of the channel `persistence.wake.NEWS`."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._ears: dict[str, set[NewsEar]] = {}

    def heard(self, payload: str) -> None:
        """A notice came: the keys that it names, or all when it names none."""
        for key in payload.split(",") if payload else [*self._ears]:
            for ear in self._ears.get(key, ()):
                ear.open()

    @contextmanager
    def about(self, key: str) -> Iterator[NewsEar]:
        """An ear for a key."""
        ear = NewsEar(self._patience)
        self._ears.setdefault(key, set()).add(ear)
        try:
            yield ear
        finally:
            self._ears[key].discard(ear)
            if not self._ears[key]:
                del self._ears[key]


class NewsEar:
    """See `domain.events.Ear`. Any number of notices while nobody asks are one."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._opened = asyncio.Event()

    def open(self) -> None:
        """Something may have happened."""
        self._opened.set()

    async def heard(self) -> None:
        """Wait for news, or until the patience is at its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience * random.uniform(0.8, 1.2)):
                await self._opened.wait()
        self._opened.clear()
