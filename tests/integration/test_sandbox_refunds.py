"""The sandbox's refunds and disputes: what goes back, when, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.billing.charge import ChargeStatus, GivebackStatus, ProviderAmbiguous
from domain.money import Money
from server.providers.sandbox.provider import Sandbox
from tests.support.builders import AT
from tests.support.fakes import FakeClock
from tests.support.sandbox import PRICE, given_back, made, refused, stands

S = ChargeStatus


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(AT)


@pytest.fixture
def sandbox(tmp_path: Path, clock: FakeClock) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path, clock)
    yield made
    made.close()


async def test_a_refund_goes_back_once_per_key_and_never_beyond_what_came(sandbox: Sandbox) -> None:
    charge_id = await made(sandbox, "approve")
    first = await given_back(sandbox, charge_id, 5, Money(2_345))
    assert (first.amount, first.status) == (Money(2_345), GivebackStatus.DONE)
    assert await given_back(sandbox, charge_id, 5, Money(2_345)) == first
    assert await stands(sandbox, charge_id) == (S.APPROVED, "partially_refunded")
    assert await refused(given_back(sandbox, charge_id, 5, Money(1))) == "idempotency_key_already_used"
    assert await refused(given_back(sandbox, charge_id, 6, Money(10_001))) == "refund_amount_exceeds"
    assert await refused(given_back(sandbox, charge_id, 6, Money(10_000), whole=True)) == "invalid_amount"
    assert await refused(given_back(sandbox, charge_id, 6, Money(0))) == "invalid_amount"
    rest = await given_back(sandbox, charge_id, 6, Money(10_000))
    seen = await sandbox.get(charge_id)
    assert seen
    assert (seen.status, seen.detail, seen.refunded, seen.givebacks) == (S.REFUNDED, "refunded", PRICE, (first, rest))
    assert await refused(given_back(sandbox, charge_id, 7, Money(1))) == "wrong_status"


async def test_only_what_was_paid_and_is_not_disputed_can_go_back(sandbox: Sandbox) -> None:
    charge_id = await made(sandbox)
    assert await refused(given_back(sandbox, charge_id, 5, PRICE, whole=True)) == "wrong_status"
    assert await refused(sandbox.dispute(charge_id)) == "wrong_status"
    await sandbox.pay(charge_id)
    assert await refused(sandbox.lose(charge_id)) == "wrong_status"
    await sandbox.dispute(charge_id)
    assert await refused(given_back(sandbox, charge_id, 5, PRICE, whole=True)) == "wrong_status"
    await sandbox.win(charge_id)
    assert (await given_back(sandbox, charge_id, 5, PRICE, whole=True)).status is GivebackStatus.DONE
    assert await stands(sandbox, charge_id) == (S.REFUNDED, "refunded")


async def test_a_refund_in_process_holds_its_money_until_it_is_done(sandbox: Sandbox, clock: FakeClock) -> None:
    charge_id = await made(sandbox, "approve; refund in process 2")
    begun = await given_back(sandbox, charge_id, 5, Money(12_000))
    assert begun.status is GivebackStatus.IN_PROCESS
    before = await sandbox.get(charge_id)
    assert before
    assert (before.refunded, before.givebacks) == (Money(0), (begun,))
    assert await refused(given_back(sandbox, charge_id, 6, Money(346))) == "refund_amount_exceeds"
    clock.advance(seconds=2)
    assert await given_back(sandbox, charge_id, 5, Money(12_000)) == replace(begun, status=GivebackStatus.DONE)
    after = await sandbox.get(charge_id)
    assert after
    assert (after.refunded, after.detail) == (Money(12_000), "partially_refunded")
    assert after.updated_at == AT + timedelta(seconds=2) > before.updated_at


async def test_a_rejected_refund_gives_nothing_back_and_another_key_may_succeed(sandbox: Sandbox) -> None:
    charge_id = await made(sandbox, "approve; refund rejected 1")
    rejected = await given_back(sandbox, charge_id, 5, PRICE, whole=True)
    assert (rejected.status, rejected.detail) == (GivebackStatus.REJECTED, "insufficient_balance")
    assert await stands(sandbox, charge_id) == (S.APPROVED, "accredited")
    assert await given_back(sandbox, charge_id, 5, PRICE, whole=True) == rejected
    assert (await given_back(sandbox, charge_id, 6, PRICE, whole=True)).status is GivebackStatus.DONE


async def test_a_dispute_lost_takes_the_money_of_a_refund_in_process(sandbox: Sandbox, clock: FakeClock) -> None:
    charge_id = await made(sandbox, "approve; refund in process 2")
    await given_back(sandbox, charge_id, 5, PRICE, whole=True)
    await sandbox.dispute(charge_id)
    await sandbox.lose(charge_id)
    clock.advance(seconds=2)
    assert (await given_back(sandbox, charge_id, 5, PRICE, whole=True)).status is GivebackStatus.REJECTED
    assert await stands(sandbox, charge_id) == (S.CHARGED_BACK, "settled")


async def test_a_refund_in_the_panel_is_seen_as_nobody_of_ours(sandbox: Sandbox) -> None:
    charge_id = await made(sandbox, "approve; refund rejected")
    seen = await sandbox.refund_by_dashboard(charge_id, PRICE)
    assert (seen.status, seen.detail, seen.refunded) == (S.REFUNDED, "by_admin", PRICE)
    assert [(one.amount, one.status) for one in seen.givebacks] == [(PRICE, GivebackStatus.DONE)]


async def test_a_lost_answer_to_a_cancel_or_a_refund_is_lost_once(sandbox: Sandbox) -> None:
    charge_id = await made(sandbox, "timeout after canceling; timeout after refunding")
    with pytest.raises(ProviderAmbiguous):
        await sandbox.cancel(charge_id)
    assert (await sandbox.cancel(charge_id)).status is S.CANCELED
    await sandbox.pay(charge_id)
    with pytest.raises(ProviderAmbiguous):
        await given_back(sandbox, charge_id, 5, PRICE, whole=True)
    assert (await given_back(sandbox, charge_id, 5, PRICE, whole=True)).status is GivebackStatus.DONE
    assert await stands(sandbox, charge_id) == (S.REFUNDED, "refunded")
