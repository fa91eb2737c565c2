"""TUSS terms as they are asked for again and again: every row of a code is kept until any term changes.

The tables change with a release of ANS, a few times a year, and then as a whole: the generation of `tuss` is part of
what is kept, so that a new release empties the cache at once, and the day of service decides among a code's rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Final

from cachetools import LRUCache

from domain.actor import Actor
from domain.eligibility.generations import EVERYTHING, TUSS
from domain.eligibility.ports import Generations
from domain.eligibility.tuss_term import TussTerm
from domain.meter import Meter
from persistence.engine import Database
from persistence.reading import Reading
from persistence.reference_rows import tuss_term_from_row

Code = tuple[str, str]
"""Table and code."""

ENTRIES: Final = 20_000
_ANYBODY: Final = Actor(id="system:tuss")
_ROWS: Final = "SELECT * FROM tuss_terms"
_THESE: Final = "(tuss_table, code) IN (SELECT * FROM unnest(%(tables)s::text[], %(codes)s::text[]))"
_NEWEST_FIRST: Final = " ORDER BY valid_from DESC"


class TussTerms(Reading):
    """Terms by day of service, from memory where they were read since the last change."""

    def __init__(self, database: Database, generations: Generations, meter: Meter, *, entries: int = ENTRIES) -> None:
        super().__init__(database)
        self._generations = generations
        self._meter = meter
        self._kept: LRUCache[Code, tuple[TussTerm, ...]] = LRUCache(entries)
        self._of: tuple[int, ...] | None = None

    async def tuss_term(self, table: str, code: str, on: date) -> TussTerm | None:
        """The term as it is on a day; None when the code is not valid then."""
        return (await self.valid([(table, code)], on)).get((table, code))

    async def valid(self, codes: Iterable[Code], on: date) -> dict[Code, TussTerm]:
        """The terms of those codes that are valid on a day. Raises Unavailable."""
        wanted = tuple(codes)
        generations = self._generations.of((EVERYTHING, TUSS))
        if generations != self._of:
            self._kept.clear()
            self._of = generations
        known = {code: self._kept[code] for code in wanted if code in self._kept}
        missing = [code for code in wanted if code not in known]
        self._meter.count("acerto_cache_hits_total", len(known), cache="tuss")
        self._meter.count("acerto_cache_misses_total", len(missing), cache="tuss")
        if missing:
            known |= await self._load(missing, generations)
        found = {code: _governing(rows, on) for code, rows in known.items()}
        return {code: term for code, term in found.items() if term}

    async def _load(self, codes: list[Code], generations: tuple[int, ...] | None) -> dict[Code, tuple[TussTerm, ...]]:
        before, scopes = self._generations.sequence, (EVERYTHING, TUSS)
        tables, numbers = zip(*codes, strict=True)
        parameters = {"tables": list(tables), "codes": list(numbers)}
        rows = await self.rows(_ANYBODY, _ROWS, [_THESE], parameters, tail=_NEWEST_FIRST, scoped=False)
        found: defaultdict[Code, list[TussTerm]] = defaultdict(list)
        for term in map(tuss_term_from_row, rows):
            found[term.table, term.code].append(term)
        read = {code: tuple(found[code]) for code in codes}
        if generations is not None and generations == self._of and not self._generations.moved_since(before, scopes):
            self._kept.update(read)
        return read


def _governing(rows: tuple[TussTerm, ...], on: date) -> TussTerm | None:
    """Of a code's rows, newest first, the one that began last by that day, unless it has ended."""
    began = next((term for term in rows if term.valid_from <= on), None)
    return began if began and began.valid_on(on) else None
