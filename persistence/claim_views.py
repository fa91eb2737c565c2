"""The read side of claims: what is asked of them, their batches and their history, each read one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.outcome import standings_of
from domain.claims.queries import ClaimBatchFilter, ClaimFilter, HistoryEntry
from persistence.claim_history import history_from_row
from persistence.claims import batch_from_row, claim_from_row
from persistence.invoice_views import InvoiceViews
from persistence.newest_of_days import newest_of_days

_CLAIMS = "SELECT * FROM claims"
_BATCHES = "SELECT * FROM claim_batches"
_HISTORY = "SELECT * FROM claim_log WHERE root_id = %(id)s AND id > %(after)s ORDER BY id LIMIT %(limit)s"
_NEWEST = " ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(skip)s"
_OF_DAYS = newest_of_days(
    _CLAIMS, table="claims", day="service_date", first="%(service_from)s::date", last="%(service_until)s::date"
)
_TWINS = """
SELECT id FROM claims
 WHERE provider_id = %(provider_id)s AND patient_id = %(patient_id)s AND service_date = %(service_date)s
   AND id <> %(id)s AND status NOT IN ('DRAFT', 'CANCELED')
   AND (SELECT array_agg(DISTINCT i->>'table' || ' ' || (i->>'code') ORDER BY i->>'table' || ' ' || (i->>'code'))
          FROM jsonb_array_elements(items) AS i) = %(codes)s
 ORDER BY id LIMIT 10
"""


class ClaimViews(InvoiceViews):
    """Answers `domain.claims.queries.ClaimQueries`; what is asked of invoices is answered in their own file."""

    async def claim(self, actor: Actor, claim_id: UUID) -> Claim | None:
        """One claim."""
        rows = await self.rows(actor, _CLAIMS, ["id = %(id)s"], {"id": claim_id})
        return claim_from_row(rows[0]) if rows else None

    async def claims(
        self, actor: Actor, wanted: ClaimFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[Claim]:
        """Up to `limit` claims, newest first, that come after (created_at, id)."""
        standings = (
            sorted((s.value, o.value) for s, o in standings_of(wanted.old_status)) if wanted.old_status else None
        )
        given: dict[str, Any] = {
            "patient_id": wanted.patient_id,
            "insurer_id": wanted.insurer_id,
            "provider_id": wanted.provider_id,
            "status": wanted.status and wanted.status.value,
            "outcome": wanted.outcome and wanted.outcome.value,
            "statuses": standings and [status for status, _ in standings],
            "outcomes": standings and [outcome for _, outcome in standings],
            "service_from": wanted.service_from,
            "service_until": wanted.service_until,
            "created_from": wanted.created_from,
            "created_before": wanted.created_before,
        }
        by_day = _days_alone(actor, wanted)
        rows = await self._page(actor, _CLAIMS, given, after, limit=limit, skip=skip, by_day=by_day)
        return [claim_from_row(row) for row in rows]

    async def twins(self, claim: Claim) -> list[UUID]:
        """Other claims of its provider for the same patient, day and codes."""
        form = claim.form
        parameters = {
            "id": claim.id,
            "provider_id": form.provider_id,
            "patient_id": form.patient_id,
            "service_date": form.service_date,
            "codes": sorted({f"{item.table} {item.code}" for item in form.items}),
        }
        rows = await self.rows(_NOBODY, _TWINS, [], parameters, scoped=False)
        return [row["id"] for row in rows]

    async def claim_history(
        self, actor: Actor, claim_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        """Up to `limit` changes of a claim after a sequence number, oldest first."""
        parameters = {"id": claim_id, "after": after or 0, "limit": limit}
        if not await self.rows(actor, "SELECT id FROM claims", ["id = %(id)s"], parameters):
            return None
        return [history_from_row(row) for row in await self.rows(actor, _HISTORY, [], parameters, scoped=False)]

    async def claim_batch(self, actor: Actor, claim_batch_id: UUID) -> ClaimBatch | None:
        """One batch."""
        rows = await self.rows(actor, _BATCHES, ["id = %(id)s"], {"id": claim_batch_id})
        return batch_from_row(rows[0]) if rows else None

    async def claim_batches(
        self, actor: Actor, wanted: ClaimBatchFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ClaimBatch]:
        """Up to `limit` batches, newest first, that come after (created_at, id)."""
        given = {
            "provider_id": wanted.provider_id,
            "insurer_id": wanted.insurer_id,
            "type": wanted.type and wanted.type.value,
            "status": wanted.status and wanted.status.value,
        }
        return [batch_from_row(row) for row in await self._page(actor, _BATCHES, given, after, limit=limit)]

    async def _page(
        self,
        actor: Actor,
        select: str,
        given: Mapping[str, Any],
        after: tuple[datetime, UUID] | None,
        *,
        limit: int,
        skip: int = 0,
        by_day: bool = False,
    ) -> list[Any]:
        where = [_OF_DAYS.one_day] if by_day else []
        asked = {name for name, value in given.items() if value is not None} - (_DAYS if by_day else set())
        where += [condition for name, condition in _CONDITIONS.items() if name in asked]
        where += ["(created_at, id) < (%(after_created_at)s, %(after_id)s)"] if after else []
        created_at, last_id = after or (None, None)
        parameters = {**given, "after_created_at": created_at, "after_id": last_id, "limit": limit, "skip": skip}
        if by_day:
            return await self.rows(actor, _OF_DAYS.head, where, parameters, tail=_OF_DAYS.tail)
        return await self.rows(actor, select, where, parameters, tail=_NEWEST)


def _days_alone(actor: Actor, wanted: ClaimFilter) -> bool:
    """Whether only a range of days says where to look: nobody's in particular, whose own index is the way to them."""
    named = wanted.patient_id or wanted.insurer_id or wanted.provider_id or actor.providers is not None
    return not named and (wanted.service_from is not None or wanted.service_until is not None)


_NOBODY = Actor(id="system:claims")
_DAYS = {"service_from", "service_until"}
_CONDITIONS = {
    "patient_id": "patient_id = %(patient_id)s",
    "insurer_id": "insurer_id = %(insurer_id)s",
    "provider_id": "provider_id = %(provider_id)s",
    "type": "type = %(type)s",
    "status": "status = %(status)s",
    "outcome": "outcome = %(outcome)s",
    "statuses": "(status, outcome) IN (SELECT * FROM unnest(%(statuses)s::text[], %(outcomes)s::text[]))",
    # "+ 0" keeps the index of days out of it, which would give all claims of those days to be sorted.
    "service_from": "service_date + 0 >= %(service_from)s",
    "service_until": "service_date + 0 <= %(service_until)s",
    "created_from": "created_at >= %(created_from)s",
    "created_before": "created_at < %(created_before)s",
}
