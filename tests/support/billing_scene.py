"""The whole of billing in memory: its use cases, its worker and its partners, one hand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.actor import Actor, Call
from domain.aggregate import Aggregate
from domain.billing.budget import EXPIRE, Budget
from domain.billing.events import BillingFact, PaymentReversed
from domain.billing.notice import Notice
from domain.billing.payment import Payment
from domain.billing.pricing import Order
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.billing.use_cases.budgets import Billing, Decision, Outcome
from domain.billing.use_cases.collecting import Collecting, call_of
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.money import Money
from domain.tasks import Task
from messaging.routes import Routes
from tests.support.builders import received
from tests.support.fake_provider import Crash, FakeProvider
from tests.support.fakes import FakeClock, FakeIds, FakeQueries, FakeStore, FakeTasks
from tests.support.fakes_rows import DueRow
from tests.support.saga_scene import CUSTOMER, OS, SagaScene, a_line

CALL: Final = Call(actor=Actor(id="tester"), causation_id="cause", correlation_id="saga")
LEASE: Final = 60.0


class BillingScene:
    """Billing over an empty store, or over what a SagaScene came to."""

    def __init__(
        self,
        rules: BillingRules | None = None,
        *,
        saga: SagaScene | None = None,
        provider: FakeProvider | None = None,
    ) -> None:
        rules = rules or BillingRules()
        self.store, self.clock, self.ids = FakeStore(), FakeClock(), FakeIds()
        self.provider = provider or FakeProvider()
        self.began = self.clock.now()
        self.journal: list[tuple[int, str]] = []
        """Each step that was begun: in which second, and of what kind."""
        self.queries, self.tasks = FakeQueries(self.store), FakeTasks(self.store)
        self.billing = Billing(self.store.begin, self.clock, self.ids, rules)
        self.payments = Payments(self.store.begin, self.clock, self.ids, rules)
        self.notices = Notices(self.store.begin, self.clock, self.ids)
        providers = {self.provider.name: self.provider}
        self.collecting = Collecting(self.payments, self.notices, self.queries, providers, self.clock)
        self.routes = Routes(lambda begin: Billing(begin, self.clock, self.ids, rules), "main")
        if saga is not None:
            for noun in (saga.saga.work_order, saga.budget, *saga.saga.payments):
                self._keep(noun)

    # ---------------------------------------------------------------------------------------------------- what is seen

    @property
    def saga(self) -> Saga:
        """The work order with all of it, as it is stored."""
        budget = next(iter(self.store.budgets.values()), None)
        return Saga(work_order=self.store.work_orders[OS], budget=budget, payments=list(self.store.payments.values()))

    @property
    def budget(self) -> Budget:
        """The only budget."""
        (budget,) = self.store.budgets.values()
        return budget

    @property
    def payment(self) -> Payment:
        """The newest attempt to pay."""
        return list(self.store.payments.values())[-1]

    @property
    def statuses(self) -> list[str]:
        """Where the budget and each attempt stand."""
        statuses = [budget.status for budget in self.store.budgets.values()]
        return [status.value for status in (*statuses, *(p.status for p in self.store.payments.values())) if status]

    @property
    def facts(self) -> list[BillingFact]:
        """All that was ever told."""
        return [fact for fact in self.store.facts if isinstance(fact, BillingFact)]

    def names(self) -> list[str]:
        """The names of `facts`."""
        return [type(fact).__name__ for fact in self.store.facts]

    def image(self) -> tuple[object, ...]:
        """All that is stored: the same before and after means that nothing happened."""
        store = self.store
        nouns = [replace(noun) for noun in (*store.work_orders.values(), *store.budgets.values())]
        payments = [replace(payment) for payment in store.payments.values()]
        return nouns, payments, list(store.facts), list(store.ledger), list(store.log), list(store.outbox)

    # ----------------------------------------------------------------------------------------------- what is done to it

    async def message(self, event_type: str, name: str = "", **content: object) -> Outcome:
        """A partner's event arrives; `name` makes another message of the same content."""
        return await self.routes.apply(received(42, name, event_type, **content), self.store.begin)

    async def generated(self, **changes: object) -> Budget:
        """A budget was made."""
        order = Order(work_order_id=OS, workshop_id="main", customer=CUSTOMER, items=(a_line(),))
        await self.billing.generate_budget(CALL, replace(order, **changes))  # type: ignore[arg-type] # an order's fields
        return self.budget

    async def approved(self) -> Budget:
        """A budget was made, sent and accepted."""
        budget = await self.generated()
        await self.billing.send_budget(CALL, budget.id)
        return await self.billing.approve_budget(CALL, budget.id, Decision())

    async def started(self) -> Payment:
        """An attempt to pay was begun; nobody asked the provider yet."""
        if not self.store.budgets:
            await self.approved()
        return await self.payments.start_payment(CALL, self.budget.id)

    async def pending(self) -> Payment:
        """An attempt to pay waits for the customer."""
        payment = await self.started()
        await self.work()
        return self.store.payments[payment.id]

    async def confirmed(self) -> Payment:
        """The customer paid, and we know."""
        payment = await self.pending()
        self.provider.pay(payment.id)
        await self.webhook(payment)
        return self.store.payments[payment.id]

    async def refund(self, amount: Money | None = None) -> Payment:
        """Somebody asks for money back."""
        return await self.payments.refund_payment(CALL, self.payment.id, amount=amount, reason="asked for")

    async def cancel_work_order(self, event_type: str = "OsCanceled", reason: str = "gone") -> Outcome:
        """OSService ends it."""
        return await self.message(event_type, Reason=reason)

    async def notice(self, charge_id: str, event_id: str = "", provider: str = "sandbox") -> bool:
        """The provider's webhook was kept; nobody looked into it yet."""
        notice = Notice(
            provider=provider,
            event_id=event_id or f"event {len(self.store.notices) + 1}",
            topic="payment",
            resource_id=charge_id,
            live=True,
            body=b"{}",
        )
        return await self.notices.receive(CALL, notice)

    async def webhook(self, payment: Payment, event_id: str = "") -> None:
        """The provider tells of a charge, and whatever is due is done."""
        await self.notice(self.provider.charge_of(payment.id).id, event_id)
        await self.work()

    # ------------------------------------------------------------------------------------------------------ the worker

    async def work(self, limit: int = 100) -> list[str]:
        """Do what is due now, and what that makes due at once; answers the kinds that were done."""
        done: list[str] = []
        while task := await self._claim():
            done.append(task.kind)
            assert len(done) < limit, f"the worker goes in circles: {done[-10:]}"
            await self.do(task)
        return done

    async def run(self, limit: int = 200, **horizon: float) -> list[str]:
        """Work for so long, from one due time to the next."""
        end, done = self.clock.now() + timedelta(**horizon), await self.work()
        while (due := await self.tasks.next_at()) and due <= end:
            self.clock.advance(seconds=(due - self.clock.now()).total_seconds())
            done += await self.work()
            assert len(done) < limit, f"the worker does not come to rest: {done[-10:]}"
        self.clock.advance(seconds=(end - self.clock.now()).total_seconds())
        return done

    async def do(self, task: Task) -> datetime | None:
        """One step, settled as the worker settles it; a Crash leaves the lease to run out."""
        self.journal.append((round((self.clock.now() - self.began).total_seconds()), task.kind))
        again_at = await self.step(task)
        await self.tasks.settle(task, again_at)
        return again_at

    async def step(self, task: Task) -> datetime | None:
        """One step, and nothing after it."""
        if task.kind != EXPIRE:
            return await self.collecting.steps[task.kind](task)
        await self.billing.expire_budget(call_of(task), task.subject_id)
        return None

    async def due(self) -> Sequence[tuple[str, float]]:
        """What is due about everything: its kind, and in how many seconds."""
        now = self.clock.now()
        return sorted((row.kind, (row.due_at - now).total_seconds()) for row in self.store.tasks.values())

    async def work_until(self, place: int) -> bool:
        """Work, and die at the place with this number: before the next commit, or beside the provider's next deed.

        The lease has run out afterwards. Answers False when all work was done before it came so far.
        """
        left = iter(range(place, -1, -1))

        async def pass_by(_: str = "before commit") -> None:
            if next(left, 0) == 0:
                raise Crash(place)

        self.store.before_commit, self.provider.reached = pass_by, pass_by
        try:
            await self.work()
        except Crash:
            self.clock.advance(seconds=LEASE)
            return True
        else:
            return False
        finally:
            self.store.before_commit = self.provider.reached = None

    async def race(self, winner: Awaitable[object], loser: Awaitable[object]) -> list[object]:
        """Both decide on the same state, then the winner commits, then the loser; answers what each gave or raised."""
        first, second = asyncio.ensure_future(winner), asyncio.ensure_future(loser)
        met, won = asyncio.Event(), asyncio.Event()
        second.add_done_callback(lambda _: met.set())
        first.add_done_callback(lambda _: won.set())

        async def meet() -> None:
            if asyncio.current_task() is second:
                met.set()
                await won.wait()
            else:
                await met.wait()

        self.store.before_commit = meet
        try:
            return list(await asyncio.gather(first, second, return_exceptions=True))
        finally:
            self.store.before_commit = None

    def _keep(self, noun: Aggregate) -> None:
        self.store.write(noun)
        if due := noun.due:
            row = DueRow(due.kind, noun.id, due.at, causation_id="cause", correlation_id="saga", trace={})
            self.store.tasks[noun.id] = row

    async def _claim(self) -> Task | None:
        claimed = await self.tasks.claim(self.clock.now(), lease_seconds=LEASE, limit=1)
        return claimed[0] if claimed else None


def must_add_up(scene: BillingScene) -> None:
    """What customers paid is what we know of; what they have again is what we know of and what we told (I8, I19)."""
    charges, payments = scene.provider.charges.values(), scene.saga.payments
    told = sum(fact.amount_cents for fact in scene.facts if isinstance(fact, PaymentReversed))
    assert scene.provider.charged.cents == sum(payment.captured.cents for payment in payments)
    assert scene.provider.given_back.cents == sum(payment.reversed.cents for payment in payments) == told
    assert len({charge.asked.key for charge in charges}) == len({charge.asked.reference for charge in charges})
    assert len({charge.asked.key for charge in charges}) == len(charges)
