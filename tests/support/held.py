"""Queries and commits that wait or fail as a test wants: how a request is caught in the middle."""

from __future__ import annotations

import asyncio
from uuid import UUID

from domain.actor import Actor
from tests.support.fakes import FakeQueries
from tests.support.served import Scene


class SlowQueries(FakeQueries):
    """Answers when it is told to; `asked` is set as soon as somebody waits."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.left = asyncio.Event()

    async def budget(self, _actor: Actor, _budget_id: UUID) -> None:
        self.asked.set()
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


class BrokenQueries(FakeQueries):
    """Fails as given."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def budget(self, _actor: Actor, _budget_id: UUID) -> None:
        raise self._error


class HeldCommit:
    """Holds a commit in the middle until it is released."""

    def __init__(self, scene: Scene) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        scene.store.before_commit = self._hold

    async def _hold(self) -> None:
        self.begun.set()
        await self.release.wait()
