"""Reference data kept in memory: what a unit sets, what its commit moves, and every question about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import ReferenceNoun
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.queries import BeneficiaryFilter, Place, PriceFilter, TussFilter
from domain.eligibility.tuss_term import TussTerm

NounT = TypeVar("NounT", Insurer, HealthPlan, Beneficiary, Provider, TussTerm, PriceAgreement)

Code = tuple[str, str]
"""Table and code."""
_KEYS: dict[type[ReferenceNoun], tuple[str, ...]] = {
    Insurer: ("insurer_id",),
    HealthPlan: ("insurer_id", "plan_id"),
    Beneficiary: ("insurer_id", "card_number"),
    Provider: ("provider_id",),
    TussTerm: ("table", "code", "valid_from"),
    PriceAgreement: ("insurer_id", "plan_id", "table", "code", "valid_from"),
}


@dataclass
class ReferenceRows:
    """What was committed, and how often each scope moved."""

    rows: dict[tuple[type[ReferenceNoun], Place], ReferenceNoun] = field(default_factory=dict)
    generations: Counter[str] = field(default_factory=Counter)

    def of(self, kind: type[NounT], *key: str) -> NounT | None:
        """The noun with a key."""
        found = self.rows.get((kind, key))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[NounT]) -> list[NounT]:
        """All of a kind, in the order of their keys."""
        return [noun for noun in sorted(self.rows.values(), key=_place) if isinstance(noun, kind)]


class FakeReference:
    """The reference data of one unit; `saved` waits for its commit."""

    def __init__(self, kept: ReferenceRows) -> None:
        self._kept = kept
        self.saved: list[tuple[ReferenceNoun, ReferenceNoun | None]] = []

    async def has_insurer(self, insurer_id: str) -> bool:
        return self._kept.of(Insurer, insurer_id) is not None

    async def has_health_plan(self, insurer_id: str, plan_id: str) -> bool:
        return self._kept.of(HealthPlan, insurer_id, plan_id) is not None

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        return self._kept.of(Beneficiary, insurer_id, card_number)

    def save(self, noun: ReferenceNoun, before: ReferenceNoun | None = None) -> None:
        self.saved.append((noun, before))

    def write(self) -> None:
        """Set them, and move their generations."""
        for noun, before in self.saved:
            self._kept.rows[type(noun), _place(noun)] = noun
            self._kept.generations.update(noun.scopes | (before.scopes if before else frozenset()))


class FakeReferenceQueries:
    """Reads what was committed."""

    def __init__(self, kept: ReferenceRows) -> None:
        self._kept = kept

    async def insurer(self, insurer_id: str) -> Insurer | None:
        return self._kept.of(Insurer, insurer_id)

    async def insurers(self, *, after: Place | None, limit: int) -> list[Insurer]:
        return _page(self._kept.all(Insurer), after, limit)

    async def health_plan(self, insurer_id: str, plan_id: str) -> HealthPlan | None:
        return self._kept.of(HealthPlan, insurer_id, plan_id)

    async def health_plans(self, insurer_id: str, *, after: Place | None, limit: int) -> list[HealthPlan] | None:
        if self._kept.of(Insurer, insurer_id) is None:
            return None
        plans = [plan for plan in self._kept.all(HealthPlan) if plan.insurer_id == insurer_id]
        return _page(plans, after and (insurer_id, *after), limit)

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        return self._kept.of(Beneficiary, insurer_id, card_number)

    async def beneficiaries(self, wanted: BeneficiaryFilter, *, after: Place | None, limit: int) -> list[Beneficiary]:
        found = [
            one
            for one in self._kept.all(Beneficiary)
            if wanted.insurer_id in (None, one.insurer_id)
            and wanted.plan_id in (None, one.plan_id)
            and wanted.patient_id in (None, one.patient_id)
        ]
        return _page(found, after, limit)

    async def provider(self, provider_id: str) -> Provider | None:
        return self._kept.of(Provider, provider_id)

    async def providers(self, *, after: Place | None, limit: int) -> list[Provider]:
        return _page(self._kept.all(Provider), after, limit)

    async def tuss_term(self, table: str, code: str, on: date) -> TussTerm | None:
        begun = [
            one for one in self._kept.all(TussTerm) if (one.table, one.code) == (table, code) and one.valid_from <= on
        ]
        return begun[-1] if begun and begun[-1].valid_on(on) else None

    async def tuss_terms(self, wanted: TussFilter, *, after: Place | None, limit: int) -> list[TussTerm]:
        found = [
            one
            for one in self._kept.all(TussTerm)
            if wanted.table in (None, one.table)
            and one.code.startswith(wanted.code_prefix or "")
            and (wanted.on is None or await self.tuss_term(one.table, one.code, wanted.on) == one)
        ]
        return _page(found, after, limit)

    async def price_agreement(
        self, insurer_id: str, plan_id: str, table: str, code: str, on: date
    ) -> PriceAgreement | None:
        wanted = (insurer_id, plan_id, table, code)
        valid = [one for one in self._kept.all(PriceAgreement) if _place(one)[:-1] == wanted and one.valid_on(on)]
        return valid[-1] if valid else None

    async def price_agreements(self, wanted: PriceFilter, *, after: Place | None, limit: int) -> list[PriceAgreement]:
        found = [
            one
            for one in self._kept.all(PriceAgreement)
            if wanted.insurer_id in (None, one.insurer_id)
            and wanted.plan_id in (None, one.plan_id)
            and wanted.table in (None, one.table)
            and wanted.code in (None, one.code)
            and (wanted.on is None or await self._holds(one, wanted.on))
        ]
        return _page(found, after, limit)

    async def valid_terms(self, codes: Collection[Code], on: date) -> dict[Code, TussTerm]:
        found = {code: await self.tuss_term(*code, on) for code in codes}
        return {code: term for code, term in found.items() if term}

    async def valid_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> dict[Code, PriceAgreement]:
        found = {code: await self.price_agreement(insurer_id, plan_id, *code, on) for code in codes}
        return {code: price for code, price in found.items() if price}

    async def _holds(self, one: PriceAgreement, on: date) -> bool:
        return await self.price_agreement(one.insurer_id, one.plan_id, one.table, one.code, on) == one


def _place(noun: Any) -> Place:
    return tuple(str(getattr(noun, name)) for name in _KEYS[type(noun)])


def _page(nouns: Iterable[NounT], after: Place | None, limit: int) -> list[NounT]:
    return [noun for noun in nouns if after is None or _place(noun) > after][:limit]
