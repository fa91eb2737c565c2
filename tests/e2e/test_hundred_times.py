"""A hundred orders of one work order, all at once: one budget, one event, whoever consumes and however many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from acerto.billing.v1 import billing_service_pb2 as api
from tests.support.fleet import Fleet
from tests.support.ledger import Ledger, rows
from tests.support.os_service import Letter, OSService, RabbitLine
from tests.support.waiting import eventually

_APPLIED = "SELECT outcome, count(*)::int FROM inbox GROUP BY outcome ORDER BY outcome"


@pytest.fixture
async def crowd(folder: Path, database_url: str, amqp_url: str) -> AsyncIterator[tuple[Fleet, OSService]]:
    """Three consumers that all read at the same time."""
    settings = {"single_active_consumer": "false"}
    with Fleet(folder, database_url=database_url, broker_url=amqp_url, **settings) as fleet:
        assert fleet.verb("topology", "apply").code == 0
        await fleet.running("api", "relay", "consumer", "consumer", "consumer")
        async with OSService(RabbitLine(amqp_url)).working() as partner:
            yield fleet, partner


async def _volley(url: str, letters: list[Letter]) -> None:
    """Ten clients at once."""
    clients = [OSService(RabbitLine(url)) for _ in range(10)]

    async def send(client: OSService, mine: list[Letter]) -> None:
        async with client.working(listening=False):
            for letter in mine:
                await client.send(letter)

    await asyncio.gather(*(send(client, letters[n::10]) for n, client in enumerate(clients)))


def _letter(os_id: str, event_id: str) -> Letter:
    headers = {"EventType": "OsCreated", "EventId": event_id, "CorrelationId": "saga"}
    return Letter(body=json.dumps({"OsId": os_id, "Valor": 10}).encode(), headers=headers)


async def test_a_hundred_orders_make_one_budget_and_one_event(crowd: tuple[Fleet, OSService]) -> None:
    fleet, partner = crowd
    url, os_id, other = fleet.database_url, str(uuid4()), str(uuid4())
    same = str(uuid4())
    await _volley(fleet.broker_url, [_letter(os_id, same) for _ in range(100)])
    await _volley(fleet.broker_url, [_letter(other, str(uuid4())) for _ in range(100)])
    await eventually(lambda: rows(url, _APPLIED) == [("applied", 2), ("known", 99)], within=30)
    await partner.event(os_id)
    await partner.event(other)
    by_hand = api.CreateBudgetRequest(work_order_id=(third := str(uuid4())), request_id=str(uuid4()))
    (api_role,) = [role for role in fleet.roles if role.name == "api"]
    async with api_role.billing() as billing:
        answers = await asyncio.gather(*(billing.CreateBudget(by_hand) for _ in range(50)), return_exceptions=True)
    assert len({one.budget_id for one in answers if not isinstance(one, BaseException)}) == 1
    await partner.event(third)
    await Ledger(url, partner).balances()
    assert rows(url, "SELECT count(*) FROM budgets") == [(3,)]
    assert rows(url, "SELECT count(*) FROM outbox_message") == [(3,)]
    assert len({event.event_id for event in partner.heard}) == 3
