"""Checks on fakes: what is kept and for how long, what makes it old, what is recorded, whom an insurer's word beats."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.calendar import day_of
from domain.eligibility.eligibility_check import EligibilityCheck, Procedure, Source
from domain.eligibility.expiry import expires_at
from domain.eligibility.generations import EVERYTHING
from domain.eligibility.health_plan import CoverageRule
from domain.eligibility.ports import ReferenceNoun, Told
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from domain.errors import Unavailable
from server.wiring.reference import ReferenceAnswers
from tests.support.fakes_eligibility import CALL, LONG_AGO, FakeChecks, check, known_checks, put
from tests.support.fakes_reference import FakeReferenceQueries
from tests.support.reference import CARD, INSURER, PATIENT, PLAN, a_beneficiary, a_plan, an_insurer

NOON = datetime(2026, 3, 1, 15, tzinfo=UTC)


@pytest.fixture
def checks() -> FakeChecks:
    return known_checks()


async def test_not_everybody_is_eligible(checks: FakeChecks) -> None:
    put(checks, a_beneficiary(card_number="new", patient_id="new", enrolled_from=day_of(checks.clock.now())))
    verdicts = [
        (await check(checks, insurer_id=INSURER, card_number=card)).answer.verdict for card in (CARD, "new", "?")
    ]
    assert verdicts == [Verdict.ELIGIBLE, Verdict.INELIGIBLE, Verdict.UNDETERMINED]
    unknown = await check(checks, insurer_id="convenio qualquer", patient_id=PATIENT)
    assert unknown.answer.verdict is Verdict.UNDETERMINED
    assert [reason.code for reason in unknown.answer.reasons] == [
        *(ReasonCode.INSURER_ID_INVALID, ReasonCode.INSURER_UNKNOWN, ReasonCode.BENEFICIARY_UNKNOWN)
    ]


async def test_a_cache_hit_is_recorded_and_tells_when_it_was_really_found(checks: FakeChecks) -> None:
    first = await check(checks)
    checks.clock.advance(minutes=10)
    second = await check(checks)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert (first.source, second.source) == (Source.RULES, Source.CACHE)
    assert second.answer.checked_at == first.asked_at == first.answer.checked_at
    assert second.asked_at == first.asked_at + timedelta(minutes=10)
    assert checks.history.checks == [first, second]
    assert first.id != second.id
    assert checks.situations.loads == 1


async def test_force_refresh_finds_it_afresh_and_that_is_kept(checks: FakeChecks) -> None:
    await check(checks)
    checks.clock.advance(minutes=1)
    fresh = await check(checks, force_refresh=True)
    assert (fresh.from_cache, fresh.answer.checked_at) == (False, checks.clock.now())
    assert (await check(checks)).answer.checked_at == fresh.answer.checked_at


@pytest.mark.parametrize(
    "change",
    [
        an_insurer(active=False),
        a_plan(active=False),
        a_beneficiary(enrolled_from=LONG_AGO, valid_to=date(2021, 1, 1)),
    ],
    ids=["insurer", "plan", "beneficiary"],
)
@pytest.mark.parametrize("asked", [{"card_number": CARD}, {"patient_id": PATIENT}], ids=["card", "patient"])
async def test_what_was_changed_since_is_never_answered(
    checks: FakeChecks, change: ReferenceNoun, asked: dict[str, Any]
) -> None:
    assert (await check(checks, insurer_id=INSURER, **asked)).answer.verdict is Verdict.ELIGIBLE
    put(checks, change)
    told = await check(checks, insurer_id=INSURER, **asked)
    assert (told.answer.verdict, told.from_cache) == (Verdict.INELIGIBLE, False)


async def test_a_bulk_load_makes_everything_old(checks: FakeChecks) -> None:
    await check(checks)
    checks.rows.generations.update([EVERYTHING])
    assert not (await check(checks)).from_cache


async def test_an_answer_from_before_a_change_that_comes_late_is_never_found(checks: FakeChecks) -> None:
    checks.situations.held.clear()
    late = asyncio.create_task(check(checks))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert checks.situations.loads == 1
    put(checks, a_plan(active=False))
    after = asyncio.create_task(check(checks))
    await asyncio.sleep(0)
    checks.situations.held.set()
    assert (await late).answer.verdict is Verdict.ELIGIBLE
    assert (await after).answer.verdict is Verdict.INELIGIBLE, "nobody joins a run that began before the change"
    again = await check(checks)
    assert (again.answer.verdict, again.from_cache) == (Verdict.INELIGIBLE, True)


@pytest.mark.parametrize(
    ("moved", "kept"), [(a_beneficiary(card_number="another", patient_id="another"), True), (a_plan(), False)]
)
async def test_what_moves_meanwhile_keeps_an_answer_from_being_kept_only_where_it_depends_on_it(
    checks: FakeChecks, moved: ReferenceNoun, kept: bool
) -> None:
    checks.situations.held.clear()
    finding = asyncio.create_task(check(checks))
    await asyncio.sleep(0)
    put(checks, moved)
    checks.situations.held.set()
    await finding
    assert (await check(checks)).from_cache is kept


async def test_while_nobody_can_say_what_moved_nothing_is_kept_or_taken(checks: FakeChecks) -> None:
    await check(checks)
    checks.generations.unknown = True
    assert [(await check(checks)).from_cache for _ in range(2)] == [False, False]
    checks.generations.unknown = False
    assert (await check(checks)).from_cache


async def test_many_at_once_load_once_and_each_is_recorded(checks: FakeChecks) -> None:
    checks.situations.held.clear()
    waiting = [asyncio.create_task(check(checks)) for _ in range(20)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    checks.situations.held.set()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(told[0], asyncio.CancelledError)
    assert all(isinstance(each, EligibilityCheck) and each.answer.verdict is Verdict.ELIGIBLE for each in told[1:])
    assert checks.situations.loads == 1
    assert len({each.id for each in checks.history.checks}) == 19


async def test_a_database_that_is_away_is_a_refusal_and_no_answer(checks: FakeChecks) -> None:
    checks.situations.failure = Unavailable()
    with pytest.raises(Unavailable):
        await check(checks)
    checks.situations.failure = None
    assert (await check(checks)).answer.verdict is Verdict.ELIGIBLE
    assert len(checks.history.checks) == 1


async def test_what_could_not_be_recorded_is_not_kept_for_others(checks: FakeChecks) -> None:
    checks.history.failure = Unavailable()
    with pytest.raises(Unavailable):
        await check(checks)
    checks.history.failure = None
    assert [(await check(checks)).from_cache for _ in range(2)] == [False, True]


@pytest.mark.parametrize(("seconds", "cached"), [(3599, True), (3600, False)])
async def test_a_yes_is_kept_for_an_hour(checks: FakeChecks, seconds: int, cached: bool) -> None:
    await check(checks)
    checks.clock.advance(seconds=seconds)
    assert (await check(checks)).from_cache is cached


@pytest.mark.parametrize(("seconds", "cached"), [(299, True), (300, False)])
async def test_a_no_is_kept_for_five_minutes(checks: FakeChecks, seconds: int, cached: bool) -> None:
    put(checks, a_plan(active=False))
    await check(checks)
    checks.clock.advance(seconds=seconds)
    assert (await check(checks)).from_cache is cached


async def test_what_is_not_determined_is_never_kept(checks: FakeChecks) -> None:
    told = [await check(checks, insurer_id=INSURER, card_number="?") for _ in range(2)]
    assert [each.from_cache for each in told] == [False, False]
    assert told[0].answer.expires_at == told[0].answer.checked_at


@pytest.mark.parametrize("verdict", [Verdict.ELIGIBLE, Verdict.INELIGIBLE])
def test_nothing_is_kept_beyond_a_midnight_of_sao_paulo(verdict: Verdict) -> None:
    midnight = datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert expires_at(verdict, midnight - timedelta(seconds=1)) == midnight
    assert expires_at(verdict, midnight - timedelta(hours=2)) < midnight
    assert expires_at(verdict, midnight) > midnight


def test_an_insurers_own_word_can_only_shorten_how_long_it_is_kept() -> None:
    assert expires_at(Verdict.ELIGIBLE, NOON, NOON + timedelta(minutes=1)) == NOON + timedelta(minutes=1)
    assert expires_at(Verdict.ELIGIBLE, NOON, NOON + timedelta(days=1)) == NOON + timedelta(hours=1)
    assert expires_at(Verdict.ELIGIBLE, NOON, NOON - timedelta(days=1)) == NOON


async def test_an_answer_that_depends_on_what_was_used_is_found_afresh_each_time(checks: FakeChecks) -> None:
    put(checks, a_plan(coverage=(CoverageRule(table="22", prefix="99", yearly_limit=2),)))
    asked: dict[str, Any] = {"insurer_id": INSURER, "card_number": CARD, "procedures": (Procedure("22", "99000011"),)}
    assert (await check(checks, **asked)).answer.verdict is Verdict.ELIGIBLE
    checks.usage.of = {("22", "99"): 2}
    told = await check(checks, **asked)
    assert [reason.code for reason in told.answer.reasons] == [ReasonCode.LIMIT_REACHED]


async def test_a_plan_alone_means_its_insurer_and_the_cards_plan_is_told(checks: FakeChecks) -> None:
    told = await check(checks, plan_id=PLAN, card_number=CARD)
    assert (told.answer.verdict, told.answer.insurer_id, told.answer.plan_id) == (Verdict.ELIGIBLE, INSURER, PLAN)
    put(checks, an_insurer(insurer_id="999992"), a_plan(insurer_id="999992"))
    assert (await check(checks, plan_id=PLAN, card_number=CARD)).answer.verdict is Verdict.UNDETERMINED


async def test_a_plan_alone_that_nobody_sells_is_an_unknown_plan_and_no_unknown_insurer(checks: FakeChecks) -> None:
    told = await check(checks, plan_id="nobody's", card_number=CARD)
    assert [reason.code for reason in told.answer.reasons] == [
        *(ReasonCode.PLAN_UNKNOWN, ReasonCode.BENEFICIARY_UNKNOWN)
    ]
    assert told.answer.verdict is Verdict.UNDETERMINED


async def test_an_insurers_own_service_stands_above_the_rules(checks: FakeChecks) -> None:
    put(checks, an_insurer(check_url="https://checks.example.com"))
    checks.insurers.serving = True
    checks.insurers.told = Told(Verdict.INELIGIBLE, (Reason(ReasonCode.INSURER_SAYS, "no"),))
    told = await check(checks)
    assert (told.answer.verdict, told.source) == (Verdict.INELIGIBLE, Source.INSURER)
    assert (await check(checks)).source is Source.CACHE


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"patient_id": "another"}, ReasonCode.PATIENT_MISMATCH), ({"plan_id": "SILVER"}, ReasonCode.PLAN_MISMATCH)],
    ids=["patient", "plan"],
)
@pytest.mark.parametrize("told", [Told(Verdict.ELIGIBLE, ()), None], ids=["yes", "away"])
async def test_who_the_card_is_not_stays_a_no_and_its_insurer_is_not_asked_of_another(
    checks: FakeChecks, asked: dict[str, Any], code: ReasonCode, told: Told | None
) -> None:
    put(checks, an_insurer(check_url="https://checks.example.com"))
    checks.insurers.serving, checks.insurers.told = True, told
    answer = (await check(checks, insurer_id=INSURER, card_number=CARD, **asked)).answer
    assert (answer.verdict, [reason.code for reason in answer.reasons]) == (Verdict.INELIGIBLE, [code])
    assert checks.insurers.asked == []


async def test_our_notes_stay_beside_what_an_insurer_says(checks: FakeChecks) -> None:
    put(checks, an_insurer(check_url="https://checks.example.com"))
    put(checks, a_plan(coverage=(CoverageRule(table="22", prefix="99", needs_authorization=True),)))
    put(checks, a_beneficiary(enrolled_from=date(2026, 2, 1), pre_existing_until=date(2027, 1, 1)))
    said = Reason(ReasonCode.INSURER_SAYS, "yes")
    checks.insurers.serving, checks.insurers.told = True, Told(Verdict.ELIGIBLE, (said,))
    asked: dict[str, Any] = {"insurer_id": INSURER, "card_number": CARD, "procedures": (Procedure("22", "99000011"),)}
    answer = (await check(checks, **asked)).answer
    assert answer.verdict is Verdict.ELIGIBLE, "the insurer's word beats our waiting period"
    assert [reason.code for reason in answer.reasons] == [
        *(ReasonCode.PRE_EXISTING_CONDITION, ReasonCode.AUTHORIZATION_REQUIRED, ReasonCode.INSURER_SAYS)
    ]


async def test_an_insurer_that_is_away_leaves_it_open_and_what_it_said_last_is_told(checks: FakeChecks) -> None:
    put(checks, an_insurer(check_url="https://checks.example.com"))
    checks.insurers.serving = True
    first = await check(checks)
    assert (first.answer.verdict, first.answer.last_known) == (Verdict.UNDETERMINED, None)
    checks.insurers.told = Told(Verdict.ELIGIBLE, ())
    said = await check(checks)
    checks.insurers.told = None
    for _ in range(2):
        away = await check(checks, force_refresh=True)
        assert (away.answer.verdict, away.answer.reasons[0].code) == (Verdict.UNDETERMINED, ReasonCode.INSURER_AWAY)
        assert (away.answer.last_known, away.answer.last_known_at) == (Verdict.ELIGIBLE, said.answer.checked_at)
        assert away.answer.expires_at == away.answer.checked_at


async def test_what_an_insurer_said_last_is_told_of_the_card_that_is_asked_about_and_of_no_other(
    checks: FakeChecks,
) -> None:
    put(checks, an_insurer(check_url="https://checks.example.com"))
    put(checks, a_beneficiary(enrolled_from=LONG_AGO, card_number="000456"))
    checks.insurers.serving, checks.insurers.told = True, Told(Verdict.ELIGIBLE, ())
    await check(checks)
    checks.insurers.told = None
    known = [
        (await check(checks, force_refresh=True, insurer_id=INSURER, card_number=card)).answer.last_known
        for card in (CARD, "000456")
    ]
    assert known == [Verdict.ELIGIBLE, None], "two cards of one patient"


async def test_a_check_for_a_claim_is_recorded_as_asked_by_who_looked_at_the_claim(checks: FakeChecks) -> None:
    answers = ReferenceAnswers(FakeReferenceQueries(checks.rows), checks.checks)
    await answers.eligibility(
        CALL,
        insurer_id=INSURER,
        plan_id=PLAN,
        card_number=CARD,
        patient_id=PATIENT,
        on=date(2026, 3, 1),
        provider_id="",
        procedures={},
        urgent=False,
    )
    assert [each.actor for each in checks.history.checks] == ["tester"]
