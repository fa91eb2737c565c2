"""The read side of a fake store of claims, and what eligibility would say about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from domain.actor import Actor, Call
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.known import Code, Eligibility, Term, Verdict
from domain.claims.outcome import old_status
from domain.claims.queries import ClaimBatchFilter, ClaimFilter, HistoryEntry
from domain.money import Money
from tests.support.fakes_claims import FakeClaimStore
from tests.support.fakes_invoices import FakeInvoiceQueries

Row = TypeVar("Row", Claim, ClaimBatch)
Place = tuple[datetime, UUID]


class FakeClaimQueries(FakeInvoiceQueries):
    """Reads what a FakeClaimStore holds, as far as the actor sees it."""

    def __init__(self, store: FakeClaimStore) -> None:
        super().__init__(store.invoices, store.history)
        self._store = store

    async def claim(self, actor: Actor, claim_id: UUID) -> Claim | None:
        claim = self._store.claims.get(claim_id)
        return replace(claim, changes=[]) if claim and actor.serves(claim.provider_id) else None

    async def claims(
        self, actor: Actor, wanted: ClaimFilter, *, after: Place | None, limit: int, skip: int = 0
    ) -> list[Claim]:
        return _page(self._store.claims.values(), actor, lambda claim: _wanted(claim, wanted), after)[skip:][:limit]

    async def twins(self, claim: Claim) -> list[UUID]:
        idle = (ClaimStatus.DRAFT, ClaimStatus.CANCELED)
        others = (c for c in self._store.claims.values() if c.id != claim.id and c.status not in idle)
        return [other.id for other in others if _care(other) == _care(claim)]

    async def claim_history(
        self, actor: Actor, claim_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        if await self.claim(actor, claim_id) is None:
            return None
        entries = (entry for root, entry in self._store.history if root == claim_id)
        return [entry for entry in entries if entry.sequence > (after or 0)][:limit]

    async def claim_batch(self, actor: Actor, claim_batch_id: UUID) -> ClaimBatch | None:
        batch = self._store.claim_batches.get(claim_batch_id)
        return replace(batch, changes=[]) if batch and actor.serves(batch.provider_id) else None

    async def claim_batches(
        self, actor: Actor, wanted: ClaimBatchFilter, *, after: Place | None, limit: int
    ) -> list[ClaimBatch]:
        def fits(batch: ClaimBatch) -> bool:
            form = batch.form
            return (
                wanted.provider_id in (None, form.provider_id)
                and wanted.insurer_id in (None, form.insurer_id)
                and wanted.type in (None, form.type)
                and wanted.status in (None, batch.status)
            )

        return _page(self._store.claim_batches.values(), actor, fits, after)[:limit]


def _page(rows: Iterable[Row], actor: Actor, fits: Callable[[Row], bool], after: Place | None) -> list[Row]:
    found = [row for row in rows if actor.serves(row.provider_id) and fits(row)]
    found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    return [replace(row, changes=[]) for row in found if after is None or (row.created_at, row.id) < after]


def _wanted(claim: Claim, wanted: ClaimFilter) -> bool:
    form, status = claim.form, claim.status or ClaimStatus.DRAFT
    equal = (
        (wanted.patient_id, form.patient_id),
        (wanted.insurer_id, form.insurer_id),
        (wanted.provider_id, form.provider_id),
        (wanted.status, status),
        (wanted.outcome, claim.outcome),
        (wanted.old_status, old_status(status, claim.outcome)),
    )
    return (
        all(asked in (None, is_) for asked, is_ in equal)
        and (wanted.service_from is None or form.service_date >= wanted.service_from)
        and (wanted.service_until is None or form.service_date <= wanted.service_until)
        and (wanted.created_from is None or claim.created_at >= wanted.created_from)
        and (wanted.created_before is None or claim.created_at < wanted.created_before)
    )


def _care(claim: Claim) -> tuple[object, ...]:
    form = claim.form
    codes = frozenset((item.table, item.code) for item in form.items)
    return form.provider_id, form.patient_id, form.service_date, codes


@dataclass
class FakeReference:
    """Knows the codes of these tests and nothing more; what a test says otherwise is public."""

    unknown: set[Code] = field(default_factory=set)
    prices: dict[Code, Money] = field(default_factory=dict)
    authorized: set[Code] = field(default_factory=set)
    terms_of_appeal: dict[str, int] = field(default_factory=dict)
    verdict: Eligibility = field(default_factory=lambda: Eligibility(verdict=Verdict.ELIGIBLE))
    asked: list[object] = field(default_factory=list)
    callers: list[Call] = field(default_factory=list)

    async def terms(self, codes: Collection[Code], on: date) -> dict[Code, Term]:
        self.asked.append((*codes, on))
        known = [code for code in codes if code not in self.unknown]
        return {code: Term(table=code[0], code=code[1], description="Consulta") for code in known}

    async def agreed_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> dict[Code, Money]:
        self.asked.append((insurer_id, plan_id, *codes, on))
        return {code: self.prices[code] for code in codes if code in self.prices}

    async def need_authorization(self, insurer_id: str, plan_id: str, codes: Collection[Code]) -> frozenset[Code]:
        self.asked.append((insurer_id, plan_id, *codes))
        return frozenset(codes) & self.authorized

    async def appeal_days(self, insurer_id: str) -> int | None:
        return self.terms_of_appeal.get(insurer_id)

    async def eligibility(self, call: Call, **of: object) -> Eligibility:
        self.callers.append(call)
        self.asked.append(of)
        return self.verdict
