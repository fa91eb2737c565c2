"""The talk with providers, one step per due task: ask outside every unit of work, then apply the answer inside one.

Each step may be cut off anywhere and begun again by another worker: the keys make the calls harmless, the state machine
the answers. A step answers when to try again, or None when its work is done or was replaced by other work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.actor import Actor, Call
from domain.billing.charge import Charge, Giveback, GivebackStatus, ProviderAmbiguous, ProviderRefused, Snapshot
from domain.billing.errors import PaymentNotFound
from domain.billing.observing import APPLIED, Effect, Observed
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.ports import Provider
from domain.billing.provider_notice import FETCH
from domain.billing.queries import BillingQueries
from domain.billing.refund import Refund
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.clock import Clock
from domain.errors import Unavailable
from domain.tasks import Task

WATCHED: Final = timedelta(days=180)
"""How long after a payment its charge is still looked at: as long as Mercado Pago can give it back (billing.md D.1)."""

POLLED: Final = (
    PaymentStatus.PENDING,
    PaymentStatus.CONFIRMED,
    PaymentStatus.PARTIALLY_REVERSED,
    PaymentStatus.REFUND_FAILED,
    PaymentStatus.DISPUTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the talk goes on before something else happens.

    `resolve_tries`: look-ups of a charge that the provider does not know, before the attempt is given up (ten minutes).
    `refund_tries` and `refund_for`: of a refund while nobody can say whether it was done, before a person has to look.
    `refund_again`: until money that must go back and was refused is asked for once more. `notice_tries`: look-ups of a
    charge that is nobody's (half an hour).
    """

    resolve_tries: int = 10
    refund_tries: int = 10
    refund_for: timedelta = timedelta(hours=1)
    refund_again: timedelta = timedelta(hours=6)
    notice_tries: int = 12


PATIENT: Final = Patience()
WORKER: Final = Actor(id="system:worker")


@dataclass(frozen=True, slots=True)
class Collecting:
    """The steps; `providers` by the name that payments remember them by."""

    payments: Payments
    notices: Notices
    queries: BillingQueries
    providers: Mapping[str, Provider]
    clock: Clock
    patience: Patience = PATIENT

    @property
    def steps(self) -> Mapping[str, Callable[[Task], Awaitable[datetime | None]]]:
        """Each step by the kind of its task."""
        return {
            "dispatch_payment": self.dispatch,
            "resolve_payment": self.resolve,
            "poll_payment": self.poll,
            "cancel_payment": self.cancel,
            "refund_payment": self.refund,
            FETCH: self.fetch,
        }

    async def dispatch(self, task: Task) -> datetime | None:
        """Make the charge of an attempt that was begun (P2, P3)."""
        payment = await self.payments.dispatch(call_of(task), task.subject_id)
        if payment is not None and await self._create(task, payment) is None:
            # The answer was lost: look at once, and let the later look-ups that are due anyhow decide.
            seen = await _seen(self._provider(payment).find(payment.id))
            if seen is not None:
                await self.payments.observe(call_of(task), payment.id, seen)
        return None

    async def resolve(self, task: Task) -> datetime | None:
        """Find out what became of a charge that nobody can say anything of (P6)."""
        payment = await self._payment(task, PaymentStatus.UNKNOWN)
        if payment is None:
            return None
        try:
            seen = await self._provider(payment).find(payment.id)
        except ProviderAmbiguous as error:
            return self._later(task, error)
        if seen is not None:
            observed = await self.payments.observe(call_of(task), payment.id, seen)
            # What was not believed may be otherwise later; a person is told meanwhile.
            return None if observed.effect is Effect.APPLIED else self._later(task, longest=3600.0)
        if task.attempts >= self.patience.resolve_tries:
            await self.payments.give_up(call_of(task), payment.id)
            return None
        made = None if payment.withdrawn else await self._create(task, payment)
        if made is not None:
            return None if made.effect is Effect.APPLIED else self._later(task, longest=3600.0)
        return self._later(task)

    async def poll(self, task: Task) -> datetime | None:
        """Ask how a charge stands, in case its webhook was lost; at its expiry too, which only the provider decides."""
        payment = await self._payment(task, *POLLED)
        if payment is None:
            return None
        seen = await _seen(self._provider(payment).get(payment.provider_payment_id))
        if seen is not None:
            await self.payments.observe(call_of(task), payment.id, seen)
            # What was seen may have moved it on, to what is due otherwise.
            payment = await self._payment(task, *POLLED)
        if payment is None:
            return None
        if payment.status is PaymentStatus.REFUND_FAILED:
            await self._refund_again(task, payment)
        return self._next_poll(task, payment)

    def _next_poll(self, task: Task, payment: Payment) -> datetime | None:
        """Soon while the customer may pay, and ever more seldom afterwards, until nothing can come back any more."""
        now = self.clock.now()
        if payment.open:
            again, expiry = self._later(task, shortest=30.0, longest=600.0), payment.expires_at + timedelta(seconds=1)
            return min(again, expiry) if expiry > now else again
        if payment.status in (PaymentStatus.REFUND_FAILED, PaymentStatus.DISPUTED):
            return self._later(task, shortest=3600.0, longest=21_600.0)
        over = payment.confirmed_at is not None and now > payment.confirmed_at + WATCHED
        return None if over else self._later(task, shortest=86_400.0, longest=604_800.0)

    async def cancel(self, task: Task) -> datetime | None:
        """Withdraw a charge that nobody wants any more; what the provider answers may be that it was paid (R24)."""
        payment = await self._payment(task, PaymentStatus.CANCELING)
        if payment is None:
            return None
        try:
            seen = await self._provider(payment).cancel(payment.provider_payment_id)
        except (ProviderAmbiguous, ProviderRefused) as error:
            return self._later(task, error)
        await self.payments.observe(call_of(task), payment.id, seen)
        return self._later(task)

    async def refund(self, task: Task) -> datetime | None:
        """Have money given back (P11, P12)."""
        payment = await self._payment(task, PaymentStatus.REFUNDING)
        asked = None if payment is None else payment.refunds.in_flight
        if payment is None or asked is None:
            return None
        call, number = call_of(task), asked.sequence
        try:
            told = await self._ask_back(payment, asked)
        except ProviderRefused as refusal:
            await self.payments.refund_failed(call, payment.id, number, refusal.reason, definitive=True)
            return None
        except ProviderAmbiguous as error:
            if self._still_hopes(task, payment):
                return self._later(task, error)
            await self.payments.refund_failed(call, payment.id, number, "no answer", definitive=False)
            return None
        if told.status is GivebackStatus.IN_PROCESS:
            return self._later(task, longest=3600.0)
        if told.status is GivebackStatus.DONE:
            await self.payments.refunded(call, payment.id, number, told)
            # What somebody else gave back meanwhile could not be told from ours until now.
            if seen := await _seen(self._provider(payment).get(payment.provider_payment_id)):
                await self.payments.observe(call, payment.id, seen)
        else:
            await self.payments.refund_failed(call, payment.id, number, told.detail or "rejected", definitive=True)
        return None

    async def _ask_back(self, payment: Payment, asked: Refund) -> Giveback:
        """By the refund's own key however often, so that it is given once."""
        return await self._provider(payment).refund(
            payment.provider_payment_id, asked.key, asked.amount, whole=asked.whole
        )

    def _still_hopes(self, task: Task, payment: Payment) -> bool:
        since = payment.updated_at + self.patience.refund_for
        return task.attempts < self.patience.refund_tries or self.clock.now() < since

    async def _refund_again(self, task: Task, payment: Payment) -> None:
        """What failed while nobody could say is asked for by its own key; what was refused and must go back, anew."""
        call, asked = call_of(task), payment.refunds.unsettled
        if asked is None:
            if payment.giveback and self.clock.now() >= payment.updated_at + self.patience.refund_again:
                await self.payments.retry_refund(call, payment.id)
            return
        try:
            told = await self._ask_back(payment, asked)
        except ProviderAmbiguous:
            return
        except ProviderRefused as refusal:
            await self.payments.refund_failed(call, payment.id, asked.sequence, refusal.reason, definitive=True)
            return
        if told.status is GivebackStatus.DONE:
            await self.payments.refunded(call, payment.id, asked.sequence, told)
        elif told.status is GivebackStatus.REJECTED:
            await self.payments.refund_failed(call, payment.id, asked.sequence, told.detail, definitive=True)

    async def fetch(self, task: Task) -> datetime | None:
        """Ask the provider about the charge that a notice names, and apply its answer."""
        notice = await self.queries.notice(task.subject_id)
        if notice is None or notice.payment_id is not None:
            return None
        try:
            seen = await self._named(notice.provider).get(notice.charge_id)
        except ProviderAmbiguous as error:
            return self._later(task, error)
        payment_id = _uuid(seen.reference) if seen else None
        if seen is not None and payment_id is not None:
            try:
                await self.payments.observe(call_of(task), payment_id, seen, notice)
            except PaymentNotFound:
                pass
            else:
                return None
        await self.notices.park(call_of(task), notice, "no_such_charge" if seen is None else "no_such_payment")
        return self._later(task, longest=14_400.0) if task.attempts < self.patience.notice_tries else None

    async def _create(self, task: Task, payment: Payment) -> Observed | None:
        """Ask for the charge and apply the answer; None when nobody can say what became of it."""
        try:
            seen = await self._provider(payment).create(await self._charge(payment))
        except ProviderAmbiguous:
            return None
        except ProviderRefused as refusal:
            await self.payments.refuse(call_of(task), payment.id, refusal.reason)
            return APPLIED
        return await self.payments.observe(call_of(task), payment.id, seen)

    async def _charge(self, payment: Payment) -> Charge:
        budget = await self.queries.budget(WORKER, payment.budget_id)
        if budget is None:
            raise PaymentNotFound
        return Charge(
            reference=payment.id,
            key=payment.idempotency_key,
            amount=payment.amount,
            description=f"OS {payment.work_order_id}",
            customer=budget.customer,
            expires_at=payment.expires_at,
            script=payment.script,
        )

    async def _payment(self, task: Task, *statuses: PaymentStatus) -> Payment | None:
        """The payment, if the task is still about it."""
        payment = await self.queries.payment(WORKER, task.subject_id)
        return payment if payment and payment.status in statuses else None

    def _provider(self, payment: Payment) -> Provider:
        return self._named(payment.provider)

    def _named(self, name: str) -> Provider:
        if name not in self.providers:
            raise Unavailable(f"the payment provider {name} is not set up here")
        return self.providers[name]

    def _later(
        self, task: Task, error: Exception | None = None, *, shortest: float = 1.0, longest: float = 300.0
    ) -> datetime:
        """Seconds that double from try to try, or longer where the provider asks for it."""
        wait = min(longest, shortest * 2 ** min(task.attempts - 1, 20))
        asked = error.retry_after if isinstance(error, ProviderAmbiguous) else None
        return self.clock.now() + timedelta(seconds=max(wait, asked or 0.0))


async def _seen(asking: Awaitable[Snapshot | None]) -> Snapshot | None:
    """What the provider says, if it says anything."""
    try:
        return await asking
    except ProviderAmbiguous:
        return None


def call_of(task: Task) -> Call:
    """The call that a task makes: caused by whatever made it due."""
    return Call(
        actor=WORKER, causation_id=task.causation_id, correlation_id=task.correlation_id or None, trace=task.trace
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
