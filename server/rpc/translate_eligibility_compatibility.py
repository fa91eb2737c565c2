"""Checks of eligibility in the JSON of the old health client."""

from __future__ import annotations

from typing import Final

from google.protobuf.struct_pb2 import NULL_VALUE, Value

from acerto.eligibility.v1 import compatibility_service_pb2 as pb
from domain.eligibility.eligibility_check import Answer, EligibilityCheck
from domain.eligibility.reasons import Verdict
from server.rpc.translate_eligibility import sentence_of
from server.rpc.wire import instant_fields, instant_to_wire

DEFAULT_LIMIT: Final = 50
"""How many the history has that says nothing else."""
_NULL: Final = Value(null_value=NULL_VALUE)


def check_to_old(check: EligibilityCheck, *, at: str = "") -> pb.LegacyEligibility:
    """A check, with the instant at which its answer was found; `at` is the provider that the sentence begins with."""
    answer = check.answer
    return pb.LegacyEligibility(
        id=str(check.id),
        patient_id=answer.patient_id,
        insurance_id=answer.insurer_id,
        is_eligible=answer.verdict is Verdict.ELIGIBLE,
        message=f"at {at}: {sentence_of(answer)}" if at else sentence_of(answer),
        checked_at=instant_fields(answer.checked_at),
        expires_at=_until(answer),
        verdict=answer.verdict.value,
        from_cache=check.from_cache,
    )


def _until(answer: Answer) -> Value:
    if answer.expires_at <= answer.checked_at:
        return _NULL
    return Value(string_value=instant_to_wire(answer.expires_at).ToJsonString())
