"""All that is known about a question, by one statement: the insurer, the card or the patient's cards, their plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Table

from domain.actor import Actor
from domain.eligibility.coverage import Situation
from domain.eligibility.eligibility_check import Question
from persistence.engine import Database
from persistence.reading import Reading
from persistence.reference_rows import beneficiary_from_row, health_plan_from_row, insurer_from_row
from persistence.schema import beneficiaries, health_plans, insurers
from persistence.tuss import TussTerms

_NOBODY: Final = Actor(id="system:eligibility")
# Of a large network, its first provider says that there is one, and the asked provider that it is of it.
_NETWORK: Final = "plan.network[1:1] || ARRAY(SELECT n FROM unnest(plan.network) n WHERE n = %(provider_id)s)"
_PARTS: Final[Sequence[tuple[str, Table, Any]]] = (
    ("insurer", insurers, insurer_from_row),
    ("card", beneficiaries, beneficiary_from_row),
    ("plan", health_plans, health_plan_from_row),
)
_COLUMNS: Final = ", ".join(
    f"{_NETWORK if (name, column.name) == ('plan', 'network') else f'{name}.{column.name}'} AS {name}_{column.name}"
    for name, table, _ in _PARTS
    for column in table.columns
)
_NAMES: Final = [[column.name for column in table.columns] for _, table, _ in _PARTS]
_SLICES: Final = [
    (sum(map(len, _NAMES[:at])), names, read)
    for at, (names, (_, _, read)) in enumerate(zip(_NAMES, _PARTS, strict=True))
]
"""Where each part's columns begin in a row, their names, and what makes the noun of them."""
_BY_CARD: Final = (
    "SELECT *, 1 AS place FROM beneficiaries WHERE insurer_id = %(insurer_id)s AND card_number = %(card_number)s"
)
_BY_PATIENT: Final = """
SELECT *, row_number() OVER (
         ORDER BY (plan_id = %(plan_id)s) DESC,
               (enrolled_from <= %(on)s AND coalesce(enrolled_to >= %(on)s, true)
                AND coalesce(valid_from <= %(on)s, true) AND coalesce(valid_to >= %(on)s, true)) DESC,
               (status = 'ACTIVE') DESC, enrolled_from DESC, card_number) AS place
  FROM beneficiaries WHERE insurer_id = %(insurer_id)s AND patient_id = %(patient_id)s
 ORDER BY place LIMIT 16
"""
"""Cards that hold on the day come first. Renewals and plans of other care give a patient some, and hardly so many."""
_SITUATION: Final = """
SELECT {columns}
  FROM (SELECT %(insurer_id)s::text AS insurer_id) asked
  LEFT JOIN insurers insurer USING (insurer_id)
  LEFT JOIN LATERAL ({cards}) card ON true
  LEFT JOIN health_plans plan
    ON plan.insurer_id = %(insurer_id)s AND plan.plan_id = coalesce(card.plan_id, %(plan_id)s)
 ORDER BY card.place
"""
_OF_CARD, _OF_PATIENT = (_SITUATION.format(columns=_COLUMNS, cards=cards) for cards in (_BY_CARD, _BY_PATIENT))
_SELLERS: Final = "SELECT insurer_id FROM health_plans"


class SqlSituations(Reading):
    """Answers `domain.eligibility.ports.Situations`; terms come from their own cache."""

    def __init__(self, database: Database, terms: TussTerms) -> None:
        super().__init__(database)
        self._terms = terms

    async def of(self, question: Question) -> Sequence[Situation]:
        """All that the rules look at but what was used of limits, as of now, for each card that may be meant."""
        insurer_id = question.insurer_id
        if not insurer_id:
            where, parameters = ["plan_id = %(plan_id)s"], {"plan_id": question.plan_id}
            rows = await self.rows(_NOBODY, _SELLERS, where, parameters, tail=" LIMIT 2", scoped=False)
            if len(rows) != 1:
                return [Situation(question=question, ambiguous=len(rows) > 1, terms=await self._valid(question))]
            insurer_id = rows[0]["insurer_id"]
        asked = {
            "insurer_id": insurer_id,
            "plan_id": question.plan_id,
            "card_number": question.card_number,
            "patient_id": question.patient_id,
            "provider_id": question.provider_id,
            "on": question.service_date,
        }
        statement = _OF_CARD if question.card_number else _OF_PATIENT
        rows = await self.rows(_NOBODY, statement, [], asked, scoped=False)
        terms = await self._valid(question)
        found = (_nouns(tuple(row.values())) for row in rows)
        return [
            Situation(question=question, insurer=insurer, plan=plan, beneficiary=card, terms=terms)
            for insurer, card, plan in found
        ]

    async def _valid(self, question: Question) -> frozenset[tuple[str, str]]:
        if not question.procedures:
            return frozenset()
        codes = [(each.table, each.code) for each in question.procedures]
        return frozenset(await self._terms.valid(codes, question.service_date))


def _nouns(values: Sequence[Any]) -> Iterator[Any]:
    """The noun of each part of a joined row; None where the join found none: the key comes first in each table."""
    for first, names, read in _SLICES:
        part = values[first : first + len(names)]
        yield None if part[0] is None else read(dict(zip(names, part, strict=True)))
