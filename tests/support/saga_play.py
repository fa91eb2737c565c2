"""How a saga machine acts and judges: commands that leave everything as it was unless they changed something, due work
that may die anywhere, every invariant after every step, and at the end a fair provider that brings everything to rest.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine, invariant

from domain.actor import Call
from domain.billing.budget import EXPIRE
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import ChargeStatus, Snapshot
from domain.billing.notice import Notice
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.rules import BillingRules
from domain.billing.saga import Saga
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.collecting import Collecting, Patience, call_of
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.errors import DomainError
from domain.money import Money
from domain.tasks import Task
from tests.support.builders import an_os
from tests.support.fake_provider import Crash, FakeCharge, FakeProvider, Fault
from tests.support.fakes import FakeClock, FakeIds
from tests.support.saga_invariants import CHECKS, State
from tests.support.saga_world import EVERYBODY, World

T = TypeVar("T")
ROUNDS = 40
"""In which a fair provider must bring everything to rest (I18)."""
_REFUSING = ("create", "refund")
"""The verbs that a provider may refuse, or leave in process."""
LOST = (Fault.LOST_BEFORE, Fault.LOST_AFTER)
HASTY = Patience(resolve_tries=2, refund_tries=1, refund_for=timedelta(0))
"""So that what takes hours of bad luck happens here."""
STUCK = (PaymentStatus.CREATED, PaymentStatus.UNKNOWN, PaymentStatus.CANCELING, PaymentStatus.REFUNDING)


class OwnIds(FakeIds):
    """Far above the numbers that work orders have as ids."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 10**6


class SagaPlay(RuleBasedStateMachine):
    """The stage: a world, a clock, a provider, and how things are done. A subclass says `new_world`.

    `steps` counts what was played, over all runs.
    """

    rules_of_billing = BillingRules(default_amount=Money(10_000), max_attempts=3)
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world: World = self.run(self.new_world())
        self.clock, self.provider, self.calls = FakeClock(), FakeProvider(live=False, changes_per_stamp=2), 0
        self.history: defaultdict[str, list[Snapshot]] = defaultdict(list)
        self._compose()

    async def new_world(self) -> World:
        raise LookupError("a subclass says where it plays")

    async def end_world(self) -> None:
        """Let go of it."""

    def _compose(self) -> None:
        begin, rules, ids = self.world.begin, self.rules_of_billing, self.new_ids()
        self.billing = Billing(begin, self.clock, ids, rules)
        self.payments = Payments(begin, self.clock, ids, rules)
        self.notices = Notices(begin, self.clock, ids)
        providers = {self.provider.name: self.provider}
        self.collecting = Collecting(self.payments, self.notices, self.world.queries, providers, self.clock, HASTY)

    def new_ids(self) -> Any:
        return OwnIds()

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.run(self.end_world())
            self.loop.close()

    def run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self.loop.run_until_complete(done())

    @invariant()
    def everything_holds(self) -> None:
        type(self).steps += 1
        state = self.state
        for check in CHECKS:
            check(state)
        references = [one.asked.reference for one in self.provider.charges.values()]
        assert len(references) == len(set(references)), "I19: one charge for each attempt"
        self._asked_by_their_own_keys(state)
        for charge in self.provider.charges.values():
            if charge.seen() not in self.history[charge.id]:
                self.history[charge.id].append(charge.seen())

    def _asked_by_their_own_keys(self, state: State) -> None:
        """Every refund that we asked for has the key of the refund that we know (R26)."""
        known = {refund.key for payment in state.payments for refund in payment.refunds.all}
        assert set(self.provider.keys) <= known

    def come_to_rest(self) -> None:
        """I18, I19 and I13: with a fair provider everything ends, and then the money is what the provider says."""
        self.goes_wrong(None)
        for round_ in range(ROUNDS):
            before = self.state
            for charge in list(self.provider.charges.values()):
                if charge.givebacks:
                    self.provider.end_refunds(charge.asked.reference)
                if charge.status is ChargeStatus.DISPUTED and round_:
                    self.provider.say(charge.asked.reference, ChargeStatus.DISPUTE_WON)
                self.run(self._webhook(charge.id, f"{charge.id} at rest {round_}"))
            self._drained()
            self.clock.advance(seconds=400 if round_ % 2 else 8_000)
            if round_ > 1 and self.state == before and not self._stuck(before):
                break
        state = self.state
        for check in CHECKS:
            check(state)
        for charge in self.provider.charges.values():
            payment = self.payment_of(charge)
            assert (payment.captured, payment.reversed) == (charge.captured, charge.refunded + charge.lost), payment
        assert self._stuck(state) == []

    @staticmethod
    def _stuck(state: State) -> list[Payment]:
        return [one for one in state.payments if one.status in STUCK]

    def play(self, use_case: Callable[[Call], Awaitable[object]]) -> None:
        """A command. One that is refused, and one that has nothing to do, leaves everything as it was (I5, I12)."""
        self.calls += 1
        before = self.state
        overdue = any(self._overdue(saga) for saga in before.sagas)
        try:
            self.run(use_case(Call(actor=EVERYBODY, causation_id=f"call {self.calls}", correlation_id="saga")))
        except DomainError:
            assert overdue or self.state == before
        if len(self.state.lines) == len(before.lines):
            assert self.state == before

    def on_budget(self, os: int, use_case: Callable[[Call, UUID], Awaitable[object]]) -> None:
        known = [saga.budget for saga in self.state.sagas if saga.work_order.id == an_os(os) and saga.budget]
        if known:
            self.play(lambda call: use_case(call, known[0].id))

    def on_payment(self, which: int, use_case: Callable[[Call, UUID], Awaitable[object]]) -> None:
        payments = self.state.payments
        if payments:
            self.play(lambda call: use_case(call, payments[which % len(payments)].id))

    def on_charge(
        self, which: int, states: tuple[ChargeStatus, ...], deed: Callable[[FakeCharge], None], *, told: bool = False
    ) -> None:
        """Something happens to a charge; `told`: its webhook comes at once, and is looked into."""
        charge = self.charge(which)
        if charge and charge.status in states:
            deed(charge)
            if told:
                self.calls += 1
                self.run(self._webhook(charge.id, f"{charge.id} told {self.calls}"))
                self._drained()

    def goes_wrong(self, fault: Fault | str | None) -> None:
        """How the next call to the provider goes wrong; `asked` and `done`: our process dies before or after it."""
        verbs = ("create", "get", "find", "cancel", "refund")
        faults = {verb: [fault] for verb in verbs if isinstance(fault, Fault) and (verb in _REFUSING or fault in LOST)}
        self.provider.faults = defaultdict(list, faults)

        async def die(place: str) -> None:
            if isinstance(fault, str) and place.endswith(fault):
                self.provider.reached = None
                raise Crash

        self.provider.reached = die

    @property
    def state(self) -> State:
        return self.run(self._state())

    def payment_of(self, charge: FakeCharge) -> Payment:
        return next(one for one in self.state.payments if one.id == charge.asked.reference)

    def charge(self, which: int) -> FakeCharge | None:
        known = list(self.provider.charges.values())
        return known[which % len(known)] if known else None

    def _overdue(self, saga: Saga) -> bool:
        until = saga.budget.valid_until if saga.budget and saga.budget.status is BudgetStatus.SENT else None
        return until is not None and self.clock.now() > until

    async def _state(self) -> State:
        found = [await self.world.queries.saga(EVERYBODY, an_os(os)) for os in (1, 2, 3)]
        sagas = [saga for saga in found if saga]
        revisions = [
            revision
            for saga in sagas
            if saga.budget
            for revision in await self.world.queries.revisions(EVERYBODY, saga.budget.id) or []
        ]
        lines, told, booked = await self.world.lines(), await self.world.told(), await self.world.booked()
        return State(sagas=sagas, revisions=revisions, lines=lines, told=told, booked=booked)

    async def _webhook(self, charge_id: str, event_id: str) -> None:
        notice = Notice(
            provider="sandbox", event_id=event_id, topic="payment", resource_id=charge_id, live=False, body=b""
        )
        await self.notices.receive(Call(actor=EVERYBODY, causation_id=event_id), notice)

    def _drained(self) -> None:
        self.run(self._drain())

    async def _drain(self) -> None:
        while await self._work(dies=False):
            pass

    async def _work(self, *, dies: bool) -> bool:
        claimed = await self.world.tasks.claim(self.clock.now(), lease_seconds=60, limit=1)
        for task in claimed:
            try:
                again_at = await self._step(task)
            except Crash:
                continue
            if not dies:
                await self.world.tasks.settle(task, again_at)
        return bool(claimed)

    async def _step(self, task: Task) -> Any:
        if task.kind == EXPIRE:
            return await self.billing.expire_budget(call_of(task), task.subject_id)
        return await self.collecting.steps[task.kind](task)
