"""The sandbox as a provider: each script's outcome, what is done by hand, and that its file outlives every process."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.billing import pix
from domain.billing.charge import ChargeStatus, GivebackStatus, ProviderAmbiguous
from domain.money import Money
from server.providers.sandbox.provider import Sandbox
from server.providers.sandbox.store import FILE
from tests.architecture.tree import ROOT
from tests.support.builders import AT
from tests.support.fakes import FakeClock
from tests.support.sandbox import PRICE, a_charge, given_back, made, refused, stands

S = ChargeStatus


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(AT)


@pytest.fixture
def sandbox(tmp_path: Path, clock: FakeClock) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path, clock)
    yield made
    made.close()


async def test_a_charge_waits_until_somebody_pays_it(sandbox: Sandbox, clock: FakeClock) -> None:
    created = await sandbox.create(a_charge())
    assert (created.status, created.reference, created.amount) == (S.PENDING, str(UUID(int=1)), PRICE)
    assert (created.refunded, created.givebacks, created.updated_at, created.live) == (Money(0), (), AT, True)
    clock.advance(hours=20)
    assert await sandbox.get(created.id) == created
    paid = await sandbox.pay(created.id)
    assert (paid.status, paid.detail, paid.amount, paid.updated_at) == (S.APPROVED, "accredited", PRICE, clock.now())
    assert await sandbox.get(created.id) == await sandbox.find(UUID(int=1)) == await sandbox.pay(created.id) == paid


async def test_its_code_is_a_dynamic_pix_code_that_expires_with_it(tmp_path: Path, clock: FakeClock) -> None:
    sandbox = Sandbox(tmp_path, clock, merchant="Oficina São João", city="Niterói", live=False)
    created = await sandbox.create(a_charge())
    sandbox.close()
    assert created.pix
    code = pix.decode(created.pix.code)
    assert (code.name, code.city, code.initiation) == ("OFICINA SAO JOAO", "NITEROI", pix.Initiation.SINGLE_USE)
    assert code.url.endswith(UUID(int=2).hex)
    assert created.pix.expires_at == AT + timedelta(hours=24)
    assert created.live is False


def test_a_merchant_that_no_code_can_show_is_refused_at_once(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="name"):
        Sandbox(tmp_path, clock, merchant="  ")


async def test_the_same_key_gives_the_charge_that_exists(sandbox: Sandbox, clock: FakeClock) -> None:
    created = await sandbox.create(a_charge())
    clock.advance(seconds=5)
    assert await sandbox.create(a_charge()) == created
    another = await sandbox.create(a_charge(key=UUID(int=3)))
    assert another.id != created.id
    assert await sandbox.find(UUID(int=1)) == another
    assert await refused(sandbox.create(a_charge(amount=Money(1)))) == "idempotency_key_already_used"
    await sandbox.pay(created.id, Money(99))
    assert (await sandbox.create(a_charge())).status is S.APPROVED


async def test_requests_at_once_with_one_key_make_one_charge(tmp_path: Path, clock: FakeClock) -> None:
    sandboxes = [Sandbox(tmp_path, clock, patience=20) for _ in range(4)]
    answers = await asyncio.gather(*(sandbox.create(a_charge()) for sandbox in sandboxes * 5))
    assert len({answer.id for answer in answers}) == 1
    with sqlite3.connect(tmp_path / FILE) as file:
        assert file.execute("SELECT count(*) FROM charges").fetchone() == (1,)
    file.close()
    for sandbox in sandboxes:
        sandbox.close()


async def test_a_fresh_folder_can_be_opened_by_many_at_once(tmp_path: Path, clock: FakeClock) -> None:
    for name in range(10):
        opening = [asyncio.to_thread(Sandbox, tmp_path / str(name), clock) for _ in range(8)]
        for sandbox in await asyncio.gather(*opening):
            await asyncio.to_thread(sandbox.close)


async def test_what_the_sandbox_never_made_it_does_not_know(sandbox: Sandbox) -> None:
    assert await sandbox.get("1") is None
    assert await sandbox.find(UUID(int=9)) is None
    assert await refused(sandbox.cancel("1")) == "not_found"
    assert await refused(sandbox.pay("1")) == "not_found"
    assert await refused(given_back(sandbox, "1", 5, PRICE)) == "not_found"


@pytest.mark.parametrize(
    ("script", "then"),
    [
        ("approve", {0: (S.APPROVED, "accredited")}),
        ("approve after 2", {1.999: (S.PENDING, "pending_waiting_transfer"), 2: (S.APPROVED, "accredited")}),
        ("reject insufficient_amount", {0: (S.REJECTED, "insufficient_amount")}),
        ("reject after 1", {0: (S.PENDING, "pending_waiting_transfer"), 1: (S.REJECTED, "rejected_by_bank")}),
        ("expire after 5", {4: (S.PENDING, "pending_waiting_transfer"), 5: (S.EXPIRED, "expired")}),
        ("expire after 1; approve after 2", {1: (S.EXPIRED, "expired"), 9: (S.EXPIRED, "expired")}),
        ("expire after 1; approve late after 2", {1: (S.EXPIRED, "expired"), 2: (S.APPROVED, "accredited")}),
        (
            "approve after 1; dispute after 3; lost after 2",
            {3: (S.APPROVED, "accredited"), 4: (S.DISPUTED, "in_process"), 6: (S.CHARGED_BACK, "settled")},
        ),
        ("approve; dispute after 1; won after 1", {1: (S.DISPUTED, "in_process"), 2: (S.DISPUTE_WON, "reimbursed")}),
        ("", {86_400: (S.PENDING, "pending_waiting_transfer"), 86_400.001: (S.EXPIRED, "expired")}),
    ],
)
async def test_a_script_comes_true_in_time(
    sandbox: Sandbox, clock: FakeClock, script: str, then: dict[float, tuple[ChargeStatus, str]]
) -> None:
    charge_id = await made(sandbox, script)
    for second, expected in then.items():
        clock.advance(seconds=second - (clock.now() - AT).total_seconds())
        assert await stands(sandbox, charge_id) == expected


async def test_a_charge_is_the_same_however_seldom_it_is_looked_at(tmp_path: Path) -> None:
    script = "approve after 1; dispute after 1; won after 1"
    seen = []
    for name, looks in (("often", 50), ("once", 1)):
        clock = FakeClock(AT)
        sandbox = Sandbox(tmp_path / name, clock)
        charge_id = await made(sandbox, script)
        for _ in range(looks):
            clock.advance(seconds=5 / looks)
            await sandbox.get(charge_id)
        seen.append(await sandbox.get(charge_id))
        sandbox.close()
    assert seen[0] == seen[1]


async def test_each_change_is_later_than_the_last_though_the_clock_stands_still(sandbox: Sandbox) -> None:
    charge_id = (await sandbox.create(a_charge())).id
    changes = [
        await sandbox.pay(charge_id),
        await sandbox.refund_by_dashboard(charge_id, Money(1)),
        await sandbox.dispute(charge_id),
        await sandbox.win(charge_id),
    ]
    assert [change.updated_at - AT for change in changes] == [timedelta(milliseconds=n) for n in (1, 2, 3, 4)]


async def test_a_refusal_makes_no_charge(sandbox: Sandbox) -> None:
    assert await refused(sandbox.create(a_charge("refuse invalid_payer"))) == "invalid_payer"
    assert await refused(sandbox.create(a_charge("aprove"))) == "invalid_script"
    assert await refused(sandbox.create(a_charge(amount=Money(0)))) == "invalid_amount"
    assert await refused(sandbox.create(a_charge(amount=Money(1, "USD")))) == "invalid_amount"
    assert await sandbox.find(UUID(int=1)) is None


async def test_a_timeout_after_charging_hides_a_charge_that_exists(sandbox: Sandbox) -> None:
    asked = a_charge("timeout after charging; approve after 1")
    with pytest.raises(ProviderAmbiguous):
        await sandbox.create(asked)
    found = await sandbox.find(asked.reference)
    assert found
    assert found == await sandbox.create(asked)


async def test_garbage_charges_nothing_and_the_next_request_succeeds(sandbox: Sandbox) -> None:
    asked = a_charge("garbage 2; approve")
    for _ in range(2):
        with pytest.raises(ProviderAmbiguous):
            await sandbox.create(asked)
        assert await sandbox.find(asked.reference) is None
    assert (await sandbox.create(asked)).status is S.APPROVED


async def test_only_what_waits_can_be_canceled(sandbox: Sandbox, clock: FakeClock) -> None:
    charge_id = await made(sandbox, "approve after 2")
    assert (await sandbox.cancel(charge_id)).status is S.CANCELED
    clock.advance(seconds=9)
    assert await stands(sandbox, charge_id) == (S.CANCELED, "by_collector")
    paid = await made(sandbox, "approve after 2", key=UUID(int=3))
    clock.advance(seconds=2)
    assert (await sandbox.cancel(paid)).status is S.APPROVED


async def test_money_can_come_late_and_wrong(sandbox: Sandbox, clock: FakeClock) -> None:
    charge_id = await made(sandbox)
    clock.advance(hours=25)
    paid = await sandbox.pay(charge_id, Money(12_344))
    assert (paid.status, paid.amount) == (S.APPROVED, Money(12_344))
    canceled = await made(sandbox, "approve late after 2", key=UUID(int=3), expires_at=clock.now() + timedelta(hours=1))
    await sandbox.cancel(canceled)
    clock.advance(seconds=2)
    assert await stands(sandbox, canceled) == (S.APPROVED, "accredited")
    assert await refused(sandbox.pay(await made(sandbox, key=UUID(int=4)), Money(0))) == "invalid_amount"


async def test_two_processes_with_one_folder_see_the_same(sandbox: Sandbox, tmp_path: Path, clock: FakeClock) -> None:
    charge_id = await made(sandbox, "approve; refund in process 3")
    other = Sandbox(tmp_path, clock)
    begun = await given_back(other, charge_id, 5, PRICE)
    seen = await sandbox.get(charge_id)
    assert seen
    assert seen.givebacks == (begun,)
    assert seen == await other.get(charge_id)
    other.close()


async def test_a_process_that_is_killed_loses_nothing_it_has_answered(tmp_path: Path, clock: FakeClock) -> None:
    child = f"""
import asyncio, os, signal
from pathlib import Path
from server.providers.sandbox.provider import Sandbox
from tests.support.fakes import FakeClock
from tests.support.sandbox import AT, PRICE, given_back, made
async def live():
    sandbox = Sandbox(Path({str(tmp_path)!r}), FakeClock(AT))
    charge_id = await made(sandbox, "approve; refund in process 3")
    await given_back(sandbox, charge_id, 5, PRICE, whole=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(live())
"""
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", child], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    sandbox = Sandbox(tmp_path, clock)
    seen = await sandbox.create(a_charge("approve; refund in process 3"))
    assert [giveback.status for giveback in seen.givebacks] == [GivebackStatus.IN_PROCESS]
    clock.advance(seconds=3)
    assert await stands(sandbox, seen.id) == (S.REFUNDED, "refunded")
    sandbox.close()


async def test_a_file_that_another_process_holds_too_long_is_ambiguous(tmp_path: Path, clock: FakeClock) -> None:
    sandbox = Sandbox(tmp_path, clock, patience=0.05)
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ProviderAmbiguous, match="locked"):
        await sandbox.create(a_charge())
    holder.execute("ROLLBACK")
    holder.close()
    assert (await sandbox.create(a_charge())).status is S.PENDING
    sandbox.close()


async def test_nothing_personal_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    await made(sandbox)
    kept = b"".join((tmp_path / name).read_bytes() for name in (FILE, f"{FILE}-wal"))
    assert str(UUID(int=1)).encode() in kept
    assert b"example.com/" in kept
    assert b"cliente@" not in kept
