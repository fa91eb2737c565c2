"""Payments on a real PostgreSQL: races have one winner, books balance, what was offered or booked stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus, PixOffer, Snapshot
from domain.billing.customer import Customer
from domain.billing.errors import BudgetIsCanceled, PaymentAlreadyOpen
from domain.billing.notice import Notice
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import NoticeStatus
from domain.billing.use_cases.budgets import Cancellation, Decision
from domain.errors import DomainError, RequestInProgress
from domain.lifecycle import IllegalTransition
from domain.money import Money
from domain.once import Once, Replayed
from tests.support.builders import CALL, an_order, an_os
from tests.support.house import House, house

OPERATOR = CALL.actor


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def approved(home: House, os: int = 1) -> Budget:
    customer = Customer(name="A customer", email="customer@example.com")
    budget = await home.billing.create_budget(CALL, an_order(os, customer=customer))
    return await home.billing.approve_budget(CALL, budget.id, Decision())


def seen(payment: Payment, status: ChargeStatus, **changes: object) -> Snapshot:
    snapshot = Snapshot(
        id="charge-1",
        reference=str(payment.id),
        status=status,
        detail="said",
        amount=payment.amount,
        refunded=Money(0),
        updated_at=datetime(2030, 1, 1, tzinfo=UTC),
        pix=PixOffer(code="0002", expires_at=datetime(2030, 1, 2, tzinfo=UTC), ticket_url="https://example.com/t"),
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type] # the test's own changes


async def confirmed(home: House, os: int = 1) -> Payment:
    budget = await approved(home, os)
    payment = await home.payments.start_payment(CALL, budget.id)
    await home.payments.dispatch(CALL, payment.id)
    await home.payments.observe(CALL, payment.id, seen(payment, ChargeStatus.PENDING))
    await home.payments.observe(CALL, payment.id, seen(payment, ChargeStatus.APPROVED))
    return await stored(home, payment.id)


async def stored(home: House, payment_id: UUID) -> Payment:
    payment = await home.views.payment(OPERATOR, payment_id)
    assert payment is not None
    return payment


async def outcome(work: object) -> str:
    """The name of the refusal, or nothing when it was served."""
    try:
        await work  # type: ignore[misc] # a coroutine
    except DomainError as error:
        return type(error).__name__
    return ""


async def test_a_payment_comes_back_as_it_was_stored_whatever_was_done_to_it(home: House) -> None:
    payment = await confirmed(home)
    refunding = await home.payments.refund_payment(CALL, payment.id, amount=Money(45), reason="scratch")
    found = await stored(home, payment.id)
    refunding.changes.clear()
    assert found == refunding
    assert (found.status, found.captured, found.pix) == (PaymentStatus.REFUNDING, Money(12_345), payment.pix)
    assert found.refunds.in_flight is not None


async def test_r13_of_many_that_start_a_payment_at_once_one_does(home: House) -> None:
    budget = await approved(home)
    outcomes = await asyncio.gather(*(outcome(home.payments.start_payment(CALL, budget.id)) for _ in range(8)))
    assert sorted(outcomes) == ["", *["PaymentAlreadyOpen"] * 7]
    assert await home.value("SELECT count(*) FROM payments") == 1


async def test_r13_the_same_request_at_once_starts_one_payment_and_answers_it_again(home: House) -> None:
    budget = await approved(home)
    once = Once(("tester", "StartPayment", "k"), b"f", lambda payment: str(payment.id).encode())
    call = replace(CALL, once=once)

    async def start() -> bytes | None:
        try:
            return str((await home.payments.start_payment(call, budget.id)).id).encode()
        except Replayed as replay:
            return replay.reply
        except RequestInProgress:
            return None

    answers = {*(await asyncio.gather(*(start() for _ in range(6)))), await start()} - {None}
    assert answers == {str(await home.value("SELECT id FROM payments")).encode()}


async def test_r06_approving_beside_canceling_ends_canceled_and_never_tells_more(home: House) -> None:
    for os in range(1, 9):
        budget = await home.billing.create_budget(CALL, an_order(os))
        gone = Cancellation(work_order_id=an_os(os), workshop_id="main", reason="gone")
        approving, _ = await asyncio.gather(
            outcome(home.billing.approve_budget(CALL, budget.id, Decision())),
            home.billing.cancel_work_order(CALL, gone),
        )
        told = await home.rows("SELECT event_type FROM outbox WHERE key = %s ORDER BY key_seq", str(an_os(os)))
        events = [row["event_type"] for row in told]
        assert approving in ("", BudgetIsCanceled.__name__)
        expected = ["BudgetGenerated", *([] if approving else ["BudgetApproved"]), "BudgetCanceled"]
        assert events == expected


async def test_r08_approving_beside_rejecting_has_one_winner(home: House) -> None:
    budget = await home.billing.create_budget(CALL, an_order(1))
    outcomes = await asyncio.gather(
        *(outcome(home.billing.approve_budget(CALL, budget.id, Decision())) for _ in range(4)),
        *(outcome(home.billing.reject_budget(CALL, budget.id, Decision(reason="dear"))) for _ in range(4)),
    )
    assert set(outcomes) == {"", IllegalTransition.__name__}
    decided = "SELECT count(*) FROM outbox WHERE event_type IN ('BudgetApproved', 'BudgetRejected')"
    assert await home.value(decided) == 1


async def test_the_books_balance_and_say_what_the_payments_say(home: House) -> None:
    payment = await confirmed(home)
    await home.payments.refund_payment(CALL, payment.id, amount=Money(345), reason="scratch")
    refund = (await stored(home, payment.id)).refunds.in_flight
    assert refund is not None
    await home.payments.observe(CALL, payment.id, seen(payment, ChargeStatus.REFUNDED, refunded=Money(12_345)))
    balances = await home.views.ledger(OPERATOR, payment.work_order_id)
    assert balances == {
        "clearing:mp": Money(0),
        "receivable:os": Money(12_345),
        "revenue:services": Money(-12_345),
    }
    sums = "SELECT count(*) FROM (SELECT FROM ledger_entries GROUP BY transaction_id HAVING sum(amount_cents) <> 0) x"
    assert await home.value(sums) == 0
    entries = await home.views.ledger_entries(OPERATOR, payment.work_order_id, after=None, limit=3)
    assert [entry.action for entry in entries] == ["approve", "approve", "confirm"]
    more = await home.views.ledger_entries(OPERATOR, payment.work_order_id, after=entries[-1].sequence, limit=100)
    assert [entry.action for entry in more] == ["confirm", "reverse", "reverse"]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ledger_entries SET amount_cents = 1",
        "DELETE FROM ledger_entries",
        "UPDATE budget_revisions SET items = '[]'",
        "DELETE FROM budget_revisions",
    ],
)
async def test_what_was_booked_or_offered_cannot_be_changed(home: House, deed: str) -> None:
    await confirmed(home)
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        await home.rows(deed)


async def test_an_entry_that_does_not_balance_is_refused_by_the_database_too(home: House) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="does not balance"):
        await home.rows(
            "INSERT INTO ledger_entries (transaction_id, work_order_id, account, amount_cents, currency, subject,"
            " subject_id, action, recorded_at) VALUES (%s, %s, 'a', 5, 'BRL', 'payment', %s, 'x', now())",
            uuid4(),
            uuid4(),
            uuid4(),
        )


async def test_every_revision_stays_and_proves_what_it_was(home: House) -> None:
    budget = await approved(home)
    first = budget.digest
    items = (replace(budget.items[0], unit_price=Money(20_000)),)
    await home.billing.revise_budget(CALL, budget.id, items)
    one, two = await home.views.revisions(OPERATOR, budget.id) or []
    assert (one.digest, one.total, two.total) == (first, Money(12_345), Money(20_000))
    assert one.intact
    assert two.intact
    found = await home.views.budget(OPERATOR, budget.id)
    assert found is not None
    assert (found.status, found.revision, found.total) == (BudgetStatus.DRAFT, 2, Money(20_000))


async def test_a_providers_event_is_kept_once_however_often_it_is_told_at_once(home: House) -> None:
    notice = Notice(provider="sandbox", event_id="7", topic="payment", resource_id="charge-1", live=True, body=b"{}")
    told = await asyncio.gather(*(home.notices.receive(CALL, notice) for _ in range(6)))
    assert sorted(told) == [False] * 5 + [True]
    (kept,) = await home.views.notices(NoticeStatus.WAITING, after=None, limit=10)
    (task,) = await home.tasks.claim(datetime.now(UTC), lease_seconds=60, limit=10)
    assert (task.kind, task.subject_id, task.causation_id) == ("fetch_notice", kept.id, "7")


async def test_what_is_due_is_written_with_its_payment_and_held_by_one_worker(home: House) -> None:
    budget = await approved(home)
    payment = await home.payments.start_payment(CALL, budget.id)
    now = datetime.now(UTC)
    (task,) = await home.tasks.claim(now, lease_seconds=60, limit=10)
    assert (task.kind, task.subject_id, task.attempts) == ("dispatch_payment", payment.id, 1)
    assert (task.causation_id, task.correlation_id) == ("cause", "saga")
    assert await home.tasks.claim(now, lease_seconds=60, limit=10) == []
    (again,) = await home.tasks.claim(now + timedelta(seconds=61), lease_seconds=60, limit=10)
    assert again.attempts == 2, "a worker that died gives it back when its lease ends"
    await home.tasks.settle(task, None)
    assert await home.value("SELECT count(*) FROM tasks") == 1, "one that came back from the dead settles nothing"
    await home.tasks.settle(again, now + timedelta(hours=1), "later")
    assert await home.tasks.claim(now + timedelta(minutes=59), lease_seconds=60, limit=10) == []
    (later,) = await home.tasks.claim(now + timedelta(hours=2), lease_seconds=60, limit=10)
    await home.tasks.settle(later, None)
    assert await home.value("SELECT count(*) FROM tasks") == 0


async def test_a_change_replaces_what_was_due_and_an_end_removes_it(home: House) -> None:
    budget = await approved(home)
    payment = await home.payments.start_payment(CALL, budget.id)
    (task,) = await home.tasks.claim(datetime.now(UTC), lease_seconds=60, limit=10)
    await home.payments.dispatch(CALL, payment.id)
    await home.tasks.settle(task, None)
    kinds = "SELECT kind, lease FROM tasks"
    assert await home.rows(kinds) == [{"kind": "resolve_payment", "lease": None}]
    await home.payments.observe(CALL, payment.id, seen(payment, ChargeStatus.REJECTED))
    assert await home.rows(kinds) == []


async def test_a_second_open_attempt_is_refused_by_the_database_too(home: House) -> None:
    budget = await approved(home)
    payment = await home.payments.start_payment(CALL, budget.id)
    with pytest.raises(psycopg.errors.UniqueViolation, match="ux_payments_open"):
        await home.rows(
            "INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', %s::uuid))).*"
            " FROM payments p WHERE id = %s",
            uuid4(),
            payment.id,
        )
    assert PaymentAlreadyOpen.code == "PAYMENT_ALREADY_OPEN"
