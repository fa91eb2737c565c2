"""Payments onto the wire, and requests about them into plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.api import httpbody_pb2

from acerto.billing.v1 import billing_service_pb2, payment_pb2, provider_notice_pb2
from domain.billing.charge import PixOffer
from domain.billing.line_item import must_be_billable
from domain.billing.payment import METHOD, Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from domain.billing.queries import PaymentFilter
from domain.billing.refund import Refund, RefundStatus
from domain.billing.saga import Saga
from domain.money import Money
from server.rpc.qr_code import png, svg
from server.rpc.translate import etag_of
from server.rpc.wire import (
    Reading,
    id_from_wire,
    instant_fields,
    instant_to_wire,
    money_fields,
    money_to_wire,
    price_from_wire,
)

CheckScript = Callable[[str], object]
"""Raises ValueError for a sandbox script that is not one, or that the provider of this installation has no use for."""

_STATUS: Final = {s: payment_pb2.PaymentStatus.Value(f"PAYMENT_STATUS_{s.name}") for s in PaymentStatus}
_STATUS_READ: Final = {number: status for status, number in _STATUS.items()}
_METHOD: Final = payment_pb2.PaymentMethod.Value(f"PAYMENT_METHOD_{METHOD}")
_REFUND: Final = {s: payment_pb2.RefundStatus.Value(f"REFUND_STATUS_{s.name}") for s in RefundStatus}
_NOTICE: Final = {
    s: provider_notice_pb2.ProviderNoticeStatus.Value(f"PROVIDER_NOTICE_STATUS_{s.name}") for s in NoticeStatus
}
_NOTICE_READ: Final = {number: status for status, number in _NOTICE.items()}
_NOTHING: Final = Money(0)


def payment_to_wire(payment: Payment) -> payment_pb2.Payment:
    """A stored payment; its parts are dicts, as `budget_to_wire` has them."""
    return payment_pb2.Payment(
        payment_id=str(payment.id),
        work_order_id=str(payment.work_order_id),
        budget_id=str(payment.budget_id),
        workshop_id=payment.workshop_id,
        customer_id=str(payment.customer_id) if payment.customer_id else "",
        status=_STATUS[payment.status or PaymentStatus.CREATED],
        amount=money_fields(payment.amount),
        captured=money_fields(payment.captured),
        reversed=money_fields(payment.reversed),
        method=_METHOD,
        provider=payment.provider,
        provider_payment_id=payment.provider_payment_id,
        pix=None if payment.pix is None else _pix_fields(payment.pix),
        refunds=[_refund_fields(refund) for refund in payment.refunds.all],
        detail=payment.detail,
        giveback=payment.giveback,
        surplus=payment.surplus,
        withdraw_reason=payment.withdrawn,
        create_time=instant_fields(payment.created_at),
        update_time=instant_fields(payment.updated_at),
        confirm_time=None if payment.confirmed_at is None else instant_fields(payment.confirmed_at),
        expire_time=instant_fields(payment.expires_at),
        etag=etag_of(payment),
        allowed_actions=payment.allowed_actions,
    )


def summary_to_wire(saga: Saga) -> payment_pb2.PaymentSummary:
    """What was paid of a saga's budget (billing.md B.3). Raises LookupError for a saga that has none."""
    budget = saga.budget
    if budget is None:
        raise LookupError(f"work order {saga.work_order.id} has no budget")
    compared = _compared(saga.net.cents, budget.amount_cents)
    return payment_pb2.PaymentSummary(
        budget_id=str(budget.id),
        status=compared,
        total=None if budget.total is None else money_to_wire(budget.total),
        net_paid=money_to_wire(saga.net),
        amount_due=money_to_wire(saga.amount_due),
        fully_paid=compared in (payment_pb2.PAYMENT_SUMMARY_STATUS_PAID, payment_pb2.PAYMENT_SUMMARY_STATUS_OVERPAID),
    )


def notice_to_wire(notice: ProviderNotice) -> provider_notice_pb2.ProviderNotice:
    """A kept notice; its body is shown to people, whatever it holds."""
    return provider_notice_pb2.ProviderNotice(
        notice_id=str(notice.id),
        provider=notice.provider,
        event_id=notice.event_id,
        topic=notice.topic,
        charge_id=notice.charge_id,
        status=_NOTICE[notice.status],
        reason=notice.reason,
        payment_id=str(notice.payment_id) if notice.payment_id else "",
        receive_time=instant_to_wire(notice.received_at),
        settle_time=instant_to_wire(notice.settled_at) if notice.settled_at else None,
        body=notice.body.decode("utf-8", "replace"),
    )


def qr_code_to_wire(code: str, kind: billing_service_pb2.QrCodeFormat.ValueType) -> httpbody_pb2.HttpBody:
    """A PIX code as a picture."""
    if kind == billing_service_pb2.QR_CODE_FORMAT_SVG:
        return httpbody_pb2.HttpBody(content_type="image/svg+xml", data=svg(code))
    return httpbody_pb2.HttpBody(content_type="image/png", data=png(code))


def amount_to_start(request: billing_service_pb2.StartPaymentRequest, check_script: CheckScript) -> Money | None:
    """The amount that StartPayment expects, None when it says none. Raises Invalid, WrongCurrency."""
    reading = Reading()
    amount = _amount(request, reading)
    if request.sandbox_script:
        reading.take("sandbox_script", lambda: check_script(request.sandbox_script), None)
    reading.finish()
    return _billable(amount)


def amount_to_refund(request: billing_service_pb2.RefundPaymentRequest) -> Money | None:
    """The amount to give back, None for all that is left. Raises Invalid, WrongCurrency."""
    reading = Reading()
    amount = _amount(request, reading)
    reading.finish()
    return _billable(amount)


def payment_filter_from_wire(request: billing_service_pb2.ListPaymentsRequest) -> PaymentFilter:
    """Which payments."""
    return PaymentFilter(
        work_order_id=id_from_wire(request.work_order_id) if request.work_order_id else None,
        budget_id=id_from_wire(request.budget_id) if request.budget_id else None,
        status=_STATUS_READ.get(request.status),
    )


def notice_status_from_wire(
    number: provider_notice_pb2.ProviderNoticeStatus.ValueType,
) -> NoticeStatus | None:
    """Which notices; None for all."""
    return _NOTICE_READ.get(number)


def _compared(net: int, total: int) -> payment_pb2.PaymentSummaryStatus.ValueType:
    """How what was paid compares with the total, both in centavos."""
    if net <= 0:
        return payment_pb2.PAYMENT_SUMMARY_STATUS_UNPAID
    if net < total:
        return payment_pb2.PAYMENT_SUMMARY_STATUS_PARTIALLY_PAID
    if net == total:
        return payment_pb2.PAYMENT_SUMMARY_STATUS_PAID
    return payment_pb2.PAYMENT_SUMMARY_STATUS_OVERPAID


def _amount(
    request: billing_service_pb2.StartPaymentRequest | billing_service_pb2.RefundPaymentRequest, reading: Reading
) -> Money | None:
    if not request.HasField("amount"):
        return None
    return reading.take("amount", lambda: price_from_wire(request.amount, least=1), _NOTHING)


def _billable(amount: Money | None) -> Money | None:
    if amount is not None:
        must_be_billable(amount)
    return amount


def _pix_fields(pix: PixOffer) -> Any:
    return {
        "code": pix.code,
        "expire_time": None if pix.expires_at is None else instant_fields(pix.expires_at),
        "ticket_url": pix.ticket_url,
    }


def _refund_fields(refund: Refund) -> Any:
    return {
        "sequence": refund.sequence,
        "amount": money_fields(refund.amount),
        "status": _REFUND[refund.status],
        "reason": refund.reason,
        "provider_refund_id": refund.provider_refund_id,
        "whole": refund.whole,
    }
