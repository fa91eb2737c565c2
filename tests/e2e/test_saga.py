"""The whole saga, by the public doors only: OSService and ExecutionService on RabbitMQ, the workshop on gRPC, a
customer at the sandbox, and a provider that tells us by webhook.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from acerto.billing.v1 import billing_service_pb2 as api
from acerto.billing.v1 import payment_pb2
from tests.e2e.conftest import House
from tests.support.execution_service import ExecutionService
from tests.support.fleet import Fleet
from tests.support.os_service import OSService, RabbitLine
from tests.support.postgres import Databases
from tests.support.virtual_hosts import VirtualHosts
from tests.support.waiting import eventually

CUSTOMER = {"Name": "Ana", "Email": "ana@example.com"}


@pytest.fixture
async def execution(rabbit_house: House) -> AsyncIterator[ExecutionService]:
    async with ExecutionService(rabbit_house.line).working() as service:
        yield service


async def opened(partner: OSService, billing: Any) -> tuple[str, Any]:
    """A work order of 250.00 and its budget, sent to the customer."""
    os_id = str(uuid4())
    await partner.order(os_id, Valor=250, Customer=CUSTOMER)
    made = await partner.event(os_id)
    sent = await billing.SendBudget(api.SendBudgetRequest(budget_id=made.content["BudgetId"]))
    return os_id, sent


async def approved(partner: OSService, billing: Any) -> tuple[str, str]:
    os_id, sent = await opened(partner, billing)
    budget_id = sent.budget.budget_id
    await billing.ApproveBudget(api.ApproveBudgetRequest(budget_id=budget_id, approval_token=sent.approval_link.token))
    return os_id, budget_id


async def paying(billing: Any, budget_id: str, script: str) -> str:
    payment = await billing.StartPayment(api.StartPaymentRequest(budget_id=budget_id, sandbox_script=script))
    return str(payment.payment_id)


async def status_of(billing: Any, payment_id: str) -> str:
    payment = await billing.GetPayment(api.GetPaymentRequest(payment_id=payment_id))
    return payment_pb2.PaymentStatus.Name(payment.status).removeprefix("PAYMENT_STATUS_")


def types(partner: OSService, os_id: str) -> list[str]:
    """What OSService heard of a work order, each event once, in order."""
    told = {event.event_id: str(event.headers["EventType"]) for event in partner.about(os_id)}
    return list(told.values())


async def test_a_paid_work_order_is_repaired_and_a_canceled_one_gives_the_money_back(
    rabbit_partner: OSService, billing: Any, execution: ExecutionService
) -> None:
    os_id, budget_id = await approved(rabbit_partner, billing)
    payment_id = await paying(billing, budget_id, "approve after 0.2; duplicate webhooks 3")
    confirmed = await rabbit_partner.event(os_id, "PaymentConfirmed")
    assert (confirmed.content["Amount"], confirmed.content["Status"]) == (250.0, 1)
    assert confirmed.content["BudgetFullyPaid"] is True
    await eventually(lambda: os_id in execution.repairs)
    await rabbit_partner.cancel(os_id)
    reversed_ = await rabbit_partner.event(os_id, "PaymentReversed")
    assert (reversed_.content["PaymentId"], reversed_.content["Amount"]) == (payment_id, 250.0)
    assert types(rabbit_partner, os_id) == [
        *("BudgetGenerated", "BudgetApproved", "PaymentPending", "PaymentConfirmed", "PaymentReversed")
    ]
    correlations = {event.headers["CorrelationId"] for event in rabbit_partner.about(os_id)}
    assert correlations == {f"saga-{os_id}"}
    await eventually(lambda: os_id in execution.stopped)
    assert execution.repairs.count(os_id) == 1
    assert execution.refused == []
    ledger = await billing.GetLedger(api.GetLedgerRequest(work_order_id=os_id))
    assert {account.balance.units for account in ledger.balances} == {0}


async def test_a_rejected_budget_takes_no_money(rabbit_partner: OSService, billing: Any) -> None:
    os_id, sent = await opened(rabbit_partner, billing)
    rejection = api.RejectBudgetRequest(
        budget_id=sent.budget.budget_id, approval_token=sent.approval_link.token, reason="caro"
    )
    await billing.RejectBudget(rejection)
    told = await rabbit_partner.event(os_id, "BudgetRejected")
    assert (told.content["Status"], told.content["Reason"]) == (2, "caro")
    assert types(rabbit_partner, os_id) == ["BudgetGenerated", "BudgetRejected"]


async def test_money_that_comes_after_the_cancellation_goes_back_and_nobody_repairs(
    rabbit_partner: OSService, billing: Any, execution: ExecutionService
) -> None:
    os_id, budget_id = await approved(rabbit_partner, billing)
    payment_id = await paying(billing, budget_id, "approve late after 0.8; timeout after canceling")
    await rabbit_partner.event(os_id, "PaymentPending")
    await rabbit_partner.cancel(os_id)
    await rabbit_partner.event(os_id, "PaymentReversed", within=40)
    assert await status_of(billing, payment_id) == "REVERSED"
    assert "PaymentConfirmed" not in types(rabbit_partner, os_id)
    assert os_id not in execution.repairs


@pytest.mark.parametrize(
    ("script", "reason"),
    [("timeout after charging; reject insufficient_amount after 0.3", "REJECTED"), ("expire after 0.3", "EXPIRED")],
)
async def test_a_payment_that_fails_is_told_once_and_another_may_follow(
    rabbit_partner: OSService, billing: Any, script: str, reason: str
) -> None:
    os_id, budget_id = await approved(rabbit_partner, billing)
    await paying(billing, budget_id, script)
    failed = await rabbit_partner.event(os_id, "PaymentFailed", within=40)
    assert (failed.content["Status"], failed.content["Reason"]) == (2, reason)
    second = await paying(billing, budget_id, "webhook before answer; approve")
    confirmed = await rabbit_partner.event(os_id, "PaymentConfirmed", within=40)
    assert confirmed.content["PaymentId"] == second
    assert types(rabbit_partner, os_id).count("PaymentFailed") == 1


async def test_r18_a_webhook_that_comes_before_the_answer_confirms_the_payment_once(
    rabbit_partner: OSService, billing: Any
) -> None:
    os_id, budget_id = await approved(rabbit_partner, billing)
    payment_id = await paying(billing, budget_id, "webhook before answer; timeout after charging; approve")
    confirmed = await rabbit_partner.event(os_id, "PaymentConfirmed", within=40)
    assert confirmed.content["PaymentId"] == payment_id
    assert types(rabbit_partner, os_id).count("PaymentConfirmed") == 1


async def test_the_old_automatic_flow_charges_as_soon_as_a_work_order_is_opened(
    databases: Databases, virtual_hosts: VirtualHosts, tmp_path: Path
) -> None:
    url, os_id = virtual_hosts.fresh(), str(uuid4())
    automatic = {"auto_approve": "true", "charge_on_approval": "true"}
    with (
        databases.migrated() as database_url,
        Fleet(tmp_path / "fleet", database_url=database_url, broker_url=url, **automatic) as fleet,
    ):
        await fleet.running("all")
        async with OSService(RabbitLine(url)).working() as partner:
            await partner.order(os_id, Valor="99.90", Customer=CUSTOMER)
            pending = await partner.event(os_id, "PaymentPending")
            assert types(partner, os_id) == ["BudgetGenerated", "BudgetApproved", "PaymentPending"]
    assert pending.content["Amount"] == 99.9
