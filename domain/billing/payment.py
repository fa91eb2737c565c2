"""One attempt to pay a budget: its rules, and the facts they make (billing.md B.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.accounts import capture, chargeback, giveback
from domain.billing.budget import Budget
from domain.billing.charge import PixOffer, Snapshot
from domain.billing.errors import NothingToRefund, PaymentIsDisputed, RefundInProgress
from domain.billing.events import (
    PaymentConfirmed,
    PaymentDisputed,
    PaymentDisputeWon,
    PaymentFact,
    PaymentFailed,
    PaymentPending,
    PaymentReversalFailed,
    PaymentReversed,
)
from domain.billing.line_item import must_be_billable
from domain.billing.payment_lifecycle import (
    HELD,
    LIFECYCLE,
    OPEN,
    PARTLY,
    PARTNERS,
    REVERSED,
    TASKS,
    VERBS,
    PaymentAction,
    PaymentStatus,
)
from domain.billing.refund import Refunds, RefundStatus, ReversalKind
from domain.identity import derived_id
from domain.money import Money
from domain.posting import Entry
from domain.tasks import Due

METHOD: Final = "PIX"
CANCELED, SUPERSEDED, UNAVAILABLE = "CANCELED", "SUPERSEDED", "PROVIDER_UNAVAILABLE"
"""Why an attempt failed when it was not the customer's bank that refused it."""

_NOTHING: Final = Money(0)
_NO_REFUNDS: Final = Refunds()


@dataclass(kw_only=True)
class Payment(Aggregate):
    """Pagamento. `captured` came and `reversed` went back, of `amount`; `giveback`: all of it must go back.

    `idempotency_key` is its charge's; `surplus`: its capture was owed by nobody. `withdrawn` is why we want
    it no more, empty while we do. `provider_updated_at` is the provider's clock in what was last believed.
    """

    subject = "payment"

    work_order_id: UUID
    workshop_id: str
    customer_id: UUID | None
    budget_id: UUID
    amount: Money
    provider: str
    idempotency_key: UUID
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    script: str = ""
    status: PaymentStatus | None = None
    captured: Money = _NOTHING
    reversed: Money = _NOTHING
    refunds: Refunds = _NO_REFUNDS
    giveback: bool = False
    surplus: bool = False
    withdrawn: str = ""
    detail: str = ""
    provider_payment_id: str = ""
    provider_updated_at: datetime | None = None
    pix: PixOffer | None = None
    confirmed_at: datetime | None = None

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
            amount=budget.total or _NOTHING,
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
        if self.refunds.in_flight:
            raise RefundInProgress
        LIFECYCLE.next(self.status, PaymentAction.REFUND)
        must_be_billable(amount)
        if not 0 < amount.cents <= self.left.cents:
            raise NothingToRefund(metadata={"refundable_cents": str(self.left.cents)})
        self._ask_back(amount, reason)
        self._move(PaymentAction.REFUND, at)

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

    def refunded(self, sequence: int, *, at: datetime, provider_refund_id: str = "") -> bool:
        """The provider gave our refund back (P11). Answers False when it is not one that we still wait for."""
        asked = self.refunds.awaited(sequence)
        if asked is None or self.status not in HELD:
            return False
        self.refunds = self.refunds.settled(RefundStatus.DONE, provider_refund_id)
        rest = self.left - asked.amount
        if not rest.cents:
            action = PaymentAction.REVERSE
        elif self.status is PaymentStatus.DISPUTED:
            action = PaymentAction.REVERSE_SOME
        else:
            action = PaymentAction.REVERSE_ON if self.giveback else PaymentAction.REVERSE_PART
        self._reverse(action, asked.amount, ReversalKind.REFUND, reason=asked.reason, at=at)
        return True

    def refund_failed(self, sequence: int, reason: str, *, definitive: bool, at: datetime) -> bool:
        """The provider refused our refund, or nobody could say for too long (P12). Answers False as `refunded` does.

        During a dispute it stays asked for.
        """
        asked = self.refunds.in_flight
        if asked is None or asked.sequence != sequence or self.status is not PaymentStatus.REFUNDING:
            return False
        self.refunds = self.refunds.settled(RefundStatus.FAILED if definitive else RefundStatus.AMBIGUOUS)
        self.detail = reason
        self._move(PaymentAction.FAIL_REFUND, at, PaymentReversalFailed, {"reason": reason})
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
        if owed and not self.giveback and not self.refunds.in_flight:
            action = PaymentAction.WIN_PART if self.reversed.cents else PaymentAction.WIN
        else:
            action = PaymentAction.WIN_BACK
            self.giveback = self.giveback or not owed
            if not self.refunds.in_flight:
                self._ask_back(self.left, "the dispute was won, and the money is not owed")
        self._move(action, at, PaymentDisputeWon)

    @property
    def key(self) -> str:
        """Its work order's id."""
        return str(self.work_order_id)

    @property
    def open(self) -> bool:
        """Whether money may still come, and is expected."""
        return self.status in OPEN

    @property
    def kept(self) -> bool:
        """Whether it holds money that may stay."""
        return self.status in HELD and not self.giveback

    @property
    def left(self) -> Money:
        """What came and did not go back."""
        return self.captured - self.reversed

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a person may do with it now, as verbs."""
        return () if self.withdrawn else tuple(VERBS[a] for a in LIFECYCLE.allowed(self.status) if a in VERBS)

    @property
    def due(self) -> Due | None:
        """What only the provider can end, to be asked for."""
        work = TASKS.get(self.status) if self.status else None
        return Due(work[0], self.updated_at + work[1]) if work else None

    def _capture(self, seen: Snapshot, at: datetime) -> None:
        self._believe(seen)
        self.captured, self.confirmed_at, self.withdrawn = seen.amount, at, ""

    def _believe(self, seen: Snapshot) -> None:
        self.provider_payment_id, self.provider_updated_at, self.detail = seen.id, seen.updated_at, seen.detail

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

    def _fail(self, action: PaymentAction, reason: str, detail: str, at: datetime) -> None:
        self.detail = detail or reason
        self._move(action, at, PaymentFailed, {"reason": reason, "reason_detail": detail})

    def _move(
        self,
        action: PaymentAction,
        at: datetime,
        tells: type[PaymentFact] | None = None,
        said: Mapping[str, Any] | None = None,
        *,
        entry: Entry = (),
    ) -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        fact = None if tells is None else tells(**{**self._said(), **(said or {})})
        self.record(action.value, before.value if before else None, self.status.value, at=at, fact=fact, entry=entry)

    def _said(self) -> dict[str, Any]:
        """What every fact about it says."""
        return {
            "aggregate_id": self.id,
            "aggregate_version": self.next_version,
            "os_id": self.work_order_id,
            "payment_id": self.id,
            "budget_id": self.budget_id,
            "provider_payment_id": self.provider_payment_id or None,
            "status": PARTNERS[self.status] if self.status else 0,
            "status_detail": self.status.value if self.status else "",
            "amount_cents": self.amount.cents,
        }
