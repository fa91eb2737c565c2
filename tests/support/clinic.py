"""A clinic in memory: the use cases of claims and batches, one hand at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.claims.claim import Claim, ClaimType
from domain.claims.claim_batch import ClaimBatch, ClaimBatchForm
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.rules import ClaimRules
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.batches import Batches
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.deadlines import AppealDeadlines
from tests.support.builders import CALL
from tests.support.claim_scene import INSURER, PROVIDER, a_form, said
from tests.support.fakes import FakeClock, SpreadIds
from tests.support.fakes_claims import FakeClaimStore
from tests.support.fakes_claims_queries import FakeClaimQueries, FakeReference


class Clinic:
    """The use cases of claims over an empty store."""

    def __init__(self) -> None:
        self.store, self.clock, self.reference = FakeClaimStore(), FakeClock(), FakeReference()
        ids, self.queries = SpreadIds(), FakeClaimQueries(self.store)
        self.claims = Claims(self.store.begin, self.clock, ids, self.reference, self.queries)
        deadlines = AppealDeadlines(ClaimRules(), self.reference, self.queries)
        self.adjudications = Adjudications(self.store.begin, self.clock, ids, deadlines)
        self.batches = Batches(self.store.begin, self.clock, ids)

    async def drafted(self, **form: Any) -> Claim:
        return await self.claims.create_claim(CALL, a_form(**{"number": "", **form}))

    async def ready(self, **form: Any) -> Claim:
        return await self.claims.ready_claim(CALL, (await self.drafted(**form)).id)

    async def analyzed(self) -> Claim:
        claim = await self.claims.submit_claim(CALL, (await self.ready()).id)
        await self.adjudications.receive_claim(CALL, claim.id, "P-1")
        return await self.adjudications.start_claim_analysis(CALL, claim.id)

    async def adjudicated(self) -> Claim:
        """One of which part was denied, twice."""
        return await self.adjudications.adjudicate_claim(CALL, (await self.analyzed()).id, [said()])

    async def batch(self, **form: Any) -> ClaimBatch:
        wanted = ClaimBatchForm(number="", provider_id=PROVIDER, insurer_id=INSURER, type=ClaimType.CONSULTATION)
        return await self.batches.create_claim_batch(CALL, replace(wanted, **form))

    async def filled(self, claims: int = 2) -> ClaimBatch:
        batch = await self.batch()
        for _ in range(claims):
            batch = await self.batches.add_claim_to_batch(CALL, batch.id, (await self.ready()).id)
        return batch

    def status(self, claim_id: UUID) -> ClaimStatus | None:
        return self.store.claims[claim_id].status
