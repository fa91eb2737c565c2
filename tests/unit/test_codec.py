"""Billing's facts as bytes: what partners read is held byte for byte, and every table of events says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from acerto.events.v1 import work_order_events_pb2
from domain.billing.events import PaymentReversed
from domain.billing.payment_lifecycle import PARTNERS
from domain.events import Fact
from messaging.codec import contract_of, contracts, encode_json, encode_protobuf
from messaging.envelope import message_of
from messaging.reader import ALIASES, EVENT_TYPES
from messaging.routes import ROUTES
from messaging.topology import INBOUND_KEYS
from tests.support.builders import a_pending
from tests.support.golden import (
    BUDGET,
    CANCELED,
    CONFIRMED,
    EVENT,
    FAILED,
    GENERATED,
    GOLDEN,
    OS,
    PART_REVERSED,
    REJECTED,
    STAMP,
)
from tests.support.golden_claims import CLAIMS

MINIMUM = {
    "BudgetGenerated": ["OsId", "BudgetId", "Amount", "Status", "Revision"],
    "BudgetApproved": ["OsId", "BudgetId", "Amount", "Status"],
    "BudgetRejected": ["OsId", "BudgetId", "Status", "Reason"],
    "BudgetCanceled": ["OsId", "BudgetId", "Status", "StatusDetail", "Reason", "Amount"],
    "BudgetSent": ["OsId", "BudgetId", "Status", "StatusDetail", "Amount"],
    "BudgetExpired": ["OsId", "BudgetId", "Status", "StatusDetail", "Amount"],
    "PaymentPending": ["OsId", "PaymentId", "Status", "Amount", "ProviderPaymentId", "PaymentMethod"],
    "PaymentConfirmed": ["OsId", "PaymentId", "Status", "Amount", "ProviderPaymentId"],
    "PaymentFailed": ["OsId", "PaymentId", "Status", "Reason"],
    "PaymentReversed": ["OsId", "PaymentId", "Status", "Reason", "Amount"],
    "PaymentDisputed": ["OsId", "PaymentId", "Status", "StatusDetail", "Reason", "Amount"],
    "PaymentDisputeWon": ["OsId", "PaymentId", "Status", "StatusDetail", "Amount"],
    "PaymentReversalFailed": ["OsId", "PaymentId", "Status", "StatusDetail", "Reason", "Amount"],
}
"""What billing.md A promises at least, in its order."""

BUDGET_NUMBERS = {"DRAFT": 0, "SENT": 0, "APPROVED": 1, "REJECTED": 2, "EXPIRED": 3, "CANCELED": 3}
PAYMENT_NUMBERS = {status.value: number for status, number in PARTNERS.items()}
"""Each status as partners number it (billing.md B.1, B.2)."""

UNTOLD = [
    pytest.param(fact, field, id=f"{type(fact).__name__}.{field.name}")
    for fact in GOLDEN
    for field in contract_of(type(fact).__name__).message.DESCRIPTOR.fields
    if field.has_presence
]


def refusal_of(body: dict[str, Any], headers: Mapping[str, object]) -> str:
    """What ExecutionService misses in a PaymentConfirmed (billing.md A); empty when it takes it."""
    for name, kinds in (("OsId", (str,)), ("PaymentId", (str,)), ("Amount", (int, float)), ("Status", (int,))):
        if type(body.get(name)) not in kinds or body[name] == "":
            return name
    return next((name for name in ("EventType", "CorrelationId", "EventId") if not headers.get(name)), "")


@pytest.mark.parametrize(("fact", "body"), GOLDEN.items(), ids=lambda each: type(each).__name__)
def test_an_events_body_is_these_very_bytes(fact: Fact, body: str) -> None:
    assert encode_json(fact, STAMP).body.decode() == body


def test_there_are_golden_bytes_for_every_event() -> None:
    assert {type(fact).__name__ for fact in GOLDEN} == MINIMUM.keys()
    assert {type(fact).__name__ for fact in GOLDEN | CLAIMS} == contracts().keys()


@pytest.mark.parametrize("fact", GOLDEN, ids=lambda fact: type(fact).__name__)
def test_an_event_says_at_least_what_partners_were_promised(fact: Fact) -> None:
    promised = MINIMUM[type(fact).__name__]
    assert [name for name in json.loads(encode_json(fact, STAMP).body) if name in promised] == promised


@pytest.mark.parametrize("fact", GOLDEN, ids=lambda fact: type(fact).__name__)
def test_an_event_tells_its_status_by_the_partners_number_and_by_our_own_name(fact: Fact) -> None:
    body = json.loads(encode_json(fact, STAMP).body)
    numbers = PAYMENT_NUMBERS if "PaymentId" in body else BUDGET_NUMBERS
    told = 3 if isinstance(fact, PaymentReversed) else numbers[body["StatusDetail"]]  # of a part too (billing.md A)
    assert body["Status"] == told


def test_execution_service_takes_a_confirmed_payment() -> None:
    for fact in (CONFIRMED, replace(CONFIRMED, provider_payment_id=None), replace(CONFIRMED, amount_cents=100)):
        publication = encode_json(fact, STAMP)
        assert refusal_of(json.loads(publication.body), publication.headers) == ""


@pytest.mark.parametrize("name", ["OsId", "PaymentId", "Amount", "Status", "EventType", "CorrelationId", "EventId"])
def test_execution_service_refuses_a_confirmed_payment_without_any_of_what_it_needs(name: str) -> None:
    publication = encode_json(CONFIRMED, STAMP)
    body, headers = json.loads(publication.body), dict(publication.headers)
    (body if name in body else headers).pop(name)
    assert refusal_of(body, headers) == name


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


@pytest.mark.parametrize(("name", "cents"), [("Amount", 5), ("CumulativeAmount", 10**13), ("CumulativeAmount", 0)])
def test_every_amount_is_written_both_ways_whatever_its_name(name: str, cents: int) -> None:
    fact = replace(PART_REVERSED, amount_cents=cents, cumulative_amount_cents=cents)
    body = json.loads(encode_json(fact, STAMP).body, parse_float=Decimal)
    assert (body[name], body[f"{name}Cents"]) == (Decimal(cents) / 100, cents)
    assert body[name].as_tuple().exponent == -2


@pytest.mark.parametrize(("value", "written"), [(True, "true"), (False, "false")])
def test_a_truth_is_written_as_json_writes_it(value: bool, written: str) -> None:
    fact = replace(CONFIRMED, budget_fully_paid=value)
    assert encode_json(fact, STAMP).body.endswith(f'"BudgetFullyPaid":{written}}}'.encode())
    read = contract_of("PaymentConfirmed").message.FromString(encode_protobuf(fact, STAMP).body)
    assert getattr(read, "budget_fully_paid") is value  # noqa: B009


@pytest.mark.parametrize(("fact", "field"), UNTOLD)
def test_what_a_fact_does_not_know_is_left_out_and_what_is_empty_is_told(fact: Any, field: FieldDescriptor) -> None:
    message = contract_of(type(fact).__name__).message
    for value, told in ((None, False), ("", True), ("x", True)):
        changed = replace(fact, **{field.name: value})
        body = json.loads(encode_json(changed, STAMP).body)
        assert body.get(field.json_name) == value
        assert (field.json_name in body) is told
        assert message.FromString(encode_protobuf(changed, STAMP).body).HasField(field.name) is told


def test_a_text_that_is_always_told_is_told_even_when_it_is_empty() -> None:
    assert json.loads(encode_json(replace(REJECTED, reason=""), STAMP).body)["Reason"] == ""
    body = json.loads(encode_json(replace(FAILED, reason_detail="", provider_payment_id=None), STAMP).body)
    assert (body["ReasonDetail"], "ProviderPaymentId" in body) == ("", False)


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


def test_what_is_read_what_is_bound_and_what_is_routed_are_the_same_events() -> None:
    assert tuple(EVENT_TYPES) == INBOUND_KEYS
    assert set(EVENT_TYPES.values()) == ROUTES.keys()
    assert ROUTES.keys() <= set(work_order_events_pb2.DESCRIPTOR.message_types_by_name)


def test_every_documented_field_of_what_comes_in_is_read_and_no_other() -> None:
    messages = work_order_events_pb2.DESCRIPTOR.message_types_by_name
    documented = {field.json_name for name in EVENT_TYPES.values() for field in messages[name].fields}
    assert documented == ALIASES.keys()
