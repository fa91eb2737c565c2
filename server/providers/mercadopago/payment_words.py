"""What the Payments API says of a payment, in the domain's words: the mapping table of billing.md D.1."""

from __future__ import annotations

from typing import Final

from domain.billing.charge import ChargeStatus, Giveback, GivebackStatus, PixOffer, Snapshot
from domain.money import BRL, Money
from server.providers.mercadopago import wire
from server.providers.mercadopago.wire import Json

_ANY: Final = "*"
_WORDS: Final = {
    ("pending", _ANY): ChargeStatus.PENDING,
    ("in_process", _ANY): ChargeStatus.PENDING,
    ("authorized", _ANY): ChargeStatus.PENDING,
    ("approved", "accredited"): ChargeStatus.APPROVED,
    ("approved", "partially_refunded"): ChargeStatus.APPROVED,
    ("rejected", _ANY): ChargeStatus.REJECTED,
    ("cancelled", "expired"): ChargeStatus.EXPIRED,
    ("cancelled", _ANY): ChargeStatus.CANCELED,
    ("refunded", _ANY): ChargeStatus.REFUNDED,
    ("in_mediation", _ANY): ChargeStatus.DISPUTED,
    ("charged_back", "in_process"): ChargeStatus.DISPUTED,
    ("charged_back", "settled"): ChargeStatus.CHARGED_BACK,
    ("charged_back", "reimbursed"): ChargeStatus.DISPUTE_WON,
}
_GIVEBACK_WORDS: Final = {
    "approved": GivebackStatus.DONE,
    "rejected": GivebackStatus.REJECTED,
    "cancelled": GivebackStatus.REJECTED,
}


def status(payment: Json) -> ChargeStatus:
    """The status; UNKNOWN for a pair that the table does not have."""
    word, detail = wire.text(payment, "status"), wire.text(payment, "status_detail")
    return _WORDS.get((word, detail)) or _WORDS.get((word, _ANY)) or ChargeStatus.UNKNOWN


def snapshot(payment: Json) -> Snapshot:
    """The payment; its amount is `transaction_amount`, which interest does not change. Raises BrokenAnswer."""
    currency = wire.text(payment, "currency_id") or BRL
    amount = wire.money(payment.get("transaction_amount"), currency, what="transaction_amount")
    found = status(payment)
    return Snapshot(
        id=wire.required(payment, "id"),
        reference=wire.text(payment, "external_reference"),
        status=found,
        detail=wire.text(payment, "status_detail"),
        amount=amount,
        refunded=_refunded(payment, amount, found),
        updated_at=wire.instant(payment.get("date_last_updated"), what="date_last_updated"),
        givebacks=tuple(giveback(row, currency) for row in wire.rows(payment, "refunds")),
        fee=_fee(payment, amount),
        live=payment.get("live_mode") is not False,
        pix=_pix(payment),
    )


def giveback(refund: Json, currency: str = BRL) -> Giveback:
    """One refund; a status that the API does not list is taken for one that goes on. Raises BrokenAnswer."""
    word = wire.text(refund, "status")
    return Giveback(
        id=wire.required(refund, "id"),
        amount=wire.money(refund.get("amount"), currency, what="the refund's amount"),
        status=_GIVEBACK_WORDS.get(word, GivebackStatus.IN_PROCESS),
        detail=word,
    )


def _refunded(payment: Json, amount: Money, found: ChargeStatus) -> Money:
    said = payment.get("transaction_amount_refunded")
    if said is not None:
        return wire.money(said, amount.currency, what="transaction_amount_refunded")
    return amount if found is ChargeStatus.REFUNDED else Money(0, amount.currency)


def _fee(payment: Json, amount: Money) -> Money | None:
    """What the seller paid for it; None when it is not said, or not in whole centavos."""
    ours = [row for row in wire.rows(payment, "fee_details") if wire.text(row, "fee_payer") in ("", "collector")]
    net = wire.part(payment, "transaction_details").get("net_received_amount")
    try:
        if ours:
            return Money(sum(wire.money(row.get("amount")).cents for row in ours), amount.currency)
        received = wire.money(net, amount.currency)
    except wire.BrokenAnswer:
        return None
    # Nothing is received before the approval; that is no fee.
    return amount - received if 0 < received.cents <= amount.cents else None


def _pix(payment: Json) -> PixOffer | None:
    said = wire.part(wire.part(payment, "point_of_interaction"), "transaction_data")
    code = wire.text(said, "qr_code")
    expires_at = wire.optional_instant(payment.get("date_of_expiration"))
    return PixOffer(code=code, expires_at=expires_at, ticket_url=wire.text(said, "ticket_url")) if code else None
