"""Facts as bytes: the contract of each event is its message in acerto.events.v1, and nothing here knows one by name.

A contract with an envelope is written inside it, with a null where a bare one leaves out what is not known
(billing.md A, health.md A); its members are written by members.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from google.protobuf.message import Message as ProtoMessage

from acerto.events.v1 import (
    billing_events_pb2,
    claim_events_pb2,
    invoice_events_pb2,
    options_pb2,
    payment_events_pb2,
)
from domain.events import Fact, Publication, Stamp
from domain.identity import derived_id
from messaging.members import Member, fields_of, instant, members_of, object_text, quoted

JSON, PROTOBUF = "application/json", "application/protobuf"

_MODULES = (billing_events_pb2, payment_events_pb2, claim_events_pb2, invoice_events_pb2)


@dataclass(frozen=True, slots=True)
class Contract:
    """One event type: its message class, where it is published, and how its JSON is written."""

    event_type: str
    message: type[ProtoMessage]
    exchange: str
    routing_key: str
    must_be_read: bool
    version: int
    envelope: options_pb2.Envelope | None
    members: tuple[Member, ...]


def encode_json(fact: Fact, stamp: Stamp) -> Publication:
    """The fact as partners read it. Raises LookupError for a fact that has no contract."""
    contract = contract_of(type(fact).__name__)
    body = object_text(contract.members, fact)
    if contract.envelope is not None:
        body = _enveloped(contract, contract.envelope, stamp, body)
    return _publication(contract, fact, stamp, JSON, body.encode())


def encode_protobuf(fact: Fact, stamp: Stamp) -> Publication:
    """The same fact as protobuf, on a routing key and with an event id of its own."""
    contract = contract_of(type(fact).__name__)
    message = contract.message(**fields_of(contract.message.DESCRIPTOR, fact))
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
    envelope = channel.envelope if channel.HasField("envelope") else None
    return Contract(
        event_type=message.DESCRIPTOR.name,
        message=message,
        exchange=channel.exchange,
        routing_key=channel.routing_key,
        must_be_read=channel.must_be_read,
        version=channel.version,
        envelope=envelope,
        members=members_of(message.DESCRIPTOR, absent=None if envelope is None else "null"),
    )


def _enveloped(contract: Contract, envelope: options_pb2.Envelope, stamp: Stamp, event: str) -> str:
    said = {
        "eventId": stamp.event_id,
        "eventType": contract.event_type,
        "timestamp": instant(stamp.occurred_at),
        "source": envelope.source,
        "resourceType": envelope.resource_type,
    }
    return "{" + ",".join(f'"{name}":{quoted(value)}' for name, value in said.items()) + f',"data":{event}}}'


def _publication(contract: Contract, fact: Fact, stamp: Stamp, content_type: str, body: bytes) -> Publication:
    binary = content_type == PROTOBUF
    event_id = derived_id(str(stamp.event_id), "pb") if binary else stamp.event_id
    time = instant(stamp.occurred_at)
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
