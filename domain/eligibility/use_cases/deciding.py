"""One answer, found afresh: what is known is loaded, the rules judge it, the insurer's own word stands above them.

Where a patient has several cards at the insurer, each is judged, and the best answer is told with the card it is of.
The insurer stands above all but one: whether who was asked about is who the card is, which the insurer is not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from domain.clock import Clock
from domain.eligibility.coverage import Situation, reasons_of
from domain.eligibility.eligibility_check import Answer, Question, Source, masked
from domain.eligibility.expiry import expires_at
from domain.eligibility.generations import plan_scope
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import History, InsurerAway, InsurerServices, Situations, Told, Usage
from domain.eligibility.reasons import MISMATCHES, NOT_HELD, NOTES, OTHER_CARE, Reason, ReasonCode, Verdict, verdict_of

_plan_scope = lru_cache(4096)(plan_scope)
AWAY: Final = Reason(ReasonCode.INSURER_AWAY, "the insurer's own service does not answer")
MOST_ASKED: Final = 3
"""Of how many cards that our rules find alike an insurer's service is asked."""
_BEST_FIRST: Final = (Verdict.ELIGIBLE, Verdict.UNDETERMINED, Verdict.INELIGIBLE)
_WORSE: Final = (MISMATCHES, NOT_HELD, OTHER_CARE)
"""What makes a card the wrong one to answer for among those of one verdict, the worst first."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the scopes it depends on beside what the question names; None: on what nobody tells us of."""

    answer: Answer
    depends_on: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """Finds answers."""

    situations: Situations
    usage: Usage
    insurers: InsurerServices
    history: History
    clock: Clock

    async def decide(self, question: Question) -> Decision:
        """The answer as of now, for the card that it is best for. Raises Unavailable."""
        now = self.clock.now()
        situations = [await self._with_usage(each) for each in await self.situations.of(question)]
        found = [(each, _answer(each, now)) for each in situations]
        best = min(_rank(answer) for _, answer in found)
        equals = [each for each in found if _rank(each[1]) == best]
        return Decision(await self._best_told(equals), _depends_on(situations))

    async def _with_usage(self, situation: Situation) -> Situation:
        card, plan = situation.beneficiary, situation.plan
        if not situation.limited or card is None or plan is None:
            return situation
        year = situation.question.service_date.year
        return replace(situation, used=await self.usage.used(card, year, plan))

    async def _best_told(self, equals: Sequence[tuple[Situation, Answer]]) -> Answer:
        """Of cards that are as good to our rules: the first, or the one for which the insurer's service says most.

        The service is asked about one after another until it says yes or is away, so that it is asked once as a rule.
        """
        told: list[Answer] = []
        for situation, answer in equals[:MOST_ASKED]:
            told.append(await self._as_the_insurer_says(situation, answer))
            last = told[-1]
            if last.source is Source.RULES or last.verdict is Verdict.ELIGIBLE or AWAY in last.reasons:
                break
        return min(told, key=_rank)

    async def _as_the_insurer_says(self, situation: Situation, answer: Answer) -> Answer:
        """The answer of the insurer's own service where it has one; else ours."""
        insurer, card, question = situation.insurer, situation.beneficiary, situation.question
        asked = replace(question, card_number=card.card_number, plan_id=card.plan_id) if card else question
        served = insurer is not None and insurer.active and bool(asked.card_number) and self.insurers.serves(insurer)
        if insurer and served and not MISMATCHES & {reason.code for reason in answer.reasons}:
            return await self._told(insurer, asked, answer)
        return answer

    async def _told(self, insurer: Insurer, question: Question, ours: Answer) -> Answer:
        """The insurer's answer and our notes; while it is away, what it said last, which decides nothing."""
        try:
            told = await self.insurers.check(insurer, question)
        except InsurerAway:
            known = await self.history.last_told(ours)
            return replace(
                ours,
                verdict=Verdict.UNDETERMINED,
                reasons=(AWAY, *ours.reasons),
                expires_at=ours.checked_at,
                source=Source.INSURER,
                last_known=known.verdict if known else None,
                last_known_at=known.checked_at if known else None,
            )
        return _as_told(ours, told)


def _rank(answer: Answer) -> tuple[int, ...]:
    """How good an answer is to be told, the least being best."""
    codes = {reason.code for reason in answer.reasons}
    return (_BEST_FIRST.index(answer.verdict), *(bool(codes & worse) for worse in _WORSE))


def _answer(situation: Situation, now: datetime) -> Answer:
    reasons = reasons_of(situation)
    verdict = verdict_of(reasons)
    asked, card, plan, insurer = situation.question, situation.beneficiary, situation.plan, situation.insurer
    return Answer(
        verdict=verdict,
        reasons=reasons,
        checked_at=now,
        expires_at=expires_at(verdict, now),
        source=Source.RULES,
        insurer_id=insurer.insurer_id if insurer else asked.insurer_id,
        plan_id=plan.plan_id if plan else asked.plan_id,
        patient_id=card.patient_id if card else asked.patient_id,
        card=masked(card.card_number if card else asked.card_number),
    )


def _as_told(ours: Answer, told: Told) -> Answer:
    """Our notes come first: the insurer's silence does not take back what its plan wants."""
    notes = (reason for reason in ours.reasons if reason.code in NOTES)
    return replace(
        ours,
        verdict=told.verdict,
        reasons=tuple(dict.fromkeys((*notes, *told.reasons))),
        expires_at=expires_at(told.verdict, ours.checked_at, told.until),
        source=Source.INSURER,
    )


def _depends_on(situations: Sequence[Situation]) -> tuple[str, ...] | None:
    """Of what was found, the plans: the card, or the patient, is named. What was used of a limit moves untold."""
    if any(each.limited or not each.question.insurer_id for each in situations):
        return None
    plans = (each.plan for each in situations)
    return tuple(dict.fromkeys(_plan_scope(plan.insurer_id, plan.plan_id) for plan in plans if plan))
