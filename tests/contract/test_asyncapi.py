"""docs/asyncapi.yaml against the code: every channel, key, header and field, from the page to the code and back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import yaml
from google.protobuf.descriptor import FieldDescriptor

from acerto.events.v1 import billing_events_pb2, options_pb2, payment_events_pb2, work_order_events_pb2
from domain.billing.budget_lifecycle import LIFECYCLE as BUDGETS
from domain.billing.budget_lifecycle import BudgetAction
from domain.billing.line_item import LineItemKind
from domain.billing.payment import CANCELED, METHOD, SUPERSEDED, UNAVAILABLE
from domain.billing.payment_lifecycle import LIFECYCLE as PAYMENTS
from domain.billing.payment_lifecycle import PARTNERS, PaymentAction, PaymentStatus
from domain.billing.refund import ReversalKind
from domain.events import Stamp
from messaging.codec import contracts, encode_json
from messaging.os_events import cancellation_of, order_of
from messaging.reader import ALIASES, EVENT_TYPES, read
from messaging.topology import DEAD_LETTER_QUEUE, INBOUND_KEYS, OWN_EXCHANGE, PARTNER_EXCHANGE
from tests.support.builders import AT, QUEUE, a_message
from tests.support.golden import GOLDEN, STAMP
from tests.support.golden_claims import CLAIMS

PAGE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "docs" / "asyncapi.yaml").read_text("utf-8"))
IN = {key: (PARTNER_EXCHANGE, event_type) for key, event_type in EVENT_TYPES.items()}
OUT = {contract.routing_key: (contract.exchange, name) for name, contract in contracts().items()}
MESSAGES: dict[str, Any] = PAGE["components"]["messages"]
BUDGET_ACTIONS = {
    "BudgetGenerated": {BudgetAction.GENERATE, BudgetAction.UPDATE, BudgetAction.REVISE},
    "BudgetSent": {BudgetAction.SEND},
    "BudgetApproved": {BudgetAction.APPROVE},
    "BudgetRejected": {BudgetAction.REJECT},
    "BudgetExpired": {BudgetAction.EXPIRE},
    "BudgetCanceled": {BudgetAction.CANCEL},
}
PAYMENT_ACTIONS = {
    "PaymentPending": {PaymentAction.PEND},
    "PaymentConfirmed": {PaymentAction.CONFIRM},
    "PaymentFailed": {PaymentAction.REJECT, PaymentAction.EXPIRE, PaymentAction.CANCEL, PaymentAction.GIVE_UP},
    "PaymentReversed": {
        PaymentAction.REVERSE,
        PaymentAction.REVERSE_PART,
        PaymentAction.REVERSE_ON,
        PaymentAction.REVERSE_SOME,
        PaymentAction.CHARGE_BACK,
    },
    "PaymentDisputed": {PaymentAction.DISPUTE},
    "PaymentDisputeWon": {PaymentAction.WIN, PaymentAction.WIN_PART, PaymentAction.WIN_BACK},
    "PaymentReversalFailed": {PaymentAction.FAIL_REFUND},
}
"""What each event tells of (billing.md B.1, B.2)."""
UNTOLD = (PaymentStatus.DISPUTED, PaymentAction.FAIL_REFUND)
"""A refund that fails under a dispute is told by how the dispute ends."""
TYPES = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_INT32: "integer",
    FieldDescriptor.TYPE_INT64: "integer",
    FieldDescriptor.TYPE_ENUM: "integer",
}
EXAMPLES = [
    pytest.param(name, example, id=f"{name} {example['name']}")
    for name, message in MESSAGES.items()
    for example in message["examples"]
]


def resolved(reference: str) -> Any:
    """What a local reference points at."""
    place: Any = PAGE
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def schema_of(message: str) -> dict[str, Any]:
    found: dict[str, Any] = resolved(MESSAGES[message]["payload"]["$ref"])
    return found


def headers_of(message: str) -> dict[str, Any]:
    (trait,) = MESSAGES[message]["traits"]
    found: dict[str, Any] = resolved(resolved(trait["$ref"])["headers"]["$ref"])
    return found


def valid(instance: object, schema: dict[str, Any]) -> None:
    whole = {"components": PAGE["components"], **schema}
    jsonschema.Draft7Validator(whole, format_checker=jsonschema.FormatChecker()).validate(instance)


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for member in node.values() for found in references(member)]
    return [found for member in node for found in references(member)] if isinstance(node, list) else []


def test_every_reference_points_at_something() -> None:
    found = references(PAGE)
    assert found
    for reference in found:
        resolved(reference)


def test_the_channels_are_exactly_the_routing_keys_of_the_code() -> None:
    assert PAGE["asyncapi"] == "3.0.0"
    assert PAGE["channels"].keys() == {*INBOUND_KEYS, *OUT} == {*IN, *OUT}


@pytest.mark.parametrize(("key", "exchange", "name"), [(key, *event) for key, event in (IN | OUT).items()])
def test_a_channel_is_its_key_on_its_exchange_with_its_one_message(key: str, exchange: str, name: str) -> None:
    channel = PAGE["channels"][key]
    assert channel["address"] == key
    assert channel["messages"] == {name: {"$ref": f"#/components/messages/{name}"}}
    assert channel["bindings"]["amqp"]["is"] == "routingKey"
    told = channel["bindings"]["amqp"]["exchange"]
    assert (told["name"], told["type"], told["durable"]) == (exchange, "topic", True)
    assert exchange in {PARTNER_EXCHANGE, OWN_EXCHANGE}
    assert MESSAGES[name]["name"] == name


def test_every_channel_has_one_operation_in_its_direction() -> None:
    told = {(each["action"], each["channel"]["$ref"]) for each in PAGE["operations"].values()}
    received = {("receive", f"#/channels/{key}") for key in IN}
    assert told == received | {("send", f"#/channels/{key}") for key in OUT}
    assert len(PAGE["operations"]) == len(told)
    for name, operation in PAGE["operations"].items():
        (message,) = operation["messages"]
        assert name == operation["action"] + message["$ref"].rsplit("/", 1)[1]
        assert message["$ref"].startswith(operation["channel"]["$ref"])


@pytest.mark.parametrize("name", contracts())
def test_what_must_be_read_is_said_to_be_mandatory_and_persistent(name: str) -> None:
    binding = PAGE["operations"][f"send{name}"]["bindings"]["amqp"]
    assert (binding["mandatory"], binding["deliveryMode"]) == (contracts()[name].must_be_read, 2)


def event_schema_of(name: str) -> dict[str, Any]:
    """The schema of an event itself, without its envelope."""
    schema = schema_of(name)
    enveloped = contracts()[name].envelope is not None
    return dict(resolved(schema["properties"]["data"]["$ref"])) if enveloped else schema


@pytest.mark.parametrize("name", contracts())
def test_an_outgoing_message_has_exactly_the_members_of_its_contract(name: str) -> None:
    contract = contracts()[name]
    agrees(event_schema_of(name), contract.message.DESCRIPTOR, whole=contract.envelope is not None)


def agrees(schema: dict[str, Any], message: Any, *, whole: bool) -> None:
    """A schema has a message's members, of their types; `whole`: those that may not be known are there as null."""
    named = [(name, field) for field in message.fields for name in names_of(field)]
    assert list(schema["properties"]) == [name for name, _ in named]
    assert set(schema["required"]) == {name for name, field in named if whole or not is_optional(field)}
    for name, field in named:
        member = resolved_member(schema["properties"][name])
        expected = "number" if name == number_of(field) else TYPES.get(field.type, "object")
        if field.is_repeated:
            assert member["type"] == "array"
            member = resolved_member(member["items"])
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            assert (member["type"], member["format"]) == ("string", "date-time")
            continue
        assert member["type"] == ([expected, "null"] if whole and is_optional(field) else expected)
        if field.message_type is not None:
            agrees(member, field.message_type, whole=whole)


def names_of(field: FieldDescriptor) -> list[str]:
    number = number_of(field)
    exact = [] if number and field.type == FieldDescriptor.TYPE_STRING else [field.json_name]
    return [number, *exact] if number else exact


def number_of(field: FieldDescriptor) -> str:
    return str(field.GetOptions().Extensions[options_pb2.number])


def is_optional(field: FieldDescriptor) -> bool:
    return field.has_presence and field.message_type is None


def resolved_member(schema: dict[str, Any]) -> dict[str, Any]:
    """A member's schema, or the one that it points at."""
    pointed = [schema] if "$ref" in schema else schema.get("allOf", [])
    return dict(resolved(pointed[0]["$ref"])) if pointed else schema


@pytest.mark.parametrize("fact", CLAIMS, ids=lambda fact: type(fact).__name__)
def test_an_envelope_is_told_with_what_the_contract_says_in_it(fact: Any) -> None:
    name = type(fact).__name__
    schema, body = schema_of(name), json.loads(encode_json(fact, STAMP).body)
    assert list(body) == list(schema["properties"]) == schema["required"]
    constant = {member: told["const"] for member, told in schema["properties"].items() if "const" in told}
    envelope = contracts()[name].envelope
    assert envelope is not None
    assert constant == {"eventType": name, "source": envelope.source, "resourceType": envelope.resource_type}
    assert body["data"]["status"] in choices(event_schema_of(name)["properties"]["status"])


@pytest.mark.parametrize(("name", "actions"), BUDGET_ACTIONS.items())
def test_a_budgets_event_is_told_with_exactly_the_statuses_that_it_can_have(name: str, actions: set[Any]) -> None:
    moves = {status.value for (_, action), status in BUDGETS.table.items() if action in actions}
    assert choices(schema_of(name)["properties"]["StatusDetail"]) == moves


@pytest.mark.parametrize(("name", "actions"), PAYMENT_ACTIONS.items())
def test_a_payments_event_is_told_with_exactly_the_statuses_that_it_can_have(name: str, actions: set[Any]) -> None:
    properties = schema_of(name)["properties"]
    moves = {move: status for move, status in PAYMENTS.table.items() if move[1] in actions and move != UNTOLD}
    assert choices(properties["StatusDetail"]) == {status.value for status in moves.values()}
    told = {3} if name == "PaymentReversed" else {PARTNERS[status] for status in moves.values()}
    assert choices(properties["Status"]) == told


@pytest.mark.parametrize(("noun", "module"), [("Budget", billing_events_pb2), ("Payment", payment_events_pb2)])
def test_the_partners_numbers_are_told_as_the_contract_numbers_them(noun: str, module: Any) -> None:
    values = module.DESCRIPTOR.enum_types_by_name[f"Event{noun}Status"].values
    told = resolved(f"#/components/schemas/{noun}Status")
    assert told["enum"] == [value.number for value in values]
    assert told["description"] == ", ".join(f"{v.number} {v.name.rsplit('_', 1)[1].title()}" for v in values) + "."


def test_every_outgoing_event_tells_of_some_move() -> None:
    told = {type(fact).__name__ for fact in CLAIMS}
    assert BUDGET_ACTIONS.keys() | PAYMENT_ACTIONS.keys() | told == contracts().keys()


def test_the_words_that_a_payments_event_may_say_are_told_and_no_other() -> None:
    failed, reversed_ = schema_of("PaymentFailed")["properties"], schema_of("PaymentReversed")["properties"]
    assert choices(failed["Reason"]) == {"REJECTED", "EXPIRED", CANCELED, SUPERSEDED, UNAVAILABLE}
    assert choices(reversed_["Kind"]) == {kind.value for kind in ReversalKind}
    assert choices(schema_of("PaymentPending")["properties"]["PaymentMethod"]) == {METHOD}


def choices(schema: dict[str, Any]) -> set[Any]:
    """The values that a member may have."""
    return set(schema["enum"]) if "enum" in schema else {schema["const"]}


@pytest.mark.parametrize("name", EVENT_TYPES.values())
def test_an_incoming_message_has_exactly_the_fields_that_are_documented_and_read(name: str) -> None:
    documented = work_order_events_pb2.DESCRIPTOR.message_types_by_name[name]
    properties = schema_of(name)["properties"]
    assert set(properties) == {field.json_name for field in documented.fields}
    assert set(properties) <= ALIASES.keys()
    assert schema_of(name)["required"] == ["OsId"]


def test_every_other_name_that_is_read_is_told_or_the_same_in_camel_case() -> None:
    for name, names in ALIASES.items():
        camel = name[0].lower() + name[1:]
        told = schema_of("OsCreated")["properties"].get(name, {}).get("x-also", [camel])
        assert set(names) == {name, *told}


@pytest.mark.parametrize(("member", "message"), [("Customer", "EventCustomer"), ("Item", "EventItem")])
def test_what_is_inside_an_incoming_message_has_exactly_its_documented_fields(member: str, message: str) -> None:
    documented = work_order_events_pb2.DESCRIPTOR.message_types_by_name[message]
    assert set(PAGE["components"]["schemas"][member]["properties"]) == {field.json_name for field in documented.fields}


def test_the_kinds_of_line_are_told_and_no_other() -> None:
    told = PAGE["components"]["schemas"]["Item"]["properties"]["Kind"]["description"]
    assert {word.strip(",") for word in told.split() if word.strip(",").isupper()} == {
        kind.value for kind in LineItemKind
    }


def test_every_message_of_the_page_is_one_of_the_code() -> None:
    assert MESSAGES.keys() == {*EVENT_TYPES.values(), *contracts()}
    assert DEAD_LETTER_QUEUE in PAGE["info"]["description"]


@pytest.mark.parametrize("fact", GOLDEN | CLAIMS, ids=lambda fact: type(fact).__name__)
def test_what_the_code_writes_is_what_the_page_promises(fact: Any) -> None:
    trace = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": "a=b"}
    stamp = Stamp(
        event_id=UUID(int=1), key_seq=1, occurred_at=AT, correlation_id="saga", causation_id="cause", trace=trace
    )
    publication = encode_json(fact, stamp)
    schema, headers = schema_of(type(fact).__name__), headers_of(type(fact).__name__)
    valid(json.loads(publication.body, parse_float=Decimal), schema)
    valid(dict(publication.headers), headers)
    assert set(publication.headers) == set(headers["properties"])
    assert set(headers["required"]) == set(headers["properties"]) - trace.keys()


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_what_its_schema_says(name: str, example: dict[str, Any]) -> None:
    valid(json.loads(json.dumps(example["payload"]), parse_float=Decimal), schema_of(name))
    valid(example["headers"], headers_of(name))
    assert example["headers"]["EventType"] == name
    assert set(example["payload"]) <= set(schema_of(name)["properties"])
    assert set(example["headers"]) <= set(headers_of(name)["properties"])


@pytest.mark.parametrize(("name", "example"), [each for each in EXAMPLES if each.values[0] in contracts()])
def test_an_example_of_what_goes_out_agrees_with_itself(name: str, example: dict[str, Any]) -> None:
    headers, payload = example["headers"], json.loads(json.dumps(example["payload"]), parse_float=Decimal)
    assert list(payload) == [member for member in schema_of(name)["properties"] if member in payload]
    event, root = payload, payload.get("OsId")
    if contracts()[name].envelope is not None:
        assert (payload["eventId"], payload["timestamp"]) == (headers["EventId"], headers["Timestamp"])
        event = payload["data"]
        root = event["id"]
    assert headers["cloudEvents_type"] == contracts()[name].message.DESCRIPTOR.full_name
    assert (headers["cloudEvents_id"], headers["cloudEvents_time"]) == (headers["EventId"], headers["Timestamp"])
    assert headers["AggregateId"] == (event.get("PaymentId") or event.get("BudgetId") or root)
    assert headers["cloudEvents_subject"] == root
    assert headers["EventVersion"] == contracts()[name].version
    for part in (event, *event.get("items", []), *event.get("denials", [])):
        for member in [member for member in part if member.endswith("Cents")]:
            assert part[member.removesuffix("Cents")] * 100 == part[member]


def test_no_two_examples_of_what_goes_out_are_the_same_event() -> None:
    told = [example["headers"]["EventId"] for name in contracts() for example in MESSAGES[name]["examples"]]
    assert len(told) == len(set(told)) >= len(contracts())


@pytest.mark.parametrize(("name", "example"), [each for each in EXAMPLES if each.values[0] in EVENT_TYPES.values()])
def test_an_example_of_what_comes_in_is_understood(name: str, example: dict[str, Any]) -> None:
    message = read(a_message(example["payload"], headers=example["headers"], routing_key="any"), QUEUE)
    assert (message.event_type, message.message_id) == (name, example["headers"]["EventId"])
    assert message.correlation_id == example["headers"]["CorrelationId"]
    if name == "OsCreated":
        assert order_of(message, "main").prices_itself
    else:
        assert cancellation_of(message, "main").at
