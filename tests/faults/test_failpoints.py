"""kill -9 at each named point: what was committed is told once, what was accepted has its effect once."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from acerto.billing.v1 import billing_service_pb2 as api
from domain import failpoints
from tests.support.fleet import KILLED, Fleet
from tests.support.ledger import Ledger, rows
from tests.support.os_service import OSService
from tests.support.outbox_feed import Feed

API = {"unit.before_commit": False, "unit.after_commit": True}
"""Whether the answer was kept, so that the repeat is a replay."""
RELAY = {
    "relay.after_claim": 1,
    "relay.mid_wave": 2,
    "relay.after_confirms": 1,
    "relay.before_commit": 1,
    "relay.after_commit": 1,
}
"""At which turn: the second wave has events of the same keys behind those of the first."""
WORKER = ("worker.after_claim", "worker.before_settle")
LOAD = "load.before_commit"
CONSUMER = ("consumer.after_receive", "consumer.before_commit", "consumer.after_commit", "consumer.after_ack")

_COUNTS = """
SELECT (SELECT count(*) FROM budgets), (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox_message)
"""


def test_every_failpoint_there_is_kills_somebody_here() -> None:
    assert {*API, *RELAY, *CONSUMER, *WORKER, LOAD} == failpoints.NAMES


@pytest.mark.parametrize("point", API)
async def test_an_api_that_is_killed_leaves_one_budget_and_one_event(
    point: str, fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    victim, _ = await fleet.running("api", "relay", failpoints=f"{point}=kill")
    order = api.CreateBudgetRequest(work_order_id=str(uuid4()), request_id=str(uuid4()))
    async with victim.billing() as billing:
        with pytest.raises(grpc.aio.AioRpcError) as broken:
            await billing.CreateBudget(order)
    assert broken.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await victim.died() == KILLED
    (survivor,) = await fleet.running("api")
    async with survivor.billing() as billing:
        repeat = billing.CreateBudget(order)
        budget = await repeat
        replayed = dict(await repeat.trailing_metadata() or ()).get("acerto-replayed") == "true"
    assert replayed is API[point]
    told = await partner.event(order.work_order_id)
    assert told.content["BudgetId"] == budget.budget_id
    await ledger.balances()
    assert rows(fleet.database_url, "SELECT id::text FROM budgets") == [(budget.budget_id,)]


@pytest.mark.parametrize("point", RELAY)
async def test_r40_a_relay_that_is_killed_loses_nothing_and_keeps_the_order(
    point: str, fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    for _ in range(4):
        feed.commit(["key-a", "key-b", "key-a", "key-c"])
    victim = fleet.start("relay", failpoints=f"{point}=kill@{RELAY[point]}")
    assert await victim.died() == KILLED
    feed.commit(["key-a", "key-b", "key-d"])
    await fleet.running("relay")
    await ledger.balances()
    assert len({event.event_id for event in partner.heard}) == 19


@pytest.mark.parametrize("point", CONSUMER)
async def test_a_consumer_that_is_killed_gives_every_message_its_effect_once(
    point: str, fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    victim, _ = await fleet.running("consumer", "relay", failpoints=f"{point}=kill")
    orders = [str(uuid4()) for _ in range(5)]
    for os_id in orders:
        await partner.order(os_id)
    assert await victim.died() == KILLED
    await partner.cancel(orders[0])
    await fleet.running("consumer")
    for os_id in orders:
        await partner.event(os_id)
    await ledger.balances()
    counts = (
        "SELECT (SELECT count(*) FROM budgets), (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox_message)"
    )
    assert rows(fleet.database_url, counts) == [(5, 6, 6)]


def test_a_load_that_is_killed_leaves_nothing_and_can_be_run_again(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "terms.csv"
    lines = [f"22,99{number:06},Sample,2025-01-01" for number in range(2000)]
    file.write_text("\n".join(["table,code,description,valid_from", *lines]), encoding="utf-8")
    killed = fleet.verb("load", "tuss", str(file), failpoints=f"{LOAD}=kill")
    assert (killed.code, killed.out) == (KILLED, "")
    counts = "SELECT (SELECT count(*) FROM tuss_terms), (SELECT count(*) FROM generations)"
    assert rows(fleet.database_url, counts) == [(0, 0)]
    again = fleet.verb("load", "tuss", str(file))
    assert again.out == "tuss terms.csv: 2000 new, 0 changed, 0 as they were\n"
    assert rows(fleet.database_url, counts) == [(2000, 1)]
