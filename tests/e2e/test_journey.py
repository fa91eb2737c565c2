"""OsCreated in every form that partners send becomes one budget and one BudgetGenerated, on both brokers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.e2e.conftest import House
from tests.support.ledger import rows
from tests.support.os_service import Event, Letter, OSService
from tests.support.waiting import eventually

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class Form:
    """One way of saying OsCreated: `body` from the OsId, and the price in centavos that it must come to."""

    body: Callable[[str], Any]
    cents: int
    headers: Mapping[str, str] = field(default_factory=dict)


def _event(os_id: str, **fields: Any) -> dict[str, Any]:
    return {"OsId": os_id, "Description": "Troca de embreagem", "CreatedAt": "2026-03-01T12:00:00Z", **fields}


def _notification(os_id: str) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": str(uuid4()),
        "Message": json.dumps(_event(os_id, Valor=77.7)),
        "MessageAttributes": {"EventType": {"Type": "String", "Value": "OsCreated"}},
    }


_ITEMS = [
    {"Kind": "PART", "Code": "KIT-9", "Description": "Kit", "Quantity": 2, "UnitPrice": 10.05},
    {"Kind": "LABOR", "Description": "Horas", "Quantity": "1.5", "UnitPrice": "100.00"},
    {"Kind": "DISCOUNT", "Description": "Fidelidade", "Quantity": 1, "UnitPrice": 20},
]
_CUSTOMER = {"Name": "Ana", "Email": "ana@example.com", "Phone": "+55 11 90000-0000", "Document": "123.456.789-09"}

FORMS = {
    "bare": Form(_event, 10_000),
    "under Payload": Form(lambda os_id: {"EventType": "OsCreated", "Payload": _event(os_id, Valor=10)}, 1_000),
    "under payload": Form(lambda os_id: {"eventType": "OsCreated", "payload": _event(os_id, Valor="10.5")}, 1_050),
    "a notification": Form(_notification, 7_770),
    "camel names": Form(
        lambda os_id: {"osId": os_id, "descricao": "Freios", "createdAt": 1772366400, "valor": 12.34}, 1_234
    ),
    "Valor as text": Form(lambda os_id: _event(os_id, Valor="350.10"), 35_010),
    "Valor zero": Form(lambda os_id: _event(os_id, Valor=0), 10_000),
    "Valor below zero": Form(lambda os_id: _event(os_id, Valor=-5), 10_000),
    "priced by the table, by description": Form(lambda os_id: _event(os_id, Description="troca de óleo "), 18_000),
    "priced by the table, by code": Form(lambda os_id: _event(os_id, ServiceCode="oil-change"), 18_000),
    "Items": Form(lambda os_id: _event(os_id, Items=_ITEMS, Valor=1), 15_010),
    "Customer": Form(lambda os_id: _event(os_id, Customer=_CUSTOMER), 10_000),
    "type only in the header": Form(lambda os_id: {"OsId": os_id}, 10_000, {"EventType": "OsCreated"}),
}


@pytest.mark.parametrize("name", FORMS)
async def test_every_form_of_os_created_becomes_a_budget_that_osservice_is_told_of(
    name: str, house: House, partner: OSService
) -> None:
    form, os_id = FORMS[name], str(uuid4())
    event_id = str(uuid4())
    headers = {"EventId": event_id, "CorrelationId": f"saga {name}", **form.headers}
    await partner.send(Letter(body=json.dumps(form.body(os_id)).encode(), headers=headers))
    told = await partner.event(os_id)
    assert told.content == _golden(os_id, told.content["BudgetId"], form.cents)
    assert told.headers["CorrelationId"] == f"saga {name}"
    assert told.headers["CausationId"] == event_id
    assert _stored(house, os_id) == [(told.content["BudgetId"], form.cents)]


def _golden(os_id: str, budget_id: str, cents: int) -> dict[str, Any]:
    return {
        "OsId": os_id,
        "BudgetId": budget_id,
        "Amount": cents / 100,
        "AmountCents": cents,
        "Status": 0,
        "Revision": 1,
        "StatusDetail": "DRAFT",
    }


def _stored(house: House, os_id: str) -> list[tuple[Any, ...]]:
    return rows(house.database_url, "SELECT id::text, total_cents FROM budgets WHERE work_order_id = %s", UUID(os_id))


async def test_the_body_and_the_metadata_are_as_the_partners_read_them(house: House, partner: OSService) -> None:
    os_id = str(uuid4())
    event_id = await partner.order(os_id, Valor=1234.5)
    told = await partner.event(os_id)
    budget_id = told.content["BudgetId"]
    assert told.body.decode() == (
        f'{{"OsId":"{os_id}","BudgetId":"{budget_id}","Amount":1234.50,"AmountCents":123450,"Status":0,"Revision":1,'
        '"StatusDetail":"DRAFT"}'
    )
    assert _UUID7.fullmatch(told.event_id)
    assert _INSTANT.fullmatch(told.headers["Timestamp"])
    assert dict(told.headers) == {
        "EventType": "BudgetGenerated",
        "EventId": told.event_id,
        "EventVersion": 1,
        "CorrelationId": f"saga-{os_id}",
        "CausationId": event_id,
        "Timestamp": told.headers["Timestamp"],
        "AggregateId": budget_id,
        "AggregateVersion": 1,
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": told.event_id,
        "cloudEvents_source": "acerto/billing",
        "cloudEvents_type": "acerto.events.v1.BudgetGenerated",
        "cloudEvents_subject": os_id,
        "cloudEvents_time": told.headers["Timestamp"],
    }
    _has_properties(told, f"saga-{os_id}")


def _has_properties(told: Event, correlation_id: str) -> None:
    assert (told.message_id, told.type) == (told.event_id, "BudgetGenerated")
    assert (told.correlation_id, told.content_type) == (correlation_id, "application/json")
    assert (told.routing_key, told.persistent) == ("budget-generated", True)
    assert told.timestamp


async def test_rabbitmq_says_who_published(rabbit_partner: OSService) -> None:
    os_id = str(uuid4())
    await rabbit_partner.order(os_id)
    assert (await rabbit_partner.event(os_id)).app_id == "acerto"


async def test_a_trace_goes_through_from_the_order_to_the_budget(partner: OSService) -> None:
    os_id = str(uuid4())
    headers = {"EventType": "OsCreated", "traceparent": _TRACE, "tracestate": "vendor=1"}
    await partner.send(Letter(body=json.dumps({"OsId": os_id}).encode(), headers=headers))
    told = await partner.event(os_id)
    assert (told.headers["traceparent"], told.headers["tracestate"]) == (_TRACE, "vendor=1")


async def test_a_work_order_number_stands_for_its_padded_uuid(house: House, partner: OSService) -> None:
    number = uuid4().int % 10**11 + 1
    os_id = f"00000000-0000-0000-0000-{number:012}"
    await partner.send(Letter(body=json.dumps({"OsId": number, "Valor": 5}).encode()))
    told = await partner.event(os_id)
    assert told.content["OsId"] == os_id
    assert _stored(house, os_id) == [(told.content["BudgetId"], 500)]


async def test_a_legacy_message_without_any_id_has_one_effect_however_often_it_is_sent(
    house: House, partner: OSService
) -> None:
    os_id, other = str(uuid4()), str(uuid4())
    legacy = Letter(body=json.dumps({"OsId": os_id, "Description": "Revisão"}).encode(), content_type=None)
    for _ in range(3):
        await partner.send(legacy)
    await partner.order(other)
    told = await partner.event(os_id)
    await partner.event(other)
    assert len({event.event_id for event in partner.about(os_id)}) == 1
    noted = rows(house.database_url, "SELECT message_id, outcome, correlation_id FROM inbox WHERE key = %s", os_id)
    assert [(outcome, correlation) for _, outcome, correlation in noted] == [("applied", noted[0][0])]
    assert told.headers["CausationId"] == told.headers["CorrelationId"] == noted[0][0]


async def test_the_monitoring_views_tell_the_saga(house: House, partner: OSService) -> None:
    os_id = str(uuid4())
    event_id = await partner.order(os_id)
    told = await partner.event(os_id)
    query = "SELECT id::text, event_type, payload, correlation_id FROM outbox_message WHERE causation_id = %s"
    saga = f"saga-{os_id}"
    assert rows(house.database_url, query, event_id) == [(told.event_id, "BudgetGenerated", told.body.decode(), saga)]
    inbox = "SELECT id, consumer, event_type, outcome, processed, correlation_id FROM inbox_message WHERE id = %s"
    expected = (event_id, "billing-events", "OsCreated", "applied", True, saga)
    assert rows(house.database_url, inbox, event_id) == [expected]


async def test_a_canceled_work_order_withdraws_its_budget(house: House, partner: OSService) -> None:
    os_id = str(uuid4())
    await partner.order(os_id)
    await partner.event(os_id)
    await partner.cancel(os_id, reason="vendeu o carro")
    query = "SELECT event_type, payload, published FROM outbox_message WHERE payload LIKE %s ORDER BY id"

    def told() -> list[tuple[Any, ...]]:
        found = rows(house.database_url, query, f"%{os_id}%")
        assert [row[0] for row in found] == ["BudgetGenerated", "BudgetCanceled"]
        assert all(row[2] for row in found)
        return found

    body = json.loads((await eventually(told))[1][1])
    assert (body["Status"], body["StatusDetail"], body["Reason"]) == (3, "CANCELED", "vendeu o carro")
