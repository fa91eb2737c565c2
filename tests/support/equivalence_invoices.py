"""For each rpc of ClaimService about invoices, how they come to where it is served, and to where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from acerto.claims.v1 import invoice_requests_pb2 as pb
from tests.support.claim_scene import INSURER, PROVIDER
from tests.support.equivalence import NOBODY, NOT_A_PAGE, Case, Prepare, plain
from tests.support.invoices_journey import InvoicesJourney
from tests.support.journey import Journey, brl


def after(step: Callable[[InvoicesJourney], Awaitable[Any]], make: Callable[[Any], Message]) -> Prepare:
    """The request that is made of what a step of an invoice's way gives."""

    async def prepare(journey: Journey) -> Message:
        return make(await step(InvoicesJourney(journey.claims)))

    return prepare


submitted, billed, denied = InvoicesJourney.submitted, InvoicesJourney.billed, InvoicesJourney.denied
settled, partly_settled = InvoicesJourney.settled, InvoicesJourney.partly_settled

INVOICE_CASES = {
    "CreateInvoice": Case(
        after(
            submitted,
            lambda c: pb.CreateInvoiceRequest(
                claim_ids=[c.claim_id],
                insurer_id=INSURER,
                patient_id=c.patient_id,
                amount=brl(10_000),
                due_date=Date(year=2026, month=5, day=2),
                note="até o dia 2",
            ),
        ),
        after(billed, lambda i: pb.CreateInvoiceRequest(claim_ids=[i.lines[0].claim_id])),
        "CLAIM_ALREADY_INVOICED",
    ),
    "GetInvoice": Case(
        after(denied, lambda i: pb.GetInvoiceRequest(invoice_id=i.invoice_id)),
        plain(pb.GetInvoiceRequest(invoice_id=NOBODY)),
        "INVOICE_NOT_FOUND",
    ),
    "ListInvoices": Case(
        after(
            billed,
            lambda i: pb.ListInvoicesRequest(
                page_size=1,
                insurer_id=INSURER,
                provider_id=PROVIDER,
                claim_id=i.lines[0].claim_id,
                status=i.status,
                create_time_from=Timestamp(seconds=1),
                due_date_from=i.due_date,
                due_date_before=Date(year=2026, month=4, day=1),
            ),
        ),
        plain(pb.ListInvoicesRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "UpdateInvoice": Case(
        after(
            billed,
            lambda i: pb.UpdateInvoiceRequest(
                invoice_id=i.invoice_id,
                etag=i.etag,
                due_date=Date(year=2026, month=3, day=9),
                note="not this",
                update_mask=FieldMask(paths=["due_date"]),
            ),
        ),
        after(billed, lambda i: pb.UpdateInvoiceRequest(invoice_id=i.invoice_id, etag='"77"', note="late")),
        "STALE",
    ),
    "SettleInvoice": Case(
        after(
            billed,
            lambda i: pb.SettleInvoiceRequest(
                invoice_id=i.invoice_id, withheld=brl(150), date=Date(year=2026, month=3, day=1), reference="DOC 7"
            ),
        ),
        after(billed, lambda i: pb.SettleInvoiceRequest(invoice_id=i.invoice_id, amount=brl(10_001))),
        "AMOUNT_EXCEEDS_DUE",
    ),
    "ReverseSettlement": Case(
        after(
            settled,
            lambda s: pb.ReverseSettlementRequest(
                invoice_id=s.invoice.invoice_id, settlement_id=s.settlement.settlement_id, reason="devolução"
            ),
        ),
        after(
            settled,
            lambda s: pb.ReverseSettlementRequest(
                invoice_id=s.invoice.invoice_id, settlement_id=NOBODY, reason="no such"
            ),
        ),
        "SETTLEMENT_NOT_FOUND",
    ),
    "CancelInvoice": Case(
        after(billed, lambda i: pb.CancelInvoiceRequest(invoice_id=i.invoice_id, reason="wrong insurer")),
        after(partly_settled, lambda s: pb.CancelInvoiceRequest(invoice_id=s.invoice.invoice_id)),
        "ILLEGAL_TRANSITION",
    ),
    "ListSettlements": Case(
        after(partly_settled, lambda s: pb.ListSettlementsRequest(invoice_id=s.invoice.invoice_id, page_size=1)),
        plain(pb.ListSettlementsRequest(invoice_id=NOBODY)),
        "INVOICE_NOT_FOUND",
    ),
    "ListInvoiceHistory": Case(
        after(settled, lambda s: pb.ListInvoiceHistoryRequest(invoice_id=s.invoice.invoice_id)),
        plain(pb.ListInvoiceHistoryRequest(invoice_id=NOBODY)),
        "INVOICE_NOT_FOUND",
    ),
    "GetAgingReport": Case(
        after(denied, lambda _: pb.GetAgingReportRequest(as_of_date=Date(year=2026, month=7, day=1))),
        plain(pb.GetAgingReportRequest(as_of_date=Date(year=2026, month=2, day=30))),
        "INVALID_REQUEST",
    ),
}
