"""Sample work orders, sent as OSService would send them, and the sagas that they become, for a person to read."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actor import Actor
from domain.billing.queries import Timeline, TimelineEntry
from messaging.broker import Message
from messaging.topology import PARTNER_EXCHANGE
from server.rpc.wire import money_from_wire
from server.wiring import House

PATIENCE = 30.0
"""Seconds until the saga must have run."""

_READER = Actor(id="system:sample")

_CUSTOMER = {"Name": "Sample customer", "Email": "customer@example.com"}
_ITEMS = [
    {"Kind": "PART", "Code": "PAD-01", "Description": "Pastilha de freio", "Quantity": 2, "UnitPrice": 89.90},
    {"Kind": "LABOR", "Description": "Mão de obra", "Quantity": 1.5, "UnitPrice": 120.00},
    {"Kind": "DISCOUNT", "Description": "Desconto", "Quantity": 1, "UnitPrice": 30.00},
]


class SagaStuck(Exception):
    """The sample work order did not become a published budget in time; the text says how far it came."""


async def send(house: House) -> UUID:
    """Publish an OsCreated on the partner's exchange; answers the work order's id."""
    work_order_id = house.ids.new()
    body = {
        "Description": "Revisão dos freios",
        "CreatedAt": house.clock.now().isoformat(),
        "Customer": _CUSTOMER,
        "Items": _ITEMS,
    }
    await tell(house, work_order_id, "os-created", "OsCreated", body)
    return work_order_id


async def tell(house: House, work_order_id: UUID, routing_key: str, event_type: str, body: Mapping[str, Any]) -> None:
    """Publish one of OSService's events about a work order."""
    message = Message(
        exchange=PARTNER_EXCHANGE,
        routing_key=routing_key,
        message_id=str(house.ids.new()),
        body=json.dumps({"OsId": str(work_order_id), **body}, ensure_ascii=False).encode(),
        type=event_type,
        headers={"EventType": event_type, "CorrelationId": str(house.ids.new())},
    )
    async with house.broker.publisher() as publisher:
        await publisher.publish([message])


async def watched(house: House, work_order_id: UUID) -> Timeline:
    """The timeline once every event of it was confirmed by the broker. Raises SagaStuck."""
    timeline = None
    try:
        async with asyncio.timeout(PATIENCE):
            while timeline is None or not _told(timeline):
                timeline = await house.views.timeline(_READER, work_order_id)
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        how_far = "nothing arrived" if timeline is None else f"{len(timeline.entries)} entries, not all published"
        raise SagaStuck(f"work order {work_order_id}: {how_far} after {PATIENCE:g} s") from error
    return timeline


def shown(timeline: Timeline) -> str:
    """The saga as a small table."""
    budget, order = timeline.budget, timeline.work_order
    lines = [f"Work order {order.id}", f"  correlation {order.correlation_id}"]
    if budget:
        lines.append(f"  budget {budget.id}: {budget.status.name if budget.status else ''}, {budget.total}")
    lines += [f"  payment {one.id}: {one.status.name if one.status else ''}, {one.amount}" for one in timeline.payments]
    began = timeline.entries[0].at
    return "\n".join([*lines, "", *(f"  {_line(entry, began.timestamp())}" for entry in timeline.entries)])


def _told(timeline: Timeline) -> bool:
    out = [entry for entry in timeline.entries if entry.subject and entry.event_id]
    return bool(out) and all(entry.published_at for entry in out)


def _line(entry: TimelineEntry, began: float) -> str:
    when = f"{(entry.at.timestamp() - began) * 1000:7.1f} ms"
    if not entry.subject:
        return f"{when}  <- {entry.event_type}  (event {entry.event_id})"
    what = f"{when}     {entry.subject} {entry.action}: {entry.before or 'nothing'} -> {entry.after}"
    if not entry.event_id:
        return what
    confirmed = f"{(entry.published_at.timestamp() - began) * 1000:.1f} ms" if entry.published_at else "not yet"
    told = f"-> {entry.event_type}  (event {entry.event_id}), confirmed at {confirmed}"
    return f"{what}\n{'':14}{told}\n{'':17}{entry.body}"


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def amount(money: Any) -> str:
    """A `google.type.Money` of zero or more, for people."""
    return str(money_from_wire(money))
