"""Facts as bytes: the contract of each event is its message in acerto.events.v1, and nothing here knows one by name.

The JSON body is written from the descriptor: PascalCase names, integer enums, centavos as an integer and, by the name
in the option `number`, as a number with two places, without a float (billing.md A). None is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message as ProtoMessage

from acerto.events.v1 import billing_events_pb2, options_pb2, payment_events_pb2
from domain.events import Fact, Publication, Stamp
from domain.identity import derived_id

JSON, PROTOBUF = "application/json", "application/protobuf"

_MODULES = (billing_events_pb2, payment_events_pb2)


@dataclass(frozen=True, slots=True)
class Contract:
    """One event type: its message class, where it is published, and how its JSON is written."""

    event_type: str
    message: type[ProtoMessage]
    exchange: str
    routing_key: str
    must_be_read: bool
    version: int
    members: tuple[tuple[str, Callable[[Fact], str | None]], ...]


def encode_json(fact: Fact, stamp: Stamp) -> Publication:
    """The fact as partners read it. Raises LookupError for a fact that has no contract."""
    contract = contract_of(type(fact).__name__)
    parts = ((name, text(fact)) for name, text in contract.members)
    body = "{" + ",".join(f'"{name}":{text}' for name, text in parts if text is not None) + "}"
    return _publication(contract, fact, stamp, JSON, body.encode())


def encode_protobuf(fact: Fact, stamp: Stamp) -> Publication:
    """The same fact as protobuf, on a routing key and with an event id of its own."""
    contract = contract_of(type(fact).__name__)
    names = [field.name for field in contract.message.DESCRIPTOR.fields]
    given = {name: getattr(fact, name) for name in names if getattr(fact, name) is not None}
    message = contract.message(**{name: str(value) if name.endswith("_id") else value for name, value in given.items()})
    return _publication(contract, fact, stamp, PROTOBUF, message.SerializeToString(deterministic=True))


def must_be_read(exchange: str, routing_key: str) -> bool:
    """Whether a message that no queue gets must be kept and sent again; so it is for what has no contract here."""
    return _required().get((exchange, routing_key), True)


@cache
def contracts() -> dict[str, Contract]:
    """Every event that is published, by its type."""
    found = (
        getattr(module, name)
        for module in _MODULES
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items()
        if descriptor.GetOptions().HasExtension(options_pb2.channel)
    )
    return {message.DESCRIPTOR.name: _contract(message) for message in found}


def contract_of(event_type: str) -> Contract:
    """The contract of an event type. Raises LookupError."""
    contract = contracts().get(event_type)
    if contract is None:
        raise LookupError(f"{event_type} has no message in acerto.events.v1 that says its channel")
    return contract


@cache
def _required() -> dict[tuple[str, str], bool]:
    json_keys = {(c.exchange, c.routing_key): c.must_be_read for c in contracts().values()}
    return json_keys | {(c.exchange, f"{c.routing_key}.pb"): False for c in contracts().values()}


def _contract(message: type[ProtoMessage]) -> Contract:
    channel = message.DESCRIPTOR.GetOptions().Extensions[options_pb2.channel]
    return Contract(
        event_type=message.DESCRIPTOR.name,
        message=message,
        exchange=channel.exchange,
        routing_key=channel.routing_key,
        must_be_read=channel.must_be_read,
        version=channel.version,
        members=tuple(member for field in message.DESCRIPTOR.fields for member in _members(field)),
    )


def _members(field: Any) -> list[tuple[str, Callable[[Fact], str | None]]]:
    exact = (field.json_name, _member(field.name, _WRITTEN.get(field.type, str)))
    number = field.GetOptions().Extensions[options_pb2.number]
    return [(number, _member(field.name, _two_places)), exact] if number else [exact]


def _member(name: str, written: Callable[[Any], str]) -> Callable[[Fact], str | None]:
    return lambda fact: None if (value := getattr(fact, name)) is None else written(value)


def _quoted(value: Any) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _two_places(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


_WRITTEN: dict[int, Callable[[Any], str]] = {
    FieldDescriptor.TYPE_STRING: _quoted,
    FieldDescriptor.TYPE_BOOL: _truth,
}
"""How a value is written, by its field's type; a number as itself."""


def _publication(contract: Contract, fact: Fact, stamp: Stamp, content_type: str, body: bytes) -> Publication:
    binary = content_type == PROTOBUF
    event_id = derived_id(str(stamp.event_id), "pb") if binary else stamp.event_id
    time = _instant(stamp.occurred_at)
    headers: dict[str, str | int] = {
        "EventType": contract.event_type,
        "EventId": str(event_id),
        "EventVersion": contract.version,
        "CorrelationId": stamp.correlation_id,
        "CausationId": stamp.causation_id,
        "Timestamp": time,
        "AggregateId": str(fact.aggregate_id),
        "AggregateVersion": fact.aggregate_version,
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": str(event_id),
        "cloudEvents_source": fact.source,
        "cloudEvents_type": contract.message.DESCRIPTOR.full_name,
        "cloudEvents_subject": fact.key,
        "cloudEvents_time": time,
        **stamp.trace,
    }
    return Publication(
        event_id=event_id,
        key=fact.key,
        key_seq=stamp.key_seq,
        event_type=contract.event_type,
        exchange=contract.exchange,
        routing_key=f"{contract.routing_key}.pb" if binary else contract.routing_key,
        content_type=content_type,
        headers=headers,
        body=body,
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
