"""What must be true of every saga at every moment (billing.md, Invariants); each check is named with its number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.billing.accounts import CLEARING, FEES, SUSPENSE
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.line_item import total_of
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import DEAD, OPEN, OVER, PaymentStatus
from domain.billing.revision import Revision
from domain.billing.saga import Saga
from tests.support.saga_world import Booked, Line, Told


@dataclass(frozen=True)
class State:
    """All there is to see at one moment."""

    sagas: Sequence[Saga]
    revisions: Sequence[Revision]
    lines: Sequence[Line]
    told: Sequence[Told]
    booked: Sequence[Booked]

    @property
    def budgets(self) -> list[Budget]:
        return [saga.budget for saga in self.sagas if saga.budget]

    @property
    def payments(self) -> list[Payment]:
        return [payment for saga in self.sagas for payment in saga.payments]

    def of(self, *types: str) -> list[Told]:
        return [event for event in self.told if event.event_type in types]


def i01_and_i02_what_went_back_came_before(state: State) -> None:
    for payment in state.payments:
        flying = payment.refunds.in_flight
        on_its_way = flying.amount.cents if flying else 0
        assert 0 <= payment.reversed.cents <= payment.captured.cents <= payment.amount.cents
        assert payment.reversed.cents + on_its_way <= payment.captured.cents


def i03_an_unpaid_attempt_holds_nothing_and_an_ended_one_all_went(state: State) -> None:
    for payment in state.payments:
        if payment.status in (*OPEN, *DEAD):
            assert payment.captured.cents == 0
        if payment.status in OVER:
            assert payment.reversed == payment.captured
            assert payment.captured.cents > 0


def i04_one_attempt_is_open_and_one_kept_at_most(state: State) -> None:
    for saga in state.sagas:
        wanted = [one for one in saga.payments if one.open and not one.withdrawn]
        assert len(wanted) <= 1
        assert len([one for one in saga.payments if one.kept]) <= 1


def i06_every_change_is_one_version_one_line_and_tells_at_most_once(state: State) -> None:
    lines = Counter(line.subject_id for line in state.lines)
    for saga in state.sagas:
        for noun in (saga.work_order, saga.budget, *saga.payments):
            assert noun is None or lines[str(noun.id)] == noun.version
    said = [line.event_id for line in state.lines if line.event_id]
    assert sorted(said) == sorted(event.event_id for event in state.told)
    assert len(said) == len(set(said))


def i07_a_payment_is_confirmed_once_and_only_while_its_budget_is_approved(state: State) -> None:
    confirmed = Counter(event.body["PaymentId"] for event in state.of("PaymentConfirmed"))
    assert all(count == 1 for count in confirmed.values())
    last: dict[str, str] = {}
    for event in state.told:
        if event.event_type.startswith("Budget"):
            last[event.body["BudgetId"]] = event.event_type
        if event.event_type == "PaymentConfirmed":
            assert last[event.body["BudgetId"]] == "BudgetApproved"
            assert event.body["AmountDueCents"] == 0


def i08_what_was_told_to_have_gone_back_has(state: State) -> None:
    gone: Counter[str] = Counter()
    for event in state.of("PaymentReversed"):
        gone[event.body["PaymentId"]] += event.body["AmountCents"]
        assert event.body["CumulativeAmountCents"] == gone[event.body["PaymentId"]]
    assert {str(one.id): one.reversed.cents for one in state.payments if one.reversed.cents} == dict(gone)


def i09_a_revision_is_told_once_and_decided_once(state: State) -> None:
    made = Counter((event.body["BudgetId"], event.body["Revision"]) for event in state.of("BudgetGenerated"))
    decided = Counter(
        (event.body["BudgetId"], event.body["Revision"]) for event in state.of("BudgetApproved", "BudgetRejected")
    )
    assert {*made.values(), *decided.values()} <= {1}
    assert set(made) == {(str(one.budget_id), one.revision) for one in state.revisions}


def i10_nothing_of_a_budget_follows_its_cancellation(state: State) -> None:
    canceled: set[str] = set()
    for event in state.told:
        if event.event_type.startswith("Budget"):
            assert event.body["BudgetId"] not in canceled
        if event.event_type == "BudgetCanceled":
            canceled.add(event.body["BudgetId"])
        if event.event_type in ("PaymentConfirmed", "PaymentPending"):
            assert event.body["BudgetId"] not in canceled
    for saga in state.sagas:
        if saga.budget and saga.budget.status is BudgetStatus.CANCELED:
            alive = (PaymentStatus.CREATED, PaymentStatus.PENDING)
            assert not [one for one in saga.payments if one.status in alive]


def b02_nothing_is_made_for_a_work_order_that_was_canceled_before(state: State) -> None:
    at = {(line.subject_id, line.action): place for place, line in enumerate(state.lines)}
    for saga in state.sagas:
        canceled = at.get((str(saga.work_order.id), "cancel"))
        made = at.get((str(saga.budget.id), "generate")) if saga.budget else None
        assert canceled is None or made is None or made < canceled


def i11_a_canceled_budget_keeps_no_money(state: State) -> None:
    for saga in state.sagas:
        if saga.budget and saga.budget.status is BudgetStatus.CANCELED:
            keeping = (PaymentStatus.CONFIRMED, PaymentStatus.PARTIALLY_REVERSED)
            assert not [one for one in saga.payments if one.status in keeping]
            assert not [one for one in saga.payments if one.kept]


def i14_the_log_folds_to_the_state_and_its_versions_have_no_gap(state: State) -> None:
    after: dict[str, str] = {}
    for line in state.lines:
        if line.action != "update_status":
            assert line.before == after.get(line.subject_id, ""), line
            after[line.subject_id] = line.after
    for saga in state.sagas:
        for noun in (saga.budget, *saga.payments):
            assert noun is None or after[str(noun.id)] == (noun.status.value if noun.status else "")
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for event in state.told:
        numbers[event.key].append(event.key_seq)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in numbers.values())


def i15_the_books_balance_and_are_the_fold_of_the_payments(state: State) -> None:
    transactions: Counter[object] = Counter()
    accounts: Counter[str] = Counter()
    for posting in state.booked:
        transactions[posting.transaction_id] += posting.cents
        accounts[posting.account] += posting.cents
    assert not any(transactions.values())
    held = sum(payment.left.cents for payment in state.payments)
    assert accounts[CLEARING] + accounts[FEES] == held
    assert -accounts[SUSPENSE] == sum(payment.left.cents for payment in state.payments if payment.surplus)


def i16_every_event_says_its_cause_and_its_saga(state: State) -> None:
    sagas = {str(saga.work_order.id): saga.work_order.correlation_id for saga in state.sagas}
    lines = {line.event_id: line for line in state.lines if line.event_id}
    for event in state.told:
        assert event.causation_id
        assert event.causation_id == lines[event.event_id].causation_id
        assert event.correlation_id == sagas[event.key]


def i17_lines_make_the_total_and_revisions_stay_as_they_were(state: State) -> None:
    for budget in state.budgets:
        if budget.total is not None:
            assert total_of(budget.items) == budget.total
        (current,) = [one for one in state.revisions if (one.budget_id, one.revision) == (budget.id, budget.revision)]
        assert current.digest == budget.digest
    assert all(revision.intact for revision in state.revisions)


CHECKS: Final[tuple[Callable[[State], None], ...]] = (
    i01_and_i02_what_went_back_came_before,
    i03_an_unpaid_attempt_holds_nothing_and_an_ended_one_all_went,
    i04_one_attempt_is_open_and_one_kept_at_most,
    i06_every_change_is_one_version_one_line_and_tells_at_most_once,
    i07_a_payment_is_confirmed_once_and_only_while_its_budget_is_approved,
    i08_what_was_told_to_have_gone_back_has,
    i09_a_revision_is_told_once_and_decided_once,
    i10_nothing_of_a_budget_follows_its_cancellation,
    b02_nothing_is_made_for_a_work_order_that_was_canceled_before,
    i11_a_canceled_budget_keeps_no_money,
    i14_the_log_folds_to_the_state_and_its_versions_have_no_gap,
    i15_the_books_balance_and_are_the_fold_of_the_payments,
    i16_every_event_says_its_cause_and_its_saga,
    i17_lines_make_the_total_and_revisions_stay_as_they_were,
)
"""I5, I12, I13, I18 and I19 are about moves, and stand in the machine; I20 is the PIX code's own."""
