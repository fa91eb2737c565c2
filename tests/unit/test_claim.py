"""The claim's life, pair by pair as health.md B says it, and the facts it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from domain.claims.claim import Claim
from domain.claims.claim_lifecycle import LIFECYCLE, ClaimAction, ClaimStatus, actions_of
from domain.claims.events import ClaimAdjudicated, ClaimCanceled, ClaimSubmitted
from domain.claims.outcome import Outcome
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.claim_scene import (
    AT,
    BATCH,
    CLAIM,
    TODAY,
    a_claim,
    a_form,
    adjudicate,
    an_item,
    answer_all,
    appeal_all,
    said,
)

_S, _A = ClaimStatus, ClaimAction
LATER = AT + timedelta(days=1)

AFTER = {
    (None, _A.CREATE): _S.DRAFT,
    (_S.DRAFT, _A.UPDATE): _S.DRAFT,
    (_S.READY, _A.UPDATE): _S.DRAFT,
    (_S.RETURNED, _A.UPDATE): _S.DRAFT,
    (_S.DRAFT, _A.READY): _S.READY,
    (_S.READY, _A.BATCH): _S.BATCHED,
    (_S.BATCHED, _A.UNBATCH): _S.READY,
    (_S.READY, _A.SUBMIT): _S.SUBMITTED,
    (_S.BATCHED, _A.SUBMIT): _S.SUBMITTED,
    (_S.SUBMITTED, _A.RECEIVE): _S.RECEIVED,
    (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
    (_S.RECEIVED, _A.ANALYZE): _S.IN_ANALYSIS,
    (_S.IN_ANALYSIS, _A.ADJUDICATE): _S.ADJUDICATED,
    (_S.ADJUDICATED, _A.APPEAL): _S.APPEALED,
    (_S.APPEALED, _A.APPEAL): _S.APPEALED,
    (_S.APPEALED, _A.ANSWER_PART): _S.APPEALED,
    (_S.APPEALED, _A.ANSWER_APPEAL): _S.ADJUDICATED,
    (_S.ADJUDICATED, _A.ACCEPT_DENIALS): _S.ADJUDICATED,
    (_S.APPEALED, _A.ACCEPT_DENIALS): _S.APPEALED,
    (_S.ADJUDICATED, _A.SETTLE): _S.SETTLED,
    (_S.SETTLED, _A.REOPEN): _S.ADJUDICATED,
    (_S.DRAFT, _A.CANCEL): _S.CANCELED,
    (_S.READY, _A.CANCEL): _S.CANCELED,
    (_S.BATCHED, _A.CANCEL): _S.CANCELED,
    (_S.SUBMITTED, _A.CANCEL): _S.CANCELED,
    (_S.RETURNED, _A.CANCEL): _S.CANCELED,
    (_S.RECEIVED, _A.CANCEL): _S.CANCELED,
    (_S.IN_ANALYSIS, _A.CANCEL): _S.CANCELED,
    (_S.ADJUDICATED, _A.CANCEL): _S.CANCELED,
    (_S.APPEALED, _A.CANCEL): _S.CANCELED,
}
"""health.md B, written down a second time: the moves that change something."""

REPEATS = {
    (_S.READY, _A.READY),
    (_S.SUBMITTED, _A.SUBMIT),
    (_S.RECEIVED, _A.RECEIVE),
    (_S.RETURNED, _A.RETURN),
    (_S.IN_ANALYSIS, _A.ANALYZE),
    (_S.SETTLED, _A.SETTLE),
    (_S.ADJUDICATED, _A.REOPEN),
    (_S.CANCELED, _A.CANCEL),
}
"""What is allowed and changes nothing; every pair that is in neither is refused."""


def answer_one(claim: Claim) -> None:
    appealed = [denial for denial in claim.denials if denial.state.value == "APPEALED"]
    wanted = {denial.id: Money(1) for denial in appealed[:1]} or {CLAIM: Money(1)}
    claim.answer_appeal(wanted, appeal_until=TODAY, on=TODAY, at=LATER)


def appeal_one(claim: Claim) -> None:
    """One more denial is appealed; those under appeal were answered before, so that there is one."""
    if claim.status is _S.APPEALED:
        answer_one(claim)
        claim.changes.clear()
    claim.appeal([d.id for d in claim.denials if d.state.value == "PENDING"], "again", on=TODAY, at=LATER)


def accept(claim: Claim) -> None:
    if claim.status is _S.APPEALED:
        answer_one(claim)
        claim.changes.clear()
    claim.accept_denials([], reason="right", at=LATER)


def settle(claim: Claim) -> bool:
    if claim.status is _S.ADJUDICATED:
        claim.accept_denials([], reason="right", at=LATER)
        claim.changes.clear()
    return claim.settle(at=LATER)


DONE: dict[ClaimAction, Callable[[Claim], object]] = {
    _A.UPDATE: lambda claim: claim.update(a_form(patient_id="patient-2"), at=LATER),
    _A.READY: lambda claim: claim.ready(at=LATER),
    _A.BATCH: lambda claim: claim.batch(BATCH, at=LATER),
    _A.UNBATCH: lambda claim: claim.unbatch(at=LATER),
    _A.SUBMIT: lambda claim: claim.submit(at=LATER),
    _A.RECEIVE: lambda claim: claim.receive("P-1", at=LATER),
    _A.RETURN: lambda claim: claim.return_("no such card", at=LATER),
    _A.ANALYZE: lambda claim: claim.analyze(at=LATER),
    _A.ADJUDICATE: adjudicate,
    _A.APPEAL: appeal_one,
    _A.ANSWER_PART: answer_one,
    _A.ANSWER_APPEAL: answer_all,
    _A.ACCEPT_DENIALS: accept,
    _A.SETTLE: settle,
    _A.REOPEN: lambda claim: claim.reopen(at=LATER),
    _A.CANCEL: lambda claim: claim.cancel(reason="a mistake", at=LATER),
}
"""Each action through the claim's own door."""

TELLS = {_A.SUBMIT: ClaimSubmitted, _A.ADJUDICATE: ClaimAdjudicated, _A.ANSWER_APPEAL: ClaimAdjudicated}
SENT = {_S.SUBMITTED, _S.RETURNED, _S.RECEIVED, _S.IN_ANALYSIS, _S.ADJUDICATED, _S.APPEALED}
MOVES = [(state, action) for (state, action) in AFTER if state is not None]
REFUSED = [pair for pair in product(ClaimStatus, DONE) if pair not in AFTER and pair not in REPEATS]


def named(pair: object) -> str:
    return pair.value if isinstance(pair, ClaimStatus | ClaimAction) else str(pair)


@pytest.mark.parametrize(("state", "action"), list(product([None, *ClaimStatus], ClaimAction)), ids=named)
def test_every_action_in_every_state_goes_where_the_table_says(state: ClaimStatus | None, action: ClaimAction) -> None:
    if (state, action) in REPEATS:
        assert not LIFECYCLE.changes(state, action)
    elif after := AFTER.get((state, action)):
        assert LIFECYCLE.changes(state, action)
        assert LIFECYCLE.next(state, action) is after
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.changes(state, action)


@pytest.mark.parametrize(("state", "action"), MOVES, ids=named)
def test_a_move_ends_where_the_table_says_and_tells_at_most_its_one_fact(
    state: ClaimStatus, action: ClaimAction
) -> None:
    claim = a_claim(state)
    DONE[action](claim)
    (change,) = claim.changes
    assert (change.before, change.after, change.action) == (state.value, AFTER[state, action].value, action.value)
    assert claim.status is AFTER[state, action]
    told = ClaimCanceled if action is _A.CANCEL and state in SENT else TELLS.get(action)
    assert (type(change.fact) if change.fact else None) is told
    if change.fact:
        assert (change.fact.aggregate_id, change.fact.aggregate_version, change.fact.key) == (
            claim.id,
            claim.version,
            str(claim.id),
        )


@pytest.mark.parametrize(("state", "action"), sorted(REPEATS, key=str), ids=named)
def test_a_repeat_is_allowed_and_changes_nothing_at_all(state: ClaimStatus, action: ClaimAction) -> None:
    claim = a_claim(state)
    before = replace(claim)
    if action is _A.SETTLE:
        assert claim.settle(at=LATER) is False
    else:
        assert DONE[action](claim) is False
    assert (claim, claim.changes) == (before, [])


@pytest.mark.parametrize(("state", "action"), REFUSED, ids=named)
def test_what_the_table_does_not_have_is_refused_and_changes_nothing(state: ClaimStatus, action: ClaimAction) -> None:
    claim = a_claim(state)
    before = replace(claim)
    with pytest.raises(IllegalTransition) as refused:
        DONE[action](claim)
    assert refused.value.metadata["allowed_actions"] == ",".join(actions_of(state))
    assert (claim, claim.changes) == (before, [])


def test_a_caller_is_offered_only_what_it_can_ask_for() -> None:
    assert actions_of(_S.READY) == ("update", "batch", "submit", "cancel")
    assert actions_of(_S.APPEALED) == ("appeal", "answer_appeal", "accept_denials", "cancel")
    assert actions_of(_S.SETTLED) == ()
    assert actions_of(_S.CANCELED) == ()


def test_the_present_form_again_changes_nothing_but_a_returned_claim_is_reopened() -> None:
    ready, returned = a_claim(_S.READY), a_claim(_S.RETURNED)
    assert ready.update(ready.form, at=LATER) is False
    assert (ready.status, ready.changes) == (_S.READY, [])
    assert returned.update(returned.form, at=LATER) is True
    assert returned.status is _S.DRAFT


def test_what_was_corrected_is_in_the_log() -> None:
    claim = a_claim()
    claim.update(replace(claim.form, card_number="0002", items=(an_item(cents=1),)), at=LATER)
    assert claim.changes[-1].note == "card_number,items"


def test_a_resubmission_is_told_again_and_numbered() -> None:
    claim = a_claim(_S.RETURNED)
    claim.update(claim.form, at=LATER)
    claim.ready(at=LATER)
    assert claim.submit(at=LATER) is True
    assert claim.submit(at=LATER) is False
    assert [type(change.fact) for change in claim.changes if change.fact] == [ClaimSubmitted]
    assert (claim.submissions, claim.return_reason, claim.protocol) == (2, "", "")


def test_another_protocol_than_the_one_it_was_received_under_is_refused() -> None:
    claim = a_claim(_S.RECEIVED)
    with pytest.raises(IllegalTransition) as refused:
        claim.receive("P-2", at=LATER)
    assert refused.value.metadata == {"protocol": "P-1", "allowed_actions": ",".join(claim.allowed_actions)}


def test_an_override_is_kept_and_dies_with_the_next_correction() -> None:
    claim = a_claim()
    claim.ready(at=LATER, override_reason="the card was renewed yesterday")
    assert claim.changes[-1].note == claim.override_reason == "the card was renewed yesterday"
    claim.update(a_form(patient_id="patient-2"), at=LATER)
    assert claim.override_reason == ""


def test_another_reason_for_what_is_ready_takes_the_place_of_the_first_and_an_empty_or_the_same_one_is_a_repeat() -> (
    None
):
    claim = a_claim()
    claim.ready(at=AT, override_reason="renewed by phone")
    version = claim.version
    assert claim.ready(at=LATER) is False
    assert claim.ready(at=LATER, override_reason="renewed by phone") is False
    assert (claim.version, claim.override_reason, claim.updated_at) == (version, "renewed by phone", AT)
    assert claim.ready(at=LATER, override_reason="the card is here") is True
    last = claim.changes[-1]
    assert (last.action, last.before, last.after, last.note) == ("ready", "READY", "READY", "the card is here")
    assert (claim.override_reason, claim.updated_at, claim.status) == ("the card is here", LATER, _S.READY)
    with pytest.raises(IllegalTransition):
        a_claim(_S.BATCHED).ready(at=LATER, override_reason="too late")


def test_it_settles_only_when_no_denial_is_pending() -> None:
    claim = a_claim(_S.ADJUDICATED)
    assert claim.settle(at=LATER) is False
    appeal_all(claim)
    answer_all(claim)
    assert (claim.settleable, claim.settle(at=LATER)) == (False, False)
    claim.accept_denials([], reason="right", at=LATER)
    assert (claim.settleable, claim.settle(at=LATER)) == (True, True)


BILLED = {_S.SUBMITTED, _S.RECEIVED, _S.IN_ANALYSIS, _S.ADJUDICATED, _S.APPEALED}


@pytest.mark.parametrize("state", ClaimStatus, ids=named)
def test_only_what_the_insurer_has_can_be_invoiced_and_not_what_it_denied(state: ClaimStatus) -> None:
    assert a_claim(state).invoiceable is (state in BILLED)
    if state is _S.ADJUDICATED:
        denied = a_claim(_S.IN_ANALYSIS)
        adjudicate(denied, said(released=0, denied=(10_000,)))
        assert (denied.outcome, denied.invoiceable) == (Outcome.DENIED, False)
