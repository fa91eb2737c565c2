"""The wake-up on a real PostgreSQL: soon, seldom, and back by itself when its connection was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from persistence.engine import Database
from persistence.wake import CHANNEL, DEBOUNCE, Listener, Notifier, running
from tests.support.waiting import eventually

KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
"""


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[asyncio.Event]:
    """A listener that is up: it sets its event once by itself when it begins to listen."""
    woken = asyncio.Event()
    async with running(Listener(Database(url), woken.set).run):
        await asyncio.wait_for(woken.wait(), 5)
        woken.clear()
        yield woken


async def test_a_notice_wakes_a_listener_on_another_connection_at_once(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    async with listening(database_url) as woken, running(notify.run):
        for _ in range(5):
            notify()
            began = time.monotonic()
            await asyncio.wait_for(woken.wait(), 2)
            assert time.monotonic() - began < 2
            woken.clear()
            await asyncio.sleep(2 * DEBOUNCE)


async def test_wake_ups_without_a_pause_are_few_notices(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    seen = 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        async with running(notify.run):
            began = time.monotonic()
            while (took := time.monotonic() - began) < 0.3:
                notify()
                await asyncio.sleep(DEBOUNCE / 20)
            async for _ in connection.notifies(timeout=0.5):
                seen += 1
    assert 1 <= seen <= took / DEBOUNCE + 2


async def test_a_wake_up_that_nobody_sends_yet_neither_blocks_nor_fails() -> None:
    notify = Notifier(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    notify()
    async with running(notify.run):
        await asyncio.sleep(0.05)
        notify()


async def test_a_listener_that_lost_its_connection_comes_back_and_looks_at_once(database_url: str) -> None:
    async with listening(database_url) as woken:
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-listen",))
        await asyncio.wait_for(woken.wait(), 5)


async def test_a_notifier_that_lost_its_connection_comes_back(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    async with listening(database_url) as woken, running(notify.run):
        notify()
        await asyncio.wait_for(woken.wait(), 2)
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-notify",))
        woken.clear()

        def asked_again() -> bool:
            notify()
            return woken.is_set()

        await eventually(asked_again, within=5, what="a notice after the loss")
