"""Units of work on PostgreSQL: explicit commit, implicit rollback; leaving by neither is a mistake, and raises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from domain.actor import Call
from domain.aggregate import Aggregate
from domain.errors import IdempotencyKeyReused, RequestInProgress
from domain.events import Encode, Wake
from domain.failpoints import reach
from domain.identity import Ids
from domain.once import Once, Replayed
from persistence.billing import SqlBudgets, SqlWorkOrders
from persistence.claims import SqlClaimBatches, SqlClaims
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import Uncommitted, translated
from persistence.invoices import SqlInvoices
from persistence.notices import SqlNotices
from persistence.payments import SqlPayments
from persistence.reference import SqlReference
from persistence.round_trip import Asked, round_trip
from persistence.schema import replies
from persistence.service_prices import SqlServicePrices
from persistence.session import Session, Write, load
from persistence.statements import Statement, insert_many

_LOCK = Statement("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS had")
_REPLY = Statement("SELECT fingerprint, reply FROM replies WHERE actor = $1 AND rpc = $2 AND key = $3")
_KEEP_REPLY = Statement(insert_many(replies))


class Work:
    """One session's collections, and the units of work that use them one after the other."""

    def __init__(self, connection: Connection, encodings: Sequence[Encode], ids: Ids) -> None:
        self.session = Session(connection, encodings, ids)
        self.saved: dict[UUID, Aggregate] = {}
        self.work_orders = SqlWorkOrders(connection, self.saved, self.load)
        self.budgets = SqlBudgets(connection, self.saved)
        self.payments = SqlPayments(connection, self.saved)
        self.notices = SqlNotices(connection, self.session)
        self.service_prices = SqlServicePrices(connection)
        self.claim_batches = SqlClaimBatches(connection, self.saved)
        self.claims = SqlClaims(connection, self.saved)
        self.invoices = SqlInvoices(connection, self.saved)
        self.reference = SqlReference(connection)
        self.session.roots += [self.work_orders, self.claim_batches, self.claims, self.invoices]
        self.session.collections += [self.work_orders, self.claim_batches, self.claims, self.invoices]
        self.session.collections += [self.budgets, self.payments, self.notices, self.service_prices, self.reference]

    async def load(self, keys: Sequence[UUID]) -> None:
        """Lock the work orders with these keys, and read them and all that is theirs."""
        await load(self.session.connection, (self.work_orders, self.budgets, self.payments), keys)


class Unit:
    """One unit of work over a Work: alone in its transaction, or joined to that of a batch of messages."""

    def __init__(self, work: Work, call: Call) -> None:
        self.work_orders = work.work_orders
        self.budgets = work.budgets
        self.payments = work.payments
        self.notices = work.notices
        self.service_prices = work.service_prices
        self.claim_batches = work.claim_batches
        self.claims = work.claims
        self.invoices = work.invoices
        self.reference = work.reference
        self.committed = False
        self._work = work
        self._call = call

    async def commit(self, answer: object = None) -> None:
        """Write and commit; only an answer is kept for a repeat. Raises Conflict when a saved row had moved on."""
        self._collect()
        session = self._work.session
        if self._call.once is not None and answer is not None:
            session.add(Write(_KEEP_REPLY, [_reply_row(self._call.once, answer)]))
        reach("unit.before_commit")
        await session.commit()
        reach("unit.after_commit")

    def _collect(self) -> None:
        self._work.session.collect(self._call, self._work.saved.values())
        self._work.saved.clear()
        self.committed = True


class JoinedUnit(Unit):
    """A unit whose transaction somebody else commits. `first` is called before its changes are collected."""

    def __init__(self, work: Work, call: Call, first: Callable[[], None]) -> None:
        super().__init__(work, call)
        self._first = first

    async def commit(self, answer: object = None) -> None:  # noqa: ARG002 -- a joined unit keeps no reply
        """Only collect."""
        self._first()
        self._collect()


@dataclass(frozen=True, slots=True)
class Units:
    """Begins units of work, each in a transaction of its own.

    `wake` is called with what one left: work, or longer logs. Every fact is published once in each of the
    `encodings`, at least one.
    """

    database: Database
    encodings: Sequence[Encode]
    ids: Ids
    wake: Wake

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncIterator[Unit]:
        """A unit on behalf of a call. Raises Replayed, RequestInProgress, IdempotencyKeyReused, Unavailable."""
        with translated():
            async with self.database.writes.connection() as connection:
                if call.once is not None:
                    await _only_once(connection, call.once)
                work = Work(connection, self.encodings, self.ids)
                unit = Unit(work, call)
                yield unit
                if not unit.committed:
                    raise Uncommitted
        if left := replace(work.session.left, scopes=frozenset(work.reference.scopes)):
            self.wake(left)


@asynccontextmanager
async def joined(work: Work, call: Call, first: Callable[[], None]) -> AsyncIterator[JoinedUnit]:
    """A unit inside a transaction that somebody else commits."""
    unit = JoinedUnit(work, call, first)
    yield unit
    if not unit.committed:
        raise Uncommitted


async def _only_once(connection: Connection, once: Once) -> None:
    # Two statements: one snapshot taken before the lock was had could miss the reply that its last holder stored. They
    # go out together all the same: the server takes the second's snapshot when the first has ended.
    locking, reading = await round_trip(
        connection, [Asked(_LOCK, ("\x1f".join(once.scope),)), Asked(_REPLY, once.scope)]
    )
    if not locking.rows[0]["had"]:
        raise RequestInProgress(retry_after=0.2)
    for known in reading.rows:
        if known["fingerprint"] != once.fingerprint:
            raise IdempotencyKeyReused
        raise Replayed(known["reply"])


def _reply_row(once: Once, answer: object) -> dict[str, object]:
    actor, rpc, key = once.scope
    return {"actor": actor, "rpc": rpc, "key": key, "fingerprint": once.fingerprint, "reply": once.encode(answer)}
