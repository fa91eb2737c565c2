"""The read side of reference data: what is asked of insurers, plans, cards, terms and prices, a statement each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import select

from domain.actor import Actor
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.queries import BeneficiaryFilter, Place, PriceFilter, TussFilter
from domain.eligibility.tuss_term import TussTerm
from persistence.reading import Reading
from persistence.reference_rows import (
    TABLES,
    beneficiary_from_row,
    health_plan_from_row,
    insurer_from_row,
    key_of,
    price_agreement_from_row,
    provider_from_row,
    tuss_term_from_row,
)
from persistence.statements import compiled

NounT = TypeVar("NounT", Insurer, HealthPlan, Beneficiary, Provider, TussTerm, PriceAgreement)

_ANYBODY: Final = Actor(id="system:reference")
"""No attribute limits reference data."""
_NEWEST: Final = " ORDER BY valid_from DESC LIMIT 1"
_TERM: Final = ["tuss_table = %(table)s", "code = %(code)s", "valid_from <= %(on)s"]
_AT_PLAN: Final = ["insurer_id = %(insurer_id)s", "plan_id = %(plan_id)s"]
_STILL: Final = "(valid_to IS NULL OR valid_to >= %(on)s)"
_THESE: Final = "(tuss_table, code) IN (SELECT * FROM unnest(%(tables)s::text[], %(codes)s::text[]))"
_OLDEST_FIRST: Final = " ORDER BY valid_from"
"""So that of a code's rows the last one read is the one that began last, which governs."""
_LATER_TERM: Final = (
    "NOT EXISTS (SELECT FROM tuss_terms later WHERE later.tuss_table = tuss_terms.tuss_table"
    " AND later.code = tuss_terms.code AND later.valid_from > tuss_terms.valid_from AND later.valid_from <= %(on)s)"
)
_LATER_PRICE: Final = (
    "NOT EXISTS (SELECT FROM price_agreements later WHERE later.insurer_id = price_agreements.insurer_id"
    " AND later.plan_id = price_agreements.plan_id AND later.tuss_table = price_agreements.tuss_table"
    " AND later.code = price_agreements.code AND later.valid_from > price_agreements.valid_from"
    " AND later.valid_from <= %(on)s AND (later.valid_to IS NULL OR later.valid_to >= %(on)s))"
)
Code = tuple[str, str]
"""Table and code."""
_CONDITIONS: Final[Mapping[str, str]] = {
    "insurer_id": "insurer_id = %(insurer_id)s",
    "plan_id": "plan_id = %(plan_id)s",
    "patient_id": "patient_id = %(patient_id)s",
    "table": "tuss_table = %(table)s",
    "code": "code = %(code)s",
    # A code has 10 digits at most: between these two are those that begin so, whatever the collation.
    "code_prefix": "code BETWEEN %(code_prefix)s AND rpad(%(code_prefix)s, 10, '9')",
    "on": f"valid_from <= %(on)s AND {_STILL}",
}


@dataclass(frozen=True, slots=True)
class _Page:
    """Up to `limit` rows that come `after` a place."""

    after: Place | None
    limit: int


class _Kept(Generic[NounT]):
    """How a noun is read: its rows, their key, and the noun of a row."""

    def __init__(self, noun: type[NounT], read: Callable[[Mapping[str, Any]], NounT]) -> None:
        table = TABLES[noun]
        self.read: Callable[[Mapping[str, Any]], NounT] = read
        self.select = compiled(select(table))
        self.key = key_of(table)
        after = ", ".join(f"CAST(%(after_{name})s AS {table.c[name].type})" for name in self.key)
        self.beyond = f"({', '.join(self.key)}) > ({after})"


_INSURERS: Final = _Kept(Insurer, insurer_from_row)
_PLANS: Final = _Kept(HealthPlan, health_plan_from_row)
_BENEFICIARIES: Final = _Kept(Beneficiary, beneficiary_from_row)
_PROVIDERS: Final = _Kept(Provider, provider_from_row)
_TERMS: Final = _Kept(TussTerm, tuss_term_from_row)
_PRICES: Final = _Kept(PriceAgreement, price_agreement_from_row)


def _these(codes: Collection[Code], **also: object) -> dict[str, object]:
    return {"tables": [table for table, _ in codes], "codes": [code for _, code in codes], **also}


class ReferenceViews(Reading):
    """Answers `domain.eligibility.queries.ReferenceQueries`."""

    async def insurer(self, insurer_id: str) -> Insurer | None:
        """One insurer."""
        return await self._one(_INSURERS, {"insurer_id": insurer_id})

    async def insurers(self, *, after: Place | None, limit: int) -> list[Insurer]:
        """Insurers by insurer_id."""
        return await self._many(_INSURERS, {}, _Page(after, limit))

    async def health_plan(self, insurer_id: str, plan_id: str) -> HealthPlan | None:
        """One plan."""
        return await self._one(_PLANS, {"insurer_id": insurer_id, "plan_id": plan_id})

    async def health_plans(self, insurer_id: str, *, after: Place | None, limit: int) -> list[HealthPlan] | None:
        """The plans of an insurer by plan_id; None when there is no such insurer."""
        place = after and (insurer_id, *after)
        found = await self._many(_PLANS, {"insurer_id": insurer_id}, _Page(place, limit))
        return found if found or await self.insurer(insurer_id) else None

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        """Whom a card stands for."""
        key = {"insurer_id": insurer_id, "card_number": card_number}
        return await self._one(_BENEFICIARIES, key)

    async def beneficiaries(self, wanted: BeneficiaryFilter, *, after: Place | None, limit: int) -> list[Beneficiary]:
        """Beneficiaries by (insurer_id, card_number)."""
        given = {"insurer_id": wanted.insurer_id, "plan_id": wanted.plan_id, "patient_id": wanted.patient_id}
        return await self._many(_BENEFICIARIES, given, _Page(after, limit))

    async def provider(self, provider_id: str) -> Provider | None:
        """One provider."""
        return await self._one(_PROVIDERS, {"provider_id": provider_id})

    async def providers(self, *, after: Place | None, limit: int) -> list[Provider]:
        """Providers by provider_id."""
        return await self._many(_PROVIDERS, {}, _Page(after, limit))

    async def tuss_term(self, table: str, code: str, on: date) -> TussTerm | None:
        """The term as it is on a day; None when the code is not valid then."""
        parameters = {"table": table, "code": code, "on": on}
        rows = await self._rows(_TERMS, _TERM, parameters, _NEWEST)
        # The row that began last governs, so that whether it has ended is asked of it alone.
        return next((term for term in map(tuss_term_from_row, rows) if term.valid_on(on)), None)

    async def tuss_terms(self, wanted: TussFilter, *, after: Place | None, limit: int) -> list[TussTerm]:
        """Rows of terms by (table, code, valid_from)."""
        given = {"table": wanted.table, "code_prefix": wanted.code_prefix, "on": wanted.on}
        also = [_LATER_TERM] if wanted.on else []
        return await self._many(_TERMS, given, _Page(after, limit), also)

    async def price_agreement(
        self, insurer_id: str, plan_id: str, table: str, code: str, on: date
    ) -> PriceAgreement | None:
        """The price that holds on a day."""
        parameters = {"insurer_id": insurer_id, "plan_id": plan_id, "table": table, "code": code, "on": on}
        rows = await self._rows(_PRICES, [*_AT_PLAN, *_TERM, _STILL], parameters, _NEWEST)
        return price_agreement_from_row(rows[0]) if rows else None

    async def valid_terms(self, codes: Collection[Code], on: date) -> dict[Code, TussTerm]:
        """The terms of those codes that are valid on a day."""
        rows = await self._rows(_TERMS, [_THESE, "valid_from <= %(on)s"], _these(codes, on=on), _OLDEST_FIRST)
        began = {(term.table, term.code): term for term in map(tuss_term_from_row, rows)}
        return {code: term for code, term in began.items() if term.valid_on(on)}

    async def valid_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> dict[Code, PriceAgreement]:
        """Of those codes the prices that hold for a plan on a day."""
        parameters = _these(codes, on=on, insurer_id=insurer_id, plan_id=plan_id)
        rows = await self._rows(_PRICES, [*_AT_PLAN, _THESE, _CONDITIONS["on"]], parameters, _OLDEST_FIRST)
        return {(price.table, price.code): price for price in map(price_agreement_from_row, rows)}

    async def price_agreements(self, wanted: PriceFilter, *, after: Place | None, limit: int) -> list[PriceAgreement]:
        """Price agreements by (insurer_id, plan_id, table, code, valid_from)."""
        given = {
            "insurer_id": wanted.insurer_id,
            "plan_id": wanted.plan_id,
            "table": wanted.table,
            "code": wanted.code,
            "on": wanted.on,
        }
        also = [_LATER_PRICE] if wanted.on else []
        return await self._many(_PRICES, given, _Page(after, limit), also)

    async def _one(self, kept: _Kept[NounT], key: Mapping[str, str]) -> NounT | None:
        rows = await self._rows(kept, [f"{name} = %({name})s" for name in key], key)
        return kept.read(rows[0]) if rows else None

    async def _many(
        self, kept: _Kept[NounT], given: Mapping[str, Any], page: _Page, also: Sequence[str] = ()
    ) -> list[NounT]:
        """The rows of a page for which all that is given holds, in the order of the key."""
        where = [_CONDITIONS[name] for name, value in given.items() if value is not None] + list(also)
        parameters = {**given, "limit": page.limit}
        if page.after is not None:
            where.append(kept.beyond)
            parameters |= {f"after_{name}": text for name, text in zip(kept.key, page.after, strict=True)}
        rows = await self._rows(kept, where, parameters, f" ORDER BY {', '.join(kept.key)} LIMIT %(limit)s")
        return [kept.read(row) for row in rows]

    async def _rows(
        self, kept: _Kept[Any], where: Sequence[str], parameters: Mapping[str, Any], tail: str = ""
    ) -> list[Any]:
        return await self.rows(_ANYBODY, kept.select, where, parameters, tail=tail, scoped=False)
