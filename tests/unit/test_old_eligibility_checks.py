"""The old path's check, whose caller cannot say for which of its providers it asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.actor import Actor, Call
from domain.calendar import day_of
from domain.eligibility.eligibility_check import Question
from domain.eligibility.reasons import ReasonCode
from tests.support.fakes_eligibility import FakeChecks, put
from tests.support.reference import CARD, INSURER, a_beneficiary, a_plan, an_insurer

PROVIDERS = frozenset({"1111111", "2222222", "3333333"})
CALL = Call(actor=Actor(id="clinics", providers=PROVIDERS), causation_id="cause")


@pytest.mark.parametrize(("url", "asked"), [("", 3), ("https://checks.example.com", 1)], ids=["no service", "away"])
async def test_a_service_that_is_away_is_asked_once_and_not_for_one_provider_after_the_other(
    url: str, asked: int
) -> None:
    checks = FakeChecks()
    plan, card = a_plan(network=frozenset({"7777777"})), a_beneficiary(enrolled_from=date(2020, 1, 1))
    put(checks, an_insurer(check_url=url), plan, card)
    checks.insurers.serving = True
    question = Question(insurer_id=INSURER, card_number=CARD, service_date=day_of(checks.clock.now()))
    check = await checks.checks.check_somewhere(CALL, question)
    assert check.question == replace(question, provider_id="1111111")
    found = {reason.code for reason in check.answer.reasons}
    assert (ReasonCode.OUT_OF_NETWORK in found, ReasonCode.INSURER_AWAY in found) == (True, bool(url))
    assert len(checks.history.checks) == asked
