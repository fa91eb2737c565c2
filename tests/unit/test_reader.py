"""The tolerant reader: many envelopes, many spellings, one meaning (billing.md A)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messaging.broker import Message
from messaging.reader import ALIASES, EVENT_TYPES, read
from tests.support.builders import QUEUE, a_message, an_os

OS = str(an_os(42))
EVENT = {"OsId": OS, "Description": "Troca de óleo", "Valor": 123.45}
CONTENT = {"Description": "Troca de óleo", "Valor": "123.45"}


def inside(**notification: Any) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "sns-1", "TopicArn": "arn:aws:sns:x", **notification}


ENVELOPES: dict[str, Any] = {
    "bare": EVENT,
    "Payload": {"EventId": "e", "Payload": EVENT},
    "payload": {"eventId": "e", "payload": EVENT},
    "notification": inside(Message=json.dumps(EVENT)),
    "notification of an envelope": inside(Message=json.dumps({"Payload": EVENT})),
    "envelope of a notification": {"Payload": inside(Message=json.dumps(EVENT))},
    "Payload as text": {"Payload": json.dumps(EVENT)},
    "notification of a notification": inside(Message=json.dumps(inside(Message=json.dumps(EVENT)))),
}


@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_every_envelope_holds_the_same_event(body: object) -> None:
    event = read(a_message(body, headers={"EventType": "OsCreated"}), QUEUE)
    assert (event.event_type, event.key, event.content) == ("OsCreated", OS, CONTENT)


def test_an_events_own_field_called_message_is_no_envelope() -> None:
    assert read(a_message({**EVENT, "Message": "call me"}), QUEUE).content == CONTENT


TYPES: dict[str, Message] = {
    "header": a_message(EVENT, headers={"EventType": "OsCanceled"}),
    "header in other letters": a_message(EVENT, headers={"eventtype": "OsCanceled"}),
    "property": a_message(EVENT, type="OsCanceled"),
    "attribute": a_message(
        inside(Message=json.dumps(EVENT), MessageAttributes={"EventType": {"Type": "String", "Value": "OsCanceled"}})
    ),
    "EventType": a_message({**EVENT, "EventType": "OsCanceled"}),
    "Type": a_message({**EVENT, "Type": "OsCanceled"}),
    "eventType": a_message({**EVENT, "eventType": "OsCanceled"}),
    "the envelope's EventType": a_message({"EventType": "OsCanceled", "Payload": EVENT}),
    "inside a notification": a_message(inside(Message=json.dumps({**EVENT, "EventType": "OsCanceled"}))),
    "routing key": a_message(EVENT, routing_key="os-canceled"),
    "Notification is none": a_message(inside(Message=json.dumps(EVENT)), routing_key="os-canceled"),
    "header before property": a_message(EVENT, type="OsCreated", headers={"EventType": "OsCanceled"}),
    "property before body": a_message({**EVENT, "EventType": "OsCreated"}, type="OsCanceled"),
    "empty header": a_message(EVENT, headers={"EventType": ""}, type="OsCanceled"),
}


@pytest.mark.parametrize("message", TYPES.values(), ids=TYPES.keys())
def test_the_type_is_found_wherever_partners_write_it(message: Message) -> None:
    assert read(message, QUEUE).event_type == "OsCanceled"


@pytest.mark.parametrize(("routing_key", "event_type"), EVENT_TYPES.items())
def test_a_routing_key_alone_says_the_type(routing_key: str, event_type: str) -> None:
    assert read(a_message(EVENT, routing_key=routing_key), QUEUE).event_type == event_type


@pytest.mark.parametrize(("name", "alias"), [(name, alias) for name, names in ALIASES.items() for alias in names])
def test_every_field_is_read_under_each_of_its_names(name: str, alias: str) -> None:
    value = OS if name == "OsId" else "text"
    event = read(a_message({"OsId": OS, alias: value} if name != "OsId" else {alias: value}), QUEUE)
    assert (event.key, event.content) == (OS, {} if name == "OsId" else {name: value})


def test_the_names_are_those_that_partners_use() -> None:
    assert {"OsId", "osId"} <= set(ALIASES["OsId"])
    assert {"Description", "description", "descricao"} <= set(ALIASES["Description"])
    assert {"CreatedAt", "createdAt", "timestamp"} <= set(ALIASES["CreatedAt"])
    assert {"Valor", "valor"} <= set(ALIASES["Valor"])


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (OS, OS),
        (OS.upper(), OS),
        (f"  {OS}\n", OS),
        ("d9428888-122b-11e1-b85c-61cd3cbb3210", "d9428888-122b-11e1-b85c-61cd3cbb3210"),
        (42, OS),
        ("42", OS),
        ("000042", OS),
        (999_999_999_999, "00000000-0000-0000-0000-999999999999"),
    ],
)
def test_a_work_order_is_a_uuid_or_a_number(written: object, means: str) -> None:
    assert read(a_message({"OsId": written}), QUEUE).key == means


@pytest.mark.parametrize("number", ["123.45", '"123.45"'])
def test_an_amount_is_the_same_as_number_and_as_text(number: str) -> None:
    written = a_message(f'{{"OsId": 42, "Valor": {number}}}'.encode(), headers={"EventId": "e"})
    text = a_message({"OsId": 42, "Valor": "123.45"}, headers={"EventId": "e"})
    assert read(written, QUEUE).content == {"Valor": "123.45"}
    assert read(written, QUEUE).digest == read(text, QUEUE).digest


def test_the_digest_is_of_the_meaning_and_not_of_the_envelope() -> None:
    digests = {read(a_message(body, headers={"EventType": "OsCreated"}), QUEUE).digest for body in ENVELOPES.values()}
    other = read(a_message({**EVENT, "Valor": 123.46}), QUEUE)
    assert len(digests) == 1
    assert other.digest not in digests


CAUSES: dict[str, Message] = {
    "headers": a_message(EVENT, headers={"EventId": "id", "CorrelationId": "saga", "CausationId": "cause"}),
    "envelope": a_message({"EventId": "id", "CorrelationId": "saga", "CausationId": "cause", "Payload": EVENT}),
    "camel envelope": a_message({"eventId": "id", "correlationId": "saga", "causationId": "cause", "payload": EVENT}),
    "body": a_message({**EVENT, "EventId": "id", "CorrelationId": "saga", "CausationId": "cause"}),
    "properties": a_message({**EVENT, "CausationId": "cause"}, message_id="id", correlation_id="saga"),
    "attributes": a_message(
        inside(
            Message=json.dumps(EVENT),
            MessageAttributes={
                "EventId": {"Type": "String", "Value": "id"},
                "CorrelationId": {"Type": "String", "Value": "saga"},
                "CausationId": {"Type": "String", "Value": "cause"},
            },
        )
    ),
    "headers before properties": a_message(
        {**EVENT, "EventId": "no", "CorrelationId": "no", "CausationId": "no"},
        message_id="no",
        correlation_id="no",
        headers={"EventId": "id", "CorrelationId": "saga", "CausationId": "cause"},
    ),
}


@pytest.mark.parametrize("message", CAUSES.values(), ids=CAUSES.keys())
def test_id_correlation_and_causation_are_found_wherever_they_are(message: Message) -> None:
    event = read(message, QUEUE)
    assert (event.message_id, event.correlation_id, event.causation_id) == ("id", "saga", "cause")


def test_a_missing_correlation_is_the_messages_own_id() -> None:
    event = read(a_message(EVENT, headers={"EventId": "id"}), QUEUE)
    assert (event.correlation_id, event.causation_id) == ("id", "")


def test_a_message_with_no_id_gets_the_same_derived_id_each_time() -> None:
    first, again = read(a_message(EVENT), QUEUE), read(a_message(EVENT, timestamp=1_700_000_000), QUEUE)
    assert (first.message_id, first.correlation_id) == (again.message_id, again.correlation_id)
    assert first.correlation_id == first.message_id


def test_the_nil_uuid_is_no_id() -> None:
    nil = a_message(EVENT, headers={"EventId": "00000000-0000-0000-0000-000000000000"})
    assert read(nil, QUEUE).message_id == read(a_message(EVENT), QUEUE).message_id


@pytest.mark.parametrize(
    "other",
    [
        a_message({**EVENT, "Valor": 1}),
        a_message({**EVENT, "OsId": 43}),
        a_message(EVENT, routing_key="os-canceled"),
        a_message(EVENT, correlation_id="another saga"),
    ],
)
def test_a_message_with_no_id_and_another_meaning_gets_another_id(other: Message) -> None:
    assert read(other, QUEUE).message_id != read(a_message(EVENT), QUEUE).message_id
