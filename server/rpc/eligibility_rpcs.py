"""The rpcs of eligibility checks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from acerto.eligibility.v1 import eligibility_check_pb2
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from domain.actor import Call
from domain.clock import Clock
from domain.eligibility.eligibility_check import EligibilityCheck
from domain.eligibility.queries import CheckQueries
from domain.eligibility.use_cases.checks import EligibilityChecks
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_TIME, page_of
from server.rpc.translate_eligibility import check_to_wire, filter_from_wire, question_from_wire


class EligibilityRpcs:
    """A part of EligibilityServicer, which gives it what is named here."""

    _checks: EligibilityChecks
    _history: CheckQueries
    _pages: PageTokens
    _clock: Clock

    async def CheckEligibility(  # noqa: N802 -- the contract's name
        self, request: pb.CheckEligibilityRequest, call: Call
    ) -> eligibility_check_pb2.EligibilityCheck:
        question = question_from_wire(request, self._clock.now())
        check = await self._checks.check_eligibility(call, question, force_refresh=request.force_refresh)
        return check_to_wire(check)

    async def ListEligibilityChecks(  # noqa: N802
        self, request: pb.ListEligibilityChecksRequest, call: Call
    ) -> pb.ListEligibilityChecksResponse:
        wanted = filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[EligibilityCheck]:
            return await self._history.eligibility_checks(call.actor, wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.asked_at, last.id))
        return pb.ListEligibilityChecksResponse(eligibility_checks=map(check_to_wire, found), next_page_token=following)
