"""Work to measure with: budgets as use cases make them, and an outbox full of the facts of many keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID

from domain.actor import Actor, Call
from domain.billing.customer import Customer
from domain.billing.events import BudgetGenerated
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import Order
from domain.events import Stamp
from domain.money import Money
from messaging.codec import encode_json
from persistence.connection import Connection
from persistence.session import bucket_of
from persistence.unit_of_work import Units
from server.settings import load
from server.system import SystemClock, SystemIds
from server.wiring import House, built

_IDS, _CLOCK = SystemIds(), SystemClock()
_COPY = """
COPY outbox (bucket, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body) FROM STDIN
"""
CALL = Call(actor=Actor(id="bench"), causation_id="bench", correlation_id="bench")
CUSTOMER = Customer(name="Sample customer", email="customer@example.com", phone="", document="")
ITEMS = tuple(
    LineItem(kind=kind, code=code, description=description, quantity=Decimal(quantity), unit_price=Money(cents))
    for kind, code, description, quantity, cents in (
        (LineItemKind.PART, "PAD-01", "Pastilha de freio", "2", 8990),
        (LineItemKind.LABOR, "", "Mão de obra", "1.5", 12000),
        (LineItemKind.DISCOUNT, "", "Desconto", "1", 3000),
    )
)


@asynccontextmanager
async def house(database: str, broker: str = "") -> AsyncIterator[House]:
    """The rooms, wired as the roles wire them, in this process; the broker has our topology and the partners'."""
    settings = load({"ACERTO_DATABASE_URL": database, "ACERTO_BROKER_URL": broker})
    async with built(settings) as made:
        if broker:
            await made.broker.apply(made.topology)
        yield made


async def budgets(made: House, count: int) -> list[UUID]:
    """Make budgets with three lines and a customer; answers their ids."""
    billing = made.billing(Units(made.database, made.encodings, made.ids, lambda _: None).begin)
    ids = []
    for _ in range(count):
        order = Order(
            work_order_id=made.ids.new(),
            workshop_id="main",
            description="Revisão dos freios",
            customer=CUSTOMER,
            items=ITEMS,
        )
        ids.append((await billing.create_budget(CALL, order)).id)
    return ids


def facts(keys: int, each: int) -> list[tuple[object, ...]]:
    """Outbox rows of the facts of many keys, in turn: the first of every key, then the second, and so on."""
    names = [_IDS.new() for _ in range(keys)]
    return [_row(key, number) for number in range(1, each + 1) for key in names]


def _row(os_id: UUID, number: int) -> tuple[object, ...]:
    fact = BudgetGenerated(
        aggregate_id=os_id,
        aggregate_version=number,
        os_id=os_id,
        budget_id=os_id,
        amount_cents=32_980,
        revision=number,
        status_detail="DRAFT",
    )
    stamp = Stamp(
        event_id=_IDS.new(), key_seq=number, occurred_at=_CLOCK.now(), correlation_id=str(os_id), causation_id="bench"
    )
    made = encode_json(fact, stamp)
    return (
        *(bucket_of(made.key), made.event_id, made.key, made.key_seq, made.event_type, made.exchange),
        *(made.routing_key, made.content_type, json.dumps(made.headers), made.body),
    )


async def fill(connection: Connection, rows: Sequence[tuple[object, ...]], *, keep_archive: bool = False) -> None:
    """The outbox with exactly these rows, its statistics fresh; the archive empty unless it is to be kept."""
    await connection.execute("TRUNCATE outbox" if keep_archive else "TRUNCATE outbox, outbox_archive")
    async with connection.cursor().copy(_COPY) as copy:
        for row in rows:
            await copy.write_row(row)
    await connection.execute("ANALYZE outbox")
