"""The use cases of invoices on fakes: what is asked, who is answered, and the defects that were left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.claims.claim import Claim
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import (
    ClaimAlreadyInvoiced,
    ClaimNotFound,
    ClaimNotInvoiceable,
    InvoiceNotFound,
    InvoiceOverpaid,
    InvoicePartyMismatch,
    ProviderNotFound,
    SettlementNotFound,
    WrongCurrency,
)
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.rules import ClaimRules
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.deadlines import AppealDeadlines
from domain.claims.use_cases.invoices import InvoiceChanges, Invoices, Receipt
from domain.errors import Invalid, Stale
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.builders import CALL
from tests.support.claim_scene import INSURER, PROVIDER
from tests.support.fakes import FakeClock, FakeIds
from tests.support.fakes_claims import FakeClaimStore
from tests.support.fakes_claims_queries import FakeClaimQueries, FakeReference
from tests.support.invoice_scene import a_submitted, said_of

TODAY = date(2026, 3, 1)
OUTSIDER = replace(CALL, actor=Actor(id="outsider", providers=frozenset({"7654321"})))
NOBODY = UUID(int=999)


class Office:
    """Claims and invoices, and everything that is done to them; all on fakes."""

    def __init__(self) -> None:
        self.store, self.clock = FakeClaimStore(), FakeClock()
        ids, begin = FakeIds(), self.store.begin
        self.invoices = Invoices(begin, self.clock, ids)
        reference, queries = FakeReference(), FakeClaimQueries(self.store)
        deadlines = AppealDeadlines(ClaimRules(), reference, queries)
        self.adjudications = Adjudications(begin, self.clock, ids, deadlines)
        self.claims = Claims(begin, self.clock, ids, reference, queries)

    def submitted(self, number: int = 1, *cents: int, **form: Any) -> Claim:
        """A claim that an insurer has."""
        claim = a_submitted(number, *cents, **form)
        claim.changes.clear()
        self.store.claims[claim.id] = claim
        return claim

    async def billed(self, *claims: Claim, **order: Any) -> Invoice:
        """Those claims' invoice; of a new claim where none is given."""
        ids = tuple(claim.id for claim in claims or (self.submitted(),))
        return await self.invoices.create_invoice(CALL, InvoiceOrder(claim_ids=ids, **order))

    async def settled(self, invoice: Invoice, **receipt: Any) -> Invoice:
        return await self.invoices.settle_invoice(CALL, invoice.id, Receipt(**receipt))

    async def adjudicated(self, claim: Claim, *parts: tuple[int, tuple[int, ...]]) -> Claim:
        """The insurer's analysis, from its receipt of the claim on."""
        await self.adjudications.receive_claim(CALL, claim.id, "P-1")
        await self.adjudications.start_claim_analysis(CALL, claim.id)
        return await self.adjudications.adjudicate_claim(CALL, claim.id, said_of(claim, *parts))

    def claim(self, claim: Claim) -> Claim:
        """The claim as it is now."""
        return self.store.claims[claim.id]


def told(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(violation.field, violation.description) for violation in refused.value.violations]


@pytest.fixture
def office() -> Office:
    return Office()


async def test_an_invoice_is_due_in_thirty_days_where_nothing_else_is_said(office: Office) -> None:
    invoice = await office.billed()
    assert (invoice.due_date, invoice.party.insurer_id, invoice.provider_id) == (date(2026, 3, 31), INSURER, PROVIDER)
    assert (await office.billed(office.submitted(2), due_date=TODAY)).due_date == TODAY
    assert office.store.names() == ["InvoiceCreated", "InvoiceCreated"]


async def test_an_invoice_for_a_claim_that_does_not_exist_is_left_behind(office: Office) -> None:
    known = office.submitted()
    with pytest.raises(ClaimNotFound) as refused:
        await office.invoices.create_invoice(CALL, InvoiceOrder(claim_ids=(known.id, NOBODY)))
    assert refused.value.metadata == {"claim_id": str(NOBODY)}
    assert not office.store.invoices


async def test_an_invoice_for_a_claim_that_was_denied_or_is_another_patients_is_left_behind(office: Office) -> None:
    denied = office.submitted(1)
    await office.adjudicated(denied, (0, (10_000,)))
    with pytest.raises(ClaimNotInvoiceable):
        await office.billed(denied)
    with pytest.raises(InvoicePartyMismatch):
        await office.billed(office.submitted(2), patient_id="patient-2")
    assert not office.store.invoices


async def test_a_claim_invoiced_twice_is_left_behind(office: Office) -> None:
    one, other = office.submitted(1), office.submitted(2)
    first = await office.billed(one)
    with pytest.raises(ClaimAlreadyInvoiced) as refused:
        await office.billed(one, other)
    assert refused.value.metadata == {"claim_id": str(one.id), "invoice_id": str(first.id)}
    await office.invoices.cancel_invoice(CALL, first.id, "wrong insurer")
    again = await office.billed(one, other)
    assert again.claim_ids == (one.id, other.id)
    assert list(office.store.invoices) == [first.id, again.id]


async def test_a_canceled_invoice_settled_is_left_behind_by_the_use_case_too(office: Office) -> None:
    invoice = await office.billed()
    await office.invoices.cancel_invoice(CALL, invoice.id, "")
    with pytest.raises(IllegalTransition):
        await office.settled(invoice)
    assert office.store.names() == ["InvoiceCreated"]


async def test_a_settle_that_emits_twice_is_left_behind_by_the_use_case_too(office: Office) -> None:
    invoice = await office.billed()
    first = await office.settled(invoice)
    again = await office.settled(invoice, amount=first.amounts.paid)
    assert (again.version, again.amounts, again.settlements) == (first.version, first.amounts, first.settlements)
    assert office.store.names() == ["InvoiceCreated", "InvoiceSettled"]


async def test_who_does_not_serve_the_provider_sees_neither_claim_nor_invoice(office: Office) -> None:
    claim = office.submitted()
    with pytest.raises(ClaimNotFound):
        await office.invoices.create_invoice(OUTSIDER, InvoiceOrder(claim_ids=(claim.id,)))
    order = InvoiceOrder(patient_id="patient-1", amount=Money(1), provider_id=PROVIDER)
    with pytest.raises(ProviderNotFound):
        await office.invoices.create_invoice(OUTSIDER, order)
    invoice = await office.billed(claim)
    for refused in (
        office.invoices.settle_invoice(OUTSIDER, invoice.id, Receipt()),
        office.invoices.cancel_invoice(OUTSIDER, invoice.id, ""),
        office.invoices.cancel_invoice(CALL, NOBODY, ""),
    ):
        with pytest.raises(InvoiceNotFound):
            await refused
    with pytest.raises(ClaimNotFound):
        await office.claims.cancel_claim(OUTSIDER, claim.id, "")


async def test_money_comes_today_or_before_and_is_more_than_nothing(office: Office) -> None:
    invoice = await office.billed()
    with pytest.raises(Invalid) as refused:
        await office.settled(invoice, amount=Money(0), on=date(2026, 3, 2))
    assert [violation.field for violation in refused.value.violations] == ["amount", "date"]
    with pytest.raises(WrongCurrency):
        await office.settled(invoice, amount=Money(1, "USD"))
    with pytest.raises(WrongCurrency):
        await office.billed(office.submitted(2), amount=Money(10_000, "USD"))
    office.clock.advance(days=3)
    (settlement,) = (await office.settled(invoice, on=date(2026, 3, 2), reference="DOC 7")).settlements
    assert (settlement.on, settlement.reference) == (date(2026, 3, 2), "DOC 7")


async def test_an_invoice_and_its_money_may_be_years_old_but_no_year_is_a_slip_of_the_hand(office: Office) -> None:
    first = TODAY - timedelta(days=5 * 366)
    problem = f"must not be more than 5 years before the invoice was made: {first.isoformat()} or later"
    for day in (date.min, first - timedelta(days=1)):
        with pytest.raises(Invalid) as refused:
            await office.billed(office.submitted(1), due_date=day)
        assert told(refused) == [("due_date", problem)]
    assert not office.store.invoices
    invoice = await office.billed(office.submitted(1), due_date=first)
    office.clock.advance(days=40)
    for day in (date.min, first - timedelta(days=1)):
        with pytest.raises(Invalid) as refused:
            await office.settled(invoice, amount=Money(1), on=day)
        assert told(refused) == [("date", problem)]
        with pytest.raises(Invalid) as refused:
            await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(due_date=day, note="early"))
        assert told(refused) == [("due_date", problem)]
    assert office.store.invoices[invoice.id].note == ""
    later = await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(due_date=TODAY))
    assert later.due_date == TODAY, "it may be overdue by now"
    (settlement,) = (await office.settled(invoice, on=first)).settlements
    assert settlement.on == first


async def test_an_invoice_of_before_days_had_a_bound_is_still_noted_of_and_a_repeat_still_heard(office: Office) -> None:
    invoice = await office.billed()
    settled = await office.settled(invoice)
    early = TODAY - timedelta(days=9 * 366)
    stored = office.store.invoices[invoice.id]
    stored.due_date, stored.settlements = early, (replace(settled.settlements[0], on=early),)
    changed = await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(due_date=early, note="old"))
    assert (changed.due_date, changed.note) == (early, "old")
    again = await office.settled(invoice, amount=Money(10_000), on=early)
    assert again.version == changed.version


async def test_a_change_of_a_claim_is_counted_by_its_invoice_and_may_settle_both(office: Office) -> None:
    one, other = office.submitted(1), office.submitted(2)
    invoice = await office.billed(one, other)
    await office.adjudicated(one, (10_000, ()))
    denied = await office.adjudicated(other, (6_000, (4_000,)))
    await office.settled(invoice)
    assert office.claim(one).status is ClaimStatus.ADJUDICATED
    await office.adjudications.accept_denials(CALL, other.id, [denial.id for denial in denied.denials], "right")
    stored = office.store.invoices[invoice.id]
    assert (stored.status, stored.amounts.denied_accepted) == (InvoiceStatus.SETTLED, Money(4_000))
    assert {office.claim(claim).status for claim in (one, other)} == {ClaimStatus.SETTLED}
    with pytest.raises(IllegalTransition):
        await office.claims.cancel_claim(CALL, one.id, "too late")
    await office.invoices.reverse_settlement(CALL, invoice.id, stored.settlements[0].id, "bounced")
    assert {office.claim(claim).status for claim in (one, other)} == {ClaimStatus.ADJUDICATED}
    assert office.store.names()[-2:] == ["InvoiceSettled", "InvoiceSettlementReversed"]


async def test_an_analysis_that_would_leave_less_than_was_paid_changes_neither_claim_nor_invoice(
    office: Office,
) -> None:
    claim = office.submitted()
    invoice = await office.billed(claim)
    await office.settled(invoice)
    with pytest.raises(InvoiceOverpaid):
        await office.adjudicated(claim, (9_999, (1,)))
    assert office.claim(claim).status is ClaimStatus.IN_ANALYSIS
    assert office.store.invoices[invoice.id].status is InvoiceStatus.SETTLED


async def test_canceling_the_last_claim_cancels_its_invoice(office: Office) -> None:
    claim = office.submitted()
    invoice = await office.billed(claim)
    await office.claims.cancel_claim(CALL, claim.id, "a mistake")
    assert office.store.invoices[invoice.id].status is InvoiceStatus.CANCELED


async def test_a_reversal_names_a_settlement_of_the_invoice_and_a_repeat_does_nothing(office: Office) -> None:
    invoice = await office.billed()
    with pytest.raises(SettlementNotFound):
        await office.invoices.reverse_settlement(CALL, invoice.id, NOBODY, "no")
    settled = await office.settled(invoice)
    for _ in range(2):
        await office.invoices.reverse_settlement(CALL, invoice.id, settled.settlements[0].id, "bounced")
    assert office.store.names() == ["InvoiceCreated", "InvoiceSettled", "InvoiceSettlementReversed"]


async def test_an_update_is_of_what_was_read(office: Office) -> None:
    invoice = await office.billed()
    changed = await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(note="call", version=1))
    assert (changed.note, changed.due_date) == ("call", invoice.due_date)
    with pytest.raises(Stale):
        await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(note="no", version=1))


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"due_date": date(2026, 4, 1)}, "due_date=2026-04-01"),
        ({"note": "call them"}, "note"),
        ({"due_date": date(2026, 4, 1), "note": "call them"}, "due_date=2026-04-01,note"),
        ({"due_date": TODAY, "note": "call them"}, "note"),
    ],
)
async def test_the_history_of_an_update_says_what_changed(office: Office, changes: dict[str, Any], note: str) -> None:
    invoice = await office.billed(due_date=TODAY)
    await office.invoices.update_invoice(CALL, invoice.id, InvoiceChanges(**changes))
    entry = office.store.history[-1][1]
    assert (entry.action, entry.note) == ("update", note)
