"""Answers kept for a while: under which key, in which bytes, and what must not have moved for one to stand.

The key is a hashed JSON array of all that the question names (joined, "a:b" and "c" would be "a" and "b:c"), and of the
generations read before the database was: an answer from before a change lies where nobody looks after it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from domain.eligibility.coverage import RULES
from domain.eligibility.eligibility_check import Answer, Question, Source
from domain.eligibility.generations import EVERYTHING, TUSS, card_scope, insurer_scope, patient_scope, plan_scope
from domain.eligibility.reasons import Reason, ReasonCode, Verdict

_FORMAT: Final = 1
"""The version of the bytes; others are not read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and the generations of what it depends on beside what the question names, by scope."""

    answer: Answer
    depends_on: tuple[tuple[str, int], ...]


@lru_cache(4096)
def scopes_of(insurer_id: str, plan_id: str, card_number: str, patient_id: str) -> tuple[str, ...]:
    """What an answer depends on, as far as the question names it."""
    named = [EVERYTHING, TUSS, insurer_scope(insurer_id)]
    named += [plan_scope(insurer_id, plan_id)] if plan_id else []
    named += [card_scope(insurer_id, card_number)] if card_number else []
    named += [patient_scope(patient_id)] if patient_id else []
    return tuple(named)


@lru_cache(4096)
def key_of(question: Question, generations: tuple[int, ...]) -> str:
    """The key of a question's answer under these generations of `scopes_of` it."""
    parts = [
        *(_FORMAT, RULES, list(generations), question.insurer_id, question.plan_id, question.card_number),
        *(question.patient_id, question.service_date.toordinal(), question.provider_id, question.urgent),
        [[each.table, each.code, each.quantity] for each in question.procedures],
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()


def to_bytes(kept: Kept) -> bytes:
    """A kept answer as JSON; it has no name, and the card is masked."""
    answer = kept.answer
    told: list[Any] = [
        _FORMAT,
        answer.verdict.value,
        [[reason.code.value, reason.message] for reason in answer.reasons],
        answer.checked_at.isoformat(),
        answer.expires_at.isoformat(),
        answer.source.value,
        *(answer.insurer_id, answer.plan_id, answer.patient_id, answer.card),
        list(kept.depends_on),
    ]
    return json.dumps(told).encode()


@lru_cache(4096)
def from_bytes(value: bytes) -> Kept | None:
    """The kept answer; None for what is none, or of another version."""
    try:
        form, verdict, reasons, checked_at, expires_at, source, *found, depends_on = json.loads(value)
        if form != _FORMAT:
            return None
        insurer_id, plan_id, patient_id, card = found
        answer = Answer(
            verdict=Verdict(verdict),
            reasons=tuple(Reason(ReasonCode(code), message) for code, message in reasons),
            checked_at=datetime.fromisoformat(checked_at),
            expires_at=datetime.fromisoformat(expires_at),
            source=Source(source),
            insurer_id=insurer_id,
            plan_id=plan_id,
            patient_id=patient_id,
            card=card,
        )
        return Kept(answer, tuple((scope, generation) for scope, generation in depends_on))
    except (ValueError, TypeError):
        return None
