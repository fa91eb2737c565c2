"""What is said to a payment provider and what it answers, in nobody's wire format (billing.md D)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.billing.customer import Customer
from domain.money import Money


class ChargeStatus(Enum):
    """What a provider says of a charge. UNKNOWN is a word we do not know: never taken for an approval."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    DISPUTE_WON = "DISPUTE_WON"
    CHARGED_BACK = "CHARGED_BACK"
    UNKNOWN = "UNKNOWN"


class GivebackStatus(Enum):
    """What a provider says of one refund."""

    IN_PROCESS = "IN_PROCESS"
    DONE = "DONE"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What we ask a provider to collect.

    `reference` is our payment's id, by which the charge is found again; `key` makes a repeat of the same request
    harmless; `script` is for the sandbox alone.
    """

    reference: UUID
    key: UUID
    amount: Money
    description: str
    customer: Customer
    expires_at: datetime
    script: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixOffer:
    """How the customer pays: the code to copy or scan, and until when. `ticket_url` may be empty."""

    code: str
    expires_at: datetime | None = None
    ticket_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Giveback:
    """One refund as the provider knows it, whoever asked for it."""

    id: str
    amount: Money
    status: GivebackStatus
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A charge as the provider had it at `updated_at` (its own clock).

    `reference` is what it says ours is, as text: a stranger's charge may hold anything. `refunded` is the sum of all
    that went back, whoever asked; `fee` is what the provider kept, None when it does not say. `live` False: a test's.
    """

    id: str
    reference: str
    status: ChargeStatus
    detail: str
    amount: Money
    refunded: Money
    updated_at: datetime
    givebacks: tuple[Giveback, ...] = ()
    fee: Money | None = None
    live: bool = True
    pix: PixOffer | None = None


class ProviderAmbiguous(Exception):
    """Nobody can say whether the provider did it: a time-out, a broken answer, a lock, its own failure.

    The same call with the same key is safe; `retry_after` is what the provider asks for, in seconds.
    """

    def __init__(self, what: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(what)


class ProviderRefused(Exception):
    """The provider did not do it and will not: `reason` is a short stable name, the text never personal."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)
