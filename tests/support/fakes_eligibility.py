"""Eligibility's ports kept in memory, and checks put together on them; what a test may change is public."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from domain.actor import Actor, Call
from domain.calendar import day_of
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.coverage import Situation
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Question, Source
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import InsurerAway, ReferenceNoun, Told
from domain.eligibility.queries import CheckFilter
from domain.eligibility.reasons import Verdict
from domain.eligibility.tuss_term import TussTerm
from domain.eligibility.use_cases.checks import EligibilityChecks, KeptAnswers
from domain.eligibility.use_cases.deciding import Deciding
from domain.meter import NoMeter
from persistence.cache_memory import MemoryCache
from tests.support.fakes import FakeClock, FakeIds
from tests.support.fakes_reference import _KEYS, ReferenceRows
from tests.support.reference import CARD, INSURER, a_beneficiary, a_plan, a_term, an_insurer

CALL: Final = Call(actor=Actor(id="tester"), causation_id="cause")
LONG_AGO: Final = date(2020, 1, 1)


class FakeSituations:
    """Loads from reference data in memory. `loads` counts; while `held` is clear, a load that has read waits."""

    def __init__(self, rows: ReferenceRows) -> None:
        self._rows = rows
        self.loads = 0
        self.held = asyncio.Event()
        self.held.set()
        self.failure: Exception | None = None

    async def of(self, question: Question) -> Sequence[Situation]:
        self.loads += 1
        found = self._found(question)
        await self.held.wait()
        if self.failure:
            raise self.failure
        return found

    def _found(self, asked: Question) -> list[Situation]:
        terms = frozenset((term.table, term.code) for term in self._rows.all(TussTerm))
        insurer_id = asked.insurer_id
        if not insurer_id:
            sellers = [plan.insurer_id for plan in self._rows.all(HealthPlan) if plan.plan_id == asked.plan_id]
            if len(sellers) != 1:
                return [Situation(question=asked, ambiguous=len(sellers) > 1, terms=terms)]
            insurer_id = sellers[0]
        cards = [card for card in self._rows.all(Beneficiary) if card.insurer_id == insurer_id]
        named = asked.card_number
        meant: list[Beneficiary | None] = [
            each for each in cards if (each.card_number == named if named else each.patient_id == asked.patient_id)
        ]
        return [
            Situation(
                question=asked,
                insurer=self._rows.of(Insurer, insurer_id),
                plan=self._rows.of(HealthPlan, insurer_id, card.plan_id if card else asked.plan_id),
                beneficiary=card,
                terms=terms,
            )
            for card in meant or [None]
        ]


class FakeGenerations:
    """Those of reference data in memory, known at once; `unknown` when nothing can be said."""

    def __init__(self, rows: ReferenceRows) -> None:
        self._rows = rows
        self._then: dict[int, Counter[str]] = {}
        self.unknown = False

    @property
    def sequence(self) -> int:
        now = self._rows.generations.total()
        self._then.setdefault(now, Counter(self._rows.generations))
        return now

    def moved_since(self, before: int, scopes: Iterable[str]) -> bool:
        then = self._then[before]
        return any(self._rows.generations[scope] != then[scope] for scope in scopes)

    def of(self, scopes: Iterable[str]) -> tuple[int, ...] | None:
        return None if self.unknown else tuple(self._rows.generations[scope] for scope in scopes)


class FakeHistory:
    """Keeps every check; while `failure` is set, none that is waited for."""

    def __init__(self) -> None:
        self.checks: list[EligibilityCheck] = []
        self.failure: Exception | None = None

    def add(self, check: EligibilityCheck) -> None:
        self.checks.append(check)

    async def keep(self, check: EligibilityCheck) -> None:
        if self.failure:
            raise self.failure
        self.checks.append(check)

    async def last_told(self, of: Answer) -> Answer | None:
        told = [
            check.answer
            for check in self.checks
            if check.answer.source is Source.INSURER and check.answer.verdict is not Verdict.UNDETERMINED
            if of.patient_id and _card_of(check.answer) == _card_of(of)
        ]
        return told[-1] if told else None

    async def eligibility_checks(
        self, actor: Actor, wanted: CheckFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[EligibilityCheck]:
        seen = (check.as_seen_by(actor) for check in self.checks)
        found = [
            check
            for check in sorted(seen, key=lambda check: (check.asked_at, check.id), reverse=True)
            if actor.serves(check.question.provider_id)
            if wanted.patient_id in (None, check.answer.patient_id)
            if wanted.insurer_id in (None, check.answer.insurer_id)
            if wanted.provider_id in (None, check.question.provider_id)
            if after is None or (check.asked_at, check.id) < after
        ]
        return found[skip:][:limit]


def _card_of(answer: Answer) -> tuple[str, ...]:
    return answer.insurer_id, answer.plan_id, answer.patient_id, answer.card


class FakeInsurers:
    """Insurers' services: `told` is what they say; None while they are away, and they serve only when `serving`.

    `asked` has every question.
    """

    def __init__(self) -> None:
        self.serving = False
        self.told: Told | None = None
        self.asked: list[Question] = []

    def serves(self, insurer: Insurer) -> bool:
        return self.serving and bool(insurer.check_url)

    async def check(self, _insurer: Insurer, question: Question) -> Told:
        self.asked.append(question)
        if self.told is None:
            raise InsurerAway("away")
        return self.told


class FakeUsage:
    """What was used of limits, by (table, prefix)."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], int] = {}

    async def used(self, _beneficiary: Beneficiary, _year: int, _plan: HealthPlan) -> Mapping[tuple[str, str], int]:
        return self.of


class FakeChecks:
    """The use case of checks on fakes, over reference data in memory."""

    def __init__(self, rows: ReferenceRows | None = None, clock: FakeClock | None = None) -> None:
        self.rows = rows or ReferenceRows()
        self.clock = clock or FakeClock()
        self.situations = FakeSituations(self.rows)
        self.generations = FakeGenerations(self.rows)
        self.history = FakeHistory()
        self.insurers = FakeInsurers()
        self.usage = FakeUsage()
        self.cache = MemoryCache(NoMeter(), timer=lambda: self.clock.now().timestamp())
        deciding = Deciding(self.situations, self.usage, self.insurers, self.history, self.clock)
        kept = KeptAnswers(self.cache, self.generations)
        self.checks = EligibilityChecks(deciding, kept, self.history, self.clock, FakeIds())


def known_checks() -> FakeChecks:
    """Checks where there is one of everything, and all is well."""
    made = FakeChecks()
    put(made, an_insurer(), a_plan(), a_beneficiary(enrolled_from=LONG_AGO), a_term())
    return made


def put(checks: FakeChecks, *nouns: ReferenceNoun) -> None:
    """What a commit does: the rows, and their generations."""
    for noun in nouns:
        checks.rows.rows[type(noun), tuple(str(getattr(noun, name)) for name in _KEYS[type(noun)])] = noun
        checks.rows.generations.update(noun.scopes)


async def check(checks: FakeChecks, *, force_refresh: bool = False, **asked: Any) -> EligibilityCheck:
    """The answer to what is asked today, of the known card where nothing is named."""
    named: dict[str, Any] = asked or {"insurer_id": INSURER, "card_number": CARD}
    question = Question(**{"service_date": day_of(checks.clock.now()), **named})
    return await checks.checks.check_eligibility(CALL, question, force_refresh=force_refresh)
