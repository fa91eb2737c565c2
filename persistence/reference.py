"""Reference data in a unit of work: what was saved is upserted, and its generations move with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from psycopg.rows import dict_row
from sqlalchemy import Table

from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.ports import ReferenceNoun
from persistence.connection import Connection
from persistence.reference_rows import TABLES, TO_ROW, beneficiary_from_row, key_of
from persistence.round_trip import Row
from persistence.schema import beneficiaries
from persistence.session import Write
from persistence.statements import Statement, insert_many

_HAS_INSURER = "SELECT FROM insurers WHERE insurer_id = %s"
_HAS_PLAN = "SELECT FROM health_plans WHERE insurer_id = %s AND plan_id = %s"
_BENEFICIARY = "SELECT * FROM beneficiaries WHERE insurer_id = %s AND card_number = %s FOR UPDATE"
_INSERT_BENEFICIARY = Statement(insert_many(beneficiaries))
"""A twin that was entered meanwhile breaks its key, so that its patient's generation is seen and moved, too."""
MOVE: Final = Statement(
    "INSERT INTO generations (scope, generation, changed_at)"
    " SELECT scope, 1, clock_timestamp() FROM json_to_recordset($1::json) AS moved(scope text)"
    " ON CONFLICT (scope) DO UPDATE SET generation = generations.generation + 1, changed_at = clock_timestamp()"
)
"""Moves the generations of scopes, given in their order; its rows have `scope` only."""


def on_conflict(table: Table) -> str:
    """The end of an upsert into a table of reference data: everything but the key is replaced."""
    key = key_of(table)
    values = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if column.name not in key)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {values}"


_UPSERTS: Final = {noun: Statement(insert_many(table) + on_conflict(table)) for noun, table in TABLES.items()}


class SqlReference:
    """Answers `domain.eligibility.ports.Reference`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saved: dict[type[ReferenceNoun], dict[tuple[Any, ...], Row]] = defaultdict(dict)
        self._new: dict[tuple[Any, ...], Row] = {}
        self.scopes: set[str] = set()
        """Those that the commit moves."""

    async def has_insurer(self, insurer_id: str) -> bool:
        """Whether there is such an insurer."""
        return await self._has(_HAS_INSURER, insurer_id)

    async def has_health_plan(self, insurer_id: str, plan_id: str) -> bool:
        """Whether the insurer has such a plan."""
        return await self._has(_HAS_PLAN, insurer_id, plan_id)

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        """Whom the card stands for now, locked for the rest of the unit."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(_BENEFICIARY, (insurer_id, card_number))
        row = await cursor.fetchone()
        return beneficiary_from_row(row) if row else None

    def save(self, noun: ReferenceNoun, before: ReferenceNoun | None = None) -> None:
        """Have it written at commit, in place of the one with its key, and the generations of its scopes moved."""
        row, kind = TO_ROW[type(noun)](noun), type(noun)
        rows = self._new if kind is Beneficiary and before is None else self._saved[kind]
        rows[tuple(row[name] for name in key_of(TABLES[kind]))] = row
        self.scopes |= noun.scopes | (before.scopes if before else frozenset())

    def writes(self) -> Iterable[Write]:
        """All are upserted, those that others lean on first; the generations, which others wait for, move last."""
        for kind in TABLES:
            yield Write(_UPSERTS[kind], [row for _, row in sorted(self._saved[kind].items())])
        yield Write(_INSERT_BENEFICIARY, [row for _, row in sorted(self._new.items())])
        yield Write(MOVE, [{"scope": scope} for scope in sorted(self.scopes)])

    async def _has(self, statement: str, *key: str) -> bool:
        cursor = await self._connection.execute(statement.encode(), key)
        return cursor.rowcount > 0
