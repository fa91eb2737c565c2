"""What an installation decides about its billing; set once, at start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRules:
    """`default_amount` prices what nothing else prices; None: such a budget waits without a price.

    `require_send`: a draft cannot be approved. `auto_approve`: a budget with a price is approved as it is made.
    `charge_on_approval`: an approval starts a payment. `accept_late`: money that comes after its attempt was over is
    taken if the budget still needs it, else it goes back. `live` False: the provider's test money is taken too.
    """

    default_amount: Money | None = None
    validity_days: int = 10
    require_send: bool = False
    auto_approve: bool = False
    charge_on_approval: bool = False
    max_attempts: int = 5
    accept_late: bool = True
    provider: str = "sandbox"
    live: bool = False
    payment_validity: timedelta = timedelta(hours=24)
    refund_window: timedelta = timedelta(days=90)
    """How long a PIX can be given back: 90 days, less than Mercado Pago's own 180 (billing.md D.1)."""
