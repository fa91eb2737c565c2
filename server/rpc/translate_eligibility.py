"""Checks of eligibility onto the wire, and what they ask into plain arguments."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from acerto.eligibility.v1 import eligibility_check_pb2 as pb
from acerto.eligibility.v1 import eligibility_service_pb2
from domain.calendar import day_of
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Procedure, Question, Source
from domain.eligibility.queries import CheckFilter
from domain.eligibility.reasons import ReasonCode, Verdict
from server.rpc.wire import Reading, date_fields, date_from_wire, instant_fields

_VERDICT: Final = {one: pb.Verdict.Value(f"VERDICT_{one.name}") for one in Verdict}
_SOURCE: Final = {one: pb.Source.Value(f"SOURCE_{one.name}") for one in Source}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CODE: Final = {one: pb.ReasonCode.Value(f"REASON_CODE_{one.name}") for one in ReasonCode}


def question_from_wire(request: eligibility_service_pb2.CheckEligibilityRequest, now: datetime) -> Question:
    """What is asked. Raises Invalid."""
    return _question(request.SerializeToString(), day_of(now))


def check_to_wire(check: EligibilityCheck) -> pb.EligibilityCheck:
    """A check; what it shares with all that have its question and answer is made once."""
    told = pb.EligibilityCheck.FromString(_shared(check.question, check.answer, check.source))
    told.check_id = str(check.id)
    since, at = check.asked_at - _EPOCH, told.create_time
    at.seconds, at.nanos = since.days * 86_400 + since.seconds, since.microseconds * 1000
    return told


def filter_from_wire(request: eligibility_service_pb2.ListEligibilityChecksRequest) -> CheckFilter:
    """Which checks."""
    return CheckFilter(
        patient_id=request.patient_id or None,
        insurer_id=request.insurer_id or None,
        provider_id=request.provider_id or None,
    )


@lru_cache(4096)
def _question(request: bytes, today: date) -> Question:
    """A request's question: the same is asked again and again, and read once."""
    asked = eligibility_service_pb2.CheckEligibilityRequest.FromString(request)
    reading = Reading()
    reading.take("patient_id", lambda: _one_of(asked.patient_id, asked.card_number, "card_number"), None)
    reading.take("insurer_id", lambda: _one_of(asked.insurer_id, asked.plan_id, "plan_id"), None)
    named = asked.HasField("service_date")
    day = reading.take("service_date", lambda: date_from_wire(asked.service_date) if named else today, today)
    reading.finish()
    return Question(
        service_date=day,
        insurer_id=asked.insurer_id,
        plan_id=asked.plan_id,
        card_number=asked.card_number,
        patient_id=asked.patient_id,
        provider_id=asked.provider_id,
        procedures=tuple(Procedure(each.table, each.code, each.quantity or 1) for each in asked.procedures),
        urgent=asked.urgent,
    )


def _one_of(text: str, other: str, name: str) -> None:
    if not (text or other):
        raise ValueError(f"must be given, or {name}")


@lru_cache(4096)
def _shared(asked: Question, answer: Answer, source: Source) -> bytes:
    procedures: Any = [{"table": each.table, "code": each.code, "quantity": each.quantity} for each in asked.procedures]
    told = pb.EligibilityCheck(
        **_answer_fields(answer),
        source=_SOURCE[source],
        from_cache=source is Source.CACHE,
        service_date=date_fields(asked.service_date),
        procedures=procedures,
        provider_id=asked.provider_id,
        urgent=asked.urgent,
    )
    return told.SerializeToString()


def _answer_fields(answer: Answer) -> Any:
    return {
        "verdict": _VERDICT[answer.verdict],
        "is_eligible": answer.verdict is Verdict.ELIGIBLE,
        "message": sentence_of(answer),
        "reasons": [{"code": _CODE[each.code], "message": each.message} for each in answer.reasons],
        "check_time": instant_fields(answer.checked_at),
        "expire_time": instant_fields(answer.expires_at),
        "insurer_id": answer.insurer_id,
        "plan_id": answer.plan_id,
        "patient_id": answer.patient_id,
        "masked_card": answer.card,
        "last_known_verdict": _VERDICT[answer.last_known] if answer.last_known else 0,
        "last_known_time": None if answer.last_known_at is None else instant_fields(answer.last_known_at),
    }


def sentence_of(answer: Answer) -> str:
    """The verdict and its reasons, for people."""
    verdict = {Verdict.ELIGIBLE: "eligible", Verdict.INELIGIBLE: "not eligible", Verdict.UNDETERMINED: "not determined"}
    reasons = "; ".join(each.message for each in answer.reasons)
    return f"{verdict[answer.verdict]}{': ' if reasons else ''}{reasons}"
