"""The least that can answer CreateBudget: one transaction, the look-ups that ours makes, one INSERT after the other.

It prices nothing but the lines, and refuses whatever is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from acerto.billing.v1 import billing_service_pb2, budget_pb2
from tests.bench.plain_rows import ACTOR, RPC, Line, Rows, Wanted, reply_row, rows_of

_KIND: Final = len("LINE_ITEM_KIND_")
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_REPLY: Final = "SELECT fingerprint, reply FROM replies WHERE actor = %s AND rpc = %s AND key = %s"
_WORK_ORDER: Final = "SELECT * FROM work_orders WHERE id = %s FOR UPDATE"
_BUDGET: Final = """
SELECT b.*, r.items FROM budgets b JOIN budget_revisions r ON r.budget_id = b.id AND r.revision = b.revision
 WHERE b.work_order_id = %s
"""
_IN_JSON: Final = ("customer", "items", "headers")


def wanted_of(request: billing_service_pb2.CreateBudgetRequest, key: str) -> Wanted:
    """The request as plain values."""
    customer = request.customer
    return Wanted(
        work_order_id=UUID(request.work_order_id),
        description=request.description,
        customer={
            "name": customer.name,
            "email": customer.email,
            "phone": customer.phone,
            "document": customer.document,
        },
        lines=[_line(item) for item in request.items],
        key=key,
    )


async def look_up(connection: AsyncConnection[Any], wanted: Wanted) -> None:
    """See that the key is free and its call new, and nothing is there of this work order. Raises UniqueViolation."""
    held = await (await connection.execute(_LOCK, (wanted.key,))).fetchone()
    kept = await (await connection.execute(_REPLY, (ACTOR, RPC, wanted.key))).fetchone()
    known = await (await connection.execute(_WORK_ORDER, (wanted.work_order_id,))).fetchone()
    quoted = await (await connection.execute(_BUDGET, (wanted.work_order_id,))).fetchone()
    if not (held and held[0]) or kept or known or quoted:
        raise UniqueViolation


async def insert(connection: AsyncConnection[Any], rows: Rows) -> None:
    """Everything but the reply."""
    await _insert(connection, "work_orders", rows.work_order)
    await _insert(connection, "budgets", rows.budget)
    await _insert(connection, "budget_revisions", rows.revision)
    for entry in rows.log:
        await _insert(connection, "work_order_log", entry)
    await _insert(connection, "outbox", rows.outbox)


async def keep(connection: AsyncConnection[Any], wanted: Wanted, request: bytes, reply: bytes) -> None:
    """The reply, for a repeat of the call."""
    await _insert(connection, "replies", reply_row(wanted, request, reply))


def rows_for(wanted: Wanted) -> Rows:
    """What to insert, its documents marked as such."""
    rows = rows_of(wanted)
    for row in (rows.budget, rows.revision, rows.outbox):
        row.update({name: Jsonb(row[name]) for name in _IN_JSON if name in row})
    return rows


def selected(rows: Rows) -> tuple[Any, ...]:
    """The new rows as `bare_handler` selects a stored budget."""
    names = "id work_order_id workshop_id customer_id description customer status price_source total_cents currency"
    whole = (*names.split(), "revision", "created_at", "updated_at", "version")
    values = {**rows.budget, "customer": rows.budget["customer"].obj}
    return (*(values[name] for name in whole), rows.revision["items"].obj, rows.budget["validity_days"])


def _line(item: budget_pb2.LineItem) -> Line:
    price = item.unit_price
    return Line(
        kind=budget_pb2.LineItemKind.Name(item.kind)[_KIND:],
        code=item.code,
        description=item.description,
        quantity=item.quantity,
        unit_cents=price.units * 100 + price.nanos // 10_000_000,
    )


_statements: dict[str, str] = {}


async def _insert(connection: AsyncConnection[Any], table: str, row: Mapping[str, Any]) -> None:
    if table not in _statements:
        values = ", ".join(f"%({name})s" for name in row)
        _statements[table] = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"
    await connection.execute(_statements[table].encode(), row)
