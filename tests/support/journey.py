"""A saga told through BillingService's gRPC door: each step by its rpc, and the provider's word below the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from google.type.money_pb2 import Money as MoneyProto

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2, payment_pb2
from domain.billing.charge import ChargeStatus, PixOffer, Snapshot
from tests.support.builders import CALL, an_os
from tests.support.served import Scene, Served

CUSTOMER = budget_pb2.Customer(name="A customer", email="customer@example.com")
CODE = "00020126580014br.gov.bcb.pix"
PRICE = 10_000
"""Centavos: what each budget here costs, unless a test says otherwise."""


def brl(cents: int, currency: str = "BRL") -> MoneyProto:
    """An amount of so many centavos, zero or more."""
    return MoneyProto(currency_code=currency, units=cents // 100, nanos=cents % 100 * 10_000_000)


def cents(money: MoneyProto) -> int:
    """An amount in centavos."""
    return money.units * 100 + money.nanos // 10_000_000


def a_line(price: int = PRICE, kind: str = "LABOR") -> budget_pb2.LineItem:
    """A line of a budget."""
    number = budget_pb2.LineItemKind.Value(f"LINE_ITEM_KIND_{kind}")
    return budget_pb2.LineItem(kind=number, description="Repair", quantity="1", unit_price=brl(price))


class Journey:
    """What everybody in a saga does.

    `billing`, `claims` and `eligibility` are the client's stubs, those that begin with `old` are old clients'; `scene`
    has the use cases below the door.
    """

    def __init__(self, scene: Scene, served: Served) -> None:
        self.scene = scene
        self.billing = served.billing
        self.old = served.old
        self.claims = served.claims
        self.eligibility = served.eligibility
        self.old_claims, self.old_eligibility = served.old_claims, served.old_eligibility
        self._words = 0

    async def drafted(self, os: int = 1, **changes: Any) -> budget_pb2.Budget:
        """A budget for work order `os`."""
        wanted: dict[str, Any] = {"work_order_id": str(an_os(os)), "customer": CUSTOMER, "items": [a_line()]}
        budget: budget_pb2.Budget = await self.billing.CreateBudget(pb.CreateBudgetRequest(**wanted | changes))
        return budget

    async def sent(self, os: int = 1) -> pb.SendBudgetResponse:
        """A budget that was offered."""
        budget = await self.drafted(os)
        return await self.send(budget)

    async def send(self, budget: budget_pb2.Budget) -> pb.SendBudgetResponse:
        """Offer a draft."""
        sent: pb.SendBudgetResponse = await self.billing.SendBudget(pb.SendBudgetRequest(budget_id=budget.budget_id))
        return sent

    async def approved(self, os: int = 1) -> budget_pb2.Budget:
        """A budget that was accepted."""
        drafted = await self.drafted(os)
        budget: budget_pb2.Budget = await self.billing.ApproveBudget(
            pb.ApproveBudgetRequest(budget_id=drafted.budget_id)
        )
        return budget

    async def started(self, os: int = 1) -> payment_pb2.Payment:
        """A payment that was begun."""
        budget = await self.approved(os)
        payment: payment_pb2.Payment = await self.billing.StartPayment(
            pb.StartPaymentRequest(budget_id=budget.budget_id)
        )
        return payment

    async def pending(self, os: int = 1) -> payment_pb2.Payment:
        """A payment with a PIX code."""
        payment = await self.started(os)
        return await self.told(payment.payment_id, ChargeStatus.PENDING)

    async def paid(self, os: int = 1) -> payment_pb2.Payment:
        """A payment whose money is here."""
        payment = await self.pending(os)
        return await self.told(payment.payment_id, ChargeStatus.APPROVED)

    async def told(self, payment_id: str, status: ChargeStatus, **changes: Any) -> payment_pb2.Payment:
        """The provider says where a payment's charge stands; answers the payment as it is then."""
        stored = self.scene.store.payments[UUID(payment_id)]
        self._words += 1
        seen = Snapshot(
            id=f"charge-{payment_id}",
            reference=payment_id,
            status=status,
            detail=status.value.lower(),
            amount=stored.amount,
            refunded=stored.reversed,
            updated_at=self.scene.clock.now() + timedelta(milliseconds=self._words),
            pix=PixOffer(code=CODE, expires_at=stored.expires_at) if status is ChargeStatus.PENDING else None,
        )
        await self.scene.payments.observe(CALL, stored.id, replace(seen, **changes))
        return await self.payment(payment_id)

    async def payment(self, payment_id: str) -> payment_pb2.Payment:
        """A payment as it is now."""
        payment: payment_pb2.Payment = await self.billing.GetPayment(pb.GetPaymentRequest(payment_id=payment_id))
        return payment

    async def budget(self, budget_id: str) -> budget_pb2.Budget:
        """A budget as it is now."""
        budget: budget_pb2.Budget = await self.billing.GetBudget(pb.GetBudgetRequest(budget_id=budget_id))
        return budget

    def facts(self) -> list[str]:
        """Everything that others were told, by name."""
        return [type(fact).__name__ for fact in self.scene.store.facts]


@asynccontextmanager
async def begun(scene: Scene | None = None) -> AsyncIterator[Journey]:
    """A journey through a real server."""
    scene = scene or Scene()
    async with scene.served() as served:
        yield Journey(scene, served)
