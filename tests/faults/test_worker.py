"""Workers that die while money moves: one charge, one confirmation and one refund for each payment, whoever is left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from google.type.money_pb2 import Money

from acerto.billing.v1 import billing_service_pb2 as api
from tests.faults.test_failpoints import WORKER
from tests.support.fleet import KILLED, Fleet
from tests.support.os_service import OSService
from tests.support.waiting import eventually

ORDERS = 4
LEASE = "2"
"""Seconds until what a dead worker held is taken by another."""


async def paying(billing: Any) -> tuple[str, str]:
    """A work order of 10.00, approved, and its payment begun."""
    os_id = str(uuid4())
    order = api.CreateBudgetRequest(work_order_id=os_id, amount=Money(currency_code="BRL", units=10))
    budget = await billing.CreateBudget(order)
    await billing.ApproveBudget(api.ApproveBudgetRequest(budget_id=budget.budget_id))
    script = "approve after 0.3; timeout after refunding"
    await billing.StartPayment(api.StartPaymentRequest(budget_id=budget.budget_id, sandbox_script=script))
    return os_id, budget.budget_id


def told(partner: OSService, os_id: str, event_type: str) -> int:
    """How many different events of this type OSService heard of a work order."""
    return len({one.event_id for one in partner.about(os_id) if one.headers["EventType"] == event_type})


def at_the_provider(fleet: Fleet, table: str) -> int:
    with closing(sqlite3.connect(fleet.settings["data_dir"] / "sandbox" / "sandbox.db")) as file:  # type: ignore[operator] # a Path
        ((count,),) = file.execute(f"SELECT count(*) FROM {table}")
        return int(count)


@pytest.mark.parametrize("point", WORKER)
async def test_a_worker_that_is_killed_charges_and_refunds_nobody_twice(
    point: str, fleet: Fleet, partner: OSService
) -> None:
    served, *_ = await fleet.running("api", "relay", "consumer", task_lease=LEASE)
    victim = await fleet.start("worker", failpoints=f"{point}=kill@2", task_lease=LEASE).ready()
    async with served.billing() as billing:
        orders = [await paying(billing) for _ in range(ORDERS)]
        assert await victim.died() == KILLED
        await fleet.running("worker", "worker", task_lease=LEASE)
        for os_id, _ in orders:
            await partner.event(os_id, "PaymentConfirmed", within=60)
        for _, budget_id in orders:
            await billing.CancelBudget(api.CancelBudgetRequest(budget_id=budget_id, reason="fault test"))
        for os_id, _ in orders:
            await partner.event(os_id, "PaymentReversed", within=60)
        for os_id, _ in orders:
            ledger = await billing.GetLedger(api.GetLedgerRequest(work_order_id=os_id))
            assert {(account.balance.units, account.balance.nanos) for account in ledger.balances} == {(0, 0)}
    counts = {
        (told(partner, os_id, "PaymentConfirmed"), told(partner, os_id, "PaymentReversed")) for os_id, _ in orders
    }
    assert counts == {(1, 1)}
    assert (at_the_provider(fleet, "charges"), at_the_provider(fleet, "refunds")) == (ORDERS, ORDERS)


async def test_a_worker_that_is_frozen_in_the_middle_does_nothing_twice_when_it_comes_back(
    fleet: Fleet, partner: OSService
) -> None:
    served, *_ = await fleet.running("api", "relay", "consumer", task_lease=LEASE)
    frozen = await fleet.start("worker", failpoints="worker.before_settle=pause@1", task_lease=LEASE).ready()
    async with served.billing() as billing:
        os_id, _ = await paying(billing)
        await eventually(lambda: frozen.program.frozen, within=20)
        await fleet.running("worker", task_lease=LEASE)
        await partner.event(os_id, "PaymentConfirmed", within=60)
        frozen.program.resume()
        other, _ = await paying(billing)
        await partner.event(other, "PaymentConfirmed", within=60)
    assert (told(partner, os_id, "PaymentConfirmed"), told(partner, os_id, "PaymentPending")) == (1, 1)
    assert at_the_provider(fleet, "charges") == 2
