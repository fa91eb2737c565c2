"""What the answer to a question is kept under, and the bytes that it is kept as."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.eligibility.eligibility_check import Answer, Procedure, Question, Source, masked
from domain.eligibility.generations import EVERYTHING, card_scope, insurer_scope, plan_scope
from domain.eligibility.kept_answers import Kept, from_bytes, key_of, scopes_of, to_bytes
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from tests.support.reference import CARD, INSURER, PATIENT, PLAN

NOON = datetime(2026, 3, 1, 15, tzinfo=UTC)


def a_question(**changes: Any) -> Question:
    return Question(**{"service_date": date(2026, 3, 1), "insurer_id": INSURER, "card_number": CARD, **changes})


@pytest.mark.parametrize(
    ("one", "other"), [("insurer_id", "plan_id"), ("plan_id", "card_number"), ("card_number", "patient_id")]
)
def test_a_key_never_confuses_where_one_text_ends_and_the_next_begins(one: str, other: str) -> None:
    pairs = [("a:b", "c"), ("a", "b:c"), ('a", "b', "c"), ("a", 'b", "c'), ("a:b:c", ""), ("", "a:b:c")]
    keys = {key_of(a_question(**{one: first, other: second}), (0,)) for first, second in pairs}
    assert len(keys) == len(pairs)


TEXTS = st.text(':",a', max_size=4)


@given(
    st.lists(
        st.builds(
            Question,
            service_date=st.dates(date(2026, 1, 1), date(2026, 1, 3)),
            insurer_id=TEXTS,
            plan_id=TEXTS,
            card_number=TEXTS,
            patient_id=TEXTS,
            provider_id=TEXTS,
            urgent=st.booleans(),
            procedures=st.lists(
                st.builds(Procedure, st.sampled_from(["22", "18"]), st.text("12", max_size=2), st.integers(1, 12)),
                max_size=2,
            ).map(tuple),
        ),
        max_size=6,
    )
)
def test_different_questions_have_different_keys(questions: list[Question]) -> None:
    assert len({key_of(each, (1, 2)) for each in questions}) == len(set(questions))


def test_every_part_of_a_question_is_part_of_its_key() -> None:
    others: list[dict[str, Any]] = [
        {},
        {"service_date": date(2026, 3, 2)},
        {"insurer_id": "x"},
        {"plan_id": "x"},
        {"card_number": "x"},
        {"patient_id": "x"},
        {"provider_id": "x"},
        {"urgent": True},
        {"procedures": (Procedure("22", "99000011"),)},
        {"procedures": (Procedure("22", "99000011", 2),)},
    ]
    assert {name for other in others for name in other} == set(Question.__slots__)
    assert len({key_of(a_question(**other), (0,)) for other in others}) == len(others)


def test_other_generations_are_another_key() -> None:
    keys = {key_of(a_question(), generations) for generations in ((1, 12), (11, 2), (1, 1, 2), (1, 2))}
    assert len(keys) == 4


def test_an_answer_depends_on_everything_its_question_names() -> None:
    named = scopes_of(INSURER, "GOLD/1", "a,b", "")
    assert {EVERYTHING, insurer_scope(INSURER), plan_scope(INSURER, "GOLD/1"), card_scope(INSURER, "a,b")} <= set(named)
    assert not any("," in scope for scope in named)


def an_answer(**changes: Any) -> Answer:
    whole: dict[str, Any] = {
        "verdict": Verdict.INELIGIBLE,
        "reasons": (Reason(ReasonCode.CARD_EXPIRED, "é velha"),),
        "checked_at": NOON,
        "expires_at": NOON + timedelta(minutes=5),
        "source": Source.RULES,
        "insurer_id": INSURER,
        "plan_id": PLAN,
        "patient_id": PATIENT,
        "card": masked(CARD),
    }
    return Answer(**{**whole, **changes})


def test_a_kept_answer_comes_back_as_it_was_and_without_the_card() -> None:
    kept = Kept(an_answer(), ((plan_scope(INSURER, PLAN), 3),))
    assert from_bytes(to_bytes(kept)) == kept
    assert CARD.encode() not in to_bytes(kept)


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"[2]", b"null", b"\xff", b'[1,"?",[],"","","","","","","",[]]'])
def test_bytes_of_another_version_or_of_nobody_are_a_miss(value: bytes) -> None:
    assert from_bytes(value) is None
