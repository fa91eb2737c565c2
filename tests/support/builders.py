"""Messages, orders and publications as tests need them: right in everything but what the test changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from domain.actor import Actor, Call
from domain.billing.pricing import Order
from domain.events import Pending, Publication, Received
from domain.money import Money
from messaging.broker import Delivery, Message
from messaging.reader import EVENT_TYPES, read

QUEUE = "billing-events"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = Call(actor=Actor(id="tester"), causation_id="cause", correlation_id="saga")

_ROUTING_KEYS = {event_type: key for key, event_type in EVENT_TYPES.items()}
_NAMESPACE = UUID("00000000-0000-0000-0000-0000000000ff")


def an_os(number: int) -> UUID:
    """The id of the work order with this number."""
    return UUID(f"00000000-0000-0000-0000-{number:012}")


def an_event_id(name: str) -> str:
    """A UUID that this name always gives."""
    return str(uuid5(_NAMESPACE, name))


def a_message(body: object = None, **changes: Any) -> Message:
    """An OsCreated without a word in its headers; `body` as bytes, or as what JSON makes of it."""
    content = {"OsId": str(an_os(1))} if body is None else body
    written = content if isinstance(content, bytes) else json.dumps(content).encode()
    return replace(Message(exchange="os.events", routing_key="os-created", message_id="", body=written), **changes)


def received(os: int, name: str = "", event_type: str = "OsCreated", **content: object) -> Received:
    """A message about work order `os`, read; `name` makes another message of it."""
    message = a_message(
        {"OsId": str(an_os(os)), **content},
        routing_key=_ROUTING_KEYS[event_type],
        headers={"EventType": event_type, "EventId": an_event_id(f"{event_type} {os} {name}"), "CorrelationId": "saga"},
    )
    return read(message, QUEUE)


def a_delivery(message: Message, tag: int = 1, deliveries: int = 0) -> Delivery:
    """The message, in our hands."""
    return Delivery(tag=tag, message=message, deliveries=deliveries)


def an_order(os: int, **changes: Any) -> Order:
    """A repair for 123.45."""
    order = Order(work_order_id=an_os(os), workshop_id="main", description="Revisão", amount=Money(12_345))
    return replace(order, **changes)


def a_publication(key: str, key_seq: int, **changes: Any) -> Publication:
    """A fact of `key`, ready for the broker."""
    publication = Publication(
        event_id=uuid5(_NAMESPACE, f"{key} {key_seq}"),
        key=key,
        key_seq=key_seq,
        event_type="BudgetGenerated",
        exchange="acerto.events",
        routing_key="budget-generated",
        content_type="application/json",
        headers={"EventType": "BudgetGenerated", "CorrelationId": "saga", "Timestamp": "2026-03-01T12:00:00.000Z"},
        body=f'{{"Key":"{key}","Seq":{key_seq}}}'.encode(),
    )
    return replace(publication, **changes)


def a_pending(id_: int, key: str, key_seq: int) -> Pending:
    """A row of the outbox."""
    return Pending(bucket=0, id=id_, attempts=0, created_at=AT, publication=a_publication(key, key_seq))
