"""Facts and orders that keep coming while a test makes its trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID

import psycopg

from tests.support.os_service import OSService
from tests.support.outbox_feed import Feed
from tests.support.waiting import eventually

KEYS = [f"key-{n}" for n in range(24)]
_PAUSE = 0.04


@asynccontextmanager
async def fed(feed: Feed, *, padding: int = 0) -> AsyncIterator[None]:
    """Facts keep coming while the block runs: each commit has one of every key, and two of a few."""

    async def write() -> None:
        await asyncio.to_thread(feed.commit, [*KEYS, *KEYS[:6]], padding=padding)

    async with repeated(write):
        yield


@asynccontextmanager
async def ordered(partner: OSService) -> AsyncIterator[None]:
    """Orders keep coming while the block runs; every third is canceled at once."""
    numbers = count(1)

    async def write() -> None:
        number = next(numbers)
        await partner.order(UUID(int=number))
        if number % 3 == 0:
            await partner.cancel(UUID(int=number))

    async with repeated(write):
        yield


@asynccontextmanager
async def repeated(write: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do it again and again while the block runs; the last one is finished, however long that takes."""
    stop = asyncio.Event()

    async def go_on() -> None:
        while not stop.is_set():
            await write()
            await asyncio.sleep(_PAUSE)

    going = asyncio.create_task(go_on())
    try:
        yield
    finally:
        stop.set()
        await going


async def grows(partner: OSService, by: int, *, within: float = 30.0) -> None:
    """Wait until that many more deliveries came."""
    goal = len(partner.heard) + by
    await eventually(lambda: len(partner.heard) >= goal, within=within, what=f"{by} more deliveries")


async def rises(count: Callable[[], int], to: int, *, within: float = 30.0) -> None:
    """Wait until a count is at least that."""
    await eventually(lambda: count() >= to, within=within, what=f"a count of {to}")


def end_sessions(database_url: str, name: str) -> int:
    """Terminate the sessions whose application is LIKE this; answers how many there were."""
    end = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE application_name LIKE %s AND datname = current_database() AND pid <> pg_backend_pid()"""
    with psycopg.connect(database_url, autocommit=True) as session:
        row = session.execute(end, (name,)).fetchone()
    assert row
    return int(row[0])
