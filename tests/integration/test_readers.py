"""Reads on connections on loan: everyone gets their own answer, also after others left, and the pool gets all back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import psycopg
import pytest
from psycopg_pool import TooManyRequests

from persistence.reader import Row
from persistence.readers import Readers
from tests.support.house import House, house
from tests.support.waiting import eventually

SIZE = 3
NUMBER = "SELECT %(number)s::bigint AS number"
SLEEP = "SELECT pg_sleep(%(seconds)s)::text AS slept"
SLEEPING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND starts_with(query, 'SELECT pg_sleep')
"""


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url, size=SIZE) as opened:
        yield opened


@pytest.fixture
def readers(home: House) -> Readers:
    return Readers(home.database.reads)


async def number(readers: Readers, given: int) -> int:
    (row,) = await readers.rows(NUMBER, {"number": given})
    return int(row["number"])


async def numbers(readers: Readers, count: int) -> list[int]:
    return await asyncio.gather(*(number(readers, each) for each in range(count)))


async def sleeping(home: House, readers: Readers, count: int) -> list[asyncio.Task[list[Row]]]:
    """Reads that do not end by themselves, begun at the server."""

    async def begun() -> bool:
        return bool(await home.value(SLEEPING) == count)

    tasks = [asyncio.create_task(readers.rows(SLEEP, {"seconds": 60})) for _ in range(count)]
    await eventually(begun, what="all of them sleep")
    return tasks


async def all_given_back(home: House) -> None:
    def there() -> bool:
        stats = home.database.reads.get_stats()
        return stats["pool_available"] == stats["pool_size"]

    await eventually(there, what="every connection is the pool's again")


async def test_more_reads_than_connections_all_get_their_own_answers(home: House, readers: Readers) -> None:
    assert await numbers(readers, 100) == [*range(100)]
    await all_given_back(home)


async def test_a_read_that_nobody_waits_for_is_stopped_and_its_connection_serves_on(
    home: House, readers: Readers
) -> None:
    left = await sleeping(home, readers, SIZE)
    for task in left:
        task.cancel()
    assert await asyncio.wait_for(numbers(readers, 20), 10) == [*range(20)]
    assert await home.value(SLEEPING) == 0
    await all_given_back(home)


async def test_whenever_callers_leave_the_others_get_their_own_answers(home: House, readers: Readers) -> None:
    dice = Random(7)
    stays: list[asyncio.Task[int]] = []
    leaves: list[asyncio.Task[int]] = []
    for given in range(180):
        task = asyncio.create_task(number(readers, given))
        (leaves if given % 3 == 0 else stays).append(task)
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        if dice.random() < 0.6:
            dice.choice(leaves).cancel()
    for task in leaves:
        task.cancel()
    await asyncio.wait(leaves)
    assert await asyncio.wait_for(asyncio.gather(*stays), 30) == [each for each in range(180) if each % 3]
    await all_given_back(home)


async def test_who_else_needs_a_connection_gets_one_while_reads_never_end(home: House, readers: Readers) -> None:
    enough = asyncio.Event()

    async def reads() -> None:
        while not enough.is_set():
            await number(readers, 1)

    busy = [asyncio.ensure_future(reads()) for _ in range(SIZE * 3)]
    try:
        for _ in range(3):
            await home.database.ping()
    finally:
        enough.set()
        await asyncio.gather(*busy)


async def test_a_refused_statement_spoils_nothing(readers: Readers) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await readers.rows("SELECT 1 / %(by)s AS never", {"by": 0})
        assert await numbers(readers, 5) == [*range(5)]


async def test_what_does_not_fit_into_a_socket_at_once_is_sent_all_the_same(readers: Readers) -> None:
    text = "x" * 8_000_000
    (row,) = await readers.rows("SELECT %(text)s::text AS text, '%%' AS percent", {"text": text})
    assert row == {"text": text, "percent": "%"}


async def test_more_statements_than_a_connection_keeps_are_read_all_the_same(readers: Readers) -> None:
    for each in range(120):
        assert await readers.rows(f"SELECT %(a)s::int AS a{each}", {"a": each}) == [{f"a{each}": each}]


async def test_a_statement_has_the_same_name_on_every_connection_and_another_for_other_types(
    home: House, readers: Readers
) -> None:
    prepared = "SELECT name FROM pg_prepared_statements WHERE statement = %(of)s"
    same = "SELECT %(a)s AS same"

    async def names(of: Readers) -> set[str]:
        await of.rows(same, {"a": 1})
        await of.rows(same, {"a": "text"})
        return {row["name"] for row in await of.rows(prepared, {"of": "SELECT $1 AS same"})}

    first = await names(readers)
    await all_given_back(home)
    async with house(home.database.url) as another:
        assert await names(another.database.readers) == first
    assert len(first) == 2


async def test_a_read_whose_statement_the_server_forgot_is_answered_and_its_connection_replaced(
    home: House, readers: Readers
) -> None:
    assert await number(readers, 1) == 1
    await readers.rows("DEALLOCATE ALL", {})
    assert await number(readers, 2) == 2
    await all_given_back(home)
    assert await numbers(readers, 20) == [*range(20)]


async def test_a_read_of_a_table_that_got_another_shape_is_answered_in_the_new_one(
    home: House, readers: Readers
) -> None:
    whole = "SELECT * FROM operator_log"
    await home.rows("INSERT INTO operator_log (who, what, reason) VALUES ('a', 'b', 'c')")
    (row,) = await readers.rows(whole, {})
    assert "added" not in row
    await home.rows("ALTER TABLE operator_log ADD COLUMN added int DEFAULT 7")
    for _ in range(3):
        (row,) = await readers.rows(whole, {})
        assert row["added"] == 7
        await all_given_back(home)


async def test_too_many_waiting_reads_are_refused(home: House, readers: Readers) -> None:
    most = home.database.reads.max_waiting
    asleep = await sleeping(home, readers, SIZE)
    waiting = [asyncio.ensure_future(number(readers, each)) for each in range(most)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await number(readers, 0)
    for task in asleep:
        task.cancel()
    assert await asyncio.gather(*waiting) == [*range(most)]


async def test_reads_that_were_given_up_are_not_counted_among_the_waiting(home: House, readers: Readers) -> None:
    asleep = await sleeping(home, readers, SIZE)
    left = [asyncio.ensure_future(number(readers, each)) for each in range(home.database.reads.max_waiting)]
    await asyncio.sleep(0)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    waits = asyncio.ensure_future(number(readers, 1))
    await asyncio.sleep(0)
    for sleeper in asleep:
        sleeper.cancel()
    assert await waits == 1


async def test_a_connection_that_ends_in_the_middle_of_a_read_is_told_and_replaced(
    home: House, readers: Readers
) -> None:
    (lost,) = await sleeping(home, readers, 1)
    await home.kill("acerto-reads")
    with pytest.raises(psycopg.OperationalError):
        await lost
    await readers.check()
    assert await numbers(readers, 20) == [*range(20)]
    await all_given_back(home)


async def test_who_leaves_just_as_its_turn_comes_leaves_the_connection_to_the_next(
    home: House, readers: Readers
) -> None:
    asleep = await sleeping(home, readers, SIZE - 1)

    async def read_and_send_the_next_away() -> None:
        waits = asyncio.ensure_future(number(readers, 1))
        await number(readers, 0)
        waits.cancel()
        await asyncio.wait([waits])
        assert waits.cancelled()

    await number(readers, 0)
    await read_and_send_the_next_away()
    assert await asyncio.wait_for(number(readers, 2), 4) == 2
    for task in asleep:
        task.cancel()
    await all_given_back(home)
