"""Facts as bytes: what partners read is held byte for byte, and every table of events says the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest
from google.protobuf.descriptor import FieldDescriptor

from acerto.events.v1 import billing_events_pb2, work_order_events_pb2
from domain.billing.events import BillingFact
from domain.events import Fact
from messaging.codec import contract_of, contracts, encode_json, encode_protobuf, must_be_read
from messaging.envelope import message_of
from messaging.reader import ALIASES, EVENT_TYPES
from messaging.routes import ROUTES
from messaging.topology import INBOUND_KEYS, OWN_EXCHANGE, PARTNER_KEYS
from tests.support.builders import a_pending
from tests.support.golden import BUDGET, CANCELED, EVENT, GENERATED, GOLDEN, OS, STAMP

MINIMUM = {
    "BudgetGenerated": {"OsId", "BudgetId", "Amount", "Status", "Revision"},
    "BudgetCanceled": {"OsId", "BudgetId", "Status", "StatusDetail", "Reason", "Amount"},
}
"""What billing.md A promises at least."""


def facts(of: type[Fact] = Fact) -> Iterator[type[Fact]]:
    """Every fact that product code defines: those that nothing is made from, without the shadows that slots leave."""
    for subclass in of.__subclasses__():
        if not subclass.__subclasses__() and vars(sys.modules[subclass.__module__]).get(subclass.__name__) is subclass:
            yield subclass
        yield from facts(subclass)


@pytest.mark.parametrize(("fact", "body"), GOLDEN.items(), ids=lambda each: type(each).__name__)
def test_an_events_body_is_these_very_bytes(fact: Fact, body: str) -> None:
    assert encode_json(fact, STAMP).body.decode() == body


def test_there_are_golden_bytes_for_every_event() -> None:
    assert {type(fact).__name__ for fact in GOLDEN} == contracts().keys() == MINIMUM.keys()


@pytest.mark.parametrize("fact", GOLDEN, ids=lambda fact: type(fact).__name__)
def test_an_event_says_at_least_what_partners_were_promised(fact: Fact) -> None:
    assert MINIMUM[type(fact).__name__] <= json.loads(encode_json(fact, STAMP).body).keys()


def test_an_events_headers_are_these() -> None:
    publication = encode_json(GENERATED, STAMP)
    assert publication.headers == {
        "EventType": "BudgetGenerated",
        "EventId": str(EVENT),
        "EventVersion": 1,
        "CorrelationId": "saga",
        "CausationId": "cause",
        "Timestamp": "2026-03-01T12:00:00.123Z",
        "AggregateId": str(BUDGET),
        "AggregateVersion": 1,
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": str(EVENT),
        "cloudEvents_source": "acerto/billing",
        "cloudEvents_type": "acerto.events.v1.BudgetGenerated",
        "cloudEvents_subject": str(OS),
        "cloudEvents_time": "2026-03-01T12:00:00.123Z",
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    }
    assert (publication.event_id, publication.key, publication.key_seq) == (EVENT, str(OS), 7)
    assert (publication.exchange, publication.routing_key) == ("acerto.events", "budget-generated")
    assert (publication.event_type, publication.content_type) == ("BudgetGenerated", "application/json")


def test_the_message_of_an_event_has_its_id_and_type_as_properties() -> None:
    message = message_of(replace(a_pending(1, "a", 1), publication=encode_json(GENERATED, STAMP)))
    assert (message.message_id, message.correlation_id, message.type) == (str(EVENT), "saga", "BudgetGenerated")
    assert (message.content_type, message.mandatory) == ("application/json", True)
    assert message.timestamp == int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("cents", "number"),
    [(0, "0.00"), (1, "0.01"), (-5, "-0.05"), (100, "1.00"), (-12_345, "-123.45"), (10**13, "100000000000.00")],
)
def test_an_amount_is_written_exactly_with_two_places(cents: int, number: str) -> None:
    body = encode_json(replace(GENERATED, amount_cents=cents), STAMP).body.decode()
    assert f'"Amount":{number},"AmountCents":{cents},' in body
    assert json.loads(body, parse_float=Decimal)["Amount"] * 100 == cents


def test_an_optional_text_that_was_not_given_is_left_out() -> None:
    assert "Reason" not in json.loads(encode_json(replace(CANCELED, reason=None), STAMP).body)


@pytest.mark.parametrize("text", ['"', "\\", "\n\t\x00\x1f", "ç€😀", "</script>", ""])
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert json.loads(encode_json(replace(CANCELED, reason=text), STAMP).body)["Reason"] == text


@pytest.mark.parametrize("fact", GOLDEN, ids=lambda fact: type(fact).__name__)
def test_the_protobuf_encoding_says_the_same_on_a_key_and_with_an_id_of_its_own(fact: Fact) -> None:
    binary, text = encode_protobuf(fact, STAMP), encode_json(fact, STAMP)
    read = contract_of(type(fact).__name__).message.FromString(binary.body)
    members = json.loads(text.body, parse_float=Decimal)
    for field in read.DESCRIPTOR.fields:
        assert getattr(read, field.name) == members[field.json_name]
    assert (binary.routing_key, binary.content_type) == (f"{text.routing_key}.pb", "application/protobuf")
    assert binary.event_id == encode_protobuf(fact, STAMP).event_id != text.event_id
    assert binary.headers["EventId"] == binary.headers["cloudEvents_id"] == str(binary.event_id)


def test_every_fact_has_a_contract_with_its_very_fields_and_every_contract_a_fact() -> None:
    known = {fact.__name__: fact for fact in facts()}
    assert known.keys() == contracts().keys()
    own = {field.name for field in fields(Fact)}
    for name, contract in contracts().items():
        said = {field.name for field in contract.message.DESCRIPTOR.fields}
        assert said == {field.name for field in fields(known[name])} - own


def test_no_contract_has_a_floating_point_field() -> None:
    floating = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
    for module in (billing_events_pb2, work_order_events_pb2):
        for message in module.DESCRIPTOR.message_types_by_name.values():
            assert not [field.full_name for field in message.fields if field.type in floating]


def test_a_fact_without_a_contract_cannot_be_encoded() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class BudgetMisplaced(BillingFact):
        source: ClassVar[str] = "acerto/billing"

    fact = BudgetMisplaced(aggregate_id=BUDGET, aggregate_version=1, os_id=OS)
    for encode in (encode_json, encode_protobuf):
        with pytest.raises(LookupError, match="BudgetMisplaced"):
            encode(fact, STAMP)


def test_exactly_the_keys_that_partners_bind_must_be_read() -> None:
    for contract in contracts().values():
        assert contract.exchange == OWN_EXCHANGE
        assert contract.must_be_read == (contract.routing_key in PARTNER_KEYS)
        assert must_be_read(contract.exchange, contract.routing_key) == contract.must_be_read
        assert not must_be_read(contract.exchange, f"{contract.routing_key}.pb")
    assert must_be_read(OWN_EXCHANGE, "nobody-knows")


def test_a_routing_key_is_the_events_name_in_lower_case_with_hyphens() -> None:
    for name, contract in contracts().items():
        assert contract.routing_key.replace("-", "") == name.lower()
        assert contract.routing_key.count("-") == sum(letter.isupper() for letter in name) - 1
        assert contract.version >= 1


def test_what_is_read_what_is_bound_and_what_is_routed_are_the_same_events() -> None:
    assert tuple(EVENT_TYPES) == INBOUND_KEYS
    assert set(EVENT_TYPES.values()) == ROUTES.keys()
    assert ROUTES.keys() <= set(work_order_events_pb2.DESCRIPTOR.message_types_by_name)


def test_every_documented_field_of_what_comes_in_is_read_and_no_other() -> None:
    messages = work_order_events_pb2.DESCRIPTOR.message_types_by_name
    documented = {field.json_name for name in EVENT_TYPES.values() for field in messages[name].fields}
    assert documented == ALIASES.keys()
