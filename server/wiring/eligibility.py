"""How checks of eligibility are put together."""

from __future__ import annotations

from domain.eligibility.use_cases.checks import EligibilityChecks, KeptAnswers
from domain.eligibility.use_cases.deciding import Deciding
from persistence.eligibility import SqlSituations
from persistence.tuss import TussTerms
from persistence.usage import SqlUsage
from server.rpc.eligibility import Checks
from server.wiring.house import House


def checks(house: House, terms: TussTerms) -> Checks:
    """The use case of checks and the history it writes."""
    situations = SqlSituations(house.database, terms)
    deciding = Deciding(situations, SqlUsage(house.database), house.insurers, house.history, house.clock)
    kept = KeptAnswers(house.cache, house.generations)
    return Checks(EligibilityChecks(deciding, kept, house.history, house.clock, house.ids), house.history)
