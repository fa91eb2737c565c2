"""Whatever is done to claims and their invoice, in any order: the money identity holds, to the centavo."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.claims.adjudication import SaidItem
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.denial import DenialState
from domain.claims.events import InvoiceSettled, InvoiceSettlementReversed
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.invoice_order import line_of
from domain.lifecycle import IllegalTransition
from domain.money import Money, total
from tests.support.claim_scene import AT, DEADLINE, TODAY, an_item
from tests.support.invoice_scene import Desk, a_submitted, an_invoice_of, analyzed, in_state, said_of

CENTS = st.integers(1, 50_000)
QUANTITIES = st.decimals("0.0001", "3", places=4)
NUMBERS = st.integers(1, 3)


@st.composite
def items(draw: Any) -> tuple[Any, ...]:
    """One to three items whose lines are rounded, each worth a centavo at least."""
    drawn = draw(st.lists(st.tuples(CENTS, QUANTITIES, st.decimals("0.5", "2", places=2)), min_size=1, max_size=3))
    made = [an_item(at, cents, quantity=q, factor=f) for at, (cents, q, f) in enumerate(drawn, start=1)]
    return tuple(one if one.total.cents else an_item(one.number, 1) for one in made)


class InvoiceMachine(RuleBasedStateMachine):
    """Three claims, their one invoice, and everybody who does something to them."""

    @initialize(of=st.tuples(items(), items(), items()))
    def bill(self, of: tuple[Any, ...]) -> None:
        claims = [a_submitted(number, items=each) for number, each in enumerate(of, start=1)]
        self.desk = Desk(an_invoice_of(*claims))
        self.reversals = 0

    @rule(number=NUMBERS, draw=st.data())
    def adjudicate(self, number: int, draw: Any) -> None:
        claim = self.desk.claim(number)
        if claim.status is not ClaimStatus.SUBMITTED:
            return
        parts = [self._part(draw, item.total.cents) for item in claim.items]
        said: list[SaidItem] = said_of(claim, *parts)
        self.desk.changes(number, lambda claim: analyzed(claim, said))

    @rule(number=NUMBERS)
    def appeal(self, number: int) -> None:
        waiting = in_state(self.desk.claim(number), DenialState.PENDING)
        if waiting:
            self.desk.changes(number, lambda claim: claim.appeal(waiting[:1], "needed", on=TODAY, at=AT))

    @rule(number=NUMBERS, part=st.integers(0, 100))
    def answer(self, number: int, part: int) -> None:
        claim = self.desk.claim(number)
        found = [denial for denial in claim.denials if denial.state is DenialState.APPEALED]
        if found:
            recovered = {found[0].id: Money(found[0].pending.cents * part // 100)}
            self.desk.changes(
                number, lambda claim: claim.answer_appeal(recovered, appeal_until=DEADLINE, on=TODAY, at=AT)
            )

    @rule(number=NUMBERS, whole=st.booleans())
    def accept(self, number: int, whole: bool) -> None:
        waiting = in_state(self.desk.claim(number), DenialState.PENDING)
        if waiting:
            chosen = waiting if whole else waiting[:1]
            self.desk.changes(number, lambda claim: claim.accept_denials(chosen, reason="right", at=AT))

    @rule(cents=st.none() | st.integers(0, 100_000), withheld=st.integers(0, 3_000))
    def settle(self, cents: int | None, withheld: int) -> None:
        self.desk.settle(cents, withheld)

    @rule()
    def settle_the_rest(self) -> None:
        self.desk.settle()

    @precondition(lambda self: self.desk.invoice.settlements)
    @rule(draw=st.data())
    def reverse(self, draw: Any) -> None:
        at = draw.draw(st.integers(0, len(self.desk.invoice.settlements) - 1))
        fresh = self.desk.invoice.settlements[at].reversal is None
        assert self.desk.reverse(at) is None
        self.reversals += fresh

    @rule(number=NUMBERS)
    def cancel_claim(self, number: int) -> None:
        self.desk.changes(number, lambda claim: claim.cancel(reason="", at=AT))

    @rule(number=NUMBERS)
    def return_claim(self, number: int) -> None:
        if self.desk.claim(number).status is ClaimStatus.SUBMITTED:
            self.desk.changes(number, lambda claim: claim.return_("", at=AT))

    @rule()
    def cancel_invoice(self) -> None:
        before = self.desk.invoice.amounts.settled.cents
        refusal = self.desk.does(lambda invoice: invoice.cancel("", at=AT))
        assert refusal is None or isinstance(refusal, IllegalTransition)
        assert refusal is None or self.desk.invoice.status in (
            InvoiceStatus.PARTIALLY_SETTLED,
            InvoiceStatus.SETTLED,
        )
        if refusal is None:
            assert before == 0

    @invariant()
    def the_identity_holds_and_nothing_is_below_zero(self) -> None:
        found = self.desk.invoice.amounts
        parts = (found.paid, found.open, found.denied_pending, found.denied_accepted, found.withheld)
        assert found.gross == total(parts)
        assert min(part.cents for part in parts) >= 0

    @invariant()
    def it_stands_where_its_amounts_say(self) -> None:
        invoice = self.desk.invoice
        if invoice.status is InvoiceStatus.CANCELED:
            assert (invoice.claim_ids, invoice.amounts.settled.cents) == ((), 0)
        else:
            assert invoice.status is invoice.amounts.status

    @invariant()
    def its_lines_are_its_claims(self) -> None:
        for line in self.desk.invoice.lines:
            claim = self.desk.billed.claim(line.claim_id)
            assert not line.live or line == line_of(claim)
            assert not line.live or claim.status not in (ClaimStatus.CANCELED, ClaimStatus.RETURNED)

    @invariant()
    def what_came_is_what_stands(self) -> None:
        kept = [each for each in self.desk.invoice.settlements if each.reversal is None]
        assert self.desk.invoice.amounts.settled == total(each.total for each in kept)

    @invariant()
    def a_claim_is_settled_when_its_invoice_is_and_nothing_of_it_is_in_dispute(self) -> None:
        invoice = self.desk.invoice
        for claim in self.desk.billed.claims:
            if claim.id in invoice.claim_ids:
                over = claim.status in (ClaimStatus.ADJUDICATED, ClaimStatus.SETTLED) and not claim.denied_pending.cents
                assert (claim.status is ClaimStatus.SETTLED) == (over and invoice.settled)
            else:
                assert claim.status is not ClaimStatus.SETTLED

    @invariant()
    def each_settlement_version_was_told_once_and_each_reversal(self) -> None:
        told = [change.fact for change in self.desk.invoice.changes if change.fact]
        versions = [fact.settlement_version for fact in told if isinstance(fact, InvoiceSettled)]
        assert versions == list(range(1, self.desk.invoice.settlement_version + 1))
        assert sum(isinstance(fact, InvoiceSettlementReversed) for fact in told) == self.reversals
        assert [fact.aggregate_version for fact in told] == sorted({fact.aggregate_version for fact in told})

    def _part(self, draw: Any, cents: int) -> tuple[int, list[int]]:
        """What is released and denied of an item: all that was asked, or more."""
        processed = draw.draw(st.integers(cents, cents + cents // 2))
        denied = draw.draw(st.integers(0, processed))
        first = draw.draw(st.integers(0, denied))
        return processed - denied, [part for part in (first, denied - first) if part]


TestInvoiceMachine = InvoiceMachine.TestCase
TestInvoiceMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, database=None)
