"""What claims ask of eligibility, answered by its own queries and use case: the two contexts meet here alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from domain.actor import Call
from domain.claims.known import Code, Eligibility, Term, Verdict
from domain.eligibility.eligibility_check import Procedure, Question
from domain.eligibility.queries import ReferenceQueries
from domain.eligibility.use_cases.checks import EligibilityChecks
from domain.money import Money


@dataclass(frozen=True, slots=True)
class ReferenceAnswers:
    """Every method raises Unavailable, and is asked before a unit of work, never inside one."""

    queries: ReferenceQueries
    checks: EligibilityChecks

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

    async def appeal_days(self, insurer_id: str) -> int | None:
        """For how many days after its word an insurer takes appeals; None for one that nobody knows."""
        insurer = await self.queries.insurer(insurer_id)
        return insurer.appeal_days if insurer else None

    async def eligibility(
        self,
        call: Call,
        *,
        insurer_id: str,
        plan_id: str,
        card_number: str,
        patient_id: str,
        on: date,
        provider_id: str,
        procedures: Mapping[Code, int],
        urgent: bool,
    ) -> Eligibility:
        """What a check says that is recorded as every other one, as asked by the call's actor."""
        question = Question(
            service_date=on,
            insurer_id=insurer_id,
            plan_id=plan_id,
            card_number=card_number,
            patient_id=patient_id,
            provider_id=provider_id,
            procedures=tuple(Procedure(*code, quantity) for code, quantity in procedures.items()),
            urgent=urgent,
        )
        answer = (await self.checks.check_eligibility(call, question)).answer
        return Eligibility(
            verdict=Verdict[answer.verdict.name], reasons=tuple(reason.message for reason in answer.reasons)
        )
