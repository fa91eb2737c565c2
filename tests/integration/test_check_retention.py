"""Old lines of the history of checks are let go on a real PostgreSQL: little by little, and it stays append-only."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from domain.errors import Unavailable
from persistence.check_retention import CheckRetention
from persistence.engine import Database
from server.settings import SettingsError, load
from tests.support.fakes import FakeClock
from tests.support.ports import free_port

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSERT = """
INSERT INTO eligibility_checks (id, asked_at, actor, insurer_id, plan_id, patient_id, card, service_date, procedures,
                                urgent, verdict, reasons, checked_at, expires_at, source, last_known, from_cache)
SELECT gen_random_uuid(), asked_at, '', '', '', '', '', '2026-03-01', '[]', false, 'ELIGIBLE', '[]', asked_at, asked_at,
       'RULES', '', false
  FROM unnest(%s::timestamptz[]) asked_at
"""


def asked_at(url: str) -> list[datetime]:
    with psycopg.connect(url) as session:
        return [at for (at,) in session.execute("SELECT asked_at FROM eligibility_checks ORDER BY 1")]


def put(url: str, *instants: datetime) -> None:
    with psycopg.connect(url) as session:
        session.execute(INSERT, (list(instants),))


async def a_round(url: str, *, days: int = 30, rounds: int = 1) -> None:
    async with Database(url).opened() as database:
        keepers = [CheckRetention(database, FakeClock(NOW), days=days, batch=2) for _ in range(rounds)]
        await asyncio.gather(*(keeper.run() for keeper in keepers))


@pytest.mark.parametrize("rounds", [1, 3])
async def test_what_is_older_than_its_days_is_let_go_and_nothing_else(database_url: str, rounds: int) -> None:
    limit = NOW - timedelta(days=30)
    kept = [limit, limit + timedelta(seconds=1), NOW]
    put(database_url, *(limit - timedelta(seconds=each) for each in range(1, 8)), *kept)
    await a_round(database_url, rounds=rounds)
    assert asked_at(database_url) == kept
    await a_round(database_url)
    assert asked_at(database_url) == kept


async def test_for_everybody_else_the_history_stays_append_only(database_url: str) -> None:
    put(database_url, NOW - timedelta(days=31), NOW)
    await a_round(database_url)
    with psycopg.connect(database_url) as session:
        for statement in ("UPDATE eligibility_checks SET actor = 'x'", "DELETE FROM eligibility_checks"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                session.execute(statement.encode())
            session.rollback()


async def test_a_writer_that_takes_its_time_is_not_waited_for(database_url: str) -> None:
    old = NOW - timedelta(days=31)
    put(database_url, old)
    with psycopg.connect(database_url) as slow:
        slow.execute(INSERT, ([NOW],))
        async with asyncio.timeout(10):
            await a_round(database_url)
        assert asked_at(database_url) == []
        slow.commit()
    assert asked_at(database_url) == [NOW]


async def test_a_role_that_may_not_let_go_says_so_and_the_worker_goes_on(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    old, role = NOW - timedelta(days=31), f"worker_{uuid4().hex}"
    put(database_url, old)
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(f"CREATE ROLE {role}".encode())
        session.execute(f"GRANT SELECT, INSERT ON eligibility_checks TO {role}".encode())
        session.execute(f"ALTER DATABASE {session.info.dbname} SET role = {role}".encode())
        try:
            with caplog.at_level(logging.ERROR):
                await a_round(database_url)
        finally:
            session.execute(f"ALTER DATABASE {session.info.dbname} RESET role".encode())
            session.execute(f"DROP OWNED BY {role}".encode())
            session.execute(f"DROP ROLE {role}".encode())
    assert asked_at(database_url) == [old]
    assert "may not DELETE" in caplog.text


async def test_without_a_database_it_says_so() -> None:
    with pytest.raises(Unavailable):
        await a_round(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")


def test_the_days_are_a_setting() -> None:
    assert load({}).eligibility_history_days == 1825
    assert load({"ACERTO_ELIGIBILITY_HISTORY_DAYS": "365"}).eligibility_history_days == 365
    with pytest.raises(SettingsError, match="ACERTO_ELIGIBILITY_HISTORY_DAYS"):
        load({"ACERTO_ELIGIBILITY_HISTORY_DAYS": "0"})
