"""Who takes the money: the provider that the settings name, how it calls back, and what it needs to run beside us."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
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
from server.settings import PREFIX, Settings, SettingsError

TOPICS = {"sandbox": ("payment",), "mercadopago": ("order",), "mercadopago_payments": ("payment",)}
"""What each provider calls its charges; a payment of an order has a number that the Orders API does not know."""


Address = Callable[[], str | None]
"""Where the provider's webhooks go, as a URL; None while nobody can say."""
Run = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Cashier:
    """What some roles need to take money.

    `providers` are those that payments may remember, by name: only the worker has any, so that nobody else holds a
    provider's token. `webhooks` are how they call back. `check_script` raises ValueError for a script that the present
    provider does not take. `world` is what runs beside the sandbox in the worker; None without one.
    """

    providers: Mapping[str, Provider]
    webhooks: Sequence[Webhook]
    check_script: Callable[[str], object]
    world: Callable[[Address], Run] | None = None


@asynccontextmanager
async def cashier(settings: Settings, clock: Clock, roles: Collection[str]) -> AsyncIterator[Cashier]:
    """The cashier for these roles. Raises SettingsError when one of them lacks what it needs for the provider."""
    plays = settings.payment_provider == "sandbox"
    secret = SecretStr(sandbox_secret(settings)) if plays else None
    async with AsyncExitStack() as stack:
        yield Cashier(
            providers=await _providers(settings, clock, stack) if "worker" in roles else {},
            webhooks=list(_webhooks(settings, clock, secret)) if {"api", "worker"} & set(roles) else [],
            check_script=script.parse if plays else _no_script,
            world=partial(_world, settings, clock, secret) if secret and "worker" in roles else None,
        )


async def _providers(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Mapping[str, Provider]:
    """The present one, and every other that there are credentials for: payments outlive a change of provider."""
    providers: list[Provider] = []
    if settings.payment_provider == "sandbox":
        providers.append(stack.enter_context(closing(sandbox_of(settings, clock))))
    elif settings.mercadopago_access_token is None:
        raise _lacking(settings, "mercadopago_access_token", "the role worker")
    if settings.mercadopago_access_token is not None:
        token, email = settings.mercadopago_access_token, settings.mercadopago_payer_email
        client = await stack.enter_async_context(MercadoPagoClient(token, base_url=settings.mercadopago_url))
        notified = settings.mercadopago_notification_url
        providers.append(OrdersApi(client, clock, payer_email=email))
        providers.append(PaymentsApi(client, notification_url=notified, payer_email=email))
    return {provider.name: provider for provider in providers}


def _webhooks(settings: Settings, clock: Clock, sandbox: SecretStr | None) -> Iterator[Webhook]:
    secret = settings.mercadopago_webhook_secret
    if sandbox is not None:
        yield _webhook(Sandbox.name, sandbox, settings, clock)
    elif secret is None:
        raise _lacking(settings, "mercadopago_webhook_secret", "the roles api and worker")
    if secret is not None:
        for name in (OrdersApi.name, PaymentsApi.name):
            yield _webhook(name, secret, settings, clock)


def _lacking(settings: Settings, name: str, who: str) -> SettingsError:
    variable, provider = f"{PREFIX}{name.upper()}", settings.payment_provider
    return SettingsError(f"bad settings: {variable}: must be set for {who} when ACERTO_PAYMENT_PROVIDER is {provider}")


def sandbox_of(settings: Settings, clock: Clock) -> Sandbox:
    """The sandbox in this installation's folder."""
    folder = settings.data_dir / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    return Sandbox(folder, clock, merchant=settings.merchant_name, city=settings.merchant_city, live=False)


def sandbox_secret(settings: Settings) -> str:
    """What the sandbox signs its webhooks with: made from the installation's own key, so that nobody need set it."""
    key = signing_key(settings.signing_key, settings.data_dir)
    return hmac.new(key, b"acerto sandbox webhooks", "sha256").hexdigest()


def _webhook(provider: str, secret: SecretStr, settings: Settings, clock: Clock) -> Webhook:
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
