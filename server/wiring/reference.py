"""What claims ask of eligibility, answered by its own queries and use case: the two contexts meet here alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.actor import Call
from domain.claims.known import Code, Eligibility, Term, Verdict
from domain.eligibility.eligibility_check import Procedure, Question
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.queries import ReferenceQueries
from domain.eligibility.tuss_term import TussTerm
from domain.eligibility.use_cases.checks import EligibilityChecks
from domain.money import Money


class Tariff(ReferenceQueries, Protocol):
    """Reference data with what claims alone ask: about many codes at once, each a single question."""

    async def valid_terms(self, codes: Collection[Code], on: date) -> Mapping[Code, TussTerm]:
        """The terms of those codes that are valid on a day."""
        ...

    async def valid_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> Mapping[Code, PriceAgreement]:
        """Of those codes the prices that hold for a plan on a day."""
        ...


@dataclass(frozen=True, slots=True)
class ReferenceAnswers:
    """Every method raises Unavailable, and is asked before a unit of work, never inside one."""

    queries: Tariff
    checks: EligibilityChecks

    async def terms(self, codes: Collection[Code], on: date) -> dict[Code, Term]:
        """Of those codes the TUSS terms that are valid on a day."""
        valid = await self.queries.valid_terms(codes, on)
        return {
            (table, code): Term(table=table, code=code, description=term.description)
            for (table, code), term in valid.items()
        }

    async def agreed_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> dict[Code, Money]:
        """Of those codes the prices of one that were agreed for a plan and are valid on a day."""
        agreed = await self.queries.valid_prices(insurer_id, plan_id, codes, on)
        return {code: agreement.price for code, agreement in agreed.items()}

    async def need_authorization(self, insurer_id: str, plan_id: str, codes: Collection[Code]) -> frozenset[Code]:
        """Those of the codes about which a plan wants to be asked before the care is given; none of an unknown plan."""
        plan = await self.queries.health_plan(insurer_id, plan_id)
        ruled = ((code, plan.rule_for(*code)) for code in codes) if plan else ()
        return frozenset(code for code, rule in ruled if rule and rule.needs_authorization)

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
