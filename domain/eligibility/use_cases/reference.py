"""Reference data, one noun at a time; whole files of it are loaded by `python -m server load`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from domain.actor import Call
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.errors import HealthPlanNotFound, InsurerNotFound
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import Begin, Reference, ReferenceNoun
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm
from domain.errors import Invalid
from domain.retry import retried

Noun = TypeVar("Noun", Insurer, HealthPlan, Beneficiary, Provider, TussTerm, PriceAgreement)
Prepare = Callable[[Reference], Awaitable[ReferenceNoun | None]]
"""Looks at what the noun leans on, and gives what it takes the place of, where that matters."""


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """The use cases of reference data. Each sets a noun whether or not it was there, and moves its generations."""

    begin: Begin

    async def upsert_insurer(self, call: Call, insurer: Insurer) -> Insurer:
        """Set an insurer. Raises Invalid."""
        return await self._upserted(call, "insurer", insurer, _leans_on_nothing)

    async def upsert_health_plan(self, call: Call, plan: HealthPlan) -> HealthPlan:
        """Set a plan. Raises Invalid, InsurerNotFound."""

        async def prepare(reference: Reference) -> None:
            if not await reference.has_insurer(plan.insurer_id):
                raise InsurerNotFound

        return await self._upserted(call, "health_plan", plan, prepare)

    async def upsert_beneficiary(self, call: Call, beneficiary: Beneficiary) -> Beneficiary:
        """Set whom a card stands for. Raises Invalid, HealthPlanNotFound."""

        async def prepare(reference: Reference) -> Beneficiary | None:
            await _must_have_plan(reference, beneficiary.insurer_id, beneficiary.plan_id)
            return await reference.beneficiary(beneficiary.insurer_id, beneficiary.card_number)

        return await self._upserted(call, "beneficiary", beneficiary, prepare)

    async def upsert_provider(self, call: Call, provider: Provider) -> Provider:
        """Set a provider. Raises Invalid."""
        return await self._upserted(call, "provider", provider, _leans_on_nothing)

    async def upsert_tuss_term(self, call: Call, term: TussTerm) -> TussTerm:
        """Set a term's row for the days from its `valid_from` on. Raises Invalid."""
        return await self._upserted(call, "tuss_term", term, _leans_on_nothing)

    async def upsert_price_agreement(self, call: Call, agreement: PriceAgreement) -> PriceAgreement:
        """Set a price for the days from its `valid_from` on. Raises Invalid, HealthPlanNotFound."""

        async def prepare(reference: Reference) -> None:
            await _must_have_plan(reference, agreement.insurer_id, agreement.plan_id)

        return await self._upserted(call, "price_agreement", agreement, prepare)

    @retried
    async def _upserted(self, call: Call, field: str, noun: Noun, prepare: Prepare) -> Noun:
        _must_be_sound(field, noun)
        async with self.begin(call) as work:
            work.reference.save(noun, await prepare(work.reference))
            await work.commit(noun)
            return noun


async def _leans_on_nothing(_: Reference) -> None:
    """There is nothing that must be there first."""


async def _must_have_plan(reference: Reference, insurer_id: str, plan_id: str) -> None:
    if not await reference.has_health_plan(insurer_id, plan_id):
        raise HealthPlanNotFound


def _must_be_sound(field: str, noun: ReferenceNoun) -> None:
    """Raise Invalid with everything that is wrong with a noun, which stands in this field of the request."""
    if violations := noun.violations():
        told = [replace(one, field=f"{field}.{one.field}") for one in violations]
        rest = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise Invalid(f"{told[0].field}: {told[0].description}{rest}", violations=told)
