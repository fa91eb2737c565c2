"""A timeline that is watched on a real PostgreSQL: every entry once, soon, whoever commits it and whatever is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.billing.errors import WorkOrderNotFound
from domain.billing.queries import TimelineEntry
from domain.billing.use_cases.budgets import Decision
from domain.billing.use_cases.watching import READERS, Timelines
from domain.events import Left
from persistence.news import Newsroom
from persistence.views import Views
from persistence.wake import NEWS, Listener, Notifier, running
from tests.support.builders import CALL, an_order, an_os, received
from tests.support.house import House, house
from tests.support.waiting import eventually

ANYBODY = Actor(id="tester")
NEVER = 3600.0
"""Seconds of patience of a watcher that is only ever woken by news."""


class CountedViews(Views):
    """Counts the readings of each timeline, and how many go on at the same time."""

    def __init__(self, home: House) -> None:
        super().__init__(home.database)
        self.read: list[UUID] = []
        self.reading = self.most = 0

    async def timeline_entries(
        self, actor: Actor, work_order_id: UUID, *, after: int | None, limit: int
    ) -> list[TimelineEntry] | None:
        self.read.append(work_order_id)
        self.reading += 1
        self.most = max(self.most, self.reading)
        try:
            return await super().timeline_entries(actor, work_order_id, after=after, limit=limit)
        finally:
            self.reading -= 1


class Scene:
    """Two processes' worth: `home` commits and has it told, `timelines` listens on a connection of its own."""

    def __init__(self, home: House, patience: float) -> None:
        self.home = home
        self.views = CountedViews(home)
        self.news = Newsroom(patience=patience)
        self.timelines = Timelines(self.views, self.news)
        self.told: set[str] = set()

    async def ordered(self, os: int) -> int:
        """A work order whose news have all been heard; answers its last sequence."""
        await self.home.billing.create_budget(CALL, an_order(os))
        await eventually(lambda: str(an_os(os)) in self.told)
        return (await self.sequences(os))[-1]

    async def next(self, os: int, after: int = 0, count: int = 1) -> list[TimelineEntry]:
        """The next entries of a watcher that comes and goes."""
        async with aclosing(self.timelines.watch(ANYBODY, an_os(os), after=after)) as entries:
            return [await asyncio.wait_for(anext(entries), 10) for _ in range(count)]

    async def sequences(self, os: int) -> list[int]:
        """What the log has."""
        statement = "SELECT id FROM work_order_log WHERE work_order_id = %s ORDER BY id"
        return [row["id"] for row in await self.home.rows(statement, an_os(os))]


async def some(entries: AsyncIterator[TimelineEntry], most: int) -> list[TimelineEntry]:
    """The next entries, to an approval, but not more than so many."""
    got: list[TimelineEntry] = []
    while len(got) < most and not (got and got[-1].action == "approve"):
        got.append(await asyncio.wait_for(anext(entries), 20))
    return got


class Told(list[Left]):
    """Passes on to a notifier which keys grew, as the wiring does."""

    def __init__(self, notifier: Notifier) -> None:
        super().__init__()
        self._notifier = notifier

    def append(self, left: Left) -> None:
        super().append(left)
        self._notifier.news(left.keys)


@asynccontextmanager
async def watched(url: str, *, patience: float = NEVER, heard: bool = True) -> AsyncIterator[Scene]:
    """A scene whose listener is up; `heard` False: nobody listens."""
    async with house(url) as opened, AsyncExitStack() as stack:
        notifier = Notifier(opened.database)
        scene = Scene(House(opened.database, Told(notifier)), patience)
        if heard:
            listening = asyncio.Event()

            def hear(payload: str) -> None:
                scene.news.heard(payload)
                scene.told.update(payload.split(","))
                listening.set()

            listener = Listener(opened.database, {NEWS: hear})
            await stack.enter_async_context(running(notifier.run, listener.run))
            await asyncio.wait_for(listening.wait(), 5)
        yield scene


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """Watchers that news alone wakes."""
    async with watched(database_url) as scene:
        yield scene


async def test_under_concurrent_writers_a_watcher_that_reconnects_gets_every_entry_once_in_order(scene: Scene) -> None:
    budget = await scene.home.billing.create_budget(CALL, an_order(1))
    await scene.home.billing.create_budget(CALL, an_order(2))

    async def write(writer: int) -> None:
        for number in range(15):
            await scene.home.billing.update_work_order_status(CALL, an_os(1), f"{writer}-{number}")
            await scene.home.billing.update_work_order_status(CALL, an_os(2), "somebody else's")

    async def watch(leave_after: int) -> list[TimelineEntry]:
        seen: list[TimelineEntry] = []
        while not (seen and seen[-1].action == "approve"):
            after = seen[-1].sequence if seen else 0
            async with aclosing(scene.timelines.watch(ANYBODY, an_os(1), after=after)) as entries:
                seen += await some(entries, leave_after)
        return seen

    watching = [asyncio.create_task(watch(leave_after)) for leave_after in (1, 7, 10_000)]
    await asyncio.gather(*(write(writer) for writer in range(6)))
    await scene.home.billing.approve_budget(CALL, budget.id, Decision())
    every = await scene.sequences(1)
    assert len(every) == 2 + 6 * 15 + 1
    for seen in await asyncio.gather(*watching):
        assert [entry.sequence for entry in seen] == every


async def test_what_is_said_of_a_repair_is_told_though_nobody_outside_hears_of_it(scene: Scene) -> None:
    await scene.home.billing.create_budget(CALL, an_order(1))
    last = (await scene.sequences(1))[-1]
    waiting = asyncio.create_task(scene.next(1, after=last))
    await eventually(lambda: scene.views.read)
    began = time.monotonic()
    await scene.home.billing.update_work_order_status(CALL, an_os(1), "on the lift")
    (entry,) = await waiting
    assert (entry.action, entry.after, entry.event_type) == ("update_status", "on the lift", "")
    assert time.monotonic() - began < 2


async def test_a_partners_event_is_told_with_what_it_changed(scene: Scene) -> None:
    await scene.home.receive(received(1))
    last = (await scene.sequences(1))[-1]
    waiting = asyncio.create_task(scene.next(1, after=last, count=2))
    await eventually(lambda: scene.views.read)
    await scene.home.receive(received(1, event_type="OsCanceled", Reason="sold"))
    came, *_ = await waiting
    assert came.event_type == "OsCanceled"


async def test_one_work_orders_news_makes_no_other_watcher_read(scene: Scene) -> None:
    ends = [await scene.ordered(os) for os in (1, 2)]
    one, other = (asyncio.create_task(scene.next(os, after=end)) for os, end in zip((1, 2), ends, strict=True))
    await eventually(lambda: len(scene.views.read) == 2)
    await scene.home.billing.update_work_order_status(CALL, an_os(1), "on the lift")
    await one
    assert scene.views.read.count(an_os(2)) == 1
    await scene.home.billing.update_work_order_status(CALL, an_os(2), "in the yard")
    await other


async def test_watchers_that_are_all_woken_at_once_read_a_few_at_a_time(scene: Scene) -> None:
    last = await scene.ordered(1)
    waiting = [asyncio.create_task(scene.next(1, after=last)) for _ in range(50)]
    await eventually(lambda: len(scene.views.read) == 50)
    await scene.home.billing.update_work_order_status(CALL, an_os(1), "on the lift")
    assert {entry.after for (entry,) in await asyncio.gather(*waiting)} == {"on the lift"}
    assert 1 < scene.views.most <= READERS


async def test_a_notice_that_is_lost_costs_seconds_and_no_entry(database_url: str) -> None:
    async with watched(database_url, patience=0.1, heard=False) as scene:
        await scene.home.billing.create_budget(CALL, an_order(1))
        last = (await scene.sequences(1))[-1]
        waiting = asyncio.create_task(scene.next(1, after=last))
        await eventually(lambda: scene.views.read)
        await scene.home.billing.update_work_order_status(CALL, an_os(1), "on the lift")
        assert len(await waiting) == 1


async def test_a_listener_that_was_cut_off_makes_every_watcher_read_again_when_it_is_back(scene: Scene) -> None:
    await scene.home.billing.create_budget(CALL, an_order(1))
    last = (await scene.sequences(1))[-1]
    waiting = asyncio.create_task(scene.next(1, after=last))
    await eventually(lambda: scene.views.read)
    await scene.home.kill("acerto-listen")
    await scene.home.billing.update_work_order_status(CALL, an_os(1), "while nobody listened")
    assert [entry.after for entry in await waiting] == ["while nobody listened"]


async def test_what_lies_outside_the_watchers_workshops_is_as_if_absent(scene: Scene) -> None:
    await scene.home.billing.create_budget(CALL, an_order(1))
    guest = Actor(id="guest", workshops=frozenset({"other"}))
    for actor, os in ((guest, 1), (ANYBODY, 2)):
        entries: Any = scene.timelines.watch(actor, an_os(os), after=0)
        with pytest.raises(WorkOrderNotFound):
            await anext(entries)
