"""Facts of claims and invoices as bytes: in their envelope, with lists and decimals, and nothing left out of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from acerto.events.v1 import options_pb2
from domain.claims.events import ClaimFact
from domain.events import Fact
from messaging.codec import contract_of, encode_json, encode_protobuf
from messaging.envelope import message_of
from tests.support.builders import a_pending
from tests.support.golden import EVENT, STAMP
from tests.support.golden_claims import ADJUDICATED, CLAIM, CLAIMS, CREATED, SETTLED, SUBMITTED, TAKEN_BACK

MINIMUM = {
    "ClaimSubmitted": ["id", "patientId", "insuranceId", "amount", "currency", "status", "items", "createdAt"],
    "ClaimAdjudicated": ["id", "outcome", "presented", "released", "denied", "denials"],
    "ClaimCanceled": ["id", "reason"],
    "InvoiceCreated": ["id", "claimIds", "amount", "dueDate"],
    "InvoiceSettled": ["id", "claimId", "patientId", "amount", "currency", "status", "settledAt", "createdAt"],
    "InvoiceSettlementReversed": ["id", "settlementId", "amount", "reason"],
}
"""What health.md A promises at least, in its order."""


def body_of(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_json(fact, STAMP).body, parse_float=Decimal)
    return found


def data_of(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = body_of(fact)["data"]
    return found


def an_item(**changes: Any) -> Fact:
    """A claim with one line, so changed."""
    return replace(SUBMITTED, items=(replace(SUBMITTED.items[0], **changes),))


def agrees(read: Message, members: dict[str, Any]) -> None:
    """A protobuf message says what its JSON says."""
    for field in read.DESCRIPTOR.fields:
        name = field.json_name
        if field.type == FieldDescriptor.TYPE_STRING:
            name = field.GetOptions().Extensions[options_pb2.number] or name
        value, told = getattr(read, field.name), members[name]
        if field.has_presence and not read.HasField(field.name):
            assert told is None
        elif field.is_repeated:
            assert len(value) == len(told)
            if field.message_type is None:
                assert list(value) == told
            for one, other in zip(value, told, strict=True) if field.message_type else ():
                agrees(one, other)
        elif field.message_type is not None:
            assert value.ToDatetime(UTC) == datetime.fromisoformat(told)
        else:
            assert str(value) == str(told)


@pytest.mark.parametrize(("fact", "body"), CLAIMS.items(), ids=lambda each: type(each).__name__)
def test_an_events_body_is_these_very_bytes(fact: Fact, body: str) -> None:
    assert encode_json(fact, STAMP).body.decode() == body


@pytest.mark.parametrize("fact", CLAIMS, ids=lambda fact: type(fact).__name__)
def test_an_event_says_at_least_what_partners_were_promised(fact: Fact) -> None:
    promised = MINIMUM[type(fact).__name__]
    assert [name for name in data_of(fact) if name in promised] == promised
    for item in data_of(SUBMITTED)["items"]:
        assert {"description", "code", "value", "quantity"} <= item.keys()


@pytest.mark.parametrize("fact", CLAIMS, ids=lambda fact: type(fact).__name__)
def test_the_envelope_says_what_the_headers_say(fact: Fact) -> None:
    publication, body = encode_json(fact, STAMP), body_of(fact)
    assert list(body) == ["eventId", "eventType", "timestamp", "source", "resourceType", "data"]
    assert (body["eventId"], body["eventType"]) == (publication.headers["EventId"], publication.headers["EventType"])
    assert body["timestamp"] == publication.headers["Timestamp"] == "2026-03-01T12:00:00.123Z"
    about = "claim" if isinstance(fact, ClaimFact) else "invoice"
    assert (body["source"], body["resourceType"]) == ("billing-service", about)


def test_an_events_headers_and_properties_are_as_every_events() -> None:
    publication = encode_json(SUBMITTED, STAMP)
    assert publication.headers["AggregateId"] == publication.headers["cloudEvents_subject"] == str(CLAIM)
    assert publication.headers["AggregateVersion"] == 3
    assert publication.headers["cloudEvents_source"] == "acerto/claims"
    assert publication.headers["cloudEvents_type"] == "acerto.events.v1.ClaimSubmitted"
    assert (publication.key, publication.key_seq) == (str(CLAIM), 7)
    assert (publication.exchange, publication.routing_key) == ("acerto.events", "claim-submitted")
    message = message_of(replace(a_pending(1, "a", 1), publication=publication))
    assert (message.message_id, message.correlation_id, message.type) == (str(EVENT), "saga", "ClaimSubmitted")
    assert (message.content_type, message.mandatory) == ("application/json", False)


@pytest.mark.parametrize(
    ("quantity", "written"),
    [
        ("1", "1"),
        ("1.0000", "1"),
        ("100", "100"),
        ("1E+2", "100"),
        ("0.0001", "0.0001"),
        ("2.50", "2.5"),
        ("12345678901234567.8901", "12345678901234567.8901"),
        ("0.1", "0.1"),
    ],
)
def test_a_quantity_is_written_as_the_very_number_in_both_encodings(quantity: str, written: str) -> None:
    fact = an_item(quantity=Decimal(quantity))
    assert f'"quantity":{written},'.encode() in encode_json(fact, STAMP).body
    read: Any = contract_of("ClaimSubmitted").message.FromString(encode_protobuf(fact, STAMP).body)
    assert read.items[0].quantity == written


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_never_written(quantity: str) -> None:
    for encode in (encode_json, encode_protobuf):
        with pytest.raises(ValueError, match="no number"):
            encode(an_item(quantity=Decimal(quantity)), STAMP)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC), "2026-01-02T03:04:05.999Z"),
        (datetime(2026, 1, 1, 23, 0, 0, 1_000, tzinfo=timezone(timedelta(hours=-3))), "2026-01-02T02:00:00.001Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds(at: datetime, written: str) -> None:
    assert data_of(replace(SUBMITTED, created_at=at))["createdAt"] == written


def test_what_is_not_known_is_null_inside_an_envelope_and_absent_in_protobuf() -> None:
    unknown = replace(CREATED, claim_ids=(), insurance_id=None, due_date=None)
    event = data_of(unknown)
    assert (event["claimId"], event["claimIds"]) == (None, [])
    assert (event["insuranceId"], event["dueDate"]) == (None, None)
    read = contract_of("InvoiceCreated").message.FromString(encode_protobuf(unknown, STAMP).body)
    assert not any(read.HasField(name) for name in ("claim_id", "patient_id", "insurance_id", "due_date"))
    assert data_of(an_item(code=None))["items"][0]["code"] is None
    assert data_of(ADJUDICATED)["denials"][1]["line"] is None


def test_a_list_without_anything_is_empty_and_keeps_its_order_otherwise() -> None:
    assert data_of(replace(ADJUDICATED, denials=()))["denials"] == []
    assert [denial["code"] for denial in data_of(ADJUDICATED)["denials"]] == ["1705", "2601"]
    assert data_of(CREATED)["claimIds"][0] == data_of(CREATED)["claimId"]


@pytest.mark.parametrize("text", ['"', "\\", "\n\t\x00\x1f", "ç€😀", "</script>", ""])
def test_any_text_comes_back_as_it_was_in_the_event_and_in_what_it_holds(text: str) -> None:
    assert data_of(replace(TAKEN_BACK, reason=text))["reason"] == text
    assert data_of(an_item(description=text))["items"][0]["description"] == text


@pytest.mark.parametrize("fact", CLAIMS, ids=lambda fact: type(fact).__name__)
def test_the_protobuf_encoding_says_the_same_without_the_envelope(fact: Fact) -> None:
    binary = encode_protobuf(fact, STAMP)
    agrees(contract_of(type(fact).__name__).message.FromString(binary.body), data_of(fact))
    assert (binary.routing_key, binary.content_type) == (
        f"{encode_json(fact, STAMP).routing_key}.pb",
        "application/protobuf",
    )


def test_the_amounts_of_a_settled_invoice_come_out() -> None:
    event = data_of(SETTLED)
    assert event["amount"] == event["paid"] + event["denied"] + event["withheld"] == Decimal("152.50")
