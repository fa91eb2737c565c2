"""One database transaction: what was loaded, what is to be written, and the commit that writes it.

A request's unit of work has a session of its own; the units of a batch of messages share one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zlib import crc32

from domain.actor import Call
from domain.aggregate import Aggregate, Change
from domain.billing.queries import EntryKind
from domain.events import Encode, Fact, Left, Publication, Received, Stamp
from domain.identity import Ids
from domain.posting import Posting
from domain.retry import Conflict
from domain.tasks import Due
from persistence.connection import Connection
from persistence.logs import WORK_ORDERS, Log, Root, whose
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import BUCKETS, ledger_entries, outbox, tasks
from persistence.statements import Statement, insert_many, rows_of, written

_OUTBOX = Statement(insert_many(outbox, [c for c in written(outbox) if c.name not in ("next_at", "last_error")]))
_LEDGER = Statement(insert_many(ledger_entries))
_SCHEDULE = Statement(
    insert_many(tasks)
    + " ON CONFLICT (subject_id) DO UPDATE SET (kind, due_at, attempts, lease, leased_until, causation_id,"
    " correlation_id, trace, last_error) = (excluded.kind, excluded.due_at, 0, NULL, NULL, excluded.causation_id,"
    " excluded.correlation_id, excluded.trace, '')"
)
_UNSCHEDULE = Statement(
    "DELETE FROM tasks USING json_to_recordset($1::json) AS k(subject_id uuid) WHERE tasks.subject_id = k.subject_id"
)


@dataclass(frozen=True, slots=True)
class Write:
    """One multi-row statement. One that is `checked` may find that rows moved on: it must touch as many as it has."""

    statement: Statement
    rows: Sequence[Row]
    checked: bool = False


class Roots(Protocol):
    """A collection of roots; it writes those whose count of facts rose, saved or not."""

    @property
    def log(self) -> Log:
        """Where the changes of their keys are kept."""
        ...

    def root(self, key: str) -> Root | None:
        """The locked root with this key, or None."""
        ...


Load = Callable[[Sequence[UUID]], Awaitable[None]]
"""Reads what some keys have."""


class Part(Protocol):
    """Aggregates of one table that are read by their root's key."""

    def asked(self, keys: Sequence[UUID]) -> Asked:
        """The statement that reads what these keys have."""
        ...

    def take(self, keys: Sequence[UUID], rows: Iterable[Row]) -> None:
        """Hold what it gave."""
        ...


class Collection(Protocol):
    """The aggregates of one table that the session holds."""

    def writes(self) -> Iterable[Write]:
        """The statements that store what was saved."""
        ...


class Session:
    """Collects; `commit` writes. Roots are written first, so that a key's lock is taken before its other rows."""

    def __init__(self, connection: Connection, encodings: Sequence[Encode], ids: Ids) -> None:
        self.connection = connection
        self.roots: list[Roots] = []
        self.collections: list[Collection] = []
        self.left = Left()
        self._encodings = encodings
        self._ids = ids
        self._logs: dict[Log, list[Row]] = {}
        self._outbox: list[Row] = []
        self._ledger: list[Row] = []
        self._tasks: dict[UUID, Row] = {}
        self._undue: set[UUID] = set()
        self._extra: list[Write] = []

    def collect(self, call: Call, saved: Iterable[Aggregate]) -> None:
        """Take the changes of what one unit of work saved, in the order they were made."""
        for aggregate in saved:
            for change in aggregate.changes:
                self._note(call, change)
            if aggregate.changes:
                self._reschedule(call, aggregate)

    def schedule(
        self, subject_id: UUID, due: Due, *, causation_id: str, correlation_id: str = "", call: Call | None = None
    ) -> None:
        """Have something done when it is due, in place of what was due about the same subject."""
        self._undue.discard(subject_id)
        self._tasks[subject_id] = {
            "subject_id": subject_id,
            "kind": due.kind,
            "due_at": due.at,
            "attempts": 0,
            "lease": None,
            "leased_until": None,
            "causation_id": causation_id,
            "correlation_id": correlation_id,
            "trace": dict(call.trace) if call else {},
            "last_error": "",
        }

    def add(self, write: Write) -> None:
        """Have one more statement written by the same commit."""
        self._extra.append(write)

    def received(self, message: Received, at: datetime) -> None:
        """Keep a partner's event in the log of its key, before what it changes; a key of nobody is a work order's."""
        log, root = self._find(message.key) or (WORK_ORDERS, None)
        self._logs.setdefault(log, []).append(
            log.entry(message.key, root, EntryKind.RECEIVED, f"system:{message.consumer}")
            | {
                "event_type": message.event_type,
                "event_id": message.message_id,
                "correlation_id": message.correlation_id,
                "causation_id": message.causation_id,
                "body": message.body,
                "recorded_at": at,
            }
        )

    async def commit(self) -> None:
        """Write everything, one statement per table, and commit. Raises Conflict when a row had moved on.

        All in one round trip, but where rows may have moved on: what became of these is looked at before the commit.
        """
        writes = [write for write in self._writes() if write.rows]
        asked = [Asked(write.statement, (rows_of(write.rows),)) for write in writes]
        sure = not any(write.checked for write in writes)
        answers = await round_trip(self.connection, asked, commit=sure)
        done = zip(answers, writes, strict=True)
        if any(write.checked and answer.touched != len(write.rows) for answer, write in done):
            raise Conflict
        if not sure:
            await round_trip(self.connection, [], commit=True)
        keys = frozenset(str(entry[log.key]) for log, entries in self._logs.items() for entry in entries)
        self.left = Left(work=bool(self._outbox or self._tasks), keys=keys)

    def _writes(self) -> Iterator[Write]:
        for collection in self.collections:
            yield from collection.writes()
        for log, entries in self._logs.items():
            yield Write(log.statement, entries)
        yield Write(_LEDGER, self._ledger)
        yield Write(_OUTBOX, self._outbox)
        yield Write(_SCHEDULE, list(self._tasks.values()))
        yield Write(_UNSCHEDULE, [{"subject_id": subject} for subject in self._undue])
        yield from self._extra

    def _note(self, call: Call, change: Change) -> None:
        log, root = self._root(change.key)
        entry = log.entry(change.key, root, EntryKind.CHANGED, call.actor.id) | {
            "correlation_id": root.correlation_id,
            "causation_id": call.causation_id,
            "subject": change.subject,
            "subject_id": str(change.subject_id),
            "action": change.action,
            "before": change.before or "",
            "after": change.after,
            "event_type": change.event_type,
            "note": change.note,
            "recorded_at": change.at,
        }
        if change.fact is not None:
            publication = self._publish(call, change, change.fact, root)
            entry |= {
                "event_type": publication.event_type,
                "event_id": str(publication.event_id),
                "body": publication.body,
            }
        self._logs.setdefault(log, []).append(entry)
        transaction_id = self._ids.new() if change.entry else None
        for posting in change.entry:
            self._ledger.append(_posting(transaction_id, change, root, posting))

    def _reschedule(self, call: Call, aggregate: Aggregate) -> None:
        if aggregate.due is not None:
            _, root = self._root(aggregate.key)
            self.schedule(
                aggregate.id,
                aggregate.due,
                causation_id=call.causation_id,
                correlation_id=root.correlation_id,
                call=call,
            )
        elif aggregate.stored_version:
            self._tasks.pop(aggregate.id, None)
            self._undue.add(aggregate.id)

    def _publish(self, call: Call, change: Change, fact: Fact, root: Root) -> Publication:
        """Queue the fact in every encoding; answers the first one, which stands for it in the log."""
        event_id = self._ids.new()
        publications = []
        for encode in self._encodings:
            root.facts += 1
            stamp = Stamp(
                event_id=event_id,
                key_seq=root.facts,
                occurred_at=change.at,
                correlation_id=root.correlation_id,
                causation_id=call.causation_id,
                trace=call.trace,
            )
            publications.append(encode(fact, stamp))
        self._outbox += [_outbox_row(publication) for publication in publications]
        return publications[0]

    def _root(self, key: str) -> tuple[Log, Root]:
        found = self._find(key)
        if found is None:
            raise LookupError(f"{key} was changed without its root being loaded and locked first")
        return found

    def _find(self, key: str) -> tuple[Log, Root] | None:
        for roots in self.roots:
            if (root := roots.root(key)) is not None:
                return roots.log, root
        return None


async def load(connection: Connection, parts: Sequence[Part], keys: Sequence[UUID]) -> None:
    """Read what these keys have, a statement per part in one round trip; the root, which locks, is the first part."""
    answers = await round_trip(connection, [part.asked(keys) for part in parts])
    for part, answer in zip(parts, answers, strict=True):
        part.take(keys, answer.rows)


def bucket_of(key: str) -> int:
    """The outbox bucket of a key: one relay at a time works in it."""
    return crc32(key.encode()) % BUCKETS


def _posting(transaction_id: UUID | None, change: Change, root: Root, posting: Posting) -> Row:
    return {
        "transaction_id": transaction_id,
        "work_order_id": change.key,
        **whose(root),
        "account": posting.account,
        "amount_cents": posting.amount.cents,
        "currency": posting.amount.currency,
        "subject": change.subject,
        "subject_id": change.subject_id,
        "action": change.action,
        "recorded_at": change.at,
    }


def _outbox_row(publication: Publication) -> Row:
    return {
        "bucket": bucket_of(publication.key),
        "event_id": publication.event_id,
        "key": publication.key,
        "key_seq": publication.key_seq,
        "event_type": publication.event_type,
        "exchange": publication.exchange,
        "routing_key": publication.routing_key,
        "content_type": publication.content_type,
        "headers": publication.headers,
        "body": publication.body,
    }
