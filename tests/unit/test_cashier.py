"""The cashier: each role has what it needs to take money and no more, and payments outlive a change of provider."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from server.settings import Settings, SettingsError
from server.wiring.cashier import cashier
from tests.support.fakes import FakeClock

TOKEN, SECRET = SecretStr("token"), SecretStr("secret")


def settings(folder: Path, **given: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "signing_key": "k" * 32, **given})


async def names(chosen: Settings, *roles: str) -> tuple[set[str], list[str]]:
    async with cashier(chosen, FakeClock(), roles) as till:
        return set(till.providers), [webhook.provider for webhook in till.webhooks]


async def test_only_the_worker_can_call_a_provider(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    assert await names(chosen, "worker") == ({"sandbox"}, ["sandbox"])
    assert await names(chosen, "api") == (set(), ["sandbox"])
    assert await names(chosen, "relay", "consumer") == (set(), [])


async def test_relays_and_consumers_need_no_providers_secret(tmp_path: Path) -> None:
    chosen = settings(tmp_path, payment_provider="mercadopago")
    assert await names(chosen, "relay") == (set(), [])
    with pytest.raises(SettingsError, match="ACERTO_MERCADOPAGO_WEBHOOK_SECRET"):
        await names(chosen, "api")
    with pytest.raises(SettingsError, match="ACERTO_MERCADOPAGO_ACCESS_TOKEN"):
        await names(chosen, "worker")


@pytest.mark.parametrize("present", ["sandbox", "mercadopago", "mercadopago_payments"])
async def test_payments_of_the_other_api_are_still_looked_after(tmp_path: Path, present: str) -> None:
    chosen = settings(
        tmp_path, payment_provider=present, mercadopago_access_token=TOKEN, mercadopago_webhook_secret=SECRET
    )
    providers, webhooks = await names(chosen, "worker")
    assert {"mercadopago", "mercadopago_payments", present} == providers
    assert providers == set(webhooks)
