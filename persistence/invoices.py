"""The invoices that a unit of work holds: locked as they are read, written with their lines and settlements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from domain.aggregate import Aggregate
from domain.claims.invoice import Invoice
from persistence.connection import Connection
from persistence.invoice_rows import (
    INVOICES,
    invoice_from_row,
    invoice_to_row,
    line_to_row,
    reversal_to_row,
    settlement_to_row,
)
from persistence.logs import CLAIMS, Root
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import invoice_claims, invoices, settlements
from persistence.session import Write
from persistence.statements import Statement, ids_of, insert_many, update_many

_LOCK = Statement("SELECT id FROM invoices WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE")
_BY_IDS = Statement(f"{INVOICES} WHERE id = ANY($1::uuid[]) ORDER BY id")
_CLAIMS_OF = Statement("SELECT claim_id AS id FROM invoice_claims WHERE invoice_id = $1 AND live ORDER BY claim_id")
_OF_CLAIMS = Statement("SELECT DISTINCT invoice_id AS id FROM invoice_claims WHERE claim_id = ANY($1::uuid[]) AND live")
_BESIDE = Statement(
    "SELECT beside.claim_id AS id FROM invoice_claims one JOIN invoice_claims beside USING (invoice_id)"
    " WHERE one.claim_id = $1 AND one.live AND beside.live ORDER BY beside.claim_id"
)
_CHANGING = (
    *("status", "gross_cents", "paid_cents", "open_cents", "denied_pending_cents", "denied_accepted_cents"),
    *("withheld_cents", "due_date", "note", "settlement_version", "settled_at", "cancel_reason", "updated_at"),
    *("facts", "version"),
)
_INSERT = Statement(insert_many(invoices))
_UPDATE = Statement(update_many(invoices, "id", _CHANGING))
_LINES = Statement(
    insert_many(invoice_claims)
    + " ON CONFLICT (invoice_id, claim_id) DO UPDATE SET (gross_cents, denied_pending_cents, denied_accepted_cents,"
    " live) = (excluded.gross_cents, excluded.denied_pending_cents, excluded.denied_accepted_cents, excluded.live)"
)
_SETTLEMENTS = Statement(insert_many(settlements))


class SqlInvoices:
    """Invoices; their claims are locked before them."""

    log = CLAIMS

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        self._connection = connection
        self._saved = saved
        self._known: dict[UUID, Invoice] = {}
        self._counted: dict[UUID, int] = {}
        self._written: dict[UUID, frozenset[object]] = {}

    async def claims_of(self, invoice_id: UUID) -> tuple[UUID, ...]:
        """The claims that an invoice keeps to itself, not locked."""
        return await self._ids(_CLAIMS_OF, str(invoice_id))

    async def claims_beside(self, claim_id: UUID) -> tuple[UUID, ...]:
        """The claims that are in one live invoice with this one, not locked; itself alone when it is in none."""
        return await self._ids(_BESIDE, str(claim_id)) or (claim_id,)

    async def of_claims(self, claim_ids: Sequence[UUID]) -> list[Invoice]:
        """The live invoices of claims that are locked, by their ids."""
        return await self._load(await self._ids(_OF_CLAIMS, ids_of(claim_ids)))

    async def get(self, invoice_id: UUID) -> Invoice | None:
        """The invoice, locked until the transaction ends, or None."""
        if invoice_id not in self._known:
            await self._load([invoice_id])
        return self._known.get(invoice_id)

    def save(self, invoice: Invoice) -> None:
        """Have it written at commit."""
        self._known[invoice.id] = self._saved[invoice.id] = invoice

    def root(self, key: str) -> Root | None:
        """The invoice as the root of its key."""
        return self._known.get(UUID(key))

    def writes(self) -> Iterable[Write]:
        """New ones are inserted, known ones updated, in the order of their ids; then what is new of their parts."""
        changed = sorted(filter(self._changed, self._known.values()), key=lambda invoice: invoice.id)
        rows = [invoice_to_row(invoice) for invoice in changed]
        yield Write(_INSERT, [row for row in rows if row["stored_version"] == 0])
        yield Write(_UPDATE, [row for row in rows if row["stored_version"] > 0], checked=True)
        yield Write(_LINES, [row for invoice in changed for row in self._lines(invoice)])
        yield Write(_SETTLEMENTS, [row for invoice in changed for row in self._settlements(invoice)])

    async def _load(self, ids: Sequence[UUID]) -> list[Invoice]:
        """Lock and read many: two statements, since one's snapshot would be older than its locks."""
        given = (ids_of(ids),)
        _, found = await round_trip(self._connection, [Asked(_LOCK, given), Asked(_BY_IDS, given)])
        loaded = [invoice_from_row(row) for row in found.rows]
        for invoice in loaded:
            self._known[invoice.id] = invoice
            self._counted[invoice.id] = invoice.facts
            self._written[invoice.id] = frozenset((*invoice.lines, *_parts(invoice)))
        return loaded

    async def _ids(self, statement: Statement, of: str) -> tuple[UUID, ...]:
        (found,) = await round_trip(self._connection, [Asked(statement, (of,))])
        return tuple(row["id"] for row in found.rows)

    def _changed(self, invoice: Invoice) -> bool:
        return bool(invoice.changes) or invoice.facts != self._counted.get(invoice.id)

    def _lines(self, invoice: Invoice) -> Iterator[Row]:
        written = self._written.get(invoice.id, frozenset())
        return (line_to_row(invoice, line) for line in invoice.lines if line not in written)

    def _settlements(self, invoice: Invoice) -> Iterator[Row]:
        written = self._written.get(invoice.id, frozenset())
        for settlement in invoice.settlements:
            if settlement.id not in written:
                yield settlement_to_row(invoice, settlement)
            if settlement.reversal and settlement.reversal.id not in written:
                yield reversal_to_row(invoice, settlement, settlement.reversal)


def _parts(invoice: Invoice) -> Iterator[UUID]:
    """The ids of the rows that its settlements have."""
    for settlement in invoice.settlements:
        yield settlement.id
        if settlement.reversal:
            yield settlement.reversal.id
