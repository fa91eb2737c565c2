"""The consumer's side: each message is noted in the transaction of its effect, so that it has that effect once.

What cannot be applied yet waits in inbox_deferred, in order per key; what waits survives anything.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from domain.actor import Call
from domain.clock import Clock
from domain.events import Encode, Received, Wake
from domain.identity import Ids
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import translated
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import inbox, inbox_deferred
from persistence.session import Write
from persistence.statements import Statement, insert_many, rows_of
from persistence.unit_of_work import JoinedUnit, Work, joined

APPLIED = "applied"
"""The outcome that is written with the note itself, since nearly all have it."""

_NOTE = Statement(insert_many(inbox) + " ON CONFLICT (consumer, message_id) DO NOTHING RETURNING message_id")
_DIGESTS = "SELECT message_id, digest FROM inbox WHERE consumer = %s AND message_id = ANY (%s)"
_WAITING = "SELECT message_id, key FROM inbox_deferred WHERE consumer = %s AND key = ANY (%s)"
_DEFAULTED = ("id", "attempts", "next_at", "received_at")
_DEFER = Statement(
    insert_many(inbox_deferred, [c for c in inbox_deferred.columns if c.name not in _DEFAULTED])
    + " ON CONFLICT (consumer, message_id) DO NOTHING"
)
_OUTCOMES = Statement("""
UPDATE inbox SET outcome = k.outcome
  FROM json_to_recordset($1::json) AS k(consumer text, message_id text, outcome text)
 WHERE inbox.consumer = k.consumer AND inbox.message_id = k.message_id
""")
_DUE = """
SELECT * FROM inbox_deferred d
 WHERE consumer = %s AND next_at <= clock_timestamp()
   AND NOT EXISTS (SELECT FROM inbox_deferred older
                    WHERE older.consumer = d.consumer AND older.key = d.key AND older.id < d.id)
 ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_PUT_OFF = """
UPDATE inbox_deferred
   SET attempts = least(attempts + 1, 30000), last_error = left(%s, 500),
       next_at = clock_timestamp() + least(interval '5 min', interval '1 s' * power(2, least(attempts, 10)))
 WHERE consumer = %s AND message_id = %s
"""
_PARK = "UPDATE inbox_deferred SET next_at = 'infinity' WHERE consumer = %s AND message_id = %s"
_DROP = Statement("""
DELETE FROM inbox_deferred USING json_to_recordset($1::json) AS k(consumer text, message_id text)
 WHERE inbox_deferred.consumer = k.consumer AND inbox_deferred.message_id = k.message_id
""")


@dataclass(slots=True)
class SqlBatch:
    """See `domain.events.Batch`."""

    work: Work
    at: datetime
    fresh: Sequence[Received]
    repeated: Sequence[Received]
    differing: Sequence[Received]
    behind: Sequence[Received]
    resumed: bool = False

    def begin(self, message: Received) -> Callable[[Call], AbstractAsyncContextManager[JoinedUnit]]:
        """A `begin` whose units join this transaction, on behalf of this message."""

        def begin(call: Call) -> AbstractAsyncContextManager[JoinedUnit]:
            return joined(self.work, call, lambda: self.work.session.received(message, self.at))

        return begin

    async def commit(self, outcomes: Mapping[str, str]) -> None:
        """Write everything and commit."""
        session = self.work.session
        special = [message for message in self.fresh if outcomes[message.message_id] != APPLIED]
        session.add(Write(_OUTCOMES, [_outcome_row(message, outcomes) for message in special], checked=True))
        if self.resumed:
            session.add(Write(_DROP, [_place_of(message) for message in (*self.fresh, *self.repeated)]))
        await session.commit()


@dataclass(frozen=True, slots=True)
class SqlInbox:
    """See `domain.events.Inbox`. `wake` is called with what a batch left: work, or longer logs."""

    database: Database
    encodings: Sequence[Encode]
    ids: Ids
    clock: Clock
    wake: Wake

    @asynccontextmanager
    async def receive(self, messages: Sequence[Received]) -> AsyncIterator[SqlBatch]:
        """Note the messages, lock their keys, and hand over those that are new. Raises Conflict, Unavailable."""
        async with self._transaction() as connection:
            behind = await _behind(connection, messages)
            batch = await self._batch(connection, [message for message in messages if message not in behind])
            batch.behind = behind
            await _defer(connection, behind, "an earlier message of its key waits")
            yield batch
        self._tell(batch)

    @asynccontextmanager
    async def resume(self, consumer: str) -> AsyncIterator[SqlBatch | None]:
        """The oldest due message that heads its key. Raises Conflict, Unavailable."""
        async with self._transaction() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(_DUE, (consumer,))
            row = await cursor.fetchone()
            if row is None:
                yield None
                return
            batch = await self._batch(connection, [_from_row(row)])
            batch.resumed = True
            yield batch
        self._tell(batch)

    async def defer(self, message: Received, reason: str, *, parked: bool = False) -> None:
        """Keep a message for later, first try after a second; parked: until an operator says."""
        async with self._transaction() as connection:
            await _defer(connection, [message], reason)
            if parked:
                await connection.execute(_PARK, (message.consumer, message.message_id))
            await connection.commit()

    async def put_off(self, message: Received, reason: str) -> None:
        """A resumed message failed again: later still, up to five minutes."""
        async with self._transaction() as connection:
            await connection.execute(_PUT_OFF, (reason, message.consumer, message.message_id))
            await connection.commit()

    async def drop(self, message: Received) -> None:
        """A deferred message was dead-lettered."""
        async with self._transaction() as connection:
            await round_trip(connection, [Asked(_DROP, (rows_of([_place_of(message)]),))], commit=True)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        with translated():
            async with self.database.writes.connection() as connection:
                try:
                    yield connection
                finally:
                    await connection.rollback()

    async def _batch(self, connection: Connection, messages: list[Received]) -> SqlBatch:
        new = await _note(connection, messages)
        fresh = [message for message in messages if message.message_id in new]
        repeated = [message for message in messages if message.message_id not in new]
        work = Work(connection, self.encodings, self.ids)
        if fresh:
            await work.load(sorted(UUID(message.key) for message in fresh))
        differing = await _differing(connection, repeated)
        return SqlBatch(work, self.clock.now(), fresh, repeated, differing, [])

    def _tell(self, batch: SqlBatch) -> None:
        if batch.work.session.left:
            self.wake(batch.work.session.left)


async def _note(connection: Connection, messages: Sequence[Received]) -> set[str]:
    if not messages:
        return set()
    # Sorted, so that two consumers with the same messages wait for each other in one order.
    rows = [_inbox_row(message) for message in sorted(messages, key=lambda message: message.message_id)]
    (noted,) = await round_trip(connection, [Asked(_NOTE, (rows_of(rows),))])
    return {row["message_id"] for row in noted.rows}


async def _differing(connection: Connection, repeated: Sequence[Received]) -> list[Received]:
    if not repeated:
        return []
    ids = [message.message_id for message in repeated]
    cursor = await connection.execute(_DIGESTS, (repeated[0].consumer, ids))
    digests = dict(await cursor.fetchall())
    return [message for message in repeated if digests.get(message.message_id) not in (None, message.digest)]


async def _behind(connection: Connection, messages: Sequence[Received]) -> list[Received]:
    if not messages:
        return []
    cursor = await connection.execute(_WAITING, (messages[0].consumer, [message.key for message in messages]))
    waiting = {key for _, key in await cursor.fetchall()}
    return [message for message in messages if message.key in waiting]


async def _defer(connection: Connection, messages: Sequence[Received], reason: str) -> None:
    if messages:
        rows = [_deferred_row(message, reason) for message in messages]
        await round_trip(connection, [Asked(_DEFER, (rows_of(rows),))])


def _inbox_row(message: Received) -> Row:
    return {
        "consumer": message.consumer,
        "message_id": message.message_id,
        "event_type": message.event_type,
        "key": message.key,
        "key_seq": None,
        "correlation_id": message.correlation_id,
        "causation_id": message.causation_id,
        "digest": message.digest,
        "outcome": APPLIED,
    }


def _outcome_row(message: Received, outcomes: Mapping[str, str]) -> Row:
    return _place_of(message) | {"outcome": outcomes[message.message_id]}


def _place_of(message: Received) -> Row:
    return {"consumer": message.consumer, "message_id": message.message_id}


def _deferred_row(message: Received, reason: str) -> Row:
    return {
        "consumer": message.consumer,
        "message_id": message.message_id,
        "event_type": message.event_type,
        "key": message.key,
        "correlation_id": message.correlation_id,
        "causation_id": message.causation_id,
        "content": json.dumps(message.content, default=str),
        "body": message.body,
        "digest": message.digest,
        "trace": dict(message.trace),
        "last_error": reason[:500],
    }


def _from_row(row: Mapping[str, Any]) -> Received:
    return Received(
        consumer=row["consumer"],
        message_id=row["message_id"],
        event_type=row["event_type"],
        key=row["key"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        content=json.loads(row["content"]),
        body=row["body"],
        digest=row["digest"],
        trace=row["trace"],
    )
