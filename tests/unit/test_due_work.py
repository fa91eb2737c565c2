"""The worker's loop: every due row gets its step, a failure is tried again later, and an end waits for what runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import Unavailable
from domain.meter import NoMeter
from domain.tasks import Task
from server.due_work import AT_ONCE, DueWork, Step
from tests.support.fakes import FakeClock
from tests.support.waiting import eventually


def a_task(number: int, kind: str = "poll") -> Task:
    return Task(
        kind=kind,
        subject_id=UUID(int=number),
        due_at=FakeClock().now(),
        attempts=1,
        causation_id="cause",
        correlation_id="saga",
        trace={},
        lease=UUID(int=number),
    )


@dataclass
class Rows:
    """Due rows in memory; what was settled is kept with when it is due again."""

    waiting: list[Task] = field(default_factory=list)
    settled: dict[int, tuple[datetime | None, str]] = field(default_factory=dict)
    away: int = 0
    looks: int = 0

    async def claim(self, now: datetime, *, lease_seconds: float, limit: int) -> Sequence[Task]:  # noqa: ARG002 -- the port's
        self.looks += 1
        if self.away:
            self.away -= 1
            raise Unavailable
        claimed, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return claimed

    async def settle(self, task: Task, again_at: datetime | None, error: str = "") -> None:
        self.settled[task.subject_id.int] = again_at, error


@asynccontextmanager
async def working(rows: Rows, step: Step, woken: asyncio.Event | None = None) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    poll = 60.0 if woken else 0.05  # who is to be woken must not be helped by the poll
    work = DueWork(rows, {"poll": step}, FakeClock(), NoMeter(), woken or asyncio.Event(), poll=poll)
    running = asyncio.create_task(work.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


async def test_every_due_row_gets_its_step_and_is_done_or_due_again() -> None:
    rows, again = Rows([a_task(number) for number in range(40)]), FakeClock().now() + timedelta(minutes=1)

    async def step(task: Task) -> datetime | None:
        return again if task.subject_id.int % 2 else None

    async with working(rows, step):
        await eventually(lambda: len(rows.settled) == 40)
    assert rows.settled == {number: (again if number % 2 else None, "") for number in range(40)}


async def test_a_step_that_fails_is_tried_again_later_and_harms_no_other() -> None:
    rows = Rows([a_task(1), replace(a_task(2), attempts=3), a_task(3, kind="unheard of"), a_task(4)])

    async def step(task: Task) -> datetime | None:
        if task.subject_id.int < 4:
            raise ZeroDivisionError
        return None

    async with working(rows, step):
        await eventually(lambda: len(rows.settled) == 4)
    now = FakeClock().now()
    assert rows.settled == {
        1: (now + timedelta(seconds=2), "ZeroDivisionError"),
        2: (now + timedelta(seconds=8), "ZeroDivisionError"),
        3: (now + timedelta(seconds=2), "KeyError"),
        4: (None, ""),
    }


async def test_no_more_run_at_once_than_there_are_places() -> None:
    rows, inside, most, go = Rows([a_task(number) for number in range(50)]), 0, 0, asyncio.Event()

    async def step(_: Task) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go.wait()
        inside -= 1

    async with working(rows, step):
        await eventually(lambda: inside == AT_ONCE)
        go.set()
        await eventually(lambda: len(rows.settled) == 50)
    assert most == AT_ONCE


async def test_a_database_that_is_away_is_waited_for() -> None:
    rows = Rows([a_task(1)], away=2)

    async def step(_: Task) -> None:
        return None

    async with working(rows, step):
        await eventually(lambda: 1 in rows.settled)


async def test_stopping_waits_for_the_steps_under_way() -> None:
    rows, begun, go = Rows([a_task(1)]), asyncio.Event(), asyncio.Event()

    async def step(_: Task) -> None:
        begun.set()
        await go.wait()

    async with working(rows, step) as stop:
        await asyncio.wait_for(begun.wait(), 5)
        stop.set()
        await asyncio.sleep(0)
        assert rows.settled == {}
        go.set()
    assert rows.settled == {1: (None, "")}


async def test_a_wake_up_is_heard_at_once() -> None:
    rows, woken = Rows(), asyncio.Event()

    async def step(_: Task) -> None:
        return None

    async with working(rows, step, woken):
        await eventually(lambda: rows.looks > 0)
        rows.waiting.append(a_task(1))
        woken.set()
        await eventually(lambda: 1 in rows.settled, within=5)
