"""The saga machine on a real PostgreSQL: hundreds of steps, each of them judged by every invariant."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from persistence.engine import Database
from tests.support.house import House, RandomIds
from tests.support.saga_machine import SagaMachine
from tests.support.saga_world import SqlWorld, World

TABLES = (
    "work_orders, budgets, payments, provider_notices, tasks, work_order_log, outbox, inbox, replies,"
    " budget_revisions, ledger_entries"
)
GUARDED = ("work_order_log", "budget_revisions", "ledger_entries")


def emptied(session: psycopg.Connection[Any]) -> None:
    """A new world: what the guards keep from ever being emptied, too."""
    off, on = (
        [f"ALTER TABLE {table} {state} TRIGGER never_emptied" for table in GUARDED] for state in ("DISABLE", "ENABLE")
    )
    with session.transaction():
        for statement in (*off, f"TRUNCATE {TABLES}", *on):
            session.execute(statement.encode())


def machine_on(url: str) -> type[SagaMachine]:
    """The machine over the database at `url`, emptied for each run."""

    class OnPostgres(SagaMachine):
        async def new_world(self) -> World:
            with psycopg.connect(url, autocommit=True) as session:
                emptied(session)
            self.database = Database(url, size=2)
            await self.database.writes.open()
            await self.database.reads.open()
            return SqlWorld(House(self.database))

        async def end_world(self) -> None:
            await self.database.reads.close()
            await self.database.writes.close()

        def new_ids(self) -> Any:
            return RandomIds()

    return OnPostgres


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_whatever_happens_to_two_work_orders_every_invariant_holds(database_url: str) -> None:
    few = settings(
        max_examples=6,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    machine = machine_on(database_url)
    run_state_machine_as_test(machine, settings=few)
    assert machine.steps > 150
