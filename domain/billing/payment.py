"""One attempt to pay a budget: its rules, and the facts they make (billing.md B.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.billing.accounts import capture, chargeback, giveback
from domain.billing.budget import Budget
from domain.billing.charge import Snapshot
from domain.billing.errors import NothingToRefund, PaymentIsDisputed, RefundInProgress
from domain.billing.events import (
    PaymentConfirmed,
    PaymentDisputed,
    PaymentDisputeWon,
    PaymentPending,
    PaymentReversalFailed,
    PaymentReversed,
)
from domain.billing.line_item import must_be_billable
from domain.billing.payment_lifecycle import (
    HELD,
    LIFECYCLE,
    PARTLY,
    REVERSED,
    PaymentAction,
    PaymentStatus,
)
from domain.billing.payment_state import PaymentState
from domain.billing.refund import RefundStatus, ReversalKind
from domain.identity import derived_id
from domain.money import Money
from domain.posting import Entry

METHOD: Final = "PIX"
CANCELED, SUPERSEDED, UNAVAILABLE = "CANCELED", "SUPERSEDED", "PROVIDER_UNAVAILABLE"
"""Why an attempt failed when it was not the customer's bank that refused it."""


@dataclass(kw_only=True)
class Payment(PaymentState):
    """Pagamento: one attempt to pay, and everything that may happen to it."""

    @classmethod
    def start(
        cls, payment_id: UUID, budget: Budget, *, provider: str, expires_at: datetime, at: datetime, script: str = ""
    ) -> Payment:
        """The intent to take a budget's total; the provider is asked after it is committed (P1)."""
        payment = cls(
            id=payment_id,
            work_order_id=budget.work_order_id,
            workshop_id=budget.workshop_id,
            customer_id=budget.customer.id,
            budget_id=budget.id,
            amount=budget.total or Money(0),
            provider=provider,
            idempotency_key=derived_id("charge", str(payment_id)),
            expires_at=expires_at,
            created_at=at,
            updated_at=at,
            script=script,
        )
        payment._move(PaymentAction.START, at)
        return payment

    def dispatch(self, *, at: datetime) -> None:
        """The provider is about to be asked (P2)."""
        self._move(PaymentAction.DISPATCH, at)

    def pend(self, seen: Snapshot, *, at: datetime) -> None:
        """The provider waits for the customer (P3); it is canceled there if we want it no more (P4)."""
        self._believe(seen)
        if self.withdrawn:
            self._move(PaymentAction.RECALL, at)
            return
        self.pix = seen.pix
        self._move(PaymentAction.PEND, at, PaymentPending, {"payment_method": METHOD})

    def withdraw(self, reason: str, *, at: datetime) -> bool:
        """Want it no more: what the provider has not seen ends here, the rest when the provider says so.

        Answers False for a repeat. Raises IllegalTransition.
        """
        if self.withdrawn or not LIFECYCLE.changes(self.status, PaymentAction.WITHDRAW):
            return False
        self.withdrawn, self.giveback = reason, self.status is not PaymentStatus.CREATED
        if self.giveback:
            self._move(PaymentAction.WITHDRAW, at)
        else:
            self._fail(PaymentAction.WITHDRAW, reason, "", at)
        return True

    def end(
        self, action: PaymentAction, reason: str, *, at: datetime, seen: Snapshot | None = None, detail: str = ""
    ) -> None:
        """No money came: REJECT, EXPIRE, CANCEL or GIVE_UP (P5, P6). What was withdrawn ends for that reason."""
        if seen is not None:
            self._believe(seen)
        self.giveback = False
        self._fail(action, self.withdrawn or reason, seen.detail if seen else detail, at)

    def confirm(self, seen: Snapshot, *, amount_due: Money, at: datetime) -> None:
        """The money is here and was owed (P7). `amount_due` is what the budget still lacks afterwards."""
        self._capture(seen, at)
        self.giveback = False
        self._move(
            PaymentAction.CONFIRM,
            at,
            PaymentConfirmed,
            {"amount_due_cents": amount_due.cents, "budget_fully_paid": not amount_due.cents},
            entry=capture(self.captured, seen.fee, owed=True),
        )

    def send_back(self, seen: Snapshot, *, reason: str, at: datetime) -> None:
        """The money is here and nobody owes it: all of it goes back, and only then is anybody told (P8)."""
        self._capture(seen, at)
        self.giveback = self.surplus = True
        self._ask_back(self.captured, reason)
        self._move(PaymentAction.RETURN, at, entry=capture(self.captured, seen.fee, owed=False))

    def bounce(self, seen: Snapshot, *, at: datetime) -> None:
        """The money came and went before we looked: nothing is kept, and partners are told that it went."""
        self._capture(seen, at)
        self.surplus = True
        came = capture(self.captured, seen.fee, owed=False)
        self._reverse(
            PaymentAction.REVERSE, self.captured, ReversalKind.PROVIDER, reason=seen.detail, at=at, before=came
        )

    def refund(self, amount: Money, *, reason: str, at: datetime) -> None:
        """Give some back (P10). Raises PaymentIsDisputed, RefundInProgress, NothingToRefund, WrongCurrency and more."""
        if self.status is PaymentStatus.DISPUTED:
            raise PaymentIsDisputed
        if self.refunds.in_flight or (self.refunds.unsettled and self.refunds.unsettled.amount != amount):
            raise RefundInProgress
        LIFECYCLE.next(self.status, PaymentAction.REFUND)
        must_be_billable(amount)
        if not 0 < amount.cents <= self.left.cents:
            raise NothingToRefund(metadata={"refundable_cents": str(self.left.cents)})
        self._ask_back(amount, reason)
        self._move(PaymentAction.REFUND, at)

    def retry_refund(self, *, at: datetime) -> None:
        """Ask again for the refund that failed (P13): what may have gone after all by its own key, and else all that
        must go back. Raises as `refund` does.
        """
        last, waits = self.refunds.all[-1] if self.refunds.all else None, self.refunds.unsettled
        wanted = self.left if last is None or self.giveback else min(last.amount, self.left)
        self.refund(waits.amount if waits else wanted, reason=last.reason if last else "", at=at)

    def give_back(self, reason: str, *, at: datetime) -> bool:
        """All of its money must go back: now, or as soon as a refund under way or a dispute lets it (B.4).

        Answers False, changing nothing, when that is so already, or when there is no money here.
        """
        if self.status not in HELD or (self.giveback and self.status is not PaymentStatus.REFUND_FAILED):
            return False
        self.giveback = True
        if self.status in (PaymentStatus.REFUNDING, PaymentStatus.DISPUTED):
            self._move(PaymentAction.OWE, at)
        else:
            self._ask_back(self.left, reason)
            self._move(PaymentAction.REFUND, at)
        return True

    def refunded(
        self, sequence: int, *, at: datetime, amount: Money | None = None, provider_refund_id: str = ""
    ) -> bool:
        """The provider gave our refund back (P11), if it says so another amount than we asked for.

        Answers False when it is not one that we still wait for.
        """
        asked = self.refunds.awaited(sequence)
        if asked is None or self.status not in HELD:
            return False
        self.refunds = self.refunds.settled(RefundStatus.DONE, provider_refund_id)
        gone = min(amount or asked.amount, self.left)
        if gone == self.left:
            action = PaymentAction.REVERSE
        elif self.status is PaymentStatus.DISPUTED:
            action = PaymentAction.REVERSE_SOME
        else:
            action = PaymentAction.REVERSE_ON if self.giveback else PaymentAction.REVERSE_PART
        self._reverse(action, gone, ReversalKind.REFUND, reason=asked.reason, at=at)
        return True

    def refund_failed(self, sequence: int, reason: str, *, definitive: bool, at: datetime) -> bool:
        """The provider refused our refund, or nobody could say for too long (P12). Answers False as `refunded` does.

        During a dispute it stays asked for. What must go back is told to be late once, however often it fails.
        """
        asked, known = self.refunds.awaited(sequence), self.status is PaymentStatus.REFUND_FAILED
        failing = self.status is PaymentStatus.REFUNDING or (known and definitive)
        if asked is None or not failing:
            return False
        self.refunds = self.refunds.settled(RefundStatus.FAILED if definitive else RefundStatus.AMBIGUOUS)
        self.detail = reason
        told = None if known or (self.giveback and self.refunds.failed_before) else PaymentReversalFailed
        self._move(PaymentAction.FAIL_REFUND, at, told, {"reason": reason} if told else {})
        return True

    def reversed_elsewhere(self, gone: Money, *, detail: str, at: datetime) -> None:
        """The provider says that `gone` went back in all, more than we know of, without our asking (P14)."""
        action = PARTLY[self.status] if gone != self.captured and self.status else PaymentAction.REVERSE
        if action is PaymentAction.REVERSE_PART and self.giveback:
            action = PaymentAction.REVERSE_ON
        self._reverse(action, gone - self.reversed, ReversalKind.PROVIDER, reason=detail, at=at)

    def dispute(self, reason: str, *, at: datetime) -> None:
        """The customer disputes it (P15)."""
        self._move(PaymentAction.DISPUTE, at, PaymentDisputed, {"reason": reason})

    def charge_back(self, reason: str, *, at: datetime) -> None:
        """The bank took what was left of it (P16)."""
        self._reverse(PaymentAction.CHARGE_BACK, self.left, ReversalKind.CHARGEBACK, reason=reason, at=at)

    def win(self, *, owed: bool, at: datetime) -> None:
        """The dispute ended for us (P17); what is not owed any more goes back now."""
        if owed and not self.giveback and not self.refunds.unsettled:
            action = PaymentAction.WIN_PART if self.reversed.cents else PaymentAction.WIN
        else:
            action = PaymentAction.WIN_BACK
            self.giveback = self.giveback or not owed
            if self.refunds.unsettled:
                self.refunds = self.refunds.settled(RefundStatus.REQUESTED)
            else:
                self._ask_back(self.left, "the dispute was won, and the money is not owed")
        self._move(action, at, PaymentDisputeWon)

    def _ask_back(self, amount: Money, reason: str) -> None:
        held = self.captured
        self.refunds = self.refunds.asking(self.id, amount, captured=held, reason=reason, everything=self.giveback)

    def _reverse(
        self, action: PaymentAction, amount: Money, kind: ReversalKind, *, reason: str, at: datetime, before: Entry = ()
    ) -> None:
        book = chargeback if kind is ReversalKind.CHARGEBACK else giveback
        self.reversed += amount
        if self.refunds.in_flight and action in (PaymentAction.REVERSE, PaymentAction.CHARGE_BACK):
            self.refunds = self.refunds.settled(RefundStatus.FAILED)
        if action is PaymentAction.REVERSE_ON:
            self._ask_back(self.left, reason)
        self._move(
            action,
            at,
            PaymentReversed,
            {
                "status": REVERSED,
                "amount_cents": amount.cents,
                "reason": reason,
                "cumulative_amount_cents": self.reversed.cents,
                "fully_reversed": self.reversed == self.captured,
                "reversal_kind": kind.value,
            },
            entry=(*before, *book(amount, owed=not self.surplus)),
        )
