"""How reference data is read at the doors: terms from their cache, the rest from the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from domain.eligibility.tuss_term import TussTerm
from persistence.engine import Database
from persistence.reference_views import ReferenceViews
from persistence.tuss import Code, TussTerms


class CachedReferenceViews(ReferenceViews):
    """Answers `domain.eligibility.queries.ReferenceQueries`."""

    def __init__(self, database: Database, terms: TussTerms) -> None:
        super().__init__(database)
        self._terms = terms

    async def tuss_term(self, table: str, code: str, on: date) -> TussTerm | None:
        """The term as it is on a day; None when the code is not valid then."""
        return await self._terms.tuss_term(table, code, on)

    async def valid_terms(self, codes: Collection[Code], on: date) -> dict[Code, TussTerm]:
        """The terms of those codes that are valid on a day."""
        return await self._terms.valid(codes, on)
