"""One answer, found afresh: what is known is loaded, the rules judge it, the insurer's own word stands above them.

It stands above all but one: whether who was asked about is who the card is, which the insurer is not told.
"""

from __future__ import annotations

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
from domain.eligibility.reasons import MISMATCHES, NOTES, Reason, ReasonCode, Verdict, verdict_of

_plan_scope = lru_cache(4096)(plan_scope)
AWAY: Final = Reason(ReasonCode.INSURER_AWAY, "the insurer's own service does not answer")


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
        """The answer as of now. Raises Unavailable."""
        now = self.clock.now()
        situation = await self._situation(question)
        reasons = reasons_of(situation)
        answer = _answer(situation, now, verdict_of(reasons), reasons)
        insurer, card = situation.insurer, situation.beneficiary
        asked = replace(question, card_number=card.card_number, plan_id=card.plan_id) if card else question
        served = insurer is not None and insurer.active and bool(asked.card_number) and self.insurers.serves(insurer)
        if insurer and served and not MISMATCHES & {reason.code for reason in reasons}:
            answer = await self._told(insurer, asked, answer)
        return Decision(answer, _depends_on(situation))

    async def _situation(self, question: Question) -> Situation:
        situation = await self.situations.situation(question)
        card, plan = situation.beneficiary, situation.plan
        if not situation.limited or card is None or plan is None:
            return situation
        return replace(situation, used=await self.usage.used(card, question.service_date.year, plan))

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


def _answer(situation: Situation, now: datetime, verdict: Verdict, reasons: tuple[Reason, ...]) -> Answer:
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


def _depends_on(situation: Situation) -> tuple[str, ...] | None:
    """Of what was found, the plan: the card, or the patient, is named. What was used of a limit moves untold."""
    if situation.limited or not situation.question.insurer_id:
        return None
    plan = situation.plan
    return (_plan_scope(plan.insurer_id, plan.plan_id),) if plan else ()
