"""What claims ask of reference data, answered by eligibility's own queries: the two contexts meet here alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.claims.known import Eligibility, Term, Verdict
from domain.eligibility.queries import ReferenceQueries
from domain.money import Money


@dataclass(frozen=True, slots=True)
class ReferenceAnswers:
    """Every method raises Unavailable, and is asked before a unit of work, never inside one."""

    queries: ReferenceQueries

    async def term(self, table: str, code: str, on: date) -> Term | None:
        """The TUSS term that is valid on a day, or None."""
        term = await self.queries.tuss_term(table, code, on)
        return Term(table=table, code=code, description=term.description) if term else None

    async def agreed_price(self, insurer_id: str, plan_id: str, table: str, code: str, on: date) -> Money | None:
        """The price of one that was agreed for a plan and is valid on a day, or None."""
        agreement = await self.queries.price_agreement(insurer_id, plan_id, table, code, on)
        return agreement.price if agreement else None

    async def needs_authorization(self, insurer_id: str, plan_id: str, table: str, code: str) -> bool:
        """Whether a plan wants to be asked before the care is given; False for a plan that nobody knows."""
        plan = await self.queries.health_plan(insurer_id, plan_id)
        rule = plan.rule_for(table, code) if plan else None
        return rule is not None and rule.needs_authorization

    async def eligibility(self, **_: object) -> Eligibility:
        """Nobody is asked: undetermined."""
        return Eligibility(verdict=Verdict.UNDETERMINED)
