"""How checks of eligibility are put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import CoverageRule
from domain.eligibility.use_cases.checks import EligibilityChecks, KeptAnswers
from domain.eligibility.use_cases.deciding import Deciding
from persistence.eligibility import SqlSituations
from persistence.tuss import TussTerms
from server.rpc.eligibility import Checks
from server.wiring.house import House


class NothingUsed:
    """Answers `domain.eligibility.ports.Usage` where nobody here bills: nothing was used of any limit."""

    async def used(
        self, _beneficiary: Beneficiary, _year: int, _rules: Sequence[CoverageRule]
    ) -> Mapping[tuple[str, str], int]:
        """Nothing."""
        return {}


def checks(house: House, terms: TussTerms) -> Checks:
    """The use case of checks and the history it writes."""
    situations = SqlSituations(house.database, terms)
    deciding = Deciding(situations, NothingUsed(), house.insurers, house.history, house.clock)
    kept = KeptAnswers(house.cache, house.generations)
    return Checks(EligibilityChecks(deciding, kept, house.history, house.clock, house.ids), house.history)
