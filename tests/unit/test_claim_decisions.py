"""What insurers say, and on which day: until when it may be appealed, and what no insurer can have said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import AppealDeadlinePassed
from domain.claims.use_cases.claims import Changes
from domain.errors import Invalid
from domain.money import Money
from tests.support.builders import CALL
from tests.support.claim_scene import INSURER, TODAY, said
from tests.support.clinic import Clinic

_S = ClaimStatus


async def test_an_insurer_that_says_its_own_term_takes_appeals_for_that_long() -> None:
    clinic = Clinic()
    clinic.reference.terms_of_appeal[INSURER] = 5
    claim = await clinic.adjudicated()
    assert {denial.appeal_until.isoformat() for denial in claim.denials} == {"2026-03-06"}


def wrong_day(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(violation.field, violation.description) for violation in refused.value.violations]


async def test_the_term_for_an_appeal_counts_from_the_day_of_the_insurers_word_not_from_when_it_was_entered() -> None:
    clinic = Clinic()
    clinic.reference.terms_of_appeal[INSURER] = 5
    claim = await clinic.analyzed()
    clinic.clock.advance(days=9)
    judged = await clinic.adjudications.adjudicate_claim(CALL, claim.id, [said()], on=TODAY + timedelta(days=5))
    assert {denial.appeal_until for denial in judged.denials} == {TODAY + timedelta(days=10)}
    assert judged.adjudicated_at == clinic.clock.now(), "when it was entered is another thing"
    clinic.clock.advance(days=1)
    first, second = (denial.id for denial in judged.denials)
    appealed = await clinic.adjudications.appeal_claim(CALL, claim.id, [first, second], "needed")
    assert {denial.appealed_on for denial in appealed.denials} == {TODAY + timedelta(days=10)}
    clinic.clock.advance(days=30)
    on = TODAY + timedelta(days=39)
    answer = clinic.adjudications.answer_claim_appeal
    answered = await answer(CALL, claim.id, {first: Money(0)}, on=on)
    assert answered.denials[0].appeal_until == TODAY + timedelta(days=44)
    await answer(CALL, claim.id, {second: Money(0)}, on=on)
    notes = [(entry.action, entry.note) for _, entry in clinic.store.history[-4:]]
    assert notes == [
        ("adjudicate", "2026-03-06"),
        ("appeal", f"2026-03-11: {first},{second}"),
        ("answer_part", f"2026-04-09: {first}"),
        ("answer_appeal", f"2026-04-09: {second}"),
    ]


async def test_an_insurer_says_nothing_before_it_was_asked_nor_in_days_to_come() -> None:
    clinic = Clinic()
    claim = await clinic.analyzed()
    clinic.clock.advance(days=2)
    adjudicate, answer = clinic.adjudications.adjudicate_claim, clinic.adjudications.answer_claim_appeal
    before, to_come = TODAY - timedelta(days=1), TODAY + timedelta(days=3)
    with pytest.raises(Invalid) as refused:
        await adjudicate(CALL, claim.id, [said()], on=before)
    assert wrong_day(refused) == [("date", "must not be before the submission of 2026-03-01")]
    for day in (to_come, date.max):
        with pytest.raises(Invalid) as refused:
            await adjudicate(CALL, claim.id, [said()], on=day)
        assert wrong_day(refused) == [("date", "must be today, 2026-03-03, or before")]
    judged = await adjudicate(CALL, claim.id, [said()], on=TODAY)
    first, second = (denial.id for denial in judged.denials)
    await clinic.adjudications.appeal_claim(CALL, claim.id, [first], "needed")
    clinic.clock.advance(days=1)
    await clinic.adjudications.appeal_claim(CALL, claim.id, [second], "needed too")
    with pytest.raises(Invalid) as refused:
        await answer(CALL, claim.id, {first: Money(1), second: Money(1)}, on=TODAY + timedelta(days=2))
    assert wrong_day(refused) == [("date", "must not be before the appeal of 2026-03-04")]
    with pytest.raises(Invalid) as refused:
        await answer(CALL, claim.id, {first: Money(1)}, on=date.max)
    assert wrong_day(refused) == [("date", "must be today, 2026-03-04, or before")]
    await answer(CALL, claim.id, {first: Money(1)}, on=TODAY + timedelta(days=2))


async def test_an_appeal_is_judged_by_its_own_day_which_is_not_before_the_decision_nor_to_come() -> None:
    clinic = Clinic()
    claim = await clinic.adjudicated()
    first, second = (denial.id for denial in claim.denials)
    clinic.clock.advance(days=32)
    appeal, answer = clinic.adjudications.appeal_claim, clinic.adjudications.answer_claim_appeal
    last = TODAY + timedelta(days=30)
    for on, problem in (
        (TODAY + timedelta(days=33), "must be today, 2026-04-02, or before"),
        (date.min, "must not be before the submission of 2026-03-01"),
    ):
        with pytest.raises(Invalid) as refused:
            await appeal(CALL, claim.id, [first], "needed", on=on)
        assert wrong_day(refused) == [("date", problem)]
    for late in (None, last + timedelta(days=1)):
        with pytest.raises(AppealDeadlinePassed):
            await appeal(CALL, claim.id, [first], "needed", on=late)
    appealed = await appeal(CALL, claim.id, [first], "needed", on=last)
    assert [denial.appealed_on for denial in appealed.denials] == [last, None]
    await answer(CALL, claim.id, {first: Money(0)}, on=last + timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        await appeal(CALL, claim.id, [second, first], "once more", on=last)
    assert wrong_day(refused) == [("date", "must not be before the decision of 2026-04-01")]
    await appeal(CALL, claim.id, [second], "needed too", on=last)


async def test_a_decision_of_a_claim_that_was_sent_again_is_not_from_before_that() -> None:
    clinic = Clinic()
    claim = await clinic.ready()
    await clinic.claims.submit_claim(CALL, claim.id)
    await clinic.adjudications.return_claim(CALL, claim.id, "no such card")
    await clinic.claims.update_claim(CALL, claim.id, Changes(form={"card_number": "0002"}))
    clinic.clock.advance(days=1)
    await clinic.claims.ready_claim(CALL, claim.id)
    await clinic.claims.submit_claim(CALL, claim.id)
    await clinic.adjudications.receive_claim(CALL, claim.id, "P-2")
    await clinic.adjudications.start_claim_analysis(CALL, claim.id)
    with pytest.raises(Invalid):
        await clinic.adjudications.adjudicate_claim(CALL, claim.id, [said()], on=TODAY)


async def test_a_denial_can_be_appealed_for_thirty_days_where_the_insurer_says_no_term() -> None:
    clinic = Clinic()
    claim = judged = await clinic.adjudicated()
    first, _ = judged.denials
    assert first.appeal_until.isoformat() == "2026-03-31"
    clinic.clock.advance(days=30)
    appealed = await clinic.adjudications.appeal_claim(CALL, claim.id, [first.id], "needed")
    assert appealed.status is _S.APPEALED
    answered = await clinic.adjudications.answer_claim_appeal(CALL, claim.id, {first.id: Money(1_000)})
    assert answered.denials[0].appeal_until.isoformat() == "2026-04-30", "a round of its own"
    accepted = await clinic.adjudications.accept_denials(CALL, claim.id, [], "right")
    assert (accepted.denied_pending, accepted.denied_accepted) == (Money(0), Money(3_000))
    assert clinic.store.names() == ["ClaimSubmitted", "ClaimAdjudicated", "ClaimAdjudicated"]
