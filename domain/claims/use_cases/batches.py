"""Batches: filled, frozen, sent. A batch is locked before its claims, and those in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from domain.actor import Call
from domain.claims.claim_batch import ClaimBatch, ClaimBatchForm
from domain.claims.numbering import claim_batch_number
from domain.claims.ports import Begin
from domain.claims.use_cases.loading import batch_of, claim_of, must_serve, save
from domain.clock import Clock
from domain.identity import Ids
from domain.retry import retried


@dataclass(frozen=True, slots=True)
class Batches:
    """The use cases of batches."""

    begin: Begin
    clock: Clock
    ids: Ids

    @retried
    async def create_claim_batch(self, call: Call, form: ClaimBatchForm) -> ClaimBatch:
        """An empty batch. Without a number it gets one. Raises ProviderNotFound, ClaimBatchNumberTaken."""
        must_serve(call, form.provider_id)
        batch_id = self.ids.new()
        form = replace(form, number=form.number or claim_batch_number(batch_id))
        async with self.begin(call) as work:
            correlation_id = call.correlation_id or call.causation_id
            batch = ClaimBatch.create(batch_id, form, correlation_id=correlation_id, at=self.clock.now())
            save(work, batch=batch)
            await work.commit(batch)
            return batch

    @retried
    async def add_claim_to_batch(
        self, call: Call, claim_batch_id: UUID, claim_id: UUID, *, version: int | None = None
    ) -> ClaimBatch:
        """Put a READY claim in. Raises ClaimBatchNotFound, ClaimNotFound, Stale, and as `ClaimBatch.add` does."""
        async with self.begin(call) as work:
            batch = await batch_of(work, call, claim_batch_id, version)
            claim = await claim_of(work, call, claim_id)
            batch.add(claim, at=self.clock.now())
            save(work, claim, batch=batch)
            await work.commit(batch)
            return batch

    @retried
    async def remove_claim_from_batch(
        self, call: Call, claim_batch_id: UUID, claim_id: UUID, *, version: int | None = None
    ) -> ClaimBatch:
        """Take a claim out. Raises ClaimBatchNotFound, ClaimNotFound, Stale, and as `ClaimBatch.remove` does."""
        async with self.begin(call) as work:
            batch = await batch_of(work, call, claim_batch_id, version)
            claim = await claim_of(work, call, claim_id)
            batch.remove(claim, at=self.clock.now())
            save(work, claim, batch=batch)
            await work.commit(batch)
            return batch

    @retried
    async def close_claim_batch(self, call: Call, claim_batch_id: UUID, *, version: int | None = None) -> ClaimBatch:
        """Freeze it. Raises ClaimBatchNotFound, Stale, and as `ClaimBatch.close` does."""
        async with self.begin(call) as work:
            batch = await batch_of(work, call, claim_batch_id, version)
            batch.close(at=self.clock.now())
            save(work, batch=batch)
            await work.commit(batch)
            return batch

    @retried
    async def submit_claim_batch(self, call: Call, claim_batch_id: UUID, *, version: int | None = None) -> ClaimBatch:
        """Send a closed batch, all of it at once. Raises ClaimBatchNotFound, Stale, and as `ClaimBatch.submit` does."""
        async with self.begin(call) as work:
            batch = await batch_of(work, call, claim_batch_id, version)
            claims = await work.claims.get_all(batch.claim_ids)
            batch.submit(claims, at=self.clock.now())
            save(work, *claims, batch=batch)
            await work.commit(batch)
            return batch
