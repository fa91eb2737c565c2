"""The sandbox in tests: a charge to ask for, and short words for what is asked of it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.billing.charge import Charge, ChargeStatus, Giveback, ProviderRefused
from domain.billing.customer import Customer
from domain.billing.ports import Provider
from domain.money import Money
from tests.support.builders import AT

PRICE: Final = Money(12_345)


def a_charge(script: str = "", **changes: Any) -> Charge:
    """A charge of 123.45 that may be paid for a day."""
    charge = Charge(
        reference=UUID(int=1),
        key=UUID(int=2),
        amount=PRICE,
        description="Revisão",
        customer=Customer(email="cliente@example.com"),
        expires_at=AT + timedelta(hours=24),
        script=script,
    )
    return replace(charge, **changes)


async def made(sandbox: Provider, script: str = "", **changes: Any) -> str:
    """The id of a new charge."""
    return (await sandbox.create(a_charge(script, **changes))).id


async def stands(sandbox: Provider, charge_id: str) -> tuple[ChargeStatus, str]:
    """The charge's status and detail as they are now."""
    seen = await sandbox.get(charge_id)
    assert seen
    return seen.status, seen.detail


async def refused(doing: Awaitable[object]) -> str:
    """Why it was refused."""
    with pytest.raises(ProviderRefused) as refusal:
        await doing
    return refusal.value.reason


async def given_back(sandbox: Provider, charge_id: str, key: int, amount: Money, *, whole: bool = False) -> Giveback:
    """The refund with this key."""
    return await sandbox.refund(charge_id, UUID(int=key), amount, whole=whole)
