"""The relay's drain of a full outbox against publishing without order, and against one row at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from domain.events import Pending, Publication
from messaging.broker import Message, Publisher
from messaging.envelope import message_of
from messaging.relay import Relay
from persistence.connection import Connection
from persistence.outbox import ARCHIVE, SqlOutbox
from server.wiring import House
from tests.bench import seed
from tests.bench.pairs import in_turn
from tests.bench.queues import PartnerQueue, partner_queue
from tests.bench.report import Section, at_least
from tests.bench.services import Services

KEYS: Final = 2_000
EACH: Final = 10
SINGLES: Final = 1_000
"""Rows of a round that goes one by one: it is that slow."""
WAVE: Final = 1_000
IN_FLIGHT: Final = 4
"""The side without order writes so many messages at once, and so many writes before it waits for the first confirms."""
HOW: Final = (
    f"{KEYS * EACH:,} facts of {KEYS:,} keys wait in the outbox. The relay's cycles take them to a quorum queue, in "
    "order per key, and archive them. Without order: read them all, publish them all through the same grouped writer "
    f"in writes of {WAVE:,}, {IN_FLIGHT} of them unconfirmed at a time. One by one ({SINGLES:,} "
    "rows): publish, await the confirm, archive, commit. "
    "All three in one process on uvloop, with durable commits and persistent messages."
)

_READ = """
SELECT bucket, id, attempts, created_at, event_id, key, key_seq, event_type, exchange, routing_key, content_type,
       headers, body FROM outbox ORDER BY id LIMIT %s
"""


@dataclass(frozen=True)
class Bench:
    """One database and one broker, with the outbox filled anew before each round."""

    house: House
    connection: Connection
    queue: PartnerQueue
    rows: Sequence[tuple[object, ...]]
    keep_archive: bool = False

    async def by_relay(self) -> float:
        """Facts a second, the relay's way."""
        await self._ready(self.rows)
        async with SqlOutbox(self.house.database).opened() as outbox, self.house.broker.publisher() as publisher:
            relay = Relay(outbox, self.house.broker, self.house.woken, self.house.telemetry, self.house.clock)
            began, moved = time.perf_counter(), 0
            while count := await relay.cycle(publisher):
                moved += count
            took = time.perf_counter() - began
        return await self._rate(moved, took)

    async def unordered(self) -> float:
        """Facts a second, read and published at once, with no regard to anything."""
        await self._ready(self.rows)
        async with self.house.broker.publisher() as publisher:
            began = time.perf_counter()
            messages = [message_of(row) for row in await self._read(len(self.rows))]
            await _pipelined(publisher, messages)
            took = time.perf_counter() - began
        return await self._rate(len(messages), took)

    async def one_by_one(self) -> float:
        """Facts a second when each is published, confirmed, archived and committed before the next."""
        await self._ready(self.rows[:SINGLES])
        async with self.house.broker.publisher() as publisher:
            began = time.perf_counter()
            for row in await self._read(SINGLES):
                await publisher.publish([message_of(row)])
                await self.connection.execute(ARCHIVE, {"buckets": [row.bucket], "ids": [row.id]})
            took = time.perf_counter() - began
        return await self._rate(SINGLES, took)

    async def _ready(self, rows: Sequence[tuple[object, ...]]) -> None:
        await self.queue.empty()
        await seed.fill(self.connection, rows, keep_archive=self.keep_archive)

    async def _read(self, count: int) -> list[Pending]:
        cursor = await self.connection.execute(_READ, (count,), binary=True)
        return [
            Pending(bucket=row[0], id=row[1], attempts=row[2], created_at=row[3], publication=_publication(row[4:]))
            for row in await cursor.fetchall()
        ]

    async def _rate(self, moved: int, took: float) -> float:
        await self.queue.reaches(moved, within=30)
        return moved / took


@asynccontextmanager
async def bench(services: Services, database: str, rows: Sequence[tuple[object, ...]]) -> AsyncIterator[Bench]:
    """The bench on a database of one's own and a fresh virtual host."""
    url = services.broker()
    async with (
        seed.house(database, url) as house,
        house.database.connection("bench", autocommit=True) as connection,
        partner_queue(url) as queue,
    ):
        yield Bench(house, connection, queue, rows)


async def measure(services: Services, rounds: int) -> Section:
    """Both pairs."""
    with services.database() as database:
        async with bench(services, database, seed.facts(KEYS, EACH)) as on:
            sides = {"unordered": on.unordered, "relay": on.by_relay, "one by one": on.one_by_one}
            taken = await in_turn(sides, rounds=rounds)
    relay = f"{taken.median('relay'):,.0f}/s"
    low, high = taken.spread("relay", "unordered")
    fast = f"{relay} of {taken.median('unordered'):,.0f}/s, rounds {low:.2f} to {high:.2f}"
    slow = f"{relay} against {taken.median('one by one'):,.0f}/s"
    return Section(
        "Relay",
        HOW,
        [
            at_least("Relay drain / unordered publishing", taken.ratio("relay", "unordered"), 0.6, fast),
            at_least("Relay drain / one by one", taken.ratio("relay", "one by one"), 5, slow),
        ],
    )


async def _pipelined(publisher: Publisher, messages: Sequence[Message]) -> None:
    places = asyncio.Semaphore(IN_FLIGHT)

    async def write(at: int) -> None:
        async with places:
            await publisher.publish(messages[at : at + WAVE])

    await write(0)  # it opens the channel that all of them use
    await asyncio.gather(*(write(at) for at in range(WAVE, len(messages), WAVE)))


def _publication(row: Sequence[object]) -> Publication:
    names = ("event_id", "key", "key_seq", "event_type", "exchange", "routing_key", "content_type", "headers", "body")
    fields: dict[str, object] = dict(zip(names, row, strict=True))
    return Publication(**fields)  # type: ignore[arg-type] # as the columns are
