"""One run for all who want the same thing at the same time."""

from __future__ import annotations

import asyncio

import pytest

from domain.single_flight import Flights


class Run:
    """Counts its runs, and lands when it is let."""

    def __init__(self) -> None:
        self.runs = 0
        self.ended = 0
        self.let = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        try:
            await self.let.wait()
        finally:
            self.ended += 1
        return self.runs


async def begun(run: Run) -> None:
    while not run.runs:  # noqa: ASYNC110 -- a turn of the loop is all that is waited for
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_many_who_want_the_same_run_once_and_those_who_want_another_thing_run_it() -> None:
    flights, run, other = Flights[int](), Run(), Run()
    waiters = [asyncio.create_task(flights.join("key", run)) for _ in range(50)]
    waiters.append(asyncio.create_task(flights.join("other", other)))
    await begun(run)
    run.let.set()
    other.let.set()
    assert await asyncio.gather(*waiters) == [1] * 51
    assert (run.runs, other.runs) == (1, 1)


async def test_whoever_comes_after_the_landing_runs_anew() -> None:
    flights, run = Flights[int](), Run()
    run.let.set()
    assert [await flights.join("key", run), await flights.join("key", run)] == [1, 2]


async def test_a_waiter_that_is_cancelled_does_not_cancel_the_others() -> None:
    flights, run = Flights[int](), Run()
    first, second = (asyncio.create_task(flights.join("key", run)) for _ in range(2))
    await begun(run)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    run.let.set()
    assert await second == 1
    assert run.runs == 1


async def test_a_run_that_nobody_waits_for_any_more_is_ended_and_not_joined() -> None:
    flights, run = Flights[int](), Run()
    waiters = [asyncio.create_task(flights.join("key", run)) for _ in range(3)]
    await begun(run)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    anew = Run()
    anew.let.set()
    assert await flights.join("key", anew) == 1
    assert (run.ended, anew.runs) == (1, 1)


async def test_a_failure_reaches_every_waiter_and_is_forgotten() -> None:
    flights = Flights[int]()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise LookupError

    told = await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [LookupError] * 3
    run = Run()
    run.let.set()
    assert await flights.join("key", run) == 1
