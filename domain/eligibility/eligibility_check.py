"""A question about a card, its answer, and the record that it was asked (verificação de elegibilidade)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Final
from uuid import UUID

from domain.actor import Actor
from domain.eligibility.reasons import Reason, Verdict

_SHOWN: Final = 4


class Source(Enum):
    """Who decided: our rules, or the insurer's own service; CACHE is what was decided a moment ago."""

    RULES = "RULES"
    CACHE = "CACHE"
    INSURER = "INSURER"


@dataclass(frozen=True, slots=True)
class Procedure:
    """So many of one TUSS term."""

    table: str
    code: str
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether a card, or a patient's, covers some care on a day. Empty texts were not given.

    Of patient and card one at least is given, and of insurer and plan; `service_date` is a day in America/Sao_Paulo.
    No procedures: any ordinary care.
    """

    service_date: date
    insurer_id: str = ""
    plan_id: str = ""
    card_number: str = ""
    patient_id: str = ""
    provider_id: str = ""
    procedures: tuple[Procedure, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, when, and until when it stands: `expires_at` is `checked_at` for what stands at no other time.

    `insurer_id`, `plan_id` and `patient_id` are as found, or else as asked; `card` is masked. `last_known` is what the
    insurer's service said when it last answered, and `last_known_at` when; for an answer that it is away.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    checked_at: datetime
    expires_at: datetime
    source: Source
    insurer_id: str
    plan_id: str
    patient_id: str
    card: str
    last_known: Verdict | None = None
    last_known_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityCheck:
    """That a question was asked at `asked_at`, and what was answered; `from_cache` when it had been found before."""

    id: UUID
    asked_at: datetime
    actor: str
    question: Question
    answer: Answer
    from_cache: bool

    @property
    def source(self) -> Source:
        """Where this answer came from."""
        return Source.CACHE if self.from_cache else self.answer.source

    def as_seen_by(self, actor: Actor) -> EligibilityCheck:
        """The check as the actor may know it: one limited to providers learns of no patient that was not asked about.

        Whose a card is, is the registry's to say, under its own permissions (docs/decisions/0028).
        """
        if actor.providers is None or self.answer.patient_id == self.question.patient_id:
            return self
        return replace(self, answer=replace(self.answer, patient_id=self.question.patient_id))


def masked(card_number: str) -> str:
    """The card for people to recognise: its last four characters, fewer of a short one."""
    shown = min(_SHOWN, len(card_number) // 2 - 1) if len(card_number) > 3 else 0
    return "*" * (len(card_number) - shown) + card_number[len(card_number) - shown :]
