"""Units of work in memory: all or nothing, with the log, the books, the outbox and the due work of the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.actor import Call
from domain.aggregate import Aggregate, Change
from domain.billing.budget import Budget
from domain.billing.queries import EntryKind, LedgerEntry, TimelineEntry
from domain.billing.work_order import WorkOrder
from domain.errors import IdempotencyKeyReused, RequestInProgress
from domain.events import Fact, Publication, Received, Stamp
from domain.once import Replayed
from domain.retry import Conflict
from domain.tasks import Due
from messaging.codec import encode_json
from persistence.news import Newsroom
from tests.support.fakes_collections import (
    FakeBudgets,
    FakeNotices,
    FakePayments,
    FakeServicePrices,
    FakeWorkOrders,
    Saved,
)
from tests.support.fakes_reference import FakeReference, ReferenceRows
from tests.support.fakes_rows import DueRow, Logged, Rows


@dataclass
class FakeStore(Rows):
    """What was committed; `answers` are kept by idempotency scope, `calls` are those that units were begun for."""

    answers: dict[tuple[str, str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    before_commit: Callable[[], Awaitable[None]] | None = None
    """When set, a commit waits for what it gives, and dies of what it raises: a test's way into the middle."""
    running: set[tuple[str, str, str]] = field(default_factory=set)
    drawn: int = 0
    reference: ReferenceRows = field(default_factory=ReferenceRows)
    news: Newsroom = field(default_factory=Newsroom)
    """Told of every key whose log grew, and by a test that makes up news."""

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncIterator[FakeBillingWork]:
        """A unit of work; what is not committed is forgotten.

        Raises Replayed, RequestInProgress and IdempotencyKeyReused.
        """
        self.calls.append(call)
        if call.once is None:
            async with self._unit(call) as work:
                yield work
            return
        scope, fingerprint = call.once.scope, call.once.fingerprint
        if scope in self.running:
            raise RequestInProgress(retry_after=0.2)
        if scope in self.answers:
            kept, reply = self.answers[scope]
            raise Replayed(reply) if kept == fingerprint else IdempotencyKeyReused
        self.running.add(scope)
        try:
            async with self._unit(call) as work:
                yield work
        finally:
            self.running.discard(scope)

    def receive(self, message: Received, at: datetime) -> None:
        """Keep a partner's event in the log of its work order, as the inbox does before it is handled."""
        work_order_id = UUID(message.key)
        entry = self.entry(
            kind=EntryKind.RECEIVED,
            actor=f"system:{message.consumer}",
            at=at,
            event_type=message.event_type,
            event_id=message.message_id,
            correlation_id=message.correlation_id,
            causation_id=message.causation_id,
            body=message.body.decode(),
        )
        self.log.append(Logged(work_order_id, entry))

    def entry(self, *, kind: EntryKind, actor: str, at: datetime, **said: str) -> TimelineEntry:
        """The log's next line; what is not said is empty."""
        caused = ("event_type", "event_id", "correlation_id", "causation_id", "body")
        texts = (*caused, "subject", "subject_id", "action", "before", "after")
        return TimelineEntry(
            sequence=len(self.log) + 1,
            at=at,
            kind=kind,
            actor=actor,
            published_at=None,
            **{**dict.fromkeys(texts, ""), **said},
        )

    def new_id(self) -> UUID:
        """An id of the store's own drawing: its highest bit is set, so that it is no other's."""
        self.drawn += 1
        return UUID(int=(1 << 127) + self.drawn)

    @asynccontextmanager
    async def _unit(self, call: Call) -> AsyncIterator[FakeBillingWork]:
        work = FakeBillingWork(self, call)
        yield work
        if not work.committed:
            raise RuntimeError("a unit of work ended without a commit")


class FakeBillingWork:
    """One unit of work on a FakeStore; it writes what `persistence.session` writes."""

    def __init__(self, store: FakeStore, call: Call) -> None:
        self._store = store
        self._call = call
        self._saved: Saved = {}
        self.committed = False
        self.work_orders = FakeWorkOrders(store, self._saved)
        self.budgets = FakeBudgets(store, self._saved)
        self.payments = FakePayments(store, self._saved)
        self.notices = FakeNotices(store)
        self.service_prices = FakeServicePrices(store)
        self.reference = FakeReference(store.reference)

    async def commit(self, answer: object = None) -> None:
        """Raises Conflict when something saved, or its work order, was changed by another unit since it was loaded."""
        if self._store.before_commit:
            await self._store.before_commit()
        roots = {aggregate.key: self._root(aggregate.key) for aggregate in self._saved.values()}
        for aggregate in (*roots.values(), *self._saved.values()):
            self._must_be_current(aggregate)
        once = self._call.once
        if once and answer is not None:
            self._store.answers[once.scope] = (once.fingerprint, once.encode(answer))
        for aggregate in self._saved.values():
            self._write(aggregate, roots[aggregate.key])
        for root in roots.values():
            self._store.work_orders[root.id].facts = root.facts
        self.service_prices.write()
        self.reference.write()
        self._write_notices()
        self.committed = True
        for key in roots:
            self._store.news.heard(key)

    def _must_be_current(self, aggregate: Aggregate) -> None:
        stored = self._store.stored(aggregate)
        if (stored.version if stored else 0) != aggregate.stored_version:
            raise Conflict
        if isinstance(aggregate, WorkOrder) and isinstance(stored, WorkOrder) and stored.facts != aggregate.facts:
            raise Conflict
        if isinstance(aggregate, Budget) and stored is None and self._has_a_budget(aggregate.work_order_id):
            raise Conflict

    def _has_a_budget(self, work_order_id: UUID) -> bool:
        return any(budget.work_order_id == work_order_id for budget in self._store.budgets.values())

    def _write(self, aggregate: Aggregate, root: WorkOrder) -> None:
        for change in aggregate.changes:
            self._note(change, root)
        if aggregate.changes:
            self._reschedule(aggregate, root)
        self._store.write(aggregate)

    def _note(self, change: Change, root: WorkOrder) -> None:
        said = {
            "subject": change.subject,
            "subject_id": str(change.subject_id),
            "action": change.action,
            "before": change.before or "",
            "after": change.after,
            "event_type": change.event_type,
            "correlation_id": root.correlation_id,
            "causation_id": self._call.causation_id,
        }
        if change.fact is not None:
            told = self._publish(change.fact, change.at, root)
            said |= {"event_type": told.event_type, "event_id": str(told.event_id), "body": told.body.decode()}
        entry = self._store.entry(kind=EntryKind.CHANGED, actor=self._call.actor.id, at=change.at, **said)
        self._store.log.append(Logged(root.id, entry))
        self._book(change, root)

    def _publish(self, fact: Fact, at: datetime, root: WorkOrder) -> Publication:
        root.facts += 1
        stamp = Stamp(
            event_id=self._store.new_id(),
            key_seq=root.facts,
            occurred_at=at,
            correlation_id=root.correlation_id,
            causation_id=self._call.causation_id,
            trace=self._call.trace,
        )
        publication = encode_json(fact, stamp)
        self._store.facts.append(fact)
        self._store.outbox.append(publication)
        return publication

    def _book(self, change: Change, root: WorkOrder) -> None:
        transaction_id = self._store.new_id()
        for posting in change.entry:
            self._store.ledger.append(
                LedgerEntry(
                    sequence=len(self._store.ledger) + 1,
                    transaction_id=transaction_id,
                    work_order_id=root.id,
                    account=posting.account,
                    amount=posting.amount,
                    subject=change.subject,
                    subject_id=str(change.subject_id),
                    action=change.action,
                    at=change.at,
                )
            )

    def _reschedule(self, aggregate: Aggregate, root: WorkOrder) -> None:
        if aggregate.due is None:
            self._store.tasks.pop(aggregate.id, None)
        else:
            self._schedule(aggregate.id, aggregate.due, self._call.causation_id, root.correlation_id)

    def _schedule(self, subject_id: UUID, due: Due, causation_id: str, correlation_id: str) -> None:
        self._store.tasks[subject_id] = DueRow(
            kind=due.kind,
            subject_id=subject_id,
            due_at=due.at,
            causation_id=causation_id,
            correlation_id=correlation_id,
            trace=dict(self._call.trace),
        )

    def _write_notices(self) -> None:
        self.notices.write()
        for notice in self.notices.added.values():
            if notice.due is not None:
                self._schedule(notice.id, notice.due, notice.event_id, "")

    def _root(self, key: str) -> WorkOrder:
        root = self.work_orders.known.get(UUID(key))
        if root is None:
            raise LookupError(f"{key} was changed without its root being loaded and locked first")
        return root
