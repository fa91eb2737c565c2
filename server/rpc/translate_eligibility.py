"""Checks of eligibility onto the wire, and what they ask into plain arguments."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from acerto.eligibility.v1 import eligibility_check_pb2 as pb
from acerto.eligibility.v1 import eligibility_service_pb2
from domain.calendar import day_of
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Procedure, Question, Source
from domain.eligibility.queries import CheckFilter
from domain.eligibility.reasons import ReasonCode, Verdict
from server.rpc.wire import Reading, date_from_wire, instant_fields

_VERDICT: Final = {one: pb.Verdict.Value(f"VERDICT_{one.name}") for one in Verdict}
_SOURCE: Final = {one: pb.Source.Value(f"SOURCE_{one.name}") for one in Source}
_CODE: Final = {one: pb.ReasonCode.Value(f"REASON_CODE_{one.name}") for one in ReasonCode}


def question_from_wire(request: eligibility_service_pb2.CheckEligibilityRequest, now: datetime) -> Question:
    """What is asked. Raises Invalid."""
    return Question(
        service_date=_day_from_wire(request) if request.HasField("service_date") else day_of(now),
        insurer_id=request.insurer_id,
        plan_id=request.plan_id,
        card_number=request.card_number,
        patient_id=request.patient_id,
        provider_id=request.provider_id,
        procedures=tuple(Procedure(each.table, each.code, each.quantity or 1) for each in request.procedures),
        urgent=request.urgent,
    )


def check_to_wire(check: EligibilityCheck) -> pb.EligibilityCheck:
    """A check; what it shares with all that have its answer is made once."""
    told = pb.EligibilityCheck()
    told.MergeFromString(_answer_in_bytes(check.answer))
    asked = check.question
    told.check_id = str(check.id)
    told.source = _SOURCE[check.source]
    told.from_cache = check.from_cache
    at = instant_fields(check.asked_at)
    told.create_time.seconds, told.create_time.nanos = at["seconds"], at["nanos"]
    day, wire = asked.service_date, told.service_date
    wire.year, wire.month, wire.day = day.year, day.month, day.day
    for each in asked.procedures:
        told.procedures.add(table=each.table, code=each.code, quantity=each.quantity)
    told.provider_id = asked.provider_id
    told.urgent = asked.urgent
    return told


def filter_from_wire(request: eligibility_service_pb2.ListEligibilityChecksRequest) -> CheckFilter:
    """Which checks."""
    return CheckFilter(
        patient_id=request.patient_id or None,
        insurer_id=request.insurer_id or None,
        provider_id=request.provider_id or None,
    )


@lru_cache(4096)
def _answer_in_bytes(answer: Answer) -> bytes:
    return pb.EligibilityCheck(**_answer_fields(answer)).SerializeToString()


def _answer_fields(answer: Answer) -> Any:
    return {
        "verdict": _VERDICT[answer.verdict],
        "is_eligible": answer.verdict is Verdict.ELIGIBLE,
        "message": _sentence(answer),
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


def _sentence(answer: Answer) -> str:
    verdict = {Verdict.ELIGIBLE: "eligible", Verdict.INELIGIBLE: "not eligible", Verdict.UNDETERMINED: "not determined"}
    reasons = "; ".join(each.message for each in answer.reasons)
    return f"{verdict[answer.verdict]}{': ' if reasons else ''}{reasons}"


def _day_from_wire(request: eligibility_service_pb2.CheckEligibilityRequest) -> Any:
    reading = Reading()
    day = reading.take("service_date", lambda: date_from_wire(request.service_date), None)
    reading.finish()
    return day
