"""Where a saga machine plays: the real use cases over some storage, and what must be seen of that to judge them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from psycopg.rows import dict_row

from domain.actor import Actor
from domain.billing.ports import Begin
from domain.billing.queries import BillingQueries
from domain.tasks import Tasks
from tests.support.fakes import FakeQueries, FakeStore, FakeTasks
from tests.support.house import House

EVERYBODY = Actor(id="tester")


@dataclass(frozen=True)
class Line:
    """A row of the transition log."""

    subject: str
    subject_id: str
    action: str
    before: str
    after: str
    event_type: str
    event_id: str
    causation_id: str
    correlation_id: str


@dataclass(frozen=True)
class Told:
    """An event that is, or was, to be published."""

    event_id: str
    event_type: str
    key: str
    key_seq: int
    version: int
    causation_id: str
    correlation_id: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Booked:
    """A posting."""

    transaction_id: UUID
    account: str
    cents: int


class World(Protocol):
    """Storage with its eyes open."""

    begin: Begin
    queries: BillingQueries
    tasks: Tasks

    async def lines(self) -> Sequence[Line]:
        """The transition log, oldest first."""
        ...

    async def told(self) -> Sequence[Told]:
        """Every event, in the order it was committed."""
        ...

    async def booked(self) -> Sequence[Booked]:
        """The whole ledger."""
        ...


class FakeWorld:
    """Storage in memory."""

    def __init__(self) -> None:
        self._store = FakeStore()
        self.begin: Begin = self._store.begin
        self.queries: BillingQueries = FakeQueries(self._store)
        self.tasks: Tasks = FakeTasks(self._store)

    async def lines(self) -> Sequence[Line]:
        entries = [logged.entry for logged in self._store.log]
        return [Line(**{name: getattr(entry, name) for name in Line.__annotations__}) for entry in entries]

    async def told(self) -> Sequence[Told]:
        return [
            Told(
                event_id=str(one.event_id),
                event_type=one.event_type,
                key=one.key,
                key_seq=one.key_seq,
                version=int(one.headers["AggregateVersion"]),
                causation_id=str(one.headers["CausationId"]),
                correlation_id=str(one.headers["CorrelationId"]),
                body=json.loads(one.body),
            )
            for one in self._store.outbox
        ]

    async def booked(self) -> Sequence[Booked]:
        return [Booked(one.transaction_id, one.account, one.amount.cents) for one in self._store.ledger]


class SqlWorld:
    """A real PostgreSQL."""

    def __init__(self, home: House) -> None:
        self._home = home
        self.begin: Begin = home.units.begin
        self.queries: BillingQueries = home.views
        self.tasks: Tasks = home.tasks

    async def lines(self) -> Sequence[Line]:
        rows = await self._rows("SELECT * FROM work_order_log WHERE kind = 'CHANGED' ORDER BY id")
        return [Line(**{name: row[name] for name in Line.__annotations__}) for row in rows]

    async def told(self) -> Sequence[Told]:
        rows = await self._rows("SELECT * FROM outbox ORDER BY id")
        return [
            Told(
                event_id=str(row["event_id"]),
                event_type=row["event_type"],
                key=row["key"],
                key_seq=row["key_seq"],
                version=row["headers"]["AggregateVersion"],
                causation_id=row["headers"]["CausationId"],
                correlation_id=row["headers"]["CorrelationId"],
                body=json.loads(row["body"]),
            )
            for row in rows
        ]

    async def booked(self) -> Sequence[Booked]:
        rows = await self._rows("SELECT transaction_id, account, amount_cents AS cents FROM ledger_entries ORDER BY id")
        return [Booked(**row) for row in rows]

    async def _rows(self, statement: str) -> list[dict[str, Any]]:
        async with self._home.database.reads.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(statement.encode())
            return await cursor.fetchall()
