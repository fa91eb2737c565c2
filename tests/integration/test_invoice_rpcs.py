"""An invoice's life through the real gRPC door, and over HTTP: made, settled, taken back, added up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.date_pb2 import Date

from acerto.claims.v1 import aging_report_pb2 as aging
from acerto.claims.v1 import claim_pb2, invoice_pb2
from acerto.claims.v1 import claim_service_pb2 as claims_pb
from acerto.claims.v1 import invoice_requests_pb2 as pb
from domain.actor import Actor
from tests.support.claim_scene import INSURER, PROVIDER
from tests.support.http import client_of, http_of
from tests.support.invoices_journey import InvoicesJourney
from tests.support.journey import begun, brl, cents
from tests.support.served import PERMISSIONS, Refused, Scene, refusal


@asynccontextmanager
async def started(scene: Scene | None = None) -> AsyncIterator[InvoicesJourney]:
    async with begun(scene or Scene()) as journey:
        yield InvoicesJourney(journey.claims)


def sums(invoice: invoice_pb2.Invoice) -> dict[str, int]:
    """The amounts, which must add up."""
    names = ("gross", "paid", "open", "denied_pending", "denied_accepted", "withheld")
    found = {name: cents(getattr(invoice, name)) for name in names}
    assert found["gross"] == sum(found.values()) - found["gross"]
    return {name: value for name, value in found.items() if value}


async def no_invoice(journey: InvoicesJourney, **order: Any) -> Refused:
    return await refusal(journey.stub.CreateInvoice(pb.CreateInvoiceRequest(**order)))


async def test_an_invoice_is_made_of_claims_then_settled_in_parts_then_taken_back() -> None:
    async with started() as journey:
        invoice = await journey.billed(note="by mail")
        assert (invoice.provider_id, invoice.insurer_id, invoice.patient_id) == (PROVIDER, INSURER, "patient-1")
        assert invoice.status == invoice_pb2.INVOICE_STATUS_OPEN
        assert invoice.due_date == Date(year=2026, month=3, day=31)
        assert (sums(invoice), list(invoice.allowed_actions)) == (
            {"gross": 10_000, "open": 10_000},
            ["update", "settle", "cancel"],
        )
        settle = pb.SettleInvoiceRequest
        part = await journey.stub.SettleInvoice(settle(invoice_id=invoice.invoice_id, amount=brl(4_000)))
        assert part.invoice.status == invoice_pb2.INVOICE_STATUS_PARTIALLY_SETTLED
        rest = await journey.stub.SettleInvoice(settle(invoice_id=invoice.invoice_id, withheld=brl(90)))
        assert (cents(rest.settlement.amount), cents(rest.settlement.withheld)) == (5_910, 90)
        assert rest.settlement.date == Date(year=2026, month=3, day=1)
        assert (rest.invoice.status, rest.invoice.settlement_version) == (invoice_pb2.INVOICE_STATUS_SETTLED, 1)
        assert sums(rest.invoice) == {"gross": 10_000, "paid": 9_910, "withheld": 90}
        listed = await journey.stub.ListSettlements(pb.ListSettlementsRequest(invoice_id=invoice.invoice_id))
        assert list(listed.settlements) == [rest.settlement, part.settlement]
        undone = await journey.stub.ReverseSettlement(
            pb.ReverseSettlementRequest(
                invoice_id=invoice.invoice_id, settlement_id=rest.settlement.settlement_id, reason="bounced"
            )
        )
        assert (sums(undone), undone.HasField("settle_time")) == (
            {"gross": 10_000, "paid": 4_000, "open": 6_000},
            False,
        )
        listed = await journey.stub.ListSettlements(pb.ListSettlementsRequest(invoice_id=invoice.invoice_id))
        assert [one.reverse_reason for one in listed.settlements] == ["bounced", ""]
        assert len({invoice.etag, part.invoice.etag, rest.invoice.etag, undone.etag}) == 4


async def test_the_history_says_who_did_what_and_which_event_told_it() -> None:
    async with started() as journey:
        settled = await journey.settled()
        asked = pb.ListInvoiceHistoryRequest(invoice_id=settled.invoice.invoice_id, page_size=1)
        first = await journey.stub.ListInvoiceHistory(asked)
        asked.page_token = first.next_page_token
        second = await journey.stub.ListInvoiceHistory(asked)
        entries = [*first.entries, *second.entries]
        assert [(one.action, one.to_status, one.event_type, one.actor) for one in entries] == [
            ("create", "OPEN", "InvoiceCreated", "tester"),
            ("settle", "SETTLED", "InvoiceSettled", "tester"),
        ]
        assert entries[1].note == settled.settlement.settlement_id
        assert second.next_page_token == ""


async def test_a_repeated_settle_answers_the_same_and_tells_nobody_again() -> None:
    scene = Scene()
    async with started(scene) as journey:
        invoice = await journey.billed()
        request = pb.SettleInvoiceRequest(
            request_id=str(uuid4()), invoice_id=invoice.invoice_id, amount=brl(10_000), reference="DOC 7"
        )
        first = await journey.stub.SettleInvoice(request)
        again = journey.stub.SettleInvoice(request)
        assert await again == first
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
        request.request_id = str(uuid4())
        assert await journey.stub.SettleInvoice(request) == first
        assert scene.claim_store.names().count("InvoiceSettled") == 1


async def test_a_partial_denial_shows_in_the_invoice_and_settles_it_when_it_is_accepted() -> None:
    async with started() as journey:
        invoice = await journey.denied()
        assert invoice.status == invoice_pb2.INVOICE_STATUS_PARTIALLY_DENIED
        assert sums(invoice) == {"gross": 10_000, "open": 6_000, "denied_pending": 4_000}
        paid = await journey.stub.SettleInvoice(pb.SettleInvoiceRequest(invoice_id=invoice.invoice_id))
        assert paid.invoice.status == invoice_pb2.INVOICE_STATUS_PARTIALLY_SETTLED
        nothing = await refusal(
            journey.stub.SettleInvoice(pb.SettleInvoiceRequest(invoice_id=invoice.invoice_id, amount=brl(1)))
        )
        assert (nothing.code, nothing.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_DUE")
        claim_id = invoice.lines[0].claim_id
        await journey.stub.AcceptDenials(claims_pb.AcceptDenialsRequest(claim_id=claim_id, reason="right"))
        over = await journey.invoice(invoice.invoice_id)
        assert sums(over) == {"gross": 10_000, "paid": 6_000, "denied_accepted": 4_000}
        assert over.status == invoice_pb2.INVOICE_STATUS_SETTLED
        claim = await journey.stub.GetClaim(claims_pb.GetClaimRequest(claim_id=claim_id))
        assert claim.status == claim_pb2.CLAIM_STATUS_SETTLED


async def test_an_old_clients_invoice_is_of_what_its_claims_add_up_to_and_of_their_patient() -> None:
    async with started() as journey:
        claim = await journey.submitted()
        ids = [claim.claim_id]
        other = await no_invoice(journey, claim_ids=ids, patient_id="patient-2")
        assert (other.code, other.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_PARTY_MISMATCH")
        assert other.about == {"claim_id": claim.claim_id, "field": "patient_id"}
        more = await no_invoice(journey, claim_ids=ids, amount=brl(10_001))
        assert (more.code, more.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "AMOUNT_DIFFERS")
        assert more.about == {"amount_cents": "10001", "claims_cents": "10000"}
        foreign = await no_invoice(journey, claim_ids=ids, amount=brl(10_000, "USD"))
        assert foreign.reason == "WRONG_CURRENCY"
        draft = await journey.drafted()
        unsent = await no_invoice(journey, claim_ids=[draft.claim_id])
        assert (unsent.reason, unsent.about["status"]) == ("CLAIM_NOT_INVOICEABLE", "DRAFT")
        nobody = await no_invoice(journey, claim_ids=[*ids, str(uuid4())])
        assert nobody.reason == "CLAIM_NOT_FOUND"
        await journey.stub.CreateInvoice(pb.CreateInvoiceRequest(claim_ids=ids, amount=brl(10_000)))
        twice = await no_invoice(journey, claim_ids=ids)
        assert (twice.code, twice.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CLAIM_ALREADY_INVOICED")


async def test_a_patient_is_billed_without_a_claim_for_an_amount() -> None:
    async with started() as journey:
        nothing = await no_invoice(journey)
        assert nothing.fields == ["patient_id", "amount"]
        invoice = await journey.stub.CreateInvoice(
            pb.CreateInvoiceRequest(patient_id="patient-9", amount=brl(5_050), provider_id=PROVIDER)
        )
        assert (sums(invoice), list(invoice.lines)) == ({"gross": 5_050, "open": 5_050}, [])


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"amount": brl(0)}, ["amount"]),
        ({"withheld": brl(-1)}, ["withheld"]),
        ({"date": Date(year=2026, month=3, day=2)}, ["date"]),
        ({"date": Date(year=2026, month=2)}, ["date"]),
        ({"date": Date(year=2016, month=2, day=28)}, ["date"]),
        ({"date": Date(year=1, month=1, day=1)}, ["date"]),
        ({"reference": "x" * 101}, ["reference"]),
    ],
)
async def test_money_that_cannot_have_come_is_refused_by_its_field(wrong: dict[str, Any], fields: list[str]) -> None:
    async with started() as journey:
        invoice = await journey.billed()
        request = pb.SettleInvoiceRequest(invoice_id=invoice.invoice_id, **wrong)
        assert (await refusal(journey.stub.SettleInvoice(request))).fields == fields


async def test_a_day_of_years_ago_is_no_day_that_it_is_due() -> None:
    early = Date(year=2016, month=2, day=28)
    async with started() as journey:
        claim = await journey.submitted()
        refused = await no_invoice(journey, claim_ids=[claim.claim_id], due_date=early)
        assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["due_date"])
        invoice = await journey.billed()
        moved = pb.UpdateInvoiceRequest(invoice_id=invoice.invoice_id, due_date=early)
        refused = await refusal(journey.stub.UpdateInvoice(moved))
        assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["due_date"])


async def test_invoices_are_listed_newest_first_by_every_filter_a_page_at_a_time() -> None:
    scene = Scene()
    async with started(scene) as journey:
        first = await journey.billed()
        scene.clock.advance(days=1)
        second = await journey.billed(due_date=Date(year=2026, month=6, day=1))
        await journey.stub.CancelInvoice(pb.CancelInvoiceRequest(invoice_id=second.invoice_id))

        async def listed(**wanted: Any) -> list[str]:
            found = await journey.stub.ListInvoices(pb.ListInvoicesRequest(**wanted))
            return [invoice.invoice_id for invoice in found.invoices]

        one, two = first.invoice_id, second.invoice_id
        assert await listed() == [two, one]
        assert await listed(status=invoice_pb2.INVOICE_STATUS_CANCELED) == [two]
        assert await listed(claim_id=second.lines[0].claim_id) == [two]
        assert await listed(insurer_id="000000") == await listed(patient_id="other") == []
        assert await listed(due_date_before=Date(year=2026, month=4, day=1)) == [one]
        assert await listed(due_date_from=Date(year=2026, month=4, day=1), insurer_id=INSURER) == [two]
        assert await listed(create_time_before=second.create_time) == [one]
        page = await journey.stub.ListInvoices(pb.ListInvoicesRequest(page_size=1))
        following = pb.ListInvoicesRequest(page_size=1, page_token=page.next_page_token)
        assert [i.invoice_id for i in (await journey.stub.ListInvoices(following)).invoices] == [one]


async def test_an_update_changes_what_its_mask_names_and_needs_the_etag_that_was_read() -> None:
    async with started() as journey:
        invoice = await journey.billed(note="by mail")
        changed = await journey.stub.UpdateInvoice(
            pb.UpdateInvoiceRequest(
                invoice_id=invoice.invoice_id, etag=invoice.etag, update_mask=FieldMask(paths=["note"])
            )
        )
        assert (changed.note, changed.due_date) == ("", invoice.due_date)
        stale = await refusal(
            journey.stub.UpdateInvoice(
                pb.UpdateInvoiceRequest(invoice_id=invoice.invoice_id, etag=invoice.etag, note="late")
            )
        )
        assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE")


async def test_the_aging_report_counts_what_is_open_by_insurer_and_days() -> None:
    async with started() as journey:
        await journey.partly_settled()
        await journey.settled()
        await journey.denied()
        report = await journey.stub.GetAgingReport(pb.GetAgingReportRequest(as_of_date=Date(year=2026, month=5, day=1)))
        (row,) = report.rows
        assert (row.insurer_id, cents(row.total), cents(report.total.total)) == (INSURER, 13_400, 13_400)
        open_ones = [(one.bucket, cents(one.open), one.invoice_count) for one in row.amounts if one.invoice_count]
        assert open_ones == [(aging.AGING_BUCKET_DAYS_31_TO_60, 13_400, 2)]
        early = await journey.stub.GetAgingReport(pb.GetAgingReportRequest())
        assert [cents(one.open) for one in early.total.amounts] == [13_400, 0, 0, 0, 0]


async def test_who_serves_another_provider_sees_no_invoice_of_this_one() -> None:
    scene = Scene()
    async with started(scene) as journey:
        settled = await journey.settled()
        scene.actor = Actor(id="other", permissions=PERMISSIONS, providers=frozenset({"7654321"}))
        invoice_id = settled.invoice.invoice_id
        for call in (
            journey.stub.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice_id)),
            journey.stub.SettleInvoice(pb.SettleInvoiceRequest(invoice_id=invoice_id)),
            journey.stub.ListSettlements(pb.ListSettlementsRequest(invoice_id=invoice_id)),
            journey.stub.ListInvoiceHistory(pb.ListInvoiceHistoryRequest(invoice_id=invoice_id)),
        ):
            assert (await refusal(call)).reason == "INVOICE_NOT_FOUND"
        assert not (await journey.stub.ListInvoices(pb.ListInvoicesRequest())).invoices
        assert not (await journey.stub.GetAgingReport(pb.GetAgingReportRequest())).rows


async def test_over_http_an_invoice_has_an_etag_and_its_settlements_a_place_of_their_own() -> None:
    scene = Scene()
    async with started(scene) as journey, client_of(http_of(scene)) as client:
        claim = await journey.submitted()
        made = await client.post("/v1/invoices", json={"claimIds": [claim.claim_id], "note": "by mail"})
        path = f"/v1/invoices/{made.json()['invoiceId']}"
        assert made.json()["open"] == {"currencyCode": "BRL", "units": "100", "nanos": 0}
        read = await client.get(path)
        changed = await client.patch(path, json={"note": "call"}, headers={"if-match": read.headers["etag"]})
        assert changed.json()["note"] == "call"
        stale = await client.patch(path, json={"note": "no"}, headers={"if-match": read.headers["etag"]})
        assert (stale.status_code, stale.json()["reason"]) == (412, "STALE")
        settled = await client.post(f"{path}:settle", json={"reference": "DOC 7"})
        settlement = settled.json()["settlement"]["settlementId"]
        assert settled.json()["invoice"]["status"] == "INVOICE_STATUS_SETTLED"
        refused = await client.post(f"{path}:cancel", json={})
        assert (refused.status_code, refused.json()["metadata"]["allowed_actions"]) == (400, "update,reverse")
        undone = await client.post(f"{path}/settlements/{settlement}:reverse", json={"reason": "bounced"})
        assert undone.json()["status"] == "INVOICE_STATUS_OPEN"
        listed = await client.get(f"{path}/settlements", params={"page_size": 1})
        assert listed.json()["settlements"][0]["reverseReason"] == "bounced"
        report = await client.get(
            "/v1/aging-report", params={"asOfDate.year": 2026, "asOfDate.month": 4, "asOfDate.day": 2}
        )
        assert report.json()["total"]["total"]["units"] == "100"
