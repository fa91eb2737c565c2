"""A provider adapter in front of a fake Mercado Pago, and what differs between its two APIs for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import SecretStr

from domain.billing.charge import Charge, Giveback, Snapshot
from domain.billing.customer import Customer
from domain.billing.ports import Provider
from domain.money import Money
from server.providers.breaker import Breaker
from server.providers.mercadopago.client import MercadoPagoClient
from server.providers.mercadopago.orders import OrdersApi
from server.providers.mercadopago.payments import PaymentsApi
from server.system import SystemIds
from tests.support.fake_mercadopago import FakeMercadoPago
from tests.support.mercadopago_faults import Fault

KINDS: Final = ("orders", "payments")
TIME_LIMIT: Final = 0.4
"""Seconds: short, since some tests wait for it to pass."""
CUSTOMER: Final = Customer(name="Ana Maria  de Souza", email="ana@example.com", document="191.191.191-00")


@dataclass
class ProviderScene:
    """One adapter and its partner. `kind` is the API that it speaks."""

    kind: str
    fake: FakeMercadoPago
    provider: Provider

    def a_charge(self, **changes: Any) -> Charge:
        """What we ask for; every part right."""
        plain = Charge(
            reference=SystemIds().new(),
            key=uuid4(),
            amount=Money(12345),
            description="OS 42",
            customer=CUSTOMER,
            expires_at=self.fake.time.now() + timedelta(hours=24),
        )
        return replace(plain, **changes)

    async def a_paid_charge(self, cents: int = 12345) -> Snapshot:
        made = await self.provider.create(self.a_charge(amount=Money(cents)))
        self.fake.books.pay(made.id)
        return made

    async def refund(
        self, charge: Snapshot, cents: int | None = None, *, key: UUID | None = None, whole: bool | None = None
    ) -> Giveback:
        """Give `cents` back, all of it when it is not said."""
        amount = charge.amount if cents is None else Money(cents)
        whole = cents is None if whole is None else whole
        return await self.provider.refund(charge.id, key or uuid4(), amount, whole=whole)

    async def seen(self, charge: Snapshot) -> Snapshot:
        """The charge as the adapter reads it now."""
        found = await self.provider.get(charge.id)
        assert found is not None
        return found

    def creations_fail(self, *faults: Fault) -> None:
        self.fake.faults.next("POST", f"/v1/{self.kind}", *faults)

    def refunds_fail(self, *faults: Fault) -> None:
        self.fake.faults.next("POST", "/refunds" if self.kind == "payments" else "/refund", *faults)

    def cancels_fail(self, *faults: Fault) -> None:
        method, ending = ("PUT", "") if self.kind == "payments" else ("POST", "/cancel")
        self.fake.faults.next(method, ending, *faults)


@asynccontextmanager
async def provider_scene(
    kind: str, *, token: str | None = None, breaker: Breaker | None = None, **settings: Any
) -> AsyncIterator[ProviderScene]:
    """A scene on the adapter of that kind; `settings` as its constructor takes them."""
    fake = FakeMercadoPago()
    client = MercadoPagoClient(
        SecretStr(token or fake.token),
        base_url=fake.url,
        time_limit=TIME_LIMIT,
        breaker=breaker or Breaker(failures=1000),
    )
    async with fake.running(), client:
        yield ProviderScene(kind, fake, _adapter(kind, client, fake, settings))


def _adapter(kind: str, client: MercadoPagoClient, fake: FakeMercadoPago, settings: dict[str, Any]) -> Provider:
    if kind == "payments":
        return PaymentsApi(client, **settings)
    return OrdersApi(client, fake.time, **settings)
