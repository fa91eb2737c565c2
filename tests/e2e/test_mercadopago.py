"""Acerto with Mercado Pago as its provider, by both of its APIs: settings, route, adapter and worker together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.type.money_pb2 import Money

from acerto.billing.v1 import billing_service_pb2 as api
from acerto.billing.v1 import budget_pb2, payment_pb2
from tests.support.fake_mercadopago import FakeMercadoPago
from tests.support.fleet import Fleet
from tests.support.postgres import Databases
from tests.support.waiting import eventually


async def payment_in(billing: Any, payment_id: str, status: str) -> Any:
    """The payment, once it is in this status."""
    wanted = payment_pb2.PaymentStatus.Value(f"PAYMENT_STATUS_{status}")

    async def look() -> Any:
        payment = await billing.GetPayment(api.GetPaymentRequest(payment_id=payment_id))
        return payment if payment.status == wanted else None

    return await eventually(look, within=30, what=f"the payment is {status}")


@pytest.mark.parametrize("provider", ["mercadopago", "mercadopago_payments"])
async def test_a_payment_is_taken_told_by_webhook_and_given_back(
    provider: str, databases: Databases, tmp_path: Path
) -> None:
    fake = FakeMercadoPago()
    settings = {
        "payment_provider": provider,
        "mercadopago_url": fake.url,
        "mercadopago_access_token": fake.token,
        "mercadopago_webhook_secret": fake.secret,
    }
    with databases.migrated() as url, Fleet(tmp_path / "fleet", database_url=url, **settings) as fleet:
        async with fake.running():
            (role,) = await fleet.running("all")
            async with role.billing() as billing:
                payment_id = await _begun(billing)
                pending = await payment_in(billing, payment_id, "PENDING")
                assert pending.pix.code
                charge_id = pending.provider_payment_id
                webhook = f"http://127.0.0.1:{role.http_port}/api/billing/{provider}/webhook"
                fake.books.pay(charge_id)
                forged = fake.notice(charge_id, at=datetime(2020, 1, 1, tzinfo=UTC))
                assert await forged.post(webhook) == 401
                assert await fake.notify(webhook, charge_id, at=datetime.now(UTC)) == 200
                confirmed = await payment_in(billing, payment_id, "CONFIRMED")
                await billing.CancelBudget(api.CancelBudgetRequest(budget_id=confirmed.budget_id, reason="desistiu"))
                await payment_in(billing, payment_id, "REVERSED")
    assert (fake.books.charged, fake.books.given_back) == (12_350, 12_350)


async def _begun(billing: Any) -> str:
    order = api.CreateBudgetRequest(
        work_order_id=str(uuid4()),
        amount=Money(currency_code="BRL", units=123, nanos=500_000_000),
        customer=budget_pb2.Customer(name="Ana", email="ana@example.com"),
    )
    budget = await billing.CreateBudget(order)
    await billing.ApproveBudget(api.ApproveBudgetRequest(budget_id=budget.budget_id))
    payment = await billing.StartPayment(api.StartPaymentRequest(budget_id=budget.budget_id))
    return str(payment.payment_id)
