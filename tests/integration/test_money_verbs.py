"""The operator's verbs about money on a real PostgreSQL: notices listed, a report reconciled, the sandbox played."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from domain.billing.charge import Charge, ChargeStatus, Snapshot
from domain.billing.customer import Customer
from domain.billing.notice import Notice
from domain.billing.payment import Payment
from domain.billing.use_cases.budgets import Decision
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.money import Money
from persistence.unit_of_work import Units
from server.__main__ import VERBS
from server.commands.reconcile import PAGE
from server.settings import Settings
from server.wiring import House, built
from server.wiring.cashier import sandbox_of
from tests.support.builders import CALL, an_order
from tests.support.fleet import SIGNING_KEY, Fleet, Said

PRICE = Money(12_345)


@dataclass(frozen=True)
class Till:
    """The house of an operator's verbs, with the use cases that bring payments where a test needs them."""

    house: House
    payments: Payments
    notices: Notices
    printed: pytest.CaptureFixture[str]

    async def verb(self, *words: str) -> Said:
        """Run a verb as the program does, and what it printed."""
        arguments = parsed(*words)
        self.printed.readouterr()
        code = await arguments.run(arguments, self.house.settings)
        return Said(code, *self.printed.readouterr())

    async def asked(self, os: int) -> Payment:
        """A payment that its provider is about to be asked for."""
        billing = self.house.billing(self.payments.begin)
        budget = await billing.create_budget(CALL, an_order(os, amount=PRICE))
        await billing.approve_budget(CALL, budget.id, Decision())
        payment = await self.payments.start_payment(CALL, budget.id)
        await self.payments.dispatch(CALL, payment.id)
        return payment

    async def told(self, payment: Payment, charge_id: str, status: ChargeStatus, **changes: Any) -> Payment:
        """The payment after its provider said that its charge stands so."""
        seen = Snapshot(
            id=charge_id,
            reference=str(payment.id),
            status=status,
            detail="told",
            amount=PRICE,
            refunded=Money(0),
            updated_at=self.house.clock.now(),
        )
        return await self.observed(payment, replace(seen, **changes))

    async def observed(self, payment: Payment, seen: Snapshot) -> Payment:
        await self.payments.observe(CALL, payment.id, seen)
        found = await self.house.views.payment(CALL.actor, payment.id)
        assert found
        return found

    async def charged(self, os: int) -> Payment:
        """A payment whose charge the sandbox has, and waits with."""
        payment = await self.asked(os)
        charge = Charge(
            reference=payment.id,
            key=payment.idempotency_key,
            amount=payment.amount,
            description="Repair",
            customer=Customer(),
            expires_at=payment.expires_at,
        )
        with closing(sandbox_of(self.house.settings, self.house.clock)) as provider:
            return await self.observed(payment, await provider.create(charge))


def parsed(*words: str) -> argparse.Namespace:
    """The words as the program takes them."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    for verb in VERBS:
        verb.add(verbs)
    return parser.parse_args(words)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        env="test", database_url=SecretStr(database_url), data_dir=tmp_path, signing_key=SecretStr(SIGNING_KEY)
    )


@asynccontextmanager
async def opened(settings: Settings, printed: pytest.CaptureFixture[str]) -> AsyncIterator[Till]:
    async with built(settings) as house:
        begin = Units(house.database, house.encodings, house.ids, lambda _: house.wake()).begin
        yield Till(house, house.payments(begin), house.notices(begin), printed)


@pytest.fixture
async def sandboxed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Till]:
    """Money is taken by the sandbox."""
    async with opened(settings, capsys) as till:
        yield till


@pytest.fixture
async def till(settings: Settings, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Till]:
    """Money is taken by Mercado Pago."""
    mercadopago = {
        "payment_provider": "mercadopago",
        "mercadopago_access_token": SecretStr("a token of nobody"),
        "mercadopago_webhook_secret": SecretStr("a secret of nobody"),
    }
    async with opened(settings.model_copy(update=mercadopago), capsys) as till:
        yield till


async def test_what_was_not_believed_or_is_nobodys_is_listed_newest_first(till: Till) -> None:
    payment = await till.asked(1)
    notice = Notice(provider="mercadopago", event_id="e1", topic="order", resource_id="ORD1", live=True, body=b"{}")
    assert await till.notices.receive(CALL, notice)
    assert await till.notices.receive(CALL, replace(notice, event_id="e2", resource_id="ORD2"))
    waiting = {kept.charge_id: kept for kept in await till.house.views.notices(None, after=None, limit=10)}
    await till.notices.park(CALL, waiting["ORD1"], "no_such_payment")
    await till.told(payment, "ORD3", ChargeStatus.APPROVED, amount=Money(1))

    said = await till.verb("notices", "ls")
    heading, quarantined, parked = (line.split() for line in said.out.splitlines())
    assert heading == ["ID", "PROVIDER", "TOPIC", "CHARGE", "STATUS", "REASON", "PAYMENT", "RECEIVED"]
    assert quarantined[-5:-1] == ["ORD3", "QUARANTINED", "amount_differs", str(payment.id)]
    first = waiting["ORD1"]
    assert parked[:-1] == [str(first.id), "mercadopago", "order", "ORD1", "PARKED", "no_such_payment", "-"]
    assert timedelta(0) <= first.received_at - datetime.fromisoformat(parked[-1]) < timedelta(milliseconds=1)
    newest = await till.verb("notices", "ls", "--limit", "1")
    assert [line.split()[0] for line in newest.out.splitlines()] == ["ID", quarantined[0]]
    one_status = await till.verb("notices", "ls", "--status", "WAITING")
    assert [line.split()[0] for line in one_status.out.splitlines()] == ["ID", str(waiting["ORD2"].id)]
    assert (await till.verb("notices", "ls", "--status", "APPLIED")).out == "no notices\n"


COLUMNS = (
    "SOURCE_ID;EXTERNAL_REFERENCE;TRANSACTION_TYPE;TRANSACTION_AMOUNT;TRANSACTION_CURRENCY;TRANSACTION_DATE;"
    "FEE_AMOUNT;SETTLEMENT_NET_AMOUNT;SETTLEMENT_DATE\n"
)


def a_report(folder: Path, *rows: tuple[str, str, str, str], at: datetime | None = None) -> str:
    """The path of a report with rows of (charge, reference, type, amount), all of this moment."""
    when = (at or datetime.now(UTC)).isoformat()
    lines = [
        f"{charge};{reference};{word};{amount};BRL;{when};-0.10;{amount};{when}\n"
        for charge, reference, word, amount in rows
    ]
    path = folder / "settlement.csv"
    path.write_text(COLUMNS + "".join(lines), encoding="utf-8-sig")
    return str(path)


def differences(said: Said) -> list[list[str]]:
    """The rows of the second table."""
    heading, *rows = said.out.split("\n\n")[2].splitlines()
    assert heading.split() == ["DIFFERENCE", "CHARGE", "PAYMENT", "EXPECTED", "FOUND"]
    return [[cell.strip() for cell in row.split("  ") if cell] for row in rows]


async def test_a_report_that_agrees_ends_well_with_its_sums(till: Till, tmp_path: Path) -> None:
    payment = await till.told(await till.asked(1), "ORD1", ChargeStatus.APPROVED)
    rows = [("7001", str(payment.id), "SETTLEMENT", "123.45"), ("9", "", "PAYOUT", "-100.00")]
    said = await till.verb("reconcile", a_report(tmp_path, *rows))
    assert (said.code, said.err) == (0, "")
    period, sums, verdict = said.out.split("\n\n")
    assert period.endswith(": 2 lines")
    heading, row = (line.split() for line in sums.splitlines())
    assert heading == ["CURRENCY", "CAPTURED", "REVERSED", "WITHHELD", "OTHER", "FEES", "NET", "PAYOUTS"]
    assert row == ["BRL", "123.45", "0.00", "0.00", "0.00", "-0.20", "123.45", "100.00"]
    assert verdict == "no differences\n"


async def test_every_difference_is_in_the_table_and_in_the_exit_status(till: Till, tmp_path: Path) -> None:
    short, missing, gone = [
        await till.told(await till.asked(os), f"ORD{os}", ChargeStatus.APPROVED) for os in (1, 2, 3)
    ]
    await till.payments.refund_payment(CALL, gone.id, amount=Money(2_345), reason="asked for")
    report = a_report(
        tmp_path,
        ("ORD1", str(short.id), "SETTLEMENT", "100.00"),
        ("ORD3", str(gone.id), "SETTLEMENT", "123.45"),
        ("ORD3", str(gone.id), "REFUND", "-23.46"),
        ("7009", "another shop's", "SETTLEMENT", "5.00"),
    )
    yesterday, tomorrow = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}" for days in (-1, 1))
    said = await till.verb("reconcile", report, "--since", yesterday, "--until", tomorrow)
    assert said.code == 1
    assert differences(said) == [
        ["unknown_charge", "7009", "-", "-", "BRL 5.00"],
        ["reversed_differs", "ORD3", str(gone.id), "BRL 0.00", "BRL 23.46"],
        ["missing_charge", "ORD2", str(missing.id), "BRL 123.45", "-"],
        ["captured_differs", "ORD1", str(short.id), "BRL 123.45", "BRL 100.00"],
    ]


async def test_a_payment_beyond_the_first_page_is_found(till: Till, tmp_path: Path) -> None:
    over = await till.told(await till.asked(1), "ORD1", ChargeStatus.REJECTED)
    wanted = await till.told(await till.asked(2), "ORD2", ChargeStatus.APPROVED)
    copies = (
        "INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),"
        " 'created_at', now()))).* FROM payments p, generate_series(1, %s) WHERE p.id = %s"
    )
    async with await psycopg.AsyncConnection.connect(till.house.database.url) as connection:
        await connection.execute(copies, (2 * PAGE, over.id))
    report = a_report(tmp_path, ("7001", str(wanted.id), "SETTLEMENT", "123.45"))
    assert (await till.verb("reconcile", report)).code == 0


async def test_another_providers_payments_are_not_missed_in_the_report(sandboxed: Till, tmp_path: Path) -> None:
    assert (await sandboxed.told(await sandboxed.asked(1), "1", ChargeStatus.APPROVED)).confirmed_at
    days = ("--since", "2026-01-01", "--until", "2099-12-31")
    assert (await sandboxed.verb("reconcile", a_report(tmp_path), *days)).code == 0


async def test_a_day_is_brasilias_and_the_last_one_counts(till: Till, tmp_path: Path) -> None:
    report = a_report(tmp_path, ("7001", "", "SETTLEMENT", "1.00"), at=datetime(2026, 3, 2, 2, 59, 59, tzinfo=UTC))
    of_it = await till.verb("reconcile", report, "--since", "2026-03-01", "--until", "2026-03-01")
    assert (of_it.code, ": 1 lines" in of_it.out) == (1, True)
    of_next = await till.verb("reconcile", report, "--since", "2026-03-02", "--until", "2026-03-02")
    assert (of_next.code, ": 0 lines" in of_next.out) == (0, True)


async def test_an_unusable_file_is_refused_with_all_that_is_wrong(till: Till, tmp_path: Path) -> None:
    nothing = await till.verb("reconcile", str(tmp_path / "not there.csv"))
    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.err == f"acerto: {tmp_path / 'not there.csv'}: No such file or directory\n"
    report = a_report(tmp_path, ("", "", "REFUND", "1.00"), ("1", "", "REFUND", "1,00"))
    bad = await till.verb("reconcile", report)
    assert (bad.code, bad.out) == (2, "")
    assert [line.split(": ")[2] for line in bad.err.splitlines()] == ["line 2", "line 3"]
    empty = await till.verb("reconcile", a_report(tmp_path))
    assert (empty.code, empty.err) == (2, f"acerto: {report}: it has no lines: say --since and --until\n")
    days = ("--since", "2026-03-02", "--until", "2026-03-01")
    turned = await till.verb("reconcile", a_report(tmp_path), *days)
    assert (turned.code, turned.err.count("\n"), "nothing lies between" in turned.err) == (2, 1, True)


async def charge_of(till: Till, payment: Payment) -> Snapshot:
    with closing(sandbox_of(till.house.settings, till.house.clock)) as provider:
        seen = await provider.get(payment.provider_payment_id)
    assert seen
    return seen


async def test_the_customer_the_panel_and_the_bank_are_played_by_hand(sandboxed: Till) -> None:
    payment = await sandboxed.charged(1)
    words = {
        ("pay",): (ChargeStatus.APPROVED, 0),
        ("refund", "--amount", "23.45"): (ChargeStatus.APPROVED, 2_345),
        ("dispute",): (ChargeStatus.DISPUTED, 2_345),
        ("win",): (ChargeStatus.DISPUTE_WON, 2_345),
        ("refund",): (ChargeStatus.REFUNDED, 12_345),
    }
    for (deed, *options), (status, refunded) in words.items():
        said = await sandboxed.verb("sandbox", deed, str(payment.id), *options)
        assert (said.code, said.err) == (0, "")
        assert said.out.splitlines()[1].split()[:2] == [payment.provider_payment_id, status.value]
        seen = await charge_of(sandboxed, payment)
        assert (seen.status, seen.refunded) == (status, Money(refunded))


async def test_another_amount_may_be_paid_and_a_dispute_lost(sandboxed: Till) -> None:
    payment = await sandboxed.charged(1)
    assert (await sandboxed.verb("sandbox", "pay", str(payment.id), "--amount", "1.05")).code == 0
    assert (await charge_of(sandboxed, payment)).amount == Money(105)
    assert (await sandboxed.verb("sandbox", "dispute", str(payment.id))).code == 0
    assert (await sandboxed.verb("sandbox", "lose", str(payment.id))).code == 0
    assert (await charge_of(sandboxed, payment)).status is ChargeStatus.CHARGED_BACK


async def test_what_the_sandbox_refuses_is_one_line(sandboxed: Till) -> None:
    payment = await sandboxed.charged(1)
    for words in (("refund",), ("dispute",), ("lose",), ("win",)):
        said = await sandboxed.verb("sandbox", *words, str(payment.id))
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert said.err.startswith("acerto: wrong_status: ")


async def test_what_has_no_charge_in_the_sandbox_cannot_be_played_with(sandboxed: Till, till: Till) -> None:
    nobody = UUID(int=1)
    asked, elsewhere = await sandboxed.asked(1), await till.asked(2)
    reasons = {
        nobody: f"there is no payment {nobody}",
        asked.id: f"payment {asked.id} is UNKNOWN: the sandbox is not known to have a charge for it yet",
        elsewhere.id: f"payment {elsewhere.id} is taken by mercadopago, not by the sandbox",
    }
    for payment_id, reason in reasons.items():
        said = await sandboxed.verb("sandbox", "pay", str(payment_id))
        assert (said.code, said.out, said.err) == (1, "", f"acerto: {reason}\n")


async def test_the_sandbox_is_left_alone_where_another_provider_takes_the_money(till: Till, sandboxed: Till) -> None:
    payment = await sandboxed.charged(1)
    said = await till.verb("sandbox", "pay", str(payment.id))
    assert (said.code, said.out) == (1, "")
    assert said.err == "acerto: ACERTO_PAYMENT_PROVIDER is mercadopago: only the sandbox can be played with\n"
    assert (await charge_of(sandboxed, payment)).status is ChargeStatus.PENDING


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("notices ls --limit 0", "must be a number from 1 to 100000"),
        ("notices ls --status LOST", "invalid choice: 'LOST'"),
        ("reconcile a.csv --since yesterday", "must be a day, as 2026-03-01"),
        ("sandbox pay 1", "argument payment_id: invalid UUID value"),
        (f"sandbox pay {UUID(int=1)} --amount 1.234", "an amount is plain decimal text"),
        (f"sandbox win {UUID(int=1)} --amount 1.23", "unrecognized arguments: --amount"),
    ],
)
def test_words_that_a_verb_does_not_take_are_named(words: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*words.split())
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_the_program_has_all_three_verbs(database_url: str, tmp_path: Path) -> None:
    with Fleet(tmp_path, database_url=database_url) as fleet:
        assert fleet.verb("notices", "ls") == Said(0, "no notices\n", "")
        assert fleet.verb("sandbox", "win", str(UUID(int=1))).code == 1
        assert fleet.verb("reconcile", "/").code == 2
