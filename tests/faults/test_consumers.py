"""Messages twice, early, changed, deadly, or to two consumers at once: each has its effect once."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx

from tests.support.fleet import KILLED, Fleet
from tests.support.ledger import Ledger, rows
from tests.support.os_service import Letter, OSService
from tests.support.waiting import eventually


async def test_r41_a_message_that_kills_whoever_takes_it_is_parked_and_the_others_flow(
    fleet: Fleet, partner: OSService
) -> None:
    assert fleet.verb("topology", "apply").code == 0
    poison, good = str(uuid4()), [str(uuid4()) for _ in range(3)]
    event_id = await partner.order(poison)
    for os_id in good:
        await partner.order(os_id)
    for _ in range(5):
        victim = fleet.start("consumer", failpoints="consumer.before_commit=kill")
        assert await victim.died() == KILLED
    _, survivor = await fleet.running("relay", "consumer")
    for os_id in good:
        await partner.event(os_id)
    parked = "SELECT message_id, last_error, next_at = 'infinity' FROM inbox_deferred ORDER BY id"
    assert rows(fleet.database_url, parked) == [(event_id, "delivered 5 times without an answer", True)]
    later = await partner.cancel(poison)
    await partner.order(other := str(uuid4()))
    await partner.event(other)
    behind = (later, "an earlier message of its key waits", False)
    await eventually(lambda: rows(fleet.database_url, parked)[1:] == [behind])
    assert survivor.logged("message parked")
    assert partner.about(poison) == []


async def test_an_order_that_comes_after_its_cancellation_makes_no_budget(
    fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    await fleet.running("relay", "consumer")
    canceled, other = str(uuid4()), str(uuid4())
    await partner.cancel(canceled)
    order = await partner.order(canceled)
    await partner.order(other)
    await partner.event(other)
    outcome = "SELECT outcome FROM inbox WHERE message_id = %s"
    await eventually(lambda: rows(fleet.database_url, outcome, order) == [("tombstoned",)])
    assert rows(fleet.database_url, "SELECT work_order_id::text FROM budgets") == [(other,)]
    await ledger.balances()
    assert partner.about(canceled) == []


async def test_the_same_id_with_another_body_counts_once_the_first_time_and_is_told(
    fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    _, consumer = await fleet.running("relay", "consumer")
    os_id, event_id = str(uuid4()), str(uuid4())
    await partner.order(os_id, event_id=event_id, Valor=10)
    told = await partner.event(os_id)
    await partner.order(os_id, event_id=event_id, Valor=999)
    await eventually(lambda: consumer.logged("a message id came back with other content"))
    await ledger.balances()
    assert told.content["Amount"] == 10
    assert rows(fleet.database_url, "SELECT total_cents FROM budgets") == [(1000,)]
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"http://127.0.0.1:{consumer.http_port}/metrics")).text
    assert "acerto_digest_conflicts_total 1.0" in metrics


async def test_one_message_to_two_consumers_at_once_has_one_effect(
    fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    fleet.settings["single_active_consumer"] = "false"
    (first,) = await fleet.running("consumer", failpoints="consumer.before_commit=pause")
    os_id, event_id = str(uuid4()), str(uuid4())
    headers = {"EventType": "OsCreated", "EventId": event_id}
    twin = Letter(body=json.dumps({"OsId": os_id}).encode(), headers=headers)
    await partner.send(twin)
    await eventually(lambda: first.program.frozen, within=20, what="the first stops with the message in hand")
    _, second = await fleet.running("relay", "consumer")
    await partner.send(twin)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await eventually(lambda: rows(fleet.database_url, waits) == [(1,)], what="the second waits for its twin")
    first.program.resume()
    await partner.event(os_id)
    await ledger.balances()
    assert rows(fleet.database_url, "SELECT message_id, outcome FROM inbox") == [(event_id, "applied")]
    assert first.program.code is second.program.code is None


async def test_roles_that_are_asked_to_stop_under_load_leave_nothing_half_done(
    fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    _, first = await fleet.running("relay", "consumer")
    orders = [str(uuid4()) for _ in range(150)]
    for os_id in orders[:75]:
        await partner.order(os_id)
    first.program.ask_to_stop()
    for os_id in orders[75:]:
        await partner.order(os_id)
    assert await first.died() == 0
    await fleet.running("consumer")
    await ledger.balances()
    assert {event.os_id for event in partner.heard} == set(orders)
