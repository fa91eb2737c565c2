"""The wake-up on a real PostgreSQL: soon, seldom, and back by itself when its connection was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg

from persistence.engine import Database
from persistence.wake import DEBOUNCE, NEWS, WORK, Listener, Notifier, running
from tests.support.waiting import eventually

KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
"""


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[asyncio.Event]:
    """A listener that is up: it sets its event once by itself when it begins to listen."""
    woken = asyncio.Event()
    async with running(Listener(Database(url), {WORK: lambda _: woken.set()}).run):
        await asyncio.wait_for(woken.wait(), 5)
        woken.clear()
        yield woken


async def test_a_notice_wakes_a_listener_on_another_connection_at_once(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    async with listening(database_url) as woken, running(notify.run):
        for _ in range(5):
            notify.work()
            began = time.monotonic()
            await asyncio.wait_for(woken.wait(), 2)
            assert time.monotonic() - began < 2
            woken.clear()
            await asyncio.sleep(2 * DEBOUNCE)


async def test_wake_ups_without_a_pause_are_few_notices(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    seen = 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {WORK}".encode())
        async with running(notify.run):
            began = time.monotonic()
            while (took := time.monotonic() - began) < 0.3:
                notify.work()
                await asyncio.sleep(DEBOUNCE / 20)
            async for _ in connection.notifies(timeout=0.5):
                seen += 1
    assert 1 <= seen <= took / DEBOUNCE + 2


async def test_a_wake_up_that_nobody_sends_yet_neither_blocks_nor_fails() -> None:
    notify = Notifier(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    notify.work()
    async with running(notify.run):
        await asyncio.sleep(0.05)
        notify.work()


async def test_a_listener_that_lost_its_connection_comes_back_and_looks_at_once(database_url: str) -> None:
    async with listening(database_url) as woken:
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-listen",))
        await asyncio.wait_for(woken.wait(), 5)


async def test_a_notifier_that_lost_its_connection_comes_back(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    async with listening(database_url) as woken, running(notify.run):
        notify.work()
        await asyncio.wait_for(woken.wait(), 2)
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-notify",))
        woken.clear()

        def asked_again() -> bool:
            notify.work()
            return woken.is_set()

        await eventually(asked_again, within=5, what="a notice after the loss")


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[list[str]]:
    """The payloads of news, from a listener that is up."""
    heard: list[str] = []
    async with running(Listener(Database(url), {NEWS: heard.append}).run):
        await eventually(lambda: heard, within=5)
        heard.clear()
        yield heard


async def test_news_names_the_keys_it_is_about_together_and_each_once(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    for key in ("b", "a", "b"):
        notify.news([key])
    async with hearing(database_url) as heard, running(notify.run):
        await eventually(lambda: heard, within=5)
        notify.work()
        notify.news(["c"])
        await eventually(lambda: len(heard) == 2, within=5)
    assert heard == ["a,b", "c"]


async def test_more_keys_than_a_payload_takes_go_in_several_and_none_is_left_out(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    keys = {str(uuid4()) for _ in range(1000)}
    notify.news(keys)
    async with hearing(database_url) as heard, running(notify.run):
        await eventually(lambda: {key for payload in heard for key in payload.split(",")} == keys, within=5)
    assert 1 < len(heard) <= 5


async def test_news_that_could_not_be_sent_is_sent_when_the_database_is_back(database_url: str) -> None:
    notify = Notifier(Database(database_url))
    async with hearing(database_url) as heard, running(notify.run):
        notify.news(["first"])
        await eventually(lambda: heard == ["first"], within=5)
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-notify",))
        notify.news(["second"])
        await eventually(lambda: heard == ["first", "second"], within=5)


async def test_a_listener_that_comes_back_says_that_anything_may_have_been_missed(database_url: str) -> None:
    async with hearing(database_url) as heard:
        with psycopg.connect(database_url, autocommit=True) as session:
            session.execute(KILL.encode(), ("acerto-listen",))
        await eventually(lambda: heard == [""], within=5)
