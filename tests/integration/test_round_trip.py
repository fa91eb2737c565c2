"""Statements that travel together: all of them or none, and a connection that is good afterwards or closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import OperationalError, errors

from persistence.connection import Connection, Outdated
from persistence.round_trip import Asked, round_trip
from persistence.statements import Statement
from tests.support.house import House, house
from tests.support.waiting import eventually

KEEP = Statement("INSERT INTO operator_log (who, what, reason) VALUES ($1, 'test', '')")
BREAK = Statement("SELECT 1 / length($1)")
KEPT = "SELECT who FROM operator_log ORDER BY id"
KNOWN = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'acerto_%'"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


@pytest.fixture
async def connection(home: House) -> AsyncIterator[Connection]:
    async with home.database.connection("round-trips") as opened:
        yield opened


async def kept(home: House) -> list[str]:
    return [row["who"] for row in await home.rows(KEPT)]


async def test_everything_up_to_the_commit_is_kept_and_answered_in_order(home: House, connection: Connection) -> None:
    shown = Statement("SELECT who AS said FROM operator_log ORDER BY id")
    *_, answer = await round_trip(connection, [Asked(KEEP, ("a",)), Asked(KEEP, ("b",)), Asked(shown)], commit=True)
    assert (answer.rows, answer.touched) == ([{"said": "a"}, {"said": "b"}], 2)
    assert await kept(home) == ["a", "b"]


async def test_a_statement_that_fails_takes_all_the_others_and_the_commit_with_it(
    home: House, connection: Connection
) -> None:
    with pytest.raises(errors.DivisionByZero):
        await round_trip(connection, [Asked(KEEP, ("a",)), Asked(BREAK, ("",)), Asked(KEEP, ("b",))], commit=True)
    await connection.rollback()
    assert await kept(home) == []
    await round_trip(connection, [Asked(BREAK, ("x",)), Asked(KEEP, ("c",))], commit=True)
    assert await kept(home) == ["c"]


async def test_what_was_prepared_stays_so_when_a_transaction_is_undone(connection: Connection) -> None:
    for _ in range(4):
        await connection.execute("SELECT %s::int", (1,))  # until psycopg has prepared it, and would forget all
    await round_trip(connection, [Asked(KEEP, ("a",))])
    await connection.rollback()
    cursor = await connection.execute(KNOWN)
    assert await cursor.fetchone() == (len(connection.prepared),)
    await round_trip(connection, [Asked(KEEP, ("b",))], commit=True)


async def test_who_is_cancelled_in_the_middle_leaves_nothing_and_no_connection_in_between(
    home: House, connection: Connection
) -> None:
    async with home.sql() as other:
        await other.execute("LOCK TABLE operator_log")
        waiting = asyncio.create_task(round_trip(connection, [Asked(KEEP, ("a",)), Asked(KEEP, ("b",))], commit=True))
        await eventually(home.waits_for_a_lock, what="the trip to wait")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await connection.rollback()
    assert await kept(home) == []
    await round_trip(connection, [Asked(KEEP, ("c",))], commit=True)
    assert await kept(home) == ["c"]


async def test_text_with_a_nul_is_refused_and_not_cut_short(connection: Connection) -> None:
    with pytest.raises(errors.DataError):
        await round_trip(connection, [Asked(KEEP, ("a\0b",))])
    await round_trip(connection, [Asked(KEEP, ("b",))], commit=True)


@pytest.mark.parametrize("change", ["DEALLOCATE ALL", "ALTER TABLE operator_log ADD COLUMN added int"])
async def test_a_connection_whose_server_has_other_statements_prepared_is_closed(
    home: House, connection: Connection, change: str
) -> None:
    whole = Asked(Statement("SELECT * FROM operator_log"))
    await round_trip(connection, [whole], commit=True)
    await connection.execute(change.encode())
    await connection.commit()
    with pytest.raises(Outdated):
        await round_trip(connection, [Asked(KEEP, ("a",)), whole], commit=True)
    assert connection.closed
    assert await kept(home) == []


async def test_a_session_that_is_ended_in_the_middle_says_so(home: House, connection: Connection) -> None:
    async with home.sql() as other:
        await other.execute("LOCK TABLE operator_log")
        waiting = asyncio.create_task(round_trip(connection, [Asked(KEEP, ("a",)), Asked(BREAK, ("x",))], commit=True))
        await eventually(home.waits_for_a_lock, what="the trip to wait")
        await home.kill("round-trips")
        with pytest.raises(OperationalError):
            await waiting
    assert await kept(home) == []
