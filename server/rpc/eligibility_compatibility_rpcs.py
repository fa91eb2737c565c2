"""EligibilityCompatibilityService: the old health client's questions, answered by today's checks and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acerto.eligibility.v1 import compatibility_service_pb2 as pb
from acerto.eligibility.v1.compatibility_service_pb2_grpc import EligibilityCompatibilityServiceServicer
from domain.actor import Call
from domain.calendar import day_of
from domain.clock import Clock
from domain.eligibility.eligibility_check import EligibilityCheck, Question
from domain.eligibility.queries import CheckFilter
from server.rpc.eligibility import Checks
from server.rpc.once import Encode
from server.rpc.translate_eligibility_compatibility import DEFAULT_LIMIT, check_to_old

_Base: Any = EligibilityCompatibilityServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


class EligibilityCompatibilityServicer(_Base):  # type: ignore[misc] # see _Base
    """The old rpcs of eligibility; none of them is a write."""

    answers: Mapping[str, Encode] = {}

    def __init__(self, checks: Checks, clock: Clock) -> None:
        self._checks = checks.checks
        self._history = checks.history
        self._clock = clock

    async def CheckLegacyEligibility(  # noqa: N802 -- the contract's name
        self, request: pb.CheckLegacyEligibilityRequest, call: Call
    ) -> pb.LegacyEligibility:
        question = Question(
            service_date=day_of(self._clock.now()), patient_id=request.patient_id, insurer_id=request.insurance_id
        )
        return _told(call, await self._checks.check_somewhere(call, question))

    async def ListLegacyEligibilityHistory(  # noqa: N802
        self, request: pb.ListLegacyEligibilityHistoryRequest, call: Call
    ) -> pb.ListLegacyEligibilityHistoryResponse:
        wanted = CheckFilter(patient_id=request.patient_id or None, insurer_id=request.insurance_id or None)
        limit = request.limit if request.HasField("limit") else DEFAULT_LIMIT
        found = await self._history.eligibility_checks(call.actor, wanted, after=None, limit=limit, skip=request.skip)
        return pb.ListLegacyEligibilityHistoryResponse(checks=[_told(call, check) for check in found])


def _told(call: Call, check: EligibilityCheck) -> pb.LegacyEligibility:
    """The check; who works for several providers is told for which it is, which the old JSON has no place for."""
    several = call.actor.providers is not None and len(call.actor.providers) > 1
    return check_to_old(check, at=check.question.provider_id if several else "")
