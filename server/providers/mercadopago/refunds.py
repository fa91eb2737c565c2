"""A refund that Mercado Pago refused or answered unclearly: what is there decides (billing.md R26-R29).

Neither API says by whose key a refund was made, so one is taken for ours only where nothing else can be meant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from domain.billing.charge import Giveback, GivebackStatus, ProviderAmbiguous, Snapshot
from domain.money import Money
from server.providers.mercadopago.client import Refusal

RUNNING: Final = frozenset(
    {"order_refund_already_in_process", "refund_in_progress", "idempotency_key_already_used", "resource_locked"}
)
"""Refusals that say that some refund is under way, and not whose."""

DEFINITE: Final = frozenset(
    {
        *("refund_amount_exceeds", "unsupported_partially_refunds", "in_store_payment_refund_order"),
        *("invalid_order_owner", "invalid_path_param", "order_not_found", "transaction_not_found"),
        *("cannot_refund_order", "order_already_refunded"),
        *("json_syntax_error", "property_type", "property_value", "required_properties", "unsupported_properties"),
        # The Payments API: no such payment, not its state, too many, too old, not this kind, no money, no such amount.
        *("2000", "2018", "2063", "2022", "2024", "15016", "2025", "2027", "2029", "2021", "2030", "2031", "3024"),
        *("4040", "4041", "4292"),
    }
)
"""400s that deny a refund; any other 400 to a PIX may be a refund that hangs at the central bank (R28)."""


def after_refusal(refusal: Refusal, present: Snapshot, amount: Money, *, whole: bool) -> Giveback:
    """Our refund if it is there after all. Raises the refusal when it is definite, else ProviderAmbiguous."""
    ours = _there(present, amount, whole=whole)
    if ours:
        return ours
    if refusal.code in RUNNING or (refusal.status == 400 and refusal.code not in DEFINITE):
        raise ProviderAmbiguous(f"HTTP {refusal.status}, {refusal.reason}: no refund of this amount is there yet")
    raise refusal


def newest(answered: Sequence[Giveback], known: Collection[str], amount: Money, *, whole: bool) -> Giveback | None:
    """Ours among the refunds that an answer to our request lists: one that was not there before it, else the last.

    The last is the one with the greatest id, which is a ULID: in what order they are listed is nowhere said.
    """
    meant = [one for one in answered if whole or one.amount == amount]
    new = [one for one in meant if one.id not in known]
    return max(new or meant, key=lambda one: one.id, default=None)


def _there(present: Snapshot, amount: Money, *, whole: bool) -> Giveback | None:
    same = [one for one in present.givebacks if one.amount == amount]
    waiting = [one for one in same if one.status is GivebackStatus.IN_PROCESS]
    if waiting:
        return waiting[-1]
    # With all of the money gone, an equal refund can only be ours or do for it; with a part gone, it may be an earlier.
    if whole or present.refunded == present.amount:
        return next((one for one in reversed(same) if one.status is GivebackStatus.DONE), None)
    return None
