"""Who takes the money: the provider that the settings name, how it calls back, and what it needs to run beside us."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from domain.billing.notice import Notice
from domain.billing.ports import Provider
from domain.clock import Clock
from server.access.signing_key import signing_key
from server.gateway.webhooks import Webhook
from server.providers.mercadopago import webhook as mercadopago
from server.providers.mercadopago.client import MercadoPagoClient
from server.providers.mercadopago.orders import OrdersApi
from server.providers.mercadopago.payments import PaymentsApi
from server.providers.sandbox import script
from server.providers.sandbox.notifications import Notifications
from server.providers.sandbox.provider import Sandbox
from server.settings import Settings

TOPICS = {"sandbox": ("payment",), "mercadopago": ("order",), "mercadopago_payments": ("payment",)}
"""What each provider calls its charges; a payment of an order has a number that the Orders API does not know."""


Address = Callable[[], str | None]
"""Where the provider's webhooks go, as a URL; None while nobody can say."""
Run = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Cashier:
    """A provider, its webhook, and what runs beside it in the worker (the sandbox's own world; None elsewhere).

    `check_script` raises ValueError for a script that the provider does not take.
    """

    provider: Provider
    webhook: Webhook
    check_script: Callable[[str], object]
    world: Callable[[Address], Run] | None = None


@asynccontextmanager
async def cashier(settings: Settings, clock: Clock) -> AsyncIterator[Cashier]:
    """The cashier of these settings."""
    if settings.payment_provider == "sandbox":
        with closing(sandbox_of(settings, clock)) as sandbox:
            secret = SecretStr(sandbox_secret(settings))
            yield Cashier(
                provider=sandbox,
                webhook=_webhook(sandbox.name, secret, settings, clock),
                check_script=script.parse,
                world=partial(_world, settings, clock, secret),
            )
        return
    token = settings.mercadopago_access_token or SecretStr("")
    async with MercadoPagoClient(token, base_url=settings.mercadopago_url) as client:
        provider = _mercadopago(settings, client, clock)
        yield Cashier(
            provider=provider,
            webhook=_webhook(provider.name, settings.mercadopago_webhook_secret, settings, clock),
            check_script=_no_script,
        )


def _mercadopago(settings: Settings, client: MercadoPagoClient, clock: Clock) -> Provider:
    email = settings.mercadopago_payer_email
    if settings.payment_provider == "mercadopago":
        return OrdersApi(client, clock, payer_email=email)
    return PaymentsApi(client, notification_url=settings.mercadopago_notification_url, payer_email=email)


def sandbox_of(settings: Settings, clock: Clock) -> Sandbox:
    """The sandbox in this installation's folder."""
    folder = settings.data_dir / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    return Sandbox(folder, clock, merchant=settings.merchant_name, city=settings.merchant_city, live=False)


def sandbox_secret(settings: Settings) -> str:
    """What the sandbox signs its webhooks with: made from the installation's own key, so that nobody need set it."""
    key = signing_key(settings.signing_key, settings.data_dir)
    return hmac.new(key, b"acerto sandbox webhooks", "sha256").hexdigest()


def _webhook(provider: str, secret: SecretStr | None, settings: Settings, clock: Clock) -> Webhook:
    """Mercado Pago's form, which the sandbox speaks too."""
    tolerance = timedelta(seconds=settings.webhook_tolerance)

    def verify(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        failure = mercadopago.verify(secret, headers, query, now=clock.now(), tolerance=tolerance)
        return failure.value if failure else None

    def parse(query: Mapping[str, str], body: bytes) -> Notice:
        return replace(mercadopago.parse(query, body), provider=provider)

    return Webhook(provider=provider, verify=verify, parse=parse, topics=TOPICS[provider])


def _world(settings: Settings, clock: Clock, secret: SecretStr, address: Address) -> Run:
    folder = settings.data_dir / "sandbox"
    return Notifications(folder, clock, address, secret=secret.get_secret_value()).run


def _no_script(text: str) -> None:
    if text:
        raise ValueError("only the sandbox takes a script")
