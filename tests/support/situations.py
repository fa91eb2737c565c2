"""Questions of eligibility with all that is known about them, for the rules."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from domain.eligibility.coverage import Situation, reasons_of
from domain.eligibility.eligibility_check import Question
from tests.support.reference import CARD, INSURER, a_beneficiary, a_plan, an_insurer

DAY: Final = date(2026, 3, 1)


def asked(**changes: Any) -> Question:
    return Question(**{"service_date": DAY, "insurer_id": INSURER, "card_number": CARD, **changes})


def a_situation(**changes: Any) -> Situation:
    """All is known and well; what a test gives is otherwise."""
    question = changes.pop("question", asked())
    known: dict[str, Any] = {
        "insurer": an_insurer(),
        "plan": a_plan(),
        "beneficiary": a_beneficiary(enrolled_from=date(2020, 1, 1)),
        "terms": frozenset((each.table, each.code) for each in question.procedures),
    }
    return Situation(question=question, **{**known, **changes})


def codes(situation: Situation) -> list[str]:
    return [reason.code.value for reason in reasons_of(situation)]
