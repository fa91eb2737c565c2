"""From where a poll of the generations reads, on a real PostgreSQL: little again, and every change, however late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from persistence.engine import Database
from persistence.generations import KnownGenerations
from tests.support.waiting import eventually

MOVED = "INSERT INTO generations VALUES (%s, 1, clock_timestamp() - %s::interval)"


async def test_a_transaction_that_commits_late_is_still_seen(database_url: str) -> None:
    async with Database(database_url).opened() as database, database.connection("test") as late:
        generations = KnownGenerations(database)
        await late.execute("INSERT INTO generations VALUES ('plan:x', 1, clock_timestamp())")
        for _ in range(3):
            await generations.read()
        assert generations.of(["plan:x"]) == (0,)
        await late.commit()
        await generations.read()
        assert generations.of(["plan:x"]) == (1,)


async def test_two_that_commit_in_the_other_order_than_they_moved_are_both_seen(database_url: str) -> None:
    async with (
        Database(database_url).opened() as database,
        database.connection("late") as late,
        database.connection("early") as early,
    ):
        generations = KnownGenerations(database)
        await late.execute(MOVED, ("plan:first", "0 s"))
        await early.execute(MOVED, ("plan:second", "0 s"))
        await early.commit()
        for _ in range(5):
            await generations.read()
        assert generations.of(["plan:first", "plan:second"]) == (0, 1)
        await late.commit()
        await generations.read()
        assert generations.of(["plan:first", "plan:second"]) == (1, 1)


@pytest.mark.parametrize("others", [0, 3])
async def test_one_that_commits_minutes_after_it_moved_is_seen_whatever_was_seen_meanwhile(
    database_url: str, others: int
) -> None:
    async with (
        Database(database_url).opened() as database,
        database.connection("late") as late,
        database.connection("others", autocommit=True) as early,
    ):
        generations = KnownGenerations(database)
        # It holds its place from before the first look, as one does that moved ten minutes ago.
        await late.execute(MOVED, ("plan:late", "10 min"))
        for number in range(others):
            await generations.read()
            await early.execute(MOVED, (f"plan:{number}", "0 s"))
        for _ in range(5):
            await generations.read()
        await late.commit()
        await generations.read()
        assert generations.of(["plan:late"]) == (1,)


async def test_a_look_reads_what_is_new_and_not_all_that_moved_lately(database_url: str) -> None:
    async with (
        Database(database_url).opened() as database,
        database.connection("writes", autocommit=True) as writes,
    ):
        generations, read = KnownGenerations(database), list[int]()
        for number in range(100):
            await writes.execute(MOVED, (f"plan:{number}", "0 s"))
            read.append(await generations.read())
        assert generations.of([f"plan:{number}" for number in range(100)]) == (1,) * 100
        assert sum(read) < 400, "each move is read a few times"
        assert await generations.read() <= 2
        assert await generations.read() == await generations.read() == 0


async def test_among_writers_that_overlap_for_ever_a_look_still_reads_what_is_new(database_url: str) -> None:
    async with (
        Database(database_url).opened() as database,
        database.connection("one") as one,
        database.connection("other") as other,
    ):
        generations, read = KnownGenerations(database), list[int]()
        for number in range(50):
            await one.execute(MOVED, (f"plan:{number}", "0 s"))
            await other.commit()
            read.append(await generations.read())
            await other.execute(MOVED, (f"card:{number}", "0 s"))
            await one.commit()
            read.append(await generations.read())
        assert generations.of([f"plan:{number}" for number in range(50)]) == (1,) * 50
        assert max(read) < 10


async def test_when_the_clock_of_the_database_goes_back_everything_is_read_again(database_url: str) -> None:
    """As when another machine takes over, whose clock is behind."""
    behind = "RETURN pg_catalog.statement_timestamp() - (SELECT behind FROM other.clock);"
    with a_clock(database_url, behind) as session:
        session.execute("CREATE TABLE other.clock AS SELECT interval '0 s' AS behind")
        async with Database(database_url).opened() as database:
            generations = KnownGenerations(database)
            for _ in range(3):
                await generations.read()
            session.execute("UPDATE other.clock SET behind = '10 min'")
            session.execute(MOVED, ("plan:x", "10 min"))
            await generations.read()
            assert generations.of(["plan:x"]) == (1,)


async def test_one_that_commits_between_what_a_look_sees_and_whom_it_finds_writing_is_seen_by_the_next(
    database_url: str,
) -> None:
    held = "PERFORM pg_advisory_xact_lock(7); RETURN pg_catalog.statement_timestamp();"
    with a_clock(database_url, held) as session:
        async with Database(database_url).opened() as database, database.connection("writes") as writes:
            generations = KnownGenerations(database)
            for _ in range(3):
                await generations.read()
            await writes.execute(MOVED, ("plan:x", "0 s"))
            session.execute("SELECT pg_advisory_lock(7)")
            looking = asyncio.create_task(generations.read())
            await eventually(lambda: waits_for_the_clock(session), within=5)
            await writes.commit()
            session.execute("SELECT pg_advisory_unlock(7)")
            await looking
            assert generations.of(["plan:x"]) == (0,)
            for _ in range(3):
                await generations.read()
            assert generations.of(["plan:x"]) == (1,)


@contextmanager
def a_clock(url: str, body: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session on a database whose statements' instant is what `body` says."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("CREATE SCHEMA other")
        kind = "RETURNS timestamptz LANGUAGE plpgsql"
        session.execute(f"CREATE FUNCTION other.statement_timestamp() {kind} AS 'BEGIN {body} END'".encode())
        session.execute(f"ALTER DATABASE {session.info.dbname} SET search_path = other, public, pg_catalog".encode())
        yield session


def waits_for_the_clock(session: psycopg.Connection[tuple[Any, ...]]) -> bool:
    return bool(session.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").rowcount)


async def test_when_listening_begins_anew_everything_is_read_again_whatever_the_clock_says_there(
    database_url: str,
) -> None:
    async with (
        Database(database_url).opened() as database,
        database.connection("writes", autocommit=True) as writes,
    ):
        generations = KnownGenerations(database)
        for _ in range(5):
            await generations.read()
        # As another machine's clock has it, that is behind by less than what passes between two polls.
        await writes.execute(MOVED, ("plan:behind", "30 s"))
        await generations.read()
        assert generations.of(["plan:behind"]) == (0,)
        generations.heard("")
        await generations.read()
        assert generations.of(["plan:behind"]) == (1,)
