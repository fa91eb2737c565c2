"""Everything that can happen to two work orders, in any order, with faults and crashes anywhere: a Hypothesis machine.

It plays the real use cases over a world; `saga_play.py` says how, and judges.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from domain.billing.charge import ChargeStatus, GivebackStatus
from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.payment_lifecycle import HELD, PaymentStatus
from domain.billing.pricing import Order
from domain.billing.use_cases.budgets import Cancellation, Changes, Decision
from domain.money import Money
from tests.support.builders import an_os
from tests.support.fake_provider import FakeCharge, Fault
from tests.support.saga_play import LOST, SagaPlay

SAGAS = st.sampled_from([1, 1, 2, 3])
"""The third is not announced at the beginning: it may be canceled first."""
FAULTS = st.sampled_from([None, None, None, *Fault, "asked", "done"])
WHICH = st.integers(min_value=0, max_value=7)
FAR = st.sampled_from([0, 1, 2, 3, 3])
CENTS = st.sampled_from([1, 5_000, 12_345])


_DISPUTES = (ChargeStatus.DISPUTED, ChargeStatus.CHARGED_BACK, ChargeStatus.DISPUTE_WON)
"""A dispute is told of once it is; an old word of one that ended is a person's work."""


class SagaMachine(SagaPlay):
    """The moves; a subclass says `new_world`."""

    # ------------------------------------------------------------------------------------------------- what partners do

    @initialize(far=FAR, other=FAR)
    def two_work_orders_are_on_their_way(self, far: int, other: int) -> None:
        for os, how_far in ((1, far), (2, other)):
            self.order(os, 12_345, auto=True)
            self.go_well(os, how_far)

    @rule(os=SAGAS, far=FAR)
    def go_well(self, os: int, far: int) -> None:
        """An attempt to pay, without any trouble, so far; trouble is everything else's business."""
        self.start_payment(os)
        for step in (self._drained, self._paid_last, self._drained)[:far]:
            step()

    def _paid_last(self) -> None:
        charge = self.charge(-1)
        if charge and charge.status is ChargeStatus.PENDING:
            self.provider.pay(charge.asked.reference)
            self.run(self._webhook(charge.id, f"{charge.id} paid"))

    @rule(os=SAGAS, cents=CENTS, auto=st.booleans())
    def order(self, os: int, cents: int, auto: bool) -> None:
        customer = Customer(name="A customer", email="customer@example.com")
        order = Order(work_order_id=an_os(os), workshop_id="main", amount=Money(cents), customer=customer)
        self.play(lambda call: self.billing.generate_budget(call, order))
        if auto:
            self.approve(os, None)

    @rule(os=SAGAS)
    def cancel_or_compensate(self, os: int) -> None:
        gone = Cancellation(work_order_id=an_os(os), workshop_id="main", reason="gone")
        self.play(lambda call: self.billing.cancel_work_order(call, gone))

    # ------------------------------------------------------------------------------------------- what the workshop does

    @rule(os=SAGAS, cents=CENTS, days=st.sampled_from([1, 10]))
    def update(self, os: int, cents: int, days: int) -> None:
        changes = Changes(items=(_line(cents),), validity_days=days)
        self.on_budget(os, lambda call, budget_id: self.billing.update_budget(call, budget_id, changes))

    @rule(os=SAGAS, cents=CENTS)
    def revise(self, os: int, cents: int) -> None:
        self.on_budget(os, lambda call, budget_id: self.billing.revise_budget(call, budget_id, (_line(cents),)))

    @rule(os=SAGAS)
    def send(self, os: int) -> None:
        self.on_budget(os, self.billing.send_budget)

    @rule(os=SAGAS, revision=st.sampled_from([None, 1, 2]))
    def approve(self, os: int, revision: int | None) -> None:
        decision = Decision(revision=revision)
        self.on_budget(os, lambda call, budget_id: self.billing.approve_budget(call, budget_id, decision))

    @rule(os=SAGAS)
    def reject(self, os: int) -> None:
        self.on_budget(os, lambda call, budget_id: self.billing.reject_budget(call, budget_id, Decision(reason="dear")))

    @rule(os=SAGAS)
    def cancel_budget(self, os: int) -> None:
        self.on_budget(os, lambda call, budget_id: self.billing.cancel_budget(call, budget_id, "mistake"))

    @rule(os=SAGAS)
    def start_payment(self, os: int) -> None:
        self.on_budget(os, self.payments.start_payment)

    @rule(which=WHICH)
    def cancel_payment(self, which: int) -> None:
        self.on_payment(which, self.payments.cancel_payment)

    @rule(which=WHICH, cents=st.sampled_from([None, 1, 4_115]))
    def refund(self, which: int, cents: int | None) -> None:
        amount = None if cents is None else Money(cents)
        self.on_payment(
            which, lambda call, id_: self.payments.refund_payment(call, id_, amount=amount, reason="scratch")
        )

    @rule(which=WHICH)
    def retry_refund(self, which: int) -> None:
        self.on_payment(which, self.payments.retry_refund)

    # ------------------------------------------------------------------------------------- what happens at the provider

    @rule(which=WHICH, told=st.booleans())
    def pay(self, which: int, told: bool) -> None:
        payable = (ChargeStatus.PENDING, ChargeStatus.EXPIRED, ChargeStatus.CANCELED, ChargeStatus.REJECTED)
        self.on_charge(which, payable, lambda charge: self.provider.pay(charge.asked.reference), told=told)

    @rule(which=WHICH, status=st.sampled_from([ChargeStatus.EXPIRED, ChargeStatus.REJECTED]))
    def end_unpaid(self, which: int, status: ChargeStatus) -> None:
        self.on_charge(which, (ChargeStatus.PENDING,), lambda charge: self.provider.say(charge.asked.reference, status))

    @rule(which=WHICH, part=st.booleans(), told=st.booleans())
    def refund_by_panel(self, which: int, part: bool, told: bool) -> None:
        def refund(charge: FakeCharge) -> None:
            if charge.refundable.cents:
                self.provider.refund_by_admin(charge.asked.reference, Money(1) if part else charge.refundable)

        self.on_charge(which, (ChargeStatus.APPROVED,), refund, told=told)

    @rule(which=WHICH, done=st.booleans())
    def settle_refunds(self, which: int, done: bool) -> None:
        states = (ChargeStatus.APPROVED, ChargeStatus.DISPUTED, ChargeStatus.DISPUTE_WON)
        status = GivebackStatus.DONE if done else GivebackStatus.REJECTED
        self.on_charge(which, states, lambda charge: self.provider.end_refunds(charge.asked.reference, status))

    @rule(which=WHICH, told=st.booleans())
    def dispute(self, which: int, told: bool) -> None:
        """Of money that we know of: a dispute of an approval that nobody saw is quarantined, and a person's work."""

        def dispute(charge: FakeCharge) -> None:
            if self.payment_of(charge).status in HELD:
                self.provider.say(charge.asked.reference, ChargeStatus.DISPUTED)

        self.on_charge(which, (ChargeStatus.APPROVED,), dispute, told=told)

    @rule(which=WHICH, won=st.booleans(), told=st.booleans())
    def end_dispute(self, which: int, won: bool, told: bool) -> None:
        status = ChargeStatus.DISPUTE_WON if won else ChargeStatus.CHARGED_BACK

        def end(charge: FakeCharge) -> None:
            if self.payment_of(charge).status is PaymentStatus.DISPUTED:
                self.provider.say(charge.asked.reference, status)

        self.on_charge(which, (ChargeStatus.DISPUTED,), end, told=told)

    # ---------------------------------------------------------------------------------------- what the machinery does

    @rule(fault=FAULTS, dies=st.sampled_from([False, False, True]))
    def work(self, fault: Fault | str | None, dies: bool) -> None:
        """One due task, which may go wrong in every way; `dies`: the worker does after its step."""
        self.goes_wrong(fault)
        self.run(self._work(dies=dies))
        self.goes_wrong(None)

    @rule(which=WHICH, cents=st.sampled_from([None, 4_115]), lost=st.sampled_from(LOST))
    def a_refund_is_left_in_doubt(self, which: int, cents: int | None, lost: Fault) -> None:
        """It is asked for, and nobody can say what became of it."""
        self.refund(which, cents)
        self.goes_wrong(lost)
        self._drained()
        self.goes_wrong(None)

    @rule(seconds=st.sampled_from([1, 20, 61, 700, 90_000, 900_000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule(which=WHICH, event=st.integers(min_value=1, max_value=6))
    def webhook(self, which: int, event: int) -> None:
        """The provider tells of some charge, perhaps again and again the same."""
        if charge := self.charge(which):
            self.run(self._webhook(charge.id, f"{charge.id} event {event}"))

    @rule(which=WHICH, age=WHICH)
    def an_old_word_arrives(self, which: int, age: int) -> None:
        charge = self.charge(which)
        old = self.history[charge.id] if charge else []
        if charge and old and old[age % len(old)].status not in _DISPUTES:
            seen, payment = old[age % len(old)], self.payment_of(charge)
            self.play(lambda call: self.payments.observe(call, payment.id, seen))


def _line(cents: int) -> LineItem:
    return LineItem(kind=LineItemKind.PART, description="Part", quantity=Decimal(1), unit_price=Money(cents))
