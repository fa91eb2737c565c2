"""How much of a plan's yearly limits was used: the claims that went to the insurer tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Final

from domain.actor import Actor
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.outcome import Outcome
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import HealthPlan
from persistence.reading import Reading

_NOBODY: Final = Actor(id="system:eligibility")
_NOT_ASKED: Final = [
    status.value
    for status in (
        *(ClaimStatus.DRAFT, ClaimStatus.READY, ClaimStatus.BATCHED),
        *(ClaimStatus.RETURNED, ClaimStatus.CANCELED),
    )
]
_BILLED: Final = (
    "SELECT item ->> 'table' AS tuss_table, item ->> 'code' AS code,"
    " ceil(sum((item ->> 'quantity')::numeric))::bigint AS quantity"
    " FROM claims, jsonb_array_elements(items) AS item"
)
_WHERE: Final = (
    "insurer_id = %(insurer_id)s",
    "card_number = %(card_number)s",
    "service_date BETWEEN %(first)s AND %(last)s",
    "NOT status = ANY (%(not_asked)s)",
    "outcome <> %(denied)s",
)


class SqlUsage(Reading):
    """Answers `domain.eligibility.ports.Usage`: every provider's claims count, whoever asks."""

    async def used(self, beneficiary: Beneficiary, year: int, plan: HealthPlan) -> Mapping[tuple[str, str], int]:
        """By (table, prefix) of a rule with a limit, how many were billed in the calendar year and not denied.

        A code counts against the rule that speaks of it, which is one without a limit where that says more of it.
        """
        parameters = {
            "insurer_id": beneficiary.insurer_id,
            "card_number": beneficiary.card_number,
            "first": date(year, 1, 1),
            "last": date(year, 12, 31),
            "not_asked": _NOT_ASKED,
            "denied": Outcome.DENIED.value,
        }
        rows = await self.rows(_NOBODY, _BILLED, _WHERE, parameters, tail=" GROUP BY 1, 2", scoped=False)
        used: Counter[tuple[str, str]] = Counter()
        for row in rows:
            rule = plan.rule_for(row["tuss_table"], row["code"])
            if rule and rule.yearly_limit is not None:
                used[rule.table, rule.prefix] += row["quantity"]
        return used
