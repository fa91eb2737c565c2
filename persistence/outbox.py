"""The relay's side of the outbox: claim some buckets, read them in order, archive what the broker confirmed.

One cycle is one READ COMMITTED transaction (messaging.md, Relay). The bucket rows are the locks, so that a key is
worked on by one relay at a time and a relay that dies gives its buckets back at once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from domain.events import Pending, Publication, Refusal
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import translated

CLAIM = """
SELECT b.bucket FROM outbox_bucket b
 WHERE EXISTS (SELECT FROM outbox o WHERE o.bucket = b.bucket) AND b.bucket <> ALL (%(resting)s::smallint[])
 ORDER BY random() LIMIT %(buckets)s FOR UPDATE OF b SKIP LOCKED
"""
"""Step 1. EXISTS keeps empty buckets out, random() spreads relays that start together."""

READ = """
SELECT o.bucket, o.id, o.attempts, o.created_at, o.event_id, o.key, o.key_seq, o.event_type, o.exchange,
       o.routing_key, o.content_type, o.headers, o.body
  FROM unnest(%(buckets)s::smallint[]) claimed(bucket) CROSS JOIN LATERAL (
       SELECT * FROM outbox o
        WHERE o.bucket = claimed.bucket AND NOT EXISTS (
              SELECT FROM outbox head
               WHERE head.key = o.key AND head.id <= o.id AND head.next_at > clock_timestamp())
        ORDER BY o.id LIMIT %(each)s) o
 ORDER BY o.id
"""
"""Step 2, a statement of its own: in the first one's snapshot, rows that another relay just archived still exist."""

EARLIEST = """
SELECT claimed.bucket, (
       SELECT extract(epoch FROM least(min(o.next_at), clock_timestamp() + interval '250 ms') - clock_timestamp())
         FROM outbox o WHERE o.bucket = claimed.bucket AND o.next_at > clock_timestamp())
  FROM unnest(%(buckets)s::smallint[]) claimed(bucket)
"""
"""Seconds until a blocked bucket is worth another look; not long, since a fresh key may join it at any time."""

ARCHIVE = """
WITH gone AS (
  DELETE FROM outbox o USING unnest(%(buckets)s::smallint[], %(ids)s::bigint[]) k(bucket, id)
   WHERE o.bucket = k.bucket AND o.id = k.id
  RETURNING o.id, o.event_id, o.key, o.key_seq, o.event_type, o.exchange, o.routing_key, o.content_type, o.headers,
            o.body, o.created_at)
INSERT INTO outbox_archive (id, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body,
                            created_at)
SELECT * FROM gone
"""

PUT_OFF = """
UPDATE outbox o
   SET attempts = least(attempts + 1, 30000), last_error = left(k.error, 500),
       next_at = CASE WHEN k.final THEN 'infinity'::timestamptz ELSE clock_timestamp()
                 + least(interval '60 s', interval '200 ms' * power(2, least(attempts, 10)))
                 * (0.8 + 0.4 * random()) END
  FROM unnest(%(buckets)s::smallint[], %(ids)s::bigint[], %(errors)s::text[], %(final)s::bool[])
       k(bucket, id, error, final)
 WHERE o.bucket = k.bucket AND o.id = k.id
"""
"""Backs off from 200 ms, doubling to 60 s, 20 percent of jitter either way; what no broker can take is parked."""


class SqlClaim:
    """One cycle's claim; see `domain.events.Claim`."""

    def __init__(self, connection: Connection, pending: Sequence[Pending]) -> None:
        self.pending = pending
        self._connection = connection

    async def settle(self, confirmed: Sequence[Pending], refused: Sequence[tuple[Pending, Refusal]]) -> None:
        """Archive, put off and commit, in one round trip."""
        async with self._connection.pipeline():
            if confirmed:
                await self._connection.execute(ARCHIVE, _places(confirmed))
            if refused:
                await self._connection.execute(
                    PUT_OFF,
                    {
                        **_places([pending for pending, _ in refused]),
                        "errors": [f"{refusal.reason}: {refusal.detail}" for _, refusal in refused],
                        "final": [refusal.final for _, refusal in refused],
                    },
                )
            await self._connection.commit()


class SqlOutbox:
    """The outbox on a connection of the relay's own. `buckets` at a time, `batch` rows per cycle at most."""

    def __init__(self, database: Database, *, buckets: int = 8, batch: int = 400) -> None:
        self._database = database
        self._buckets = buckets
        self._batch = batch
        self._connection: Connection | None = None
        self._resting: dict[int, float] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[SqlOutbox]:
        """The outbox while its connection lasts. Raises Unavailable when the database is away."""
        with translated():
            async with self._database.connection("acerto-relay") as connection:
                self._connection = connection
                self._resting.clear()
                yield self

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[SqlClaim]:
        """Lock some buckets and read them; whatever is not settled is rolled back."""
        connection = self._connection
        if connection is None:
            raise RuntimeError("the outbox is claimed outside `opened`")
        with translated():
            try:
                yield SqlClaim(connection, await self._pending(connection))
            finally:
                await connection.rollback()

    async def _pending(self, connection: Connection) -> list[Pending]:
        # Buckets whose every key is blocked are put to rest, so that the search ends, at work or at nothing.
        while buckets := await self._lock(connection):
            if pending := await self._read(connection, buckets):
                return pending
            await connection.rollback()
        return []

    async def _lock(self, connection: Connection) -> list[int]:
        now = time.monotonic()
        self._resting = {bucket: until for bucket, until in self._resting.items() if until > now}
        wanted = {"resting": list(self._resting), "buckets": self._buckets}
        cursor = await connection.execute(CLAIM, wanted)
        return [bucket for (bucket,) in await cursor.fetchall()]

    async def _read(self, connection: Connection, buckets: list[int]) -> list[Pending]:
        each = max(1, self._batch // len(buckets))
        cursor = await connection.execute(READ, {"buckets": buckets, "each": each}, binary=True)
        pending = [_pending(row) for row in await cursor.fetchall()]
        await self._rest(connection, sorted(set(buckets) - {row.bucket for row in pending}))
        return pending

    async def _rest(self, connection: Connection, blocked: list[int]) -> None:
        # A bucket whose every key is blocked would be claimed again and again, and starve the others.
        if not blocked:
            return
        cursor = await connection.execute(EARLIEST, {"buckets": blocked})
        now = time.monotonic()
        self._resting |= {bucket: now + float(seconds) for bucket, seconds in await cursor.fetchall() if seconds}


def _pending(row: TupleRow) -> Pending:
    event_id: UUID = row[4]
    return Pending(
        bucket=row[0],
        id=row[1],
        attempts=row[2],
        created_at=row[3],
        publication=Publication(
            event_id=event_id,
            key=row[5],
            key_seq=row[6],
            event_type=row[7],
            exchange=row[8],
            routing_key=row[9],
            content_type=row[10],
            headers=row[11],
            body=row[12],
        ),
    )


def _places(pending: Sequence[Pending]) -> dict[str, Any]:
    return {"buckets": [row.bucket for row in pending], "ids": [row.id for row in pending]}
