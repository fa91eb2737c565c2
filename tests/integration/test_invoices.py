"""Invoices on a real PostgreSQL: races have one winner and one event, the identity is the database's too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.actor import Actor
from domain.calendar import day_of
from domain.claims.aging import AgingBucket, bucket_of
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.denial import DenialState
from domain.claims.errors import ClaimAlreadyInvoiced
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.queries import InvoiceFilter
from domain.claims.use_cases.invoices import InvoiceChanges
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.builders import CALL
from tests.support.claim_scene import AT, INSURER, PROVIDER
from tests.support.house import RealClock, house
from tests.support.invoice_office import InvoiceOffice, outcome
from tests.support.invoice_scene import an_invoice_of, in_state
from tests.support.waiting import eventually

ROUNDS = range(1, 7)
NOBODY = Actor(id="other", providers=frozenset({"7654321"}))


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[InvoiceOffice]:
    async with house(database_url, size=12) as home:
        yield InvoiceOffice(home)


async def test_an_invoice_comes_back_as_it_was_stored_whatever_was_done_to_it(office: InvoiceOffice) -> None:
    today = day_of(RealClock().now())
    one, other = await office.submitted(1), await office.analyzed(2, 5_000, 700)
    made = await office.billed(one, other, note="by mail", due_date=today + timedelta(days=9))
    assert await office.invoice(made.id) == replace(made, changes=[])
    await office.adjudicated(other, (4_000, (1_000,)), (700, ()))
    part = await office.settled(made, amount=Money(3_000), withheld=Money(45), reference="DOC 7")
    await office.invoices.reverse_settlement(CALL, made.id, part.settlements[0].id, "bounced")
    await office.settled(made, on=today)
    last = await office.invoices.update_invoice(CALL, made.id, InvoiceChanges(note="call"))
    found = await office.invoice(made.id)
    assert found == replace(last, changes=[])
    assert [each.reversal is None for each in found.settlements] == [False, True]
    assert (found.amounts.paid, found.amounts.denied_pending) == (Money(14_700), Money(1_000))
    listed = await office.views.settlements(CALL.actor, made.id, after=None, limit=5)
    assert listed == [found.settlements[1], found.settlements[0]]


async def test_of_many_that_settle_at_once_one_does_and_others_are_told_once(office: InvoiceOffice) -> None:
    for number in ROUNDS:
        invoice = await office.billed(await office.submitted(number))
        answers = await asyncio.gather(*(office.settled(invoice) for _ in range(6)))
        assert {answer.version for answer in answers} == {2}
        assert len((await office.invoice(invoice.id)).settlements) == 1
    assert await office.told("InvoiceSettled") == len(ROUNDS)


async def test_of_many_invoices_for_one_claim_one_is_made(office: InvoiceOffice) -> None:
    for number in ROUNDS:
        claim, other = await office.submitted(number), await office.submitted(100 + number)
        wanted = [office.billed(claim), office.billed(claim, other), office.billed(other, claim)] * 1
        outcomes = await asyncio.gather(*map(outcome, wanted))
        assert sorted(outcomes) == ["", "ClaimAlreadyInvoiced", "ClaimAlreadyInvoiced"]
    assert await office.told("InvoiceCreated") == len(ROUNDS)
    assert await office.home.value("SELECT count(*) FROM invoices") == len(ROUNDS)


async def test_who_breaks_the_index_of_live_claims_is_told_that_the_claim_is_invoiced(office: InvoiceOffice) -> None:
    claim = await office.submitted()
    insert = (
        "INSERT INTO invoice_claims (invoice_id, claim_id, gross_cents, denied_pending_cents, denied_accepted_cents,"
        " live) VALUES (%s, %s, 10000, 0, 0, true)"
    )
    other = await office.billed(await office.submitted(2))
    async with office.home.sql() as twin:
        await twin.execute(insert, (other.id, claim.id))
        loser = asyncio.create_task(office.billed(claim))
        await eventually(office.home.waits_for_a_lock)
        await twin.commit()
    with pytest.raises(ClaimAlreadyInvoiced) as refused:
        await loser
    assert refused.value.metadata == {"claim_id": str(claim.id), "invoice_id": str(other.id)}


async def test_settling_beside_canceling_ends_in_one_of_them(office: InvoiceOffice) -> None:
    for number in ROUNDS:
        invoice = await office.billed(await office.submitted(number))
        outcomes = await asyncio.gather(outcome(office.settled(invoice)), outcome(office.canceled(invoice)))
        assert sorted(outcomes) == ["", "IllegalTransition"]
        stored = await office.invoice(invoice.id)
        ends = (InvoiceStatus.SETTLED, 1) if outcomes[0] == "" else (InvoiceStatus.CANCELED, 0)
        assert (stored.status, len(stored.settlements)) == ends
        assert await office.told("InvoiceSettled") == await office.home.value(
            "SELECT count(*) FROM invoices WHERE status = 'SETTLED'"
        )


async def test_canceling_a_claim_beside_billing_it_leaves_no_invoice_for_a_canceled_claim(
    office: InvoiceOffice,
) -> None:
    for number in ROUNDS:
        claim = await office.submitted(number)
        await asyncio.gather(
            outcome(office.billed(claim)), outcome(office.claims.cancel_claim(CALL, claim.id, "a mistake"))
        )
        live = "SELECT count(*) FROM invoice_claims WHERE claim_id = %s AND live"
        assert (await office.claim(claim)).status is ClaimStatus.CANCELED
        assert await office.home.value(live, claim.id) == 0


async def test_settling_beside_an_analysis_ends_as_if_one_came_after_the_other(office: InvoiceOffice) -> None:
    for number in ROUNDS:
        claim = await office.analyzed(number)
        invoice = await office.billed(claim)
        paid, judged = await asyncio.gather(
            outcome(office.settled(invoice)), outcome(office.adjudicated(claim, (6_000, (4_000,))))
        )
        stored = await office.invoice(invoice.id)
        assert paid == ""
        if judged:
            assert (judged, stored.amounts.paid) == ("InvoiceOverpaid", Money(10_000))
        else:
            assert (stored.status, stored.amounts.paid) == (InvoiceStatus.PARTIALLY_SETTLED, Money(6_000))
    assert await office.deadlocks() == 0


async def test_whatever_is_done_to_the_claims_of_one_invoice_at_once_nobody_waits_for_each_other(
    office: InvoiceOffice,
) -> None:
    for number in range(10, 40, 10):
        claims = [await office.analyzed(number + at) for at in range(4)]
        invoice = await office.billed(*reversed(claims))
        judged = [outcome(office.adjudicated(claim, (6_000, (4_000,)))) for claim in claims]
        assert set(await asyncio.gather(*judged, outcome(office.settled(invoice, amount=Money(500))))) == {""}
        stored = [await office.claim(claim) for claim in claims]
        accepting = [
            outcome(office.adjudications.accept_denials(CALL, claim.id, in_state(claim, DenialState.PENDING), "right"))
            for claim in stored
        ]
        assert set(await asyncio.gather(outcome(office.settled(invoice)), *accepting)) == {""}
        found = await office.invoice(invoice.id)
        assert (found.status, found.amounts.denied_accepted) == (InvoiceStatus.SETTLED, Money(16_000))
        assert {(await office.claim(claim)).status for claim in claims} == {ClaimStatus.SETTLED}
    assert await office.told("InvoiceSettled") == 3
    assert await office.deadlocks() == 0


async def test_a_claim_that_was_billed_while_it_was_looked_for_is_looked_for_again(office: InvoiceOffice) -> None:
    one, other = await office.analyzed(1), await office.analyzed(2)
    await office.adjudicated(other, (10_000, ()))
    (denial,) = (await office.adjudicated(one, (6_000, (4_000,)))).denials
    async with office.home.units.begin(CALL) as work:
        claims = await work.claims.get_all([one.id, other.id])
        invoice = an_invoice_of(*claims).invoice
        assert invoice is not None
        invoice.settle(uuid4(), amount=None, withheld=Money(0), on=date(2026, 3, 1), reference="", at=AT)
        # It found the claim in no invoice, and waits for it alone; then both claims are in one that it settles.
        accepting = asyncio.ensure_future(office.adjudications.accept_denials(CALL, one.id, [denial.id], "right"))
        await eventually(office.home.waits_for_a_lock)
        work.invoices.save(invoice)
        await work.commit()
    await accepting
    assert (await office.invoice(invoice.id)).status is InvoiceStatus.SETTLED
    assert {(await office.claim(claim)).status for claim in (one, other)} == {ClaimStatus.SETTLED}


async def test_the_database_keeps_the_identity_and_what_came(office: InvoiceOffice) -> None:
    invoice = await office.settled(await office.billed(await office.submitted()))
    for statement in (
        "UPDATE invoices SET paid_cents = paid_cents - 1",
        "UPDATE invoices SET gross_cents = gross_cents + 1",
        "UPDATE invoices SET paid_cents = paid_cents + 1, open_cents = open_cents - 1",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            await office.home.rows(statement)
    for statement in ("UPDATE settlements SET amount_cents = 1", "DELETE FROM settlements"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            await office.home.rows(statement)
    assert (await office.invoice(invoice.id)).amounts.paid == Money(10_000)


async def test_every_change_is_in_the_history_with_who_did_it_and_what_it_told(office: InvoiceOffice) -> None:
    invoice = await office.billed(await office.submitted())
    await office.settled(invoice)
    entries = await office.views.invoice_history(CALL.actor, invoice.id, after=None, limit=10)
    assert entries is not None
    assert [(one.action, one.before, one.after, one.event_type) for one in entries] == [
        ("create", "", "OPEN", "InvoiceCreated"),
        ("settle", "OPEN", "SETTLED", "InvoiceSettled"),
    ]
    assert {one.actor for one in entries} == {CALL.actor.id}
    rows = await office.home.rows("SELECT key, key_seq FROM outbox WHERE key = %s ORDER BY id", str(invoice.id))
    assert [row["key_seq"] for row in rows] == [1, 2]


async def test_invoices_are_found_by_every_filter_newest_first_from_any_place(office: InvoiceOffice) -> None:
    made = [await office.billed(await office.submitted(number)) for number in (1, 2, 3)]
    alone = await office.invoices.create_invoice(CALL, InvoiceOrder(patient_id="patient-9", amount=Money(5_050)))
    await office.canceled(made[0])
    newest = [each.id for each in (alone, *reversed(made))]

    async def ids(limit: int = 9, *, skip: int = 0, **wanted: object) -> list[object]:
        found = InvoiceFilter(**wanted)  # type: ignore[arg-type] # the test's own filters
        return [i.id for i in await office.views.invoices(CALL.actor, found, after=None, limit=limit, skip=skip)]

    assert await ids() == newest
    assert await ids(2, skip=1) == newest[1:3]
    place = (made[2].created_at, made[2].id)
    later = await office.views.invoices(CALL.actor, InvoiceFilter(), after=place, limit=1)
    assert [invoice.id for invoice in later] == [made[1].id]
    assert await ids(insurer_id=INSURER, provider_id=PROVIDER, status=InvoiceStatus.CANCELED) == [made[0].id]
    assert await ids(patient_id="patient-9") == [alone.id]
    assert await ids(claim_id=made[0].lines[0].claim_id) == [made[0].id]
    assert await ids(claim_id=uuid4()) == await ids(due_before=made[1].due_date) == []
    assert await ids(due_from=made[1].due_date, created_before=made[1].created_at) == [made[0].id]
    assert await office.views.invoices(NOBODY, InvoiceFilter(), after=None, limit=9) == []
    assert await office.views.invoice(NOBODY, alone.id) is None
    assert await office.views.settlements(NOBODY, alone.id, after=None, limit=9) is None
    assert await office.views.invoice_history(NOBODY, alone.id, after=None, limit=9) is None


async def test_pages_of_a_range_of_due_dates_are_newest_first_whatever_day_each_invoice_is_due(
    office: InvoiceOffice,
) -> None:
    tomorrow = day_of(RealClock().now()) + timedelta(days=1)
    days = [tomorrow + timedelta(days=number * 3 % 5) for number in range(12)]
    made = [await office.billed(await office.submitted(n), due_date=day) for n, day in enumerate(days, start=1)]
    await office.canceled(made[7])
    first, end = tomorrow + timedelta(days=1), tomorrow + timedelta(days=3)
    expected = [invoice.id for invoice, day in zip(made, days, strict=True) if first <= day < end][::-1]

    async def ids(actor: Actor = CALL.actor, limit: int = 9, **also: Any) -> list[UUID]:
        after, skip = also.pop("after", None), also.pop("skip", 0)
        wanted = InvoiceFilter(**{"due_from": first, "due_before": end, **also})
        return [one.id for one in await office.views.invoices(actor, wanted, after=after, limit=limit, skip=skip)]

    seen: list[UUID] = []
    place: tuple[datetime, UUID] | None = None
    while page := await ids(limit=2, after=place):
        seen += page
        last = await office.invoice(page[-1])
        place = (last.created_at, last.id)
    assert seen == expected
    assert await ids(limit=2, skip=1) == expected[1:3]
    assert await ids(Actor(id="mine", providers=frozenset({PROVIDER}))) == await ids(provider_id=PROVIDER) == expected
    assert await ids(status=InvoiceStatus.CANCELED) == [made[7].id]
    assert len(await ids(limit=99, due_from=None)) == sum(day < end for day in days)
    assert len(await ids(limit=99, due_before=None)) == sum(day >= first for day in days)
    assert await ids(due_from=None, due_before=date.min) == await ids(NOBODY) == []


async def test_the_aging_report_is_counted_by_the_database_as_by_the_rule(office: InvoiceOffice) -> None:
    # As it will be seen once all of them are due: none is due before it was made.
    today = day_of(RealClock().now()) + timedelta(days=401)
    days = (-1, 0, 30, 31, 60, 61, 90, 91, 400)
    for number, late in enumerate(days, start=1):
        await office.billed(await office.submitted(number, 1 << number), due_date=today - timedelta(days=late))
    await office.canceled(await office.billed(await office.submitted(90), due_date=today))
    await office.settled(await office.billed(await office.submitted(91), due_date=today))
    await office.invoices.create_invoice(CALL, InvoiceOrder(patient_id="p", amount=Money(7), due_date=today))
    patients, insurer = await office.views.aging(CALL.actor, as_of=today)
    expected: dict[AgingBucket, int] = {}
    for number, late in enumerate(days, start=1):
        bucket = bucket_of(today - timedelta(days=late), today)
        expected[bucket] = expected.get(bucket, 0) + (1 << number)
    assert {bucket: owed.cents for bucket, owed in insurer.owed.items()} == expected
    assert (patients.insurer_id, patients.cents, insurer.insurer_id) == ("", 7, INSURER)
    assert sum(owed.invoices for owed in insurer.owed.values()) == len(days)
    (only,) = await office.views.aging(CALL.actor, as_of=today, insurer_id=INSURER, provider_id=PROVIDER)
    assert only == insurer
    assert await office.views.aging(NOBODY, as_of=today) == []


async def test_a_canceled_invoice_frees_its_claims_for_the_next_one(office: InvoiceOffice) -> None:
    claim = await office.submitted()
    first = await office.billed(claim)
    await office.canceled(first)
    with pytest.raises(IllegalTransition):
        await office.settled(first)
    second = await office.billed(claim)
    assert (await office.invoice(second.id)).claim_ids == (claim.id,)
    assert (await office.invoice(first.id)).claim_ids == ()
