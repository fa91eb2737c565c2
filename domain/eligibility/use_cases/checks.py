"""Checks of eligibility: from what was found a moment ago while nothing moved, else afresh; each one is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.actor import Actor, Call
from domain.clock import Clock
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Question
from domain.eligibility.errors import ProviderNotFound
from domain.eligibility.kept_answers import Kept, from_bytes, key_of, scopes_of, to_bytes
from domain.eligibility.ports import Cache, Generations, History
from domain.eligibility.reasons import ReasonCode, Verdict
from domain.eligibility.use_cases.deciding import Deciding, Decision
from domain.errors import Invalid, Violation
from domain.identity import Ids
from domain.single_flight import Flights


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """Answers that were found a moment ago."""

    cache: Cache
    generations: Generations

    def key_of(self, question: Question) -> str | None:
        """Where the answer lies; None when it cannot be said what moved, or of what it would depend."""
        if not question.insurer_id:
            return None
        named = scopes_of(question.insurer_id, question.plan_id, question.card_number, question.patient_id)
        generations = self.generations.of(named)
        return None if generations is None else key_of(question, generations)

    async def get(self, key: str, now: datetime) -> Answer | None:
        """The answer under a key, if it still stands."""
        value = await self.cache.get(key)
        kept = None if value is None else from_bytes(value)
        if kept is None or now >= kept.answer.expires_at:
            return None
        if kept.depends_on:
            scopes, generations = zip(*kept.depends_on, strict=True)
            if self.generations.of(scopes) != generations:
                return None
        return kept.answer

    async def put(self, key: str, decision: Decision, before: int) -> None:
        """Keep what was found, unless it must not be, or what it was found to depend on moved since `before`.

        What the question names may move meanwhile: the generations from before that are in the key.
        """
        answer = decision.answer
        seconds = (answer.expires_at - answer.checked_at).total_seconds()
        if decision.depends_on is None or answer.verdict is Verdict.UNDETERMINED or seconds <= 0:
            return
        generations = self.generations.of(decision.depends_on)
        if generations is None or self.generations.moved_since(before, decision.depends_on):
            return
        kept = Kept(answer, tuple(zip(decision.depends_on, generations, strict=True)))
        await self.cache.put(key, to_bytes(kept), seconds)


@dataclass(frozen=True, slots=True)
class EligibilityChecks:
    """The use case of checks."""

    deciding: Deciding
    kept: KeptAnswers
    history: History
    clock: Clock
    ids: Ids
    flights: Flights[Decision] = field(default_factory=Flights)

    async def check_eligibility(
        self, call: Call, question: Question, *, force_refresh: bool = False
    ) -> EligibilityCheck:
        """The answer to a question, recorded; `force_refresh` finds it afresh.

        A caller that works for one provider asks for that one. Raises ProviderNotFound, Invalid, Unavailable.
        """
        question = asked_by(call.actor, question)
        key = self.kept.key_of(question)
        if key is not None and not force_refresh:
            now = self.clock.now()
            answer = await self.kept.get(key, now)
            if answer is not None:
                check = self._check(call, question, answer, now, from_cache=True)
                self.history.add(check)
                return check.as_seen_by(call.actor)
        before, found = self.kept.generations.sequence, list[Decision]()

        async def run() -> Decision:
            found.append(await self.deciding.decide(question))
            return found[0]

        # Whoever comes after anything moved joins no run that was begun before it.
        alone = key is None or force_refresh
        decision = await (run() if alone else self.flights.join((key, before), run))
        check = self._check(call, question, decision.answer, self.clock.now(), from_cache=False)
        await self.history.keep(check)
        # Only what could be recorded is kept for others, once, by whoever's run found it.
        if key is not None and found:
            await self.kept.put(key, decision, before)
        return check.as_seen_by(call.actor)

    async def check_somewhere(self, call: Call, question: Question) -> EligibilityCheck:
        """The answer for a caller that cannot say for which of its providers it asks.

        That is for the first of them, in the order of their numbers, that is not outside the plan's network, or for the
        first where all are; while the insurer's service is away no other is tried. Each that is asked for is recorded.
        Raises as `check_eligibility`.
        """
        providers = sorted(call.actor.providers or ())
        if len(providers) < 2:
            return await self.check_eligibility(call, question)
        checks: list[EligibilityCheck] = []
        for provider_id in providers:
            checks.append(await self.check_eligibility(call, replace(question, provider_id=provider_id)))
            found = {reason.code for reason in checks[-1].answer.reasons}
            if ReasonCode.OUT_OF_NETWORK not in found or ReasonCode.INSURER_AWAY in found:
                return checks[-1]
        return checks[0]

    def _check(
        self, call: Call, question: Question, answer: Answer, at: datetime, *, from_cache: bool
    ) -> EligibilityCheck:
        return EligibilityCheck(
            id=self.ids.new(),
            asked_at=at,
            actor=call.actor.id,
            question=question,
            answer=answer,
            from_cache=from_cache,
        )


def asked_by(actor: Actor, question: Question) -> Question:
    """The question with the provider it is asked for, under which the actor's history has it: its only one if unnamed.

    Raises ProviderNotFound for a provider that is not the actor's, and Invalid where several may be meant, or none.
    """
    if actor.providers is None:
        return question
    if question.provider_id:
        if not actor.serves(question.provider_id):
            raise ProviderNotFound
        return question
    if len(actor.providers) != 1:
        sentence = "must be given: the caller is limited to providers, and not to one"
        raise Invalid(f"provider_id: {sentence}", violations=[Violation("provider_id", sentence, "required")])
    return replace(question, provider_id=next(iter(actor.providers)))
