"""The read side of invoices: one, many, what came for one, and who owes for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.actor import Actor
from domain.claims.aging import FROM_DAYS, AgingBucket, AgingRow, Owed
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import OLD_STATUS
from domain.claims.queries import HistoryEntry, InvoiceFilter
from domain.claims.settlement import Settlement
from persistence.claim_history import history_from_row
from persistence.invoice_rows import INVOICES, invoice_from_row, settlement_from_row
from persistence.newest_of_days import newest_of_days
from persistence.reading import Attribute, Reading
from persistence.schema.invoices import OWED

_SETTLEMENTS = """
SELECT s.*, r.id AS reversal_id, r.reason AS reversal_reason, r.recorded_at AS reversal_recorded_at
  FROM settlements s LEFT JOIN settlements r ON r.reverses = s.id
"""
_NEWEST = " ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(skip)s"
_OF_DAYS = newest_of_days(
    INVOICES, table="invoices", day="due_date", first="%(due_from)s::date", last="%(due_before)s::date - 1"
)
_DAYS = frozenset({"due_from", "due_before"})
_BUCKETS = " ".join(
    f"WHEN %(as_of)s::date - due_date >= {days} THEN '{bucket.value}'" for bucket, days in FROM_DAYS.items()
)
_BUCKET = f"CASE {_BUCKETS} ELSE '{AgingBucket.CURRENT.value}' END AS bucket"
_AGING = f"SELECT insurer_id, {_BUCKET}, sum(open_cents) AS cents, count(*) AS invoices FROM invoices"  # noqa: S608 -- our own words
_CONDITIONS = {
    "insurer_id": "insurer_id = %(insurer_id)s",
    "patient_id": "patient_id = %(patient_id)s",
    "provider_id": "provider_id = %(provider_id)s",
    "status": "status = %(status)s",
    "old_status": "status = ANY(%(old_status)s)",
    "claim_id": "id IN (SELECT invoice_id FROM invoice_claims WHERE claim_id = %(claim_id)s)",
    "created_from": "created_at >= %(created_from)s",
    "created_before": "created_at < %(created_before)s",
    "due_from": "due_date >= %(due_from)s",
    "due_before": "due_date < %(due_before)s",
}


class InvoiceViews(Reading):
    """Answers `domain.claims.queries.InvoiceQueries`."""

    limited_by: ClassVar[Attribute | None] = "provider"

    async def invoice(self, actor: Actor, invoice_id: UUID) -> Invoice | None:
        """One invoice."""
        rows = await self.rows(actor, INVOICES, ["id = %(id)s"], {"id": invoice_id})
        return invoice_from_row(rows[0]) if rows else None

    async def invoices(
        self, actor: Actor, wanted: InvoiceFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[Invoice]:
        """Up to `limit` invoices, newest first, that come after (created_at, id); `skip` leaves out as many first."""
        old = wanted.old_status and [ours.value for ours, theirs in OLD_STATUS.items() if theirs is wanted.old_status]
        given = asdict(wanted) | {"status": wanted.status and wanted.status.value, "old_status": old}
        asked = {name for name, value in given.items() if value is not None}
        of_days = _days_alone(actor, asked)
        where = [_OF_DAYS.one_day] if of_days else []
        where += [condition for name, condition in _CONDITIONS.items() if name in (asked - _DAYS if of_days else asked)]
        where += ["(created_at, id) < (%(after_at)s, %(after_id)s)"] if after else []
        after_at, after_id = after or (None, None)
        parameters = given | {"after_at": after_at, "after_id": after_id, "limit": limit, "skip": skip}
        select, tail = (_OF_DAYS.head, _OF_DAYS.tail) if of_days else (INVOICES, _NEWEST)
        return [invoice_from_row(row) for row in await self.rows(actor, select, where, parameters, tail=tail)]

    async def settlements(
        self, actor: Actor, invoice_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Settlement] | None:
        """Up to `limit` settlements, newest first, that come after (at, id); None when there is no such invoice."""
        if await self.invoice(actor, invoice_id) is None:
            return None
        where = ["s.invoice_id = %(id)s", "s.reverses IS NULL"]
        where += ["(s.recorded_at, s.id) < (%(after_at)s, %(after_id)s)"] if after else []
        after_at, after_id = after or (None, None)
        parameters = {"id": invoice_id, "after_at": after_at, "after_id": after_id, "limit": limit}
        tail = " ORDER BY s.recorded_at DESC, s.id DESC LIMIT %(limit)s"
        rows = await self.rows(actor, _SETTLEMENTS, where, parameters, table="s.", tail=tail)
        return [settlement_from_row(row, _reversal(row)) for row in rows]

    async def invoice_history(
        self, actor: Actor, invoice_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        """Up to `limit` changes after a sequence number, oldest first; None when there is no such invoice."""
        if await self.invoice(actor, invoice_id) is None:
            return None
        parameters = {"id": invoice_id, "after": after or 0, "limit": limit}
        where, tail = ["root_id = %(id)s", "id > %(after)s"], " ORDER BY id LIMIT %(limit)s"
        rows = await self.rows(actor, "SELECT * FROM claim_log", where, parameters, tail=tail)
        return [history_from_row(row) for row in rows]

    async def aging(
        self, actor: Actor, *, as_of: date, insurer_id: str | None = None, provider_id: str | None = None
    ) -> list[AgingRow]:
        """What each insurer owes, by its id; `insurer_id` and `provider_id` None: all."""
        given = {"insurer_id": insurer_id, "provider_id": provider_id}
        where = [OWED, *(_CONDITIONS[name] for name, value in given.items() if value is not None)]
        tail = " GROUP BY insurer_id, bucket ORDER BY insurer_id"
        rows = await self.rows(actor, _AGING, where, {**given, "as_of": as_of}, tail=tail)
        owed: dict[str, dict[AgingBucket, Owed]] = {}
        for row in rows:
            bucket = AgingBucket(row["bucket"])
            owed.setdefault(row["insurer_id"], {})[bucket] = Owed(cents=int(row["cents"]), invoices=row["invoices"])
        return [AgingRow(insurer_id=insurer, owed=buckets) for insurer, buckets in owed.items()]


def _days_alone(actor: Actor, asked: set[str]) -> bool:
    """Whether due dates, and when they were made, are all that says where to look: anything else has a better index."""
    return bool(asked & _DAYS) and asked <= _DAYS | {"created_from", "created_before"} and actor.providers is None


def _reversal(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if row["reversal_id"] is None:
        return None
    return {name: row[f"reversal_{name}"] for name in ("id", "reason", "recorded_at")}
