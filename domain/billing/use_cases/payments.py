"""Attempts to pay: begun, told about by the provider, taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.actor import Call
from domain.billing.charge import Giveback, Snapshot
from domain.billing.errors import RefundWindowClosed
from domain.billing.observing import Effect, Observed, observe
from domain.billing.payment import CANCELED, UNAVAILABLE, Payment
from domain.billing.payment_lifecycle import PaymentAction, PaymentStatus
from domain.billing.ports import Begin
from domain.billing.provider_notice import ProviderNotice
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.billing.use_cases.loading import saga_of_budget, saga_of_payment, save
from domain.clock import Clock
from domain.identity import Ids, derived_id
from domain.lifecycle import IllegalTransition
from domain.money import Money
from domain.retry import retried


@dataclass(frozen=True, slots=True)
class Payments:
    """The use cases of payments."""

    begin: Begin
    clock: Clock
    ids: Ids
    rules: BillingRules

    @retried
    async def start_payment(
        self, call: Call, budget_id: UUID, *, amount: Money | None = None, script: str = ""
    ) -> Payment:
        """Commit the intent to take an approved budget's total; the provider is asked right afterwards (P1).

        Raises BudgetNotFound, and as `Saga.start_payment` does.
        """
        async with self.begin(call) as work:
            saga = await saga_of_budget(work, call, budget_id)
            payment = saga.start_payment(self.ids.new(), self.rules, at=self.clock.now(), amount=amount, script=script)
            save(work, saga)
            await work.commit(payment)
            return payment

    async def cancel_payment(self, call: Call, payment_id: UUID) -> Payment:
        """Want an attempt no more. It ends at once, or when the provider has withdrawn it.

        Money that comes in between is kept if its budget still needs it. Raises PaymentNotFound, IllegalTransition.
        """
        now = self.clock.now()
        return await self._changed(call, payment_id, lambda _, payment: payment.withdraw(CANCELED, at=now))

    async def refund_payment(self, call: Call, payment_id: UUID, *, amount: Money | None, reason: str) -> Payment:
        """Give an amount back, or all that is left (P10).

        Raises PaymentNotFound, RefundWindowClosed, and as `Payment.refund` does.
        """

        def refund(_: Saga, payment: Payment) -> None:
            self._must_be_refundable(payment)
            payment.refund(payment.left if amount is None else amount, reason=reason, at=self.clock.now())

        return await self._changed(call, payment_id, refund)

    async def retry_refund(self, call: Call, payment_id: UUID) -> Payment:
        """Ask again for a refund that failed (P13). Raises PaymentNotFound, and as `Payment.refund` does."""

        def retry(_: Saga, payment: Payment) -> None:
            failed = payment.status is PaymentStatus.REFUND_FAILED
            if not failed and payment.status is not PaymentStatus.DISPUTED and not payment.refunds.in_flight:
                raise IllegalTransition(f"payment is {payment.status and payment.status.name}: no refund of it failed")
            payment.retry_refund(at=self.clock.now())

        return await self._changed(call, payment_id, retry)

    @retried
    async def dispatch(self, call: Call, payment_id: UUID) -> Payment | None:
        """Write that the provider is about to be asked (P2); None when it shall not be, or was already."""
        async with self.begin(call) as work:
            saga = await saga_of_payment(work, call, payment_id)
            payment = saga.payment(payment_id)
            wanted = saga.dispatch(payment, at=self.clock.now())
            save(work, saga)
            await work.commit()
            return payment if wanted else None

    @retried
    async def observe(
        self, call: Call, payment_id: UUID, seen: Snapshot, notice: ProviderNotice | None = None
    ) -> Observed:
        """Apply what the provider says of a charge; what cannot be believed is kept for a person to look at.

        `notice` is what made us look, if anything did. Raises PaymentNotFound.
        """
        async with self.begin(call) as work:
            saga = await saga_of_payment(work, call, payment_id)
            payment, now = saga.payment(payment_id), self.clock.now()
            observed = observe(saga, payment, seen, self.rules, at=now)
            if notice is not None:
                notice.settle(observed, payment.id, at=now)
                work.notices.save(notice)
            elif observed.effect is Effect.QUARANTINED:
                await work.notices.add(self._seen_by_asking(payment, seen, observed))
            save(work, saga)
            await work.commit()
            return observed

    async def refuse(self, call: Call, payment_id: UUID, reason: str) -> None:
        """The provider will not make the charge (P5)."""

        def refuse(_: Saga, payment: Payment) -> None:
            if payment.status is PaymentStatus.UNKNOWN:
                payment.end(PaymentAction.REJECT, "REJECTED", detail=reason, at=self.clock.now())

        await self._changed(call, payment_id, refuse)

    async def give_up(self, call: Call, payment_id: UUID) -> None:
        """The provider knows nothing of the charge, however often it was asked (P6)."""

        def give_up(_: Saga, payment: Payment) -> None:
            if payment.status is PaymentStatus.UNKNOWN:
                payment.end(PaymentAction.GIVE_UP, UNAVAILABLE, at=self.clock.now())

        await self._changed(call, payment_id, give_up)

    async def refunded(self, call: Call, payment_id: UUID, sequence: int, giveback: Giveback) -> None:
        """Our refund with this number went through (P11)."""

        def refunded(_: Saga, payment: Payment) -> None:
            payment.refunded(sequence, amount=giveback.amount, provider_refund_id=giveback.id, at=self.clock.now())

        await self._changed(call, payment_id, refunded)

    async def refund_failed(
        self, call: Call, payment_id: UUID, sequence: int, reason: str, *, definitive: bool
    ) -> None:
        """Our refund with this number was refused, or nobody could say for too long (P12)."""

        def failed(_: Saga, payment: Payment) -> None:
            payment.refund_failed(sequence, reason, definitive=definitive, at=self.clock.now())

        await self._changed(call, payment_id, failed)

    @retried
    async def _changed(self, call: Call, payment_id: UUID, change: Callable[[Saga, Payment], object]) -> Payment:
        async with self.begin(call) as work:
            saga = await saga_of_payment(work, call, payment_id)
            payment = saga.payment(payment_id)
            change(saga, payment)
            save(work, saga)
            await work.commit(payment)
            return payment

    def _must_be_refundable(self, payment: Payment) -> None:
        since = payment.confirmed_at
        if since is not None and self.clock.now() > since + self.rules.refund_window:
            raise RefundWindowClosed(metadata={"days": str(self.rules.refund_window.days)})

    def _seen_by_asking(self, payment: Payment, seen: Snapshot, observed: Observed) -> ProviderNotice:
        """The notice of what nobody told us: one word of one moment is one notice, however often it is seen."""
        now = self.clock.now()
        event_id = derived_id("seen", payment.provider, seen.id, observed.reason, seen.updated_at.isoformat())
        notice = ProviderNotice(
            id=self.ids.new(),
            provider=payment.provider,
            event_id=str(event_id),
            topic="seen by asking",
            charge_id=seen.id,
            body=b"",
            received_at=now,
        )
        notice.settle(observed, payment.id, at=now)
        return notice
