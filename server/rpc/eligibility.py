"""EligibilityService: from proto to plain arguments, and from the answer to proto. Its rpcs are in `*_rpcs` modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceServicer
from domain.clock import Clock
from domain.eligibility.queries import CheckQueries, ReferenceQueries
from domain.eligibility.use_cases.checks import EligibilityChecks
from domain.eligibility.use_cases.reference import ReferenceData
from server.rpc.eligibility_rpcs import EligibilityRpcs
from server.rpc.once import Encode
from server.rpc.page_tokens import PageTokens
from server.rpc.reference_rpcs import ANSWERS, ReferenceRpcs

_Base: Any = EligibilityServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks, and the history of them."""

    checks: EligibilityChecks
    history: CheckQueries


class EligibilityServicer(ReferenceRpcs, EligibilityRpcs, _Base):  # type: ignore[misc] # see _Base
    """The rpcs of eligibility. `answers` says how the answer of each write becomes its response."""

    def __init__(
        self, reference: ReferenceData, queries: ReferenceQueries, checks: Checks, pages: PageTokens, clock: Clock
    ) -> None:
        self._reference = reference
        self._queries = queries
        self._checks = checks.checks
        self._history = checks.history
        self._pages = pages
        self._clock = clock
        self.answers: Mapping[str, Encode] = ANSWERS
