"""Claims kept in memory: a unit's own copies, written at its commit as the real collections write them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from uuid import UUID

from domain.actor import Call
from domain.aggregate import Change
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.errors import ClaimBatchNumberTaken, ClaimNumberTaken
from domain.claims.invoice import Invoice
from domain.claims.queries import HistoryEntry
from domain.errors import DomainError, IdempotencyKeyReused, RequestInProgress
from domain.events import Fact, Publication, Stamp
from domain.once import Replayed
from domain.retry import Conflict
from messaging.codec import encode_json
from tests.support.fakes_invoices import FakeInvoices

T = TypeVar("T", bound=Claim | ClaimBatch)
Root = Claim | ClaimBatch | Invoice


@dataclass
class FakeClaimStore:
    """What was committed; `facts` and `history` are in the order they were committed."""

    claims: dict[UUID, Claim] = field(default_factory=dict)
    claim_batches: dict[UUID, ClaimBatch] = field(default_factory=dict)
    invoices: dict[UUID, Invoice] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    outbox: list[Publication] = field(default_factory=list)
    history: list[tuple[UUID, HistoryEntry]] = field(default_factory=list)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    running: set[tuple[str, str, str]] = field(default_factory=set)

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncIterator[FakeClaimsWork]:
        """A unit of work; what is not committed is forgotten.

        Raises Replayed, RequestInProgress and IdempotencyKeyReused.
        """
        held = {call.once.scope} if call.once else set()
        if held & self.running:
            raise RequestInProgress(retry_after=0.2)
        if call.once and call.once.scope in self.answers:
            fingerprint, reply = self.answers[call.once.scope]
            raise Replayed(reply) if fingerprint == call.once.fingerprint else IdempotencyKeyReused
        self.running |= held
        try:
            work = FakeClaimsWork(self, call)
            yield work
            if not work.committed:
                raise RuntimeError("a unit of work ended without a commit")
        finally:
            self.running -= held

    def names(self) -> list[str]:
        """Everything that others were told, by name."""
        return [type(fact).__name__ for fact in self.facts]


class FakeCollection(Generic[T]):
    """One kind of aggregate in one unit; `taken` is what a number that is used twice raises."""

    def __init__(self, rows: dict[UUID, T], taken: type[DomainError]) -> None:
        self._rows = rows
        self._taken = taken
        self._known: dict[UUID, T] = {}
        self.saved: dict[UUID, T] = {}

    async def get(self, aggregate_id: UUID) -> T | None:
        if aggregate_id not in self._known and (stored := self._rows.get(aggregate_id)):
            self._known[aggregate_id] = replace(stored, changes=[])
        return self._known.get(aggregate_id)

    async def get_all(self, ids: Collection[UUID]) -> list[T]:
        return [found for one in sorted(ids) if (found := await self.get(one))]

    def save(self, aggregate: T) -> None:
        self._known[aggregate.id] = self.saved[aggregate.id] = aggregate

    def check(self) -> None:
        """Raise Conflict for what was changed since it was loaded, and as a taken number is refused."""
        for aggregate in self.saved.values():
            stored = self._rows.get(aggregate.id)
            if (stored.version if stored else 0) != aggregate.stored_version:
                raise Conflict
            mine = (aggregate.provider_id, aggregate.form.number)
            others = (row for row in self._rows.values() if row.id != aggregate.id)
            if any((row.provider_id, row.form.number) == mine for row in others):
                raise self._taken

    def write(self) -> None:
        """Put them into their table."""
        self._rows |= {one.id: replace(one, changes=[]) for one in self.saved.values()}


class FakeClaims(FakeCollection[Claim]):
    """Claims of one unit."""


class FakeClaimBatches(FakeCollection[ClaimBatch]):
    """Batches of one unit."""

    def __init__(self, store: FakeClaimStore) -> None:
        super().__init__(store.claim_batches, ClaimBatchNumberTaken)
        self._claims = store.claims

    async def of_claim(self, claim_id: UUID) -> ClaimBatch | None:
        claim = self._claims.get(claim_id)
        return await self.get(claim.claim_batch_id) if claim and claim.claim_batch_id else None


class FakeClaimsWork:
    """One unit of work on a FakeClaimStore; each thing that was saved is its own lock root."""

    def __init__(self, store: FakeClaimStore, call: Call) -> None:
        self._store = store
        self._call = call
        self.committed = False
        self.claims = FakeClaims(store.claims, ClaimNumberTaken)
        self.claim_batches = FakeClaimBatches(store)
        self.invoices = FakeInvoices(store.invoices)

    async def commit(self, answer: object = None) -> None:
        self.claims.check()
        self.claim_batches.check()
        self.invoices.check()
        once = self._call.once
        if once and answer is not None:
            self._store.answers[once.scope] = (once.fingerprint, once.encode(answer))
        saved: list[Root] = [*self.claim_batches.saved.values(), *self.claims.saved.values()]
        for aggregate in (*saved, *self.invoices.saved.values()):
            for change in aggregate.changes:
                self._note(aggregate, change)
        self.claims.write()
        self.claim_batches.write()
        self.invoices.write()
        self.committed = True

    def _note(self, root: Root, change: Change) -> None:
        told = self._publish(root, change, change.fact) if change.fact else None
        entry = HistoryEntry(
            sequence=len(self._store.history) + 1,
            at=change.at,
            actor=self._call.actor.id,
            action=change.action,
            before=change.before or "",
            after=change.after,
            note=change.note,
            event_type=told.event_type if told else "",
            event_id=str(told.event_id) if told else "",
            correlation_id=root.correlation_id,
            causation_id=self._call.causation_id,
            subject=change.subject,
            subject_id=str(change.subject_id),
        )
        self._store.history.append((root.id, entry))

    def _publish(self, root: Root, change: Change, fact: Fact) -> Publication:
        root.facts += 1
        stamp = Stamp(
            event_id=UUID(int=(1 << 127) + len(self._store.outbox)),
            key_seq=root.facts,
            occurred_at=change.at,
            correlation_id=root.correlation_id,
            causation_id=self._call.causation_id,
        )
        publication = encode_json(fact, stamp)
        self._store.facts.append(fact)
        self._store.outbox.append(publication)
        return publication
