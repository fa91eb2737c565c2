"""The history of checks on a real PostgreSQL: batches, certainty for those who wait, order, filters, no card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.actor import Actor
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Procedure, Question, Source
from domain.eligibility.queries import CheckFilter
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from domain.errors import Invalid, Unavailable
from persistence.check_history import MOST, CheckHistory
from persistence.engine import Database
from server.telemetry import Telemetry
from tests.support.fakes import FakeClock
from tests.support.house import RandomIds, RealClock
from tests.support.metrics import counted
from tests.support.ports import free_port
from tests.support.waiting import eventually

ANYBODY = Actor(id="tester")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWER = Answer(
    verdict=Verdict.INELIGIBLE,
    reasons=(Reason(ReasonCode.CARD_EXPIRED, 'é "velha"'), Reason(ReasonCode.OUT_OF_NETWORK, "x")),
    checked_at=NOW,
    expires_at=NOW + timedelta(minutes=5),
    source=Source.RULES,
    insurer_id="999991",
    plan_id="GOLD",
    patient_id="patient-1",
    card="**23",
)
QUESTION = Question(
    service_date=date(2026, 3, 1),
    insurer_id="999991",
    plan_id="GOLD",
    patient_id="patient-1",
    provider_id="9999991",
    procedures=(Procedure("22", "99000011", 2),),
    urgent=True,
)
IDS = RandomIds()


def a_check(seconds: float = 0, *, from_cache: bool = True, answer: Answer = ANSWER, **asked: Any) -> EligibilityCheck:
    question = replace(QUESTION, **asked)
    return EligibilityCheck(
        id=IDS.new(),
        asked_at=NOW + timedelta(seconds=seconds),
        actor='the "tester"',
        question=question,
        answer=replace(answer, insurer_id=question.insurer_id, patient_id=question.patient_id),
        from_cache=from_cache,
    )


@asynccontextmanager
async def a_history(url: str, telemetry: Telemetry | None = None) -> AsyncIterator[CheckHistory]:
    """A history that is being written."""
    async with Database(url).opened() as database:
        history, stop = CheckHistory(database, FakeClock(NOW), telemetry or Telemetry()), asyncio.Event()
        writing = asyncio.create_task(history.run(stop))
        await asyncio.sleep(0)
        try:
            yield history
        finally:
            stop.set()
            await writing


Place = tuple[datetime, UUID]


async def listed(
    history: CheckHistory, *, actor: Actor = ANYBODY, after: Place | None = None, limit: int = 100, **wanted: str
) -> list[EligibilityCheck]:
    return await history.eligibility_checks(actor, CheckFilter(**wanted), after=after, limit=limit)


async def test_a_check_that_was_waited_for_is_there_as_it_was(database_url: str) -> None:
    check = a_check(from_cache=False)
    async with a_history(database_url) as history:
        await history.keep(check)
        assert await listed(history) == [check]


async def test_a_hit_is_there_soon_without_being_waited_for(database_url: str) -> None:
    async with a_history(database_url) as history:
        hits = [a_check(number) for number in range(1200)]
        for hit in hits:
            history.add(hit)

        async def there() -> bool:
            return len(await listed(history, limit=2000)) == 1200

        await eventually(there, within=5)
        assert await listed(history, limit=2000) == hits[::-1]


async def test_what_lies_here_at_the_stop_is_written(database_url: str) -> None:
    async with a_history(database_url) as history:
        history.add(a_check())
    async with a_history(database_url) as again:
        assert len(await listed(again)) == 1


async def test_many_who_wait_at_once_share_few_commits(database_url: str) -> None:
    async with a_history(database_url) as history:
        await asyncio.gather(*(history.keep(a_check(number, from_cache=False)) for number in range(200)))
        assert len(await listed(history, limit=500)) == 200
    with psycopg.connect(database_url) as session:
        row = session.execute("SELECT count(DISTINCT xmin::text) FROM eligibility_checks").fetchone()
    assert row is not None
    assert row[0] < 20


async def test_newest_is_first_and_a_page_goes_on_where_the_last_one_ended(database_url: str) -> None:
    async with a_history(database_url) as history:
        checks = [a_check(number // 3, from_cache=False) for number in range(10)]
        await asyncio.gather(*map(history.keep, checks))
        whole = await listed(history)
        assert whole == sorted(checks, key=lambda check: (check.asked_at, check.id), reverse=True)
        last = whole[3]
        assert await listed(history, after=(last.asked_at, last.id), limit=3) == whole[4:7]


async def test_filters_hold_together_and_another_providers_checks_are_left_out(database_url: str) -> None:
    async with a_history(database_url) as history:
        one = a_check(1, from_cache=False)
        other = a_check(2, from_cache=False, patient_id="patient-2", insurer_id="999992", provider_id="1111111")
        nobodys = a_check(3, from_cache=False, provider_id="")
        await asyncio.gather(*map(history.keep, (one, other, nobodys)))
        assert await listed(history, patient_id="patient-2") == [other]
        assert await listed(history, insurer_id="999991") == [nobodys, one]
        assert await listed(history, patient_id="patient-1", insurer_id="999992") == []
        assert await listed(history, provider_id="1111111") == [other]
        limited = Actor(id="clinic", providers=frozenset({"9999991"}))
        assert await listed(history, actor=limited) == [one]


async def test_a_limited_caller_finds_checks_by_the_patient_that_was_asked_about_alone(database_url: str) -> None:
    async with a_history(database_url) as history:
        by_card = replace(a_check(1, from_cache=False), question=replace(QUESTION, patient_id=""))
        by_patient = a_check(2, from_cache=False)
        await asyncio.gather(*map(history.keep, (by_card, by_patient)))
        limited = Actor(id="clinic", providers=frozenset({"9999991"}))
        assert await listed(history, patient_id="patient-1") == [by_patient, by_card]
        assert await listed(history, actor=limited, patient_id="patient-1") == [by_patient]
        assert [each.answer.patient_id for each in await listed(history, actor=limited)] == ["patient-1", ""]


async def test_the_history_cannot_be_changed(database_url: str) -> None:
    async with a_history(database_url) as history:
        await history.keep(a_check(from_cache=False))
    with psycopg.connect(database_url) as session:
        for statement in ("UPDATE eligibility_checks SET verdict = 'ELIGIBLE'", "DELETE FROM eligibility_checks"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                session.execute(statement)
            session.rollback()


async def test_while_the_database_is_away_who_waits_is_refused_and_hits_are_bounded_and_counted() -> None:
    telemetry = Telemetry()
    async with a_history(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", telemetry) as history:
        with pytest.raises(Unavailable):
            await history.keep(a_check(from_cache=False))
        for number in range(MOST + 5):
            history.add(a_check(number))
        assert counted(telemetry, "acerto_eligibility_history_lost_total") == 5


POISON = replace(ANSWER, reasons=(Reason(ReasonCode.INSURER_SAYS, "a\x00b"),))


async def test_a_row_that_cannot_be_written_harms_no_other_and_is_counted(database_url: str) -> None:
    telemetry = Telemetry()
    async with a_history(database_url, telemetry) as history:
        good = [a_check(number, from_cache=False) for number in range(3)]
        history.add(a_check(7, answer=POISON))
        keeps = [history.keep(each) for each in (good[0], a_check(8, from_cache=False, answer=POISON), *good[1:])]
        told = await asyncio.gather(*keeps, return_exceptions=True)
        assert [type(each) for each in told] == [type(None), Invalid, type(None), type(None)]
        assert await listed(history) == good[::-1]
        await history.keep(a_check(9, from_cache=False))
        assert counted(telemetry, "acerto_eligibility_history_lost_total") == 2


async def test_a_row_that_is_waited_for_makes_room_for_no_hit(database_url: str) -> None:
    async with a_history(database_url) as history:
        waited = a_check(from_cache=False)
        keeping = asyncio.create_task(history.keep(waited))
        await asyncio.sleep(0)
        for number in range(MOST):
            history.add(a_check(number + 1))
        await keeping
        assert waited in await listed(history, limit=MOST + 1)


async def test_before_anybody_writes_who_waits_is_refused_at_once(database_url: str) -> None:
    async with Database(database_url).opened() as database:
        history = CheckHistory(database, RealClock(), Telemetry())
        with pytest.raises(Unavailable):
            await asyncio.wait_for(history.keep(a_check(from_cache=False)), 5)


async def test_hits_are_written_also_when_the_stop_has_no_time_left(database_url: str) -> None:
    async with Database(database_url).opened() as database:
        history = CheckHistory(database, RealClock(), Telemetry())
        writing = asyncio.create_task(history.run(asyncio.Event()))
        await asyncio.sleep(0)
        hit = a_check(1)
        history.add(hit)
        writing.cancel()
        await asyncio.wait([writing])
        assert await listed(history) == [hit]


TOLD = replace(ANSWER, source=Source.INSURER, verdict=Verdict.ELIGIBLE, reasons=())


async def test_what_an_insurer_told_last_is_what_it_determined(database_url: str) -> None:
    away = replace(TOLD, verdict=Verdict.UNDETERMINED, last_known=Verdict.ELIGIBLE, last_known_at=NOW)
    async with a_history(database_url) as history:
        for seconds, answer in ((-3, ANSWER), (-2, TOLD), (-1, away)):
            await history.keep(a_check(seconds, from_cache=False, answer=answer))
        assert await history.last_told(away) == TOLD
        assert (await listed(history))[0].answer == away


@pytest.mark.parametrize(
    "other", [{"insurer_id": "999992"}, {"card": "**24"}, {"card": "***23"}, {"plan_id": "SILVER"}, {"patient_id": "p"}]
)
async def test_what_an_insurer_told_last_is_of_the_same_card_at_the_same_insurer(
    database_url: str, other: dict[str, Any]
) -> None:
    async with a_history(database_url) as history:
        await history.keep(a_check(-1, from_cache=False, answer=TOLD))
        assert await history.last_told(TOLD) == TOLD
        assert await history.last_told(replace(TOLD, **other)) is None


async def test_of_a_card_that_is_nobodys_here_nothing_is_known(database_url: str) -> None:
    """The history has no card's whole number: without a patient, one that ends like it may be anybody's."""
    strangers = replace(TOLD, patient_id="")
    async with a_history(database_url) as history:
        await history.keep(a_check(-1, from_cache=False, answer=TOLD, patient_id=""))
        assert await history.last_told(strangers) is None


@pytest.mark.parametrize(("days", "found"), [(364, True), (365, True), (366, False)])
async def test_what_an_insurer_told_is_known_for_365_days(database_url: str, days: int, found: bool) -> None:
    async with a_history(database_url) as history:
        await history.keep(a_check(-days * 86_400, from_cache=False, answer=TOLD))
        assert (await history.last_told(TOLD) is not None) is found
