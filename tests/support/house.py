"""Persistence and billing on a real database, put together as the wiring does it, with ids and wake-ups to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import DictRow, dict_row

from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.claims.rules import ClaimRules
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.batches import Batches
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.deadlines import AppealDeadlines
from domain.claims.use_cases.invoices import Invoices
from domain.events import Batch, Left, Pending, Received, Refusal
from domain.money import Money
from messaging.codec import encode_json
from messaging.routes import Routes
from persistence.claim_views import ClaimViews
from persistence.engine import Database
from persistence.inbox import SqlInbox
from persistence.outbox import SqlOutbox
from persistence.tasks import SqlTasks
from persistence.unit_of_work import Units
from persistence.views import Views
from tests.support.builders import QUEUE
from tests.support.fakes_claims_queries import FakeReference


class RealClock:
    """The machine's time: what the database's own clock is compared with."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class RandomIds:
    """Ids that nobody else draws."""

    def new(self) -> UUID:
        return uuid4()


@dataclass
class House:
    """The rooms over one database. `wakes` counts the wake-ups."""

    database: Database
    wakes: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock, ids = RealClock(), RandomIds()
        self.units = Units(self.database, (encode_json,), ids, self.wakes.append)
        self.inbox = SqlInbox(self.database, (encode_json,), ids, clock, self.wakes.append)
        rules = BillingRules(default_amount=Money(10_000))
        self.billing = Billing(self.units.begin, clock, ids, rules)
        self.payments = Payments(self.units.begin, clock, ids, rules)
        self.notices = Notices(self.units.begin, clock, ids)
        self.tasks = SqlTasks(self.database)
        self.routes = Routes(lambda begin: Billing(begin, clock, ids, rules), "main")
        self.views = Views(self.database)
        self.claim_views, self.reference = ClaimViews(self.database), FakeReference()
        self.claims = Claims(self.units.begin, clock, ids, self.reference, self.claim_views)
        deadlines = AppealDeadlines(ClaimRules(), self.reference, self.claim_views)
        self.adjudications = Adjudications(self.units.begin, clock, ids, deadlines)
        self.batches = Batches(self.units.begin, clock, ids)
        self.invoices = Invoices(self.units.begin, clock, ids)

    async def rows(self, statement: str, *parameters: object) -> list[DictRow]:
        """What a statement gives, on a connection of its own; what it changes is committed."""
        async with self.sql() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def value(self, statement: str, *parameters: object) -> Any:
        """The one value that a statement gives."""
        ((value,),) = (row.values() for row in await self.rows(statement, *parameters))
        return value

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A plain connection of the test's own."""
        async with await psycopg.AsyncConnection.connect(self.database.url) as connection:
            yield connection

    @asynccontextmanager
    async def outbox(self, **options: int) -> AsyncIterator[SqlOutbox]:
        """A relay's side of the outbox, opened."""
        outbox = SqlOutbox(self.database, **options)
        async with outbox.opened():
            yield outbox

    async def publish(self, refuse: Sequence[UUID] = (), *, final: bool = False) -> list[Pending]:
        """One cycle over everything: confirm all but the events to refuse. Answers what was confirmed."""
        async with self.outbox(buckets=64, batch=10_000) as outbox, outbox.claim() as claim:
            refused = [row for row in claim.pending if row.publication.event_id in refuse]
            confirmed = [row for row in claim.pending if row.publication.event_id not in refuse]
            refusal = Refusal("unroutable", "nobody reads it", final=final)
            await claim.settle(confirmed, [(row, refusal) for row in refused])
        return confirmed

    async def handle(self, batch: Batch) -> None:
        """What Effects does with a batch when all goes well."""
        outcomes = {each.message_id: (await self.routes.apply(each, batch.begin(each))).value for each in batch.fresh}
        await batch.commit(outcomes)

    async def receive(self, *messages: Received) -> Batch:
        """Apply messages as one batch."""
        async with self.inbox.receive(messages) as batch:
            await self.handle(batch)
        return batch

    async def resume(self) -> list[str]:
        """Apply the deferred message that is due; answers its id, or nothing when none was."""
        async with self.inbox.resume(QUEUE) as batch:
            if batch is None:
                return []
            await self.handle(batch)
        return [each.message_id for each in (*batch.fresh, *batch.repeated)]

    async def outcomes(self) -> dict[str, str]:
        """What became of each message that was applied."""
        return {row["message_id"]: row["outcome"] for row in await self.rows("SELECT message_id, outcome FROM inbox")}

    async def waits_for_a_lock(self) -> bool:
        """Whether some session of this database waits for another's lock."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(await self.value(waiting))

    async def kill(self, application: str) -> None:
        """End the sessions of one of our connections' names, as an administrator would."""
        sessions = "pg_stat_activity WHERE application_name = %s AND datname = current_database()"
        await self.rows(f"SELECT pg_terminate_backend(pid) FROM {sessions}", application)


@asynccontextmanager
async def house(url: str, **options: Any) -> AsyncIterator[House]:
    """The rooms over the database at `url`; `options` as Database takes them."""
    async with Database(url, **options).opened() as database:
        yield House(database)
