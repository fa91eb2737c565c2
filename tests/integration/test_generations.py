"""What moved, on a real PostgreSQL: seen at once, soon or in a second, whoever did it, and never an older answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from itertools import count, takewhile

from domain.actor import Actor, Call
from domain.eligibility.eligibility_check import Question
from domain.eligibility.generations import EVERYTHING, card_scope, insurer_scope, patient_scope, plan_scope
from domain.eligibility.ports import InsurerServices
from domain.eligibility.reasons import Verdict
from domain.eligibility.use_cases.checks import EligibilityChecks, KeptAnswers
from domain.eligibility.use_cases.deciding import Deciding
from domain.eligibility.use_cases.reference import ReferenceData
from domain.events import Left
from domain.meter import NoMeter
from messaging.codec import encode_json
from persistence.cache_memory import MemoryCache
from persistence.check_history import CheckHistory
from persistence.eligibility import SqlSituations
from persistence.engine import Database
from persistence.generations import KEPT, KnownGenerations
from persistence.tuss import TussTerms
from persistence.unit_of_work import Units
from persistence.wake import NEWS, Listener, Notifier, running
from tests.support.fakes_eligibility import FakeInsurers, FakeUsage
from tests.support.house import RandomIds, RealClock
from tests.support.reference import CARD, INSURER, PATIENT, PLAN, a_beneficiary, a_plan, a_term, an_insurer
from tests.support.waiting import eventually

CALL = Call(actor=Actor(id="tester"), causation_id="cause")
LONG_AGO = date(2020, 1, 1)
MOVED = "INSERT INTO generations VALUES (%s, 1, clock_timestamp() - %s::interval)"
SCOPES = (insurer_scope(INSURER), plan_scope(INSURER, PLAN), card_scope(INSURER, CARD), patient_scope(PATIENT))


class Process:
    """What one process has of eligibility. Its commits tell its own generations, and others by `told`."""

    def __init__(self, database: Database, *, poll: float = 0.05) -> None:
        self.database = database
        self.generations = KnownGenerations(database, poll=poll)
        clock, ids, self.told = RealClock(), RandomIds(), list[Left]()
        self.history = CheckHistory(database, clock, NoMeter())
        self.reference = ReferenceData(Units(database, (encode_json,), ids, self._left).begin)
        self.terms = TussTerms(database, self.generations, NoMeter())
        insurers: InsurerServices = FakeInsurers()
        deciding = Deciding(SqlSituations(database, self.terms), FakeUsage(), insurers, self.history, clock)
        kept = KeptAnswers(MemoryCache(NoMeter()), self.generations)
        self.checks = EligibilityChecks(deciding, kept, self.history, clock, ids)

    def _left(self, left: Left) -> None:
        self.told.append(left)
        self.generations.moved(left.scopes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        stop = asyncio.Event()
        works = [asyncio.create_task(work(stop)) for work in (self.generations.run, self.history.run)]
        try:
            yield self
        finally:
            stop.set()
            await asyncio.gather(*works)

    async def seeded(self) -> None:
        await self.reference.upsert_insurer(CALL, an_insurer())
        await self.reference.upsert_health_plan(CALL, a_plan())
        await self.reference.upsert_beneficiary(CALL, a_beneficiary(enrolled_from=LONG_AGO))

    async def verdict(self) -> tuple[Verdict, bool]:
        question = Question(service_date=date(2026, 3, 1), insurer_id=INSURER, card_number=CARD)
        check = await self.checks.check_eligibility(CALL, question)
        return check.answer.verdict, check.from_cache

    async def cached(self) -> bool:
        return (await self.verdict())[1]


@asynccontextmanager
async def a_process(url: str, *, poll: float = 0.05) -> AsyncIterator[Process]:
    async with Database(url).opened() as database, Process(database, poll=poll).running() as process:
        yield process


async def test_nothing_is_known_before_the_first_look_and_what_never_moved_is_zero(database_url: str) -> None:
    async with Database(database_url).opened() as database:
        generations = KnownGenerations(database)
        assert generations.of([EVERYTHING]) is None
        await generations.read()
        assert generations.of([EVERYTHING, *SCOPES]) == (0,) * 5


async def test_a_change_made_by_another_process_is_seen_by_the_poll(database_url: str) -> None:
    async with a_process(database_url) as one, a_process(database_url) as other:
        await one.seeded()
        await eventually(other.cached, within=5)
        await one.reference.upsert_health_plan(CALL, a_plan(active=False))

        async def seen() -> bool:
            return await other.verdict() == (Verdict.INELIGIBLE, True)

        await eventually(seen, within=5)


async def test_a_notice_makes_another_process_look_at_once(database_url: str) -> None:
    async with Database(database_url).opened() as database:
        generations, notifier, stop = KnownGenerations(database, poll=3600), Notifier(database), asyncio.Event()
        running_it = asyncio.create_task(generations.run(stop))
        async with running(notifier.run, Listener(database, {NEWS: generations.heard}).run):
            await eventually(lambda: generations.of([EVERYTHING]) is not None, within=5)
            async with database.connection("test", autocommit=True) as connection:
                await connection.execute(
                    "INSERT INTO generations (scope, generation, changed_at) VALUES ('plan:x', 7, clock_timestamp())"
                )

            def seen() -> bool:
                notifier.news(["generations"])
                return generations.of(["plan:x"]) == (7,)

            await eventually(seen, within=5, every=0.05)
        stop.set()
        await running_it


async def test_ones_own_commit_is_unknown_until_it_is_read_and_then_another_generation(database_url: str) -> None:
    async with Database(database_url).opened() as database:
        process = Process(database)
        await process.seeded()
        assert process.generations.of(SCOPES) is None
        await process.generations.read()
        before = process.generations.of(SCOPES)
        sequence = process.generations.sequence
        await process.reference.upsert_insurer(CALL, an_insurer(name="Another name"))
        assert process.generations.sequence > sequence
        assert process.generations.of([insurer_scope(INSURER)]) is None
        assert process.generations.of([plan_scope(INSURER, PLAN)]) == (1,)
        await process.generations.read()
        assert (before, process.generations.of(SCOPES)) == ((1, 1, 1, 1), (2, 1, 1, 1))


async def test_what_was_announced_during_a_look_is_not_settled_by_it(database_url: str) -> None:
    async with Database(database_url).opened() as database, database.connection("test") as blocking:
        generations = KnownGenerations(database)
        await generations.read()
        await blocking.execute("LOCK generations IN ACCESS EXCLUSIVE MODE")
        looking = asyncio.create_task(generations.read())
        await asyncio.sleep(0.05)
        generations.moved(["plan:x"])
        await blocking.rollback()
        await looking
        assert generations.of(["plan:x"]) is None
        await generations.read()
        assert generations.of(["plan:x"]) == (0,)


async def test_what_moved_since_is_told_by_scope(database_url: str) -> None:
    async with Database(database_url).opened() as database, database.connection("w", autocommit=True) as writes:
        generations = KnownGenerations(database)
        await writes.execute(MOVED, ("plan:x", "0 s"))
        await generations.read()
        before = generations.sequence
        await writes.execute(MOVED, ("plan:y", "0 s"))
        await generations.read()
        generations.moved(["plan:z"])
        told = [generations.moved_since(before, [scope]) for scope in ("plan:x", "plan:y", "plan:z", "plan:never")]
        assert told == [False, True, True, False]


async def test_terms_are_kept_while_cards_are_written(database_url: str) -> None:
    async with Database(database_url).opened() as database, database.connection("test") as blocking:
        process = Process(database)
        await process.reference.upsert_tuss_term(CALL, term := a_term())
        await process.generations.read()
        await blocking.execute("LOCK tuss_terms IN ACCESS EXCLUSIVE MODE")
        loading = asyncio.create_task(process.terms.tuss_term("22", term.code, date(2026, 3, 1)))
        await asyncio.sleep(0.05)
        process.generations.moved([card_scope(INSURER, CARD)])
        await blocking.rollback()
        await loading
        assert len(process.terms._kept) == 1


async def test_what_cannot_be_read_for_a_while_is_not_known(database_url: str) -> None:
    now = 0.0
    async with Database(database_url).opened() as database:
        generations = KnownGenerations(database, timer=lambda: now)
        await generations.read()
        now = 4.9
        assert generations.of([EVERYTHING]) == (0,)
        now = 5.1
        assert generations.of([EVERYTHING]) is None


async def test_an_old_move_is_forgotten_and_one_of_everything_never(database_url: str) -> None:
    async with Database(database_url).opened() as database, database.connection("test", autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO generations SELECT scope, 3, clock_timestamp() - make_interval(secs => %s)"
            " FROM unnest(ARRAY['*', 'plan:old', 'plan:young']) scope",
            (KEPT + 60,),
        )
        await connection.execute("UPDATE generations SET changed_at = clock_timestamp() WHERE scope = 'plan:young'")
        generations = KnownGenerations(database)
        await generations.read()
        assert generations.of(["*", "plan:old", "plan:young"]) == (3, 0, 3)


async def test_no_answer_is_ever_older_than_a_change_that_had_moved(database_url: str) -> None:
    """Readers and a writer of one process, and a writer of another one, as fast as they can."""
    async with a_process(database_url) as process, a_process(database_url) as other:
        await process.seeded()
        stop, hits = False, 0

        async def write() -> None:
            """At least sixty times, and until the cache has been of use."""
            nonlocal stop
            for number in takewhile(lambda number: number < 60 or not hits, count()):
                active = number % 2 == 0
                await process.reference.upsert_health_plan(CALL, a_plan(active=active))
                wanted = Verdict.ELIGIBLE if active else Verdict.INELIGIBLE
                # The change has committed, and this process was told: nobody may be told otherwise from here on.
                told = await asyncio.gather(*(process.verdict() for _ in range(4)))
                assert {verdict for verdict, _ in told} == {wanted}, number
            stop = True

        async def read() -> None:
            nonlocal hits
            while not stop:
                hits += (await process.verdict())[1]
                await asyncio.sleep(0)

        async def move() -> None:
            number = 0
            while not stop:
                number += 1
                await other.reference.upsert_insurer(CALL, an_insurer(name=f"Insurer {number}"))
                await asyncio.sleep(0.02)

        async with asyncio.timeout(40):
            await asyncio.gather(write(), *(read() for _ in range(6)), move())


async def test_terms_are_kept_until_any_term_changes_and_chosen_by_the_day(database_url: str) -> None:
    async with a_process(database_url) as process:
        term = a_term(valid_from=date(2025, 1, 1))
        await process.reference.upsert_tuss_term(CALL, term)

        async def kept() -> bool:
            await process.terms.tuss_term("22", term.code, date(2026, 3, 1))
            return len(process.terms._kept) == 1

        await eventually(kept, within=5)
        newer = replace(term, valid_from=date(2026, 1, 1), description="Newer", valid_to=date(2026, 6, 30))
        await process.reference.upsert_tuss_term(CALL, newer)
        days = [date(2024, 12, 31), date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1)]
        told = [await process.terms.tuss_term("22", term.code, day) for day in days]
        assert [each and each.description for each in told] == [None, term.description, "Newer", "Newer", None]
        assert await process.terms.tuss_term("22", "12345678", date(2026, 3, 1)) is None
