"""The least that can answer GetBudget: a grpc.aio handler, a psycopg pool, one query, a message filled by plain code.
CreateBudget likewise, by `bare_writes`.

No pipeline, no domain, no log, no metric: what the whole server is measured against. `.. bare_handler URL PORT`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
import uvloop
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool

from acerto.billing.v1 import billing_service_pb2, budget_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceServicer, add_BillingServiceServicer_to_server
from tests.bench import bare_writes
from tests.bench.plain_rows import ACTIONS, total_of

POOL = 10
"""Connections, as the server's default."""

_QUERY = """
SELECT b.id, b.work_order_id, b.workshop_id, b.customer_id, b.description, b.customer, b.status, b.price_source,
       b.total_cents, b.currency, b.revision, b.created_at, b.updated_at, b.version, r.items, b.validity_days
  FROM budgets b JOIN budget_revisions r ON r.budget_id = b.id AND r.revision = b.revision
 WHERE b.id = %s
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Base: Any = BillingServiceServicer


class BareBudgets(_Base):  # type: ignore[misc] # the generated base is untyped here
    """Two rpcs."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def GetBudget(  # noqa: N802 -- the contract's name
        self, request: billing_service_pb2.GetBudgetRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> budget_pb2.Budget:
        """The budget, or NOT_FOUND."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_QUERY, (UUID(request.budget_id),))
            row = await cursor.fetchone()
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such budget")
        return _budget(row)

    async def CreateBudget(  # noqa: N802 -- the contract's name
        self, request: billing_service_pb2.CreateBudgetRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> budget_pb2.Budget:
        """The new budget, or ALREADY_EXISTS."""
        keys = dict(context.invocation_metadata() or ())
        wanted = bare_writes.wanted_of(request, str(keys.get("idempotency-key", "")))
        rows = bare_writes.rows_for(wanted)
        budget = _budget(bare_writes.selected(rows))
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await bare_writes.look_up(connection, wanted)
                await bare_writes.insert(connection, rows)
                await bare_writes.keep(connection, wanted, request.SerializeToString(), budget.SerializeToString())
        except UniqueViolation:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "there is such a budget")
        return budget


def _budget(row: Any) -> budget_pb2.Budget:
    customer, currency = row[5], row[9]
    return budget_pb2.Budget(
        budget_id=str(row[0]),
        work_order_id=str(row[1]),
        workshop_id=row[2],
        customer=budget_pb2.Customer(
            customer_id=str(row[3]),
            name=customer["name"],
            email=customer["email"],
            phone=customer["phone"],
            document=customer["document"],
        ),
        description=row[4],
        status=budget_pb2.BudgetStatus.Value(f"BUDGET_STATUS_{row[6]}"),
        price_source=budget_pb2.PriceSource.Value(f"PRICE_SOURCE_{row[7]}"),
        total=_money(row[8], currency),
        revision=row[10],
        create_time=_instant(row[11]),
        update_time=_instant(row[12]),
        etag=f'"{row[13]}"',
        allowed_actions=ACTIONS,
        validity_days=row[15],
        items=[_item(item, currency) for item in row[14]],
    )


def _item(item: dict[str, Any], currency: str) -> budget_pb2.LineItem:
    return budget_pb2.LineItem(
        kind=budget_pb2.LineItemKind.Value(f"LINE_ITEM_KIND_{item['kind']}"),
        code=item["code"],
        description=item["description"],
        quantity=item["quantity"],
        unit_price=_money(item["unit_cents"], currency),
        total=_money(total_of(item["kind"], item["quantity"], item["unit_cents"]), currency),
    )


def _money(cents: int, currency: str) -> Money:
    sign = -1 if cents < 0 else 1
    units, rest = divmod(abs(cents), 100)
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest * 10_000_000)


def _instant(at: datetime) -> Timestamp:
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


async def main(url: str, port: str) -> None:
    """Serve until killed."""
    kwargs = {"autocommit": True, "prepare_threshold": 2, "options": "-c timezone=UTC"}
    async with AsyncConnectionPool(url, kwargs=kwargs, min_size=1, max_size=POOL, open=False) as pool:
        server = grpc.aio.server()
        add: Any = add_BillingServiceServicer_to_server
        add(BareBudgets(pool), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        print("ready", flush=True)
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:3]))
