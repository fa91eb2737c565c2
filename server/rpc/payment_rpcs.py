"""The rpcs of payments: begun, shown, taken back; and of what providers told about them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

from google.api import httpbody_pb2

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import payment_pb2
from domain.actor import Call
from domain.billing.errors import BudgetNotFound, NoPixCode, PaymentNotFound
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import ProviderNotice
from domain.billing.queries import BillingQueries
from domain.billing.use_cases.payments import Payments
from server.rpc.once import response_to
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_TIME, page_of
from server.rpc.translate_payments import (
    CheckScript,
    amount_to_refund,
    amount_to_start,
    notice_status_from_wire,
    notice_to_wire,
    payment_filter_from_wire,
    payment_to_wire,
    qr_code_to_wire,
    summary_to_wire,
)


class PaymentRpcs:
    """A part of BillingServicer, which gives it what is named here."""

    _payments: Payments
    _queries: BillingQueries
    _pages: PageTokens
    _check_script: CheckScript

    async def StartPayment(self, request: pb.StartPaymentRequest, call: Call) -> payment_pb2.Payment:  # noqa: N802 -- the contract's name
        amount = amount_to_start(request, self._check_script)
        payment = await self._payments.start_payment(
            call, UUID(request.budget_id), amount=amount, script=request.sandbox_script
        )
        return response_to(call, payment_to_wire, payment)

    async def GetPayment(self, request: pb.GetPaymentRequest, call: Call) -> payment_pb2.Payment:  # noqa: N802
        return payment_to_wire(await self._payment(request.payment_id, call))

    async def ListPayments(self, request: pb.ListPaymentsRequest, call: Call) -> pb.ListPaymentsResponse:  # noqa: N802
        wanted = payment_filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[Payment]:
            return await self._queries.payments(call.actor, wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.created_at, last.id))
        return pb.ListPaymentsResponse(payments=map(payment_to_wire, found), next_page_token=following)

    async def CancelPayment(self, request: pb.CancelPaymentRequest, call: Call) -> payment_pb2.Payment:  # noqa: N802
        return response_to(call, payment_to_wire, await self._payments.cancel_payment(call, UUID(request.payment_id)))

    async def RefundPayment(self, request: pb.RefundPaymentRequest, call: Call) -> payment_pb2.Payment:  # noqa: N802
        amount = amount_to_refund(request)
        payment = await self._payments.refund_payment(
            call, UUID(request.payment_id), amount=amount, reason=request.reason
        )
        return response_to(call, payment_to_wire, payment)

    async def RetryRefund(self, request: pb.RetryRefundRequest, call: Call) -> payment_pb2.Payment:  # noqa: N802
        return response_to(call, payment_to_wire, await self._payments.retry_refund(call, UUID(request.payment_id)))

    async def GetPaymentQrCode(self, request: pb.GetPaymentQrCodeRequest, call: Call) -> httpbody_pb2.HttpBody:  # noqa: N802
        payment = await self._payment(request.payment_id, call)
        if payment.status is not PaymentStatus.PENDING or payment.pix is None or not payment.pix.code:
            raise NoPixCode
        # Drawing takes some 20 ms of pure Python: too long to keep everybody else waiting.
        return await asyncio.to_thread(qr_code_to_wire, payment.pix.code, request.format)

    async def GetPaymentSummary(  # noqa: N802
        self, request: pb.GetPaymentSummaryRequest, call: Call
    ) -> payment_pb2.PaymentSummary:
        budget = await self._queries.budget(call.actor, UUID(request.budget_id))
        saga = budget and await self._queries.saga(call.actor, budget.work_order_id)
        if not saga:
            raise BudgetNotFound
        return summary_to_wire(saga)

    async def ListProviderNotices(  # noqa: N802
        self, request: pb.ListProviderNoticesRequest, _: Call
    ) -> pb.ListProviderNoticesResponse:
        status = notice_status_from_wire(request.status)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[ProviderNotice]:
            return await self._queries.notices(status, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.received_at, last.id))
        return pb.ListProviderNoticesResponse(notices=map(notice_to_wire, found), next_page_token=following)

    async def _payment(self, payment_id: str, call: Call) -> Payment:
        payment = await self._queries.payment(call.actor, UUID(payment_id))
        if payment is None:
            raise PaymentNotFound
        return payment
