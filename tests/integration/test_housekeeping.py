"""Housekeeping on a real PostgreSQL: partitions ahead, old rows let go, and nobody kept waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Unavailable
from persistence.housekeeping import AHEAD, Housekeeping
from tests.support.builders import CALL, an_order, received
from tests.support.fakes import FakeClock
from tests.support.house import House, house
from tests.support.waiting import eventually

PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'outbox_archive'::regclass ORDER BY 1
"""
TODAY = datetime.now(UTC)


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


class Gauges:
    """Keeps the last value of each gauge."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        raise AssertionError(f"{name} is a gauge: {amount} {labels}")

    def observe(self, name: str, value: float, **labels: str) -> None:
        raise AssertionError(f"{name} is a gauge: {value} {labels}")

    def gauge(self, name: str, value: float, **labels: str) -> None:
        assert labels == {}
        self.values[name] = value


async def partitions(home: House) -> list[str]:
    names = [row["name"] for row in await home.rows(PARTITIONS)]
    return [name.removeprefix("outbox_archive_") for name in names]


def days(first: datetime, count: int) -> list[str]:
    return [f"{first + timedelta(days=day):%Y%m%d}" for day in range(count)]


async def publish_one(home: House, os: int) -> None:
    await home.billing.create_budget(CALL, an_order(os))
    await home.publish()


async def test_there_are_partitions_for_today_and_a_week_ahead(home: House) -> None:
    await Housekeeping(home.database, FakeClock(TODAY)).run()
    assert await partitions(home) == [*days(TODAY, AHEAD + 1), "default"]


async def test_what_is_published_today_goes_into_todays_partition(home: House) -> None:
    await Housekeeping(home.database, FakeClock(TODAY)).run()
    await publish_one(home, 1)
    assert await home.value("SELECT count(*) FROM outbox_archive_default") == 0
    assert await home.value("SELECT tableoid::regclass::text FROM outbox_archive") == f"outbox_archive_{TODAY:%Y%m%d}"


async def test_a_second_round_and_rounds_at_once_change_nothing(home: House) -> None:
    keeper = Housekeeping(home.database, FakeClock(TODAY))
    await asyncio.gather(*(keeper.run() for _ in range(5)))
    before = await partitions(home)
    await keeper.run()
    assert await partitions(home) == before == [*days(TODAY, AHEAD + 1), "default"]


async def test_a_day_whose_rows_are_in_the_default_partition_stays_there(home: House) -> None:
    await publish_one(home, 1)
    await Housekeeping(home.database, FakeClock(TODAY)).run()
    assert await partitions(home) == [*days(TODAY + timedelta(days=1), AHEAD), "default"]
    await publish_one(home, 2)
    assert await home.value("SELECT count(*) FROM outbox_archive") == 2


async def test_what_is_older_than_its_retention_is_let_go(home: House) -> None:
    clock = FakeClock(TODAY)
    keeper = Housekeeping(home.database, clock, retention=30, inbox_retention=90)
    await publish_one(home, 1)
    await home.inbox.defer(received(9), "stays")
    message = received(2)
    await home.receive(message)
    await home.publish()
    await keeper.run()
    clock.advance(days=29)
    await keeper.run()
    assert await home.value("SELECT count(*) FROM outbox_archive") == 2
    clock.advance(days=2)
    await keeper.run()
    assert await home.value("SELECT count(*) FROM outbox_archive") == 0
    assert await home.value("SELECT count(*) FROM inbox") == 1
    clock.advance(days=60)
    await keeper.run()
    assert await home.value("SELECT count(*) FROM inbox") == 0
    assert await home.value("SELECT count(*) FROM inbox_deferred") == 1
    assert await home.value("SELECT count(*) FROM work_order_log") > 0


async def test_a_partition_is_dropped_when_its_whole_day_is_past_retention(home: House) -> None:
    clock = FakeClock(TODAY)
    keeper = Housekeeping(home.database, clock, retention=3)
    await keeper.run()
    clock.advance(days=3)
    await keeper.run()
    assert f"{TODAY:%Y%m%d}" in await partitions(home)
    clock.advance(days=1)
    await keeper.run()
    assert await partitions(home) == [*days(TODAY + timedelta(days=1), 3 + AHEAD + 1), "default"]


async def test_letting_old_rows_go_keeps_no_relay_waiting(home: House) -> None:
    message = received(1)
    await home.receive(message)
    keeper = Housekeeping(home.database, FakeClock(TODAY + timedelta(days=100)))
    async with home.sql() as slow:
        await slow.execute("SELECT FROM inbox FOR UPDATE")
        round_ = asyncio.create_task(keeper.run())
        await eventually(home.waits_for_a_lock, what="the round to come to the inbox")
        async with asyncio.timeout(2):
            assert len(await home.publish()) == 1
        await slow.rollback()
        await round_
    assert await home.value("SELECT count(*) FROM inbox") == 0


async def test_the_gauges_say_what_waits_and_for_how_long(home: House) -> None:
    for os in (1, 2, 3, 4):
        await home.billing.create_budget(CALL, an_order(os))
    await home.inbox.defer(received(9), "x")
    keys = await home.rows("SELECT key FROM outbox ORDER BY id")
    await home.rows("UPDATE outbox SET next_at = 'infinity' WHERE key = %s", keys[0]["key"])
    await home.rows("UPDATE outbox SET next_at = clock_timestamp() + interval '1 h' WHERE key = %s", keys[1]["key"])
    await home.rows("UPDATE outbox SET created_at = created_at - interval '1 h' WHERE key = %s", keys[2]["key"])
    gauges = Gauges()
    await Housekeeping(home.database, FakeClock(TODAY)).measure(gauges)
    assert gauges.values.pop("acerto_outbox_oldest_age_seconds") >= 3600
    assert gauges.values.pop("acerto_oldest_xmin_age") >= 0
    assert gauges.values == {
        "acerto_outbox_pending": 4,
        "acerto_outbox_blocked_keys": 1,
        "acerto_outbox_parked_keys": 1,
        "acerto_deferred_depth": 1,
        "acerto_notices_parked": 0,
        "acerto_notices_quarantined": 0,
        "acerto_refunds_failed": 0,
        "acerto_tasks_overdue_seconds": 0,
    }


async def test_an_empty_house_measures_zero(home: House) -> None:
    gauges = Gauges()
    await Housekeeping(home.database, FakeClock(TODAY)).measure(gauges)
    assert gauges.values["acerto_outbox_oldest_age_seconds"] == gauges.values["acerto_outbox_pending"] == 0


async def test_without_a_database_housekeeping_says_so() -> None:
    async with house("postgresql://nobody@127.0.0.1:1/nothing") as lost:
        with pytest.raises(Unavailable):
            await Housekeeping(lost.database, FakeClock(TODAY)).run()
