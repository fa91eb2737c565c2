"""For each rpc of BillingService, how a saga comes to where it is served, and to where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2, payment_pb2, service_price_pb2
from tests.support.builders import CALL, an_os
from tests.support.journey import CUSTOMER, Journey, a_line, brl

Prepare = Callable[[Journey], Awaitable[Message]]
"""Brings a saga somewhere, and gives the request that is then asked."""

OS = str(an_os(1))
NOBODY = str(UUID(int=999))


@dataclass(frozen=True)
class Case:
    """A request that is served, and one that is refused for this reason."""

    served: Prepare
    refused: Prepare
    reason: str


def plain(request: Message) -> Prepare:
    async def prepare(_: Journey) -> Message:
        return request

    return prepare


def after(step: Callable[[Journey], Awaitable[Any]], make: Callable[[Any], Message]) -> Prepare:
    """The request that is made of what a step of the saga gives."""

    async def prepare(journey: Journey) -> Message:
        return make(await step(journey))

    return prepare


async def drafted(journey: Journey) -> budget_pb2.Budget:
    return await journey.drafted()


async def sent(journey: Journey) -> budget_pb2.Budget:
    return (await journey.sent()).budget


async def approved(journey: Journey) -> budget_pb2.Budget:
    return await journey.approved()


async def started(journey: Journey) -> payment_pb2.Payment:
    return await journey.started()


async def pending(journey: Journey) -> payment_pb2.Payment:
    return await journey.pending()


async def paid(journey: Journey) -> payment_pb2.Payment:
    return await journey.paid()


async def not_refunded(journey: Journey) -> payment_pb2.Payment:
    payment = await journey.paid()
    await journey.billing.RefundPayment(pb.RefundPaymentRequest(payment_id=payment.payment_id))
    await journey.scene.payments.refund_failed(CALL, UUID(payment.payment_id), 1, "no balance", definitive=True)
    return payment


def a_price(**changes: Any) -> pb.UpsertServicePriceRequest:
    price = {"code": "oil / ção", "description": "Oil change", "price": brl(12_345), **changes}
    return pb.UpsertServicePriceRequest(service_price=service_price_pb2.ServicePrice(**price))


async def priced(journey: Journey) -> None:
    await journey.billing.UpsertServicePrice(a_price())


CREATE = pb.CreateBudgetRequest(work_order_id=OS, customer=CUSTOMER, items=[a_line(12_345), a_line(1, "PART")])
NOT_A_PAGE = "not a page"

CASES = {
    "CreateBudget": Case(
        plain(CREATE), after(drafted, lambda _: pb.CreateBudgetRequest(work_order_id=OS)), "BUDGET_ALREADY_EXISTS"
    ),
    "GetBudget": Case(
        after(drafted, lambda b: pb.GetBudgetRequest(budget_id=b.budget_id)),
        plain(pb.GetBudgetRequest(budget_id=NOBODY)),
        "BUDGET_NOT_FOUND",
    ),
    "GetBudgetByWorkOrder": Case(
        after(drafted, lambda _: pb.GetBudgetByWorkOrderRequest(work_order_id=OS)),
        plain(pb.GetBudgetByWorkOrderRequest(work_order_id=NOBODY)),
        "BUDGET_NOT_FOUND",
    ),
    "ListBudgets": Case(
        after(
            sent,
            lambda _: pb.ListBudgetsRequest(
                page_size=1, status=budget_pb2.BUDGET_STATUS_SENT, create_time_from=Timestamp(seconds=1)
            ),
        ),
        plain(pb.ListBudgetsRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "UpdateBudget": Case(
        after(drafted, lambda b: pb.UpdateBudgetRequest(budget_id=b.budget_id, etag=b.etag, items=[a_line(7)])),
        after(drafted, lambda b: pb.UpdateBudgetRequest(budget_id=b.budget_id, etag='"77"', validity_days=3)),
        "STALE",
    ),
    "ReviseBudget": Case(
        after(sent, lambda b: pb.ReviseBudgetRequest(budget_id=b.budget_id, items=[a_line(5)])),
        after(drafted, lambda b: pb.ReviseBudgetRequest(budget_id=b.budget_id, items=[a_line(5)])),
        "ILLEGAL_TRANSITION",
    ),
    "SendBudget": Case(
        after(drafted, lambda b: pb.SendBudgetRequest(budget_id=b.budget_id)),
        plain(pb.SendBudgetRequest(budget_id=NOBODY)),
        "BUDGET_NOT_FOUND",
    ),
    "GetApprovalLink": Case(
        after(sent, lambda b: pb.GetApprovalLinkRequest(budget_id=b.budget_id)),
        after(drafted, lambda b: pb.GetApprovalLinkRequest(budget_id=b.budget_id)),
        "NO_APPROVAL_LINK",
    ),
    "ApproveBudget": Case(
        after(drafted, lambda b: pb.ApproveBudgetRequest(budget_id=b.budget_id, expected_revision=1)),
        after(drafted, lambda b: pb.ApproveBudgetRequest(budget_id=b.budget_id, expected_revision=2)),
        "STALE_REVISION",
    ),
    "RejectBudget": Case(
        after(sent, lambda b: pb.RejectBudgetRequest(budget_id=b.budget_id, reason="é caro")),
        after(sent, lambda b: pb.RejectBudgetRequest(budget_id=b.budget_id, approval_token="x")),
        "LINK_INVALID",
    ),
    "CancelBudget": Case(
        after(paid, lambda p: pb.CancelBudgetRequest(budget_id=p.budget_id, reason="no more")),
        plain(pb.CancelBudgetRequest(budget_id="not an id")),
        "INVALID_REQUEST",
    ),
    "ListBudgetRevisions": Case(
        after(drafted, lambda b: pb.ListBudgetRevisionsRequest(budget_id=b.budget_id)),
        plain(pb.ListBudgetRevisionsRequest(budget_id=NOBODY, page_size=3)),
        "BUDGET_NOT_FOUND",
    ),
    "UpsertServicePrice": Case(
        plain(a_price()),
        plain(a_price(description="", price=brl(0, "brl"), workshop_id="x" * 65)),
        "INVALID_REQUEST",
    ),
    "ListServicePrices": Case(
        after(priced, lambda _: pb.ListServicePricesRequest(workshop_id="main")),
        plain(pb.ListServicePricesRequest(page_size=-1)),
        "INVALID_REQUEST",
    ),
    "GetWorkOrderTimeline": Case(
        after(sent, lambda _: pb.GetWorkOrderTimelineRequest(work_order_id=OS)),
        plain(pb.GetWorkOrderTimelineRequest(work_order_id=NOBODY)),
        "WORK_ORDER_NOT_FOUND",
    ),
    "UpdateWorkOrderStatus": Case(
        after(drafted, lambda _: pb.UpdateWorkOrderStatusRequest(work_order_id=OS, status="EM_EXECUÇÃO")),
        plain(pb.UpdateWorkOrderStatusRequest(work_order_id=OS, status="x\0")),
        "INVALID_REQUEST",
    ),
    "ListWorkOrderStatuses": Case(
        after(drafted, lambda _: pb.ListWorkOrderStatusesRequest(work_order_id=OS, page_size=1)),
        plain(pb.ListWorkOrderStatusesRequest(work_order_id=NOBODY)),
        "WORK_ORDER_NOT_FOUND",
    ),
    "StartPayment": Case(
        after(approved, lambda b: pb.StartPaymentRequest(budget_id=b.budget_id, sandbox_script="approve")),
        after(drafted, lambda b: pb.StartPaymentRequest(budget_id=b.budget_id)),
        "BUDGET_NOT_APPROVED",
    ),
    "GetPayment": Case(
        after(pending, lambda p: pb.GetPaymentRequest(payment_id=p.payment_id)),
        plain(pb.GetPaymentRequest(payment_id=NOBODY)),
        "PAYMENT_NOT_FOUND",
    ),
    "ListPayments": Case(
        after(pending, lambda p: pb.ListPaymentsRequest(work_order_id=OS, status=p.status)),
        plain(pb.ListPaymentsRequest(status=77)),  # type: ignore[arg-type] # no such status
        "INVALID_REQUEST",
    ),
    "CancelPayment": Case(
        after(pending, lambda p: pb.CancelPaymentRequest(payment_id=p.payment_id)),
        after(paid, lambda p: pb.CancelPaymentRequest(payment_id=p.payment_id)),
        "ILLEGAL_TRANSITION",
    ),
    "RefundPayment": Case(
        after(paid, lambda p: pb.RefundPaymentRequest(payment_id=p.payment_id, amount=brl(1), reason="half")),
        after(paid, lambda p: pb.RefundPaymentRequest(payment_id=p.payment_id, amount=brl(99_999_999))),
        "REFUND_EXCEEDS_CAPTURE",
    ),
    "RetryRefund": Case(
        after(not_refunded, lambda p: pb.RetryRefundRequest(payment_id=p.payment_id)),
        after(paid, lambda p: pb.RetryRefundRequest(payment_id=p.payment_id)),
        "ILLEGAL_TRANSITION",
    ),
    "GetPaymentQrCode": Case(
        after(pending, lambda p: pb.GetPaymentQrCodeRequest(payment_id=p.payment_id, format=pb.QR_CODE_FORMAT_SVG)),
        after(started, lambda p: pb.GetPaymentQrCodeRequest(payment_id=p.payment_id)),
        "NO_PIX_CODE",
    ),
    "GetPaymentSummary": Case(
        after(paid, lambda p: pb.GetPaymentSummaryRequest(budget_id=p.budget_id)),
        plain(pb.GetPaymentSummaryRequest(budget_id=NOBODY)),
        "BUDGET_NOT_FOUND",
    ),
    "GetLedger": Case(
        after(paid, lambda _: pb.GetLedgerRequest(work_order_id=OS)),
        plain(pb.GetLedgerRequest(work_order_id=NOBODY)),
        "WORK_ORDER_NOT_FOUND",
    ),
    "ListLedgerEntries": Case(
        after(paid, lambda _: pb.ListLedgerEntriesRequest(work_order_id=OS, page_size=1)),
        plain(pb.ListLedgerEntriesRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "ListProviderNotices": Case(
        plain(pb.ListProviderNoticesRequest(page_size=5)),
        plain(pb.ListProviderNoticesRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
}
