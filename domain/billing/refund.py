"""Money of a payment on its way back: each refund, whoever began it, and the one that may be under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from uuid import UUID

from domain.identity import derived_id
from domain.money import Money


class RefundStatus(Enum):
    """Whether the money went back. AMBIGUOUS: it was given up while nobody could say, and may have gone after all."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"
    FAILED = "FAILED"
    AMBIGUOUS = "AMBIGUOUS"


class ReversalKind(Enum):
    """Who took the money back: we, the provider (or somebody in its panel), or the bank."""

    REFUND = "REFUND"
    PROVIDER = "PROVIDER"
    CHARGEBACK = "CHARGEBACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """What we asked a provider to give back. `key` makes a repeat of the same request harmless there.

    `whole`: of everything that was captured. `provider_refund_id` is empty until the provider told it.
    """

    sequence: int
    key: UUID
    amount: Money
    whole: bool
    status: RefundStatus
    reason: str
    provider_refund_id: str = ""


@dataclass(frozen=True, slots=True)
class Refunds:
    """The refunds of one payment, oldest first; only the last can be under way."""

    all: tuple[Refund, ...] = ()

    @property
    def in_flight(self) -> Refund | None:
        """The one that the provider was asked for and has not settled."""
        return self._last(RefundStatus.REQUESTED)

    def awaited(self, sequence: int) -> Refund | None:
        """The one with this number, if it may still turn out to be done."""
        last = self._last(RefundStatus.REQUESTED, RefundStatus.AMBIGUOUS)
        return last if last and last.sequence == sequence else None

    @property
    def failed_before(self) -> bool:
        """Whether one before the last failed too: that money is late was told then."""
        return any(one.status in (RefundStatus.FAILED, RefundStatus.AMBIGUOUS) for one in self.all[:-1])

    @property
    def unsettled(self) -> Refund | None:
        """The one that may still turn out to be done."""
        return self._last(RefundStatus.REQUESTED, RefundStatus.AMBIGUOUS)

    def asking(
        self, payment_id: UUID, amount: Money, *, captured: Money, reason: str, everything: bool = False
    ) -> Refunds:
        """With one more; an ambiguous one of the same amount is asked for again, by its own key (P13).

        `everything`: so is one of a part, since the rest follows when it is known to be done.
        """
        last = self._last(RefundStatus.AMBIGUOUS)
        if last and (last.amount == amount or everything):
            return self.settled(RefundStatus.REQUESTED)
        sequence = len(self.all) + 1
        asked = Refund(
            sequence=sequence,
            key=derived_id("refund", str(payment_id), str(sequence)),
            amount=amount,
            whole=amount == captured,
            status=RefundStatus.REQUESTED,
            reason=reason,
        )
        return Refunds((*self.all, asked))

    def settled(self, status: RefundStatus, provider_refund_id: str = "") -> Refunds:
        """With another status of the last one."""
        *before, last = self.all
        told = provider_refund_id or last.provider_refund_id
        return Refunds((*before, replace(last, status=status, provider_refund_id=told)))

    def _last(self, *statuses: RefundStatus) -> Refund | None:
        last = self.all[-1] if self.all else None
        return last if last and last.status in statuses else None
