"""What the Orders API says of an order, in the domain's words (billing.md D.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.billing.charge import ChargeStatus, Giveback, GivebackStatus, PixOffer, Snapshot
from domain.money import BRL, Money, total
from server.providers.mercadopago import wire
from server.providers.mercadopago.wire import Json

TEST_PREFIX: Final = "ORDTST"
"""How the id of an order begins that was made with test credentials; an order has no `live_mode`."""

_ANY: Final = "*"
_PAID: Final = frozenset({("processed", "accredited"), ("processed", "partially_refunded")})
_WORDS: Final = {
    ("created", _ANY): ChargeStatus.PENDING,
    ("processing", _ANY): ChargeStatus.PENDING,
    ("action_required", _ANY): ChargeStatus.PENDING,
    ("refunded", _ANY): ChargeStatus.REFUNDED,
    ("failed", _ANY): ChargeStatus.REJECTED,
    ("expired", _ANY): ChargeStatus.EXPIRED,
    ("canceled", "expired"): ChargeStatus.EXPIRED,
    ("canceled", _ANY): ChargeStatus.CANCELED,
    ("cancelled", "expired"): ChargeStatus.EXPIRED,
    ("cancelled", _ANY): ChargeStatus.CANCELED,
    ("in_mediation", _ANY): ChargeStatus.DISPUTED,
    ("charged_back", "in_process"): ChargeStatus.DISPUTED,
    ("charged_back", "settled"): ChargeStatus.CHARGED_BACK,
    ("charged_back", "reimbursed"): ChargeStatus.DISPUTE_WON,
}
_GIVEBACK_WORDS: Final = {"processed": GivebackStatus.DONE, "failed": GivebackStatus.REJECTED}


def status(order: Json) -> ChargeStatus:
    """The status; UNKNOWN for a pair nobody knows, and for an order that is processed while a payment of it is not."""
    word, detail = _pair(order)
    if (word, detail) in _PAID:
        paid = [_pair(payment) in _PAID for payment in _payments(order)]
        return ChargeStatus.APPROVED if paid and all(paid) else ChargeStatus.UNKNOWN
    return _WORDS.get((word, detail)) or _WORDS.get((word, _ANY)) or ChargeStatus.UNKNOWN


def snapshot(order: Json) -> Snapshot:
    """The order; once it is paid, its amount is what was paid. Raises BrokenAnswer."""
    currency = wire.text(order, "currency") or BRL
    found, payments = status(order), _payments(order)
    amount = _amount(order, payments, currency, paid=found is ChargeStatus.APPROVED)
    given = givebacks(order, currency)
    order_id = wire.required(order, "id")
    return Snapshot(
        id=order_id,
        reference=wire.text(order, "external_reference"),
        status=found,
        detail=_detail(order, payments),
        amount=amount,
        refunded=_refunded(payments, given, amount, found),
        updated_at=wire.instant(order.get("last_updated_date"), what="last_updated_date"),
        givebacks=given,
        live=order.get("live_mode") is not False and not order_id.startswith(TEST_PREFIX),
        pix=_pix(payments),
    )


def givebacks(order: Json, currency: str = BRL) -> tuple[Giveback, ...]:
    """The refunds that an answer lists; a status that the API does not list goes on. Raises BrokenAnswer."""
    return tuple(
        Giveback(
            id=wire.required(refund, "id"),
            amount=wire.money(refund.get("amount"), currency, what="the refund's amount"),
            status=_GIVEBACK_WORDS.get(wire.text(refund, "status"), GivebackStatus.IN_PROCESS),
            detail=wire.text(refund, "status"),
        )
        for refund in wire.rows(wire.part(order, "transactions"), "refunds")
    )


def transaction_id(order: Json) -> str:
    """The id of its payment, which a partial refund names. Raises BrokenAnswer unless there is one."""
    payments = _payments(order)
    if len(payments) != 1:
        raise wire.BrokenAnswer("an order of ours has one payment")
    return wire.required(payments[0], "id")


def _payments(order: Json) -> Sequence[Json]:
    return wire.rows(wire.part(order, "transactions"), "payments")


def _pair(body: Json) -> tuple[str, str]:
    return wire.text(body, "status"), wire.text(body, "status_detail")


def _detail(order: Json, payments: Sequence[Json]) -> str:
    """The order's own; where that only says `failed`, the payment's reason."""
    own = wire.text(order, "status_detail")
    return next((wire.text(payment, "status_detail") for payment in payments), own) if own == "failed" else own


def _amount(order: Json, payments: Sequence[Json], currency: str, *, paid: bool) -> Money:
    if not paid:
        return wire.money(order.get("total_amount"), currency, what="total_amount")
    said = [payment.get("paid_amount", payment.get("amount")) for payment in payments]
    return total((wire.money(one, currency, what="paid_amount") for one in said), currency)


def _refunded(payments: Sequence[Json], given: Sequence[Giveback], amount: Money, found: ChargeStatus) -> Money:
    said = [payment["refunded_amount"] for payment in payments if payment.get("refunded_amount") is not None]
    if said:
        return total((wire.money(one, amount.currency, what="refunded_amount") for one in said), amount.currency)
    if not given and found is ChargeStatus.REFUNDED:
        return amount
    return total((one.amount for one in given if one.status is GivebackStatus.DONE), amount.currency)


def _pix(payments: Sequence[Json]) -> PixOffer | None:
    for payment in payments:
        method = wire.part(payment, "payment_method")
        if code := wire.text(method, "qr_code"):
            expires_at = wire.optional_instant(payment.get("date_of_expiration"))
            return PixOffer(code=code, expires_at=expires_at, ticket_url=wire.text(method, "ticket_url"))
    return None
