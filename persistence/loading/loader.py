"""All the lines of some files, or none: COPY into a table of the transaction's own, one INSERT .. ON CONFLICT.

Loading a file again changes nothing, and rows that are not in it stay: their windows say when they ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from psycopg.sql import Composed
from psycopg.types.json import Jsonb

from domain.eligibility.generations import EVERYTHING
from domain.eligibility.ports import ReferenceNoun
from domain.failpoints import reach
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import translated
from persistence.loading.kinds import Kind
from persistence.loading.staging import Staging
from persistence.loading.table_file import BadLine, TableFile
from persistence.operator_log import note
from persistence.reference import MOVE
from persistence.reference_rows import TABLES, TO_ROW
from persistence.round_trip import Asked, round_trip
from persistence.statements import rows_of

_ALONE: Final = "SELECT pg_advisory_xact_lock(7262022003)"
"""Two loads at once would wait for each other's rows, each in its own order."""
_PATIENT: Final = "SET LOCAL statement_timeout = 0"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file: lines that were new, those that changed a row, those that were there, those that are bad.

    With bad ones, nothing was changed.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    bad: int = 0

    def __str__(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.same} as they were"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file to load. `given` are cells for columns that the file has not; `at` is when, `who` and `reason` say why."""

    kind: Kind
    file: TableFile
    given: Mapping[str, str]
    at: datetime
    who: str
    what: str
    reason: str


async def load(database: Database, jobs: Sequence[Job], tell: Callable[[BadLine], None]) -> list[Loaded]:
    """Load files, each after those that it leans on, all of them or none; `tell` is told of every bad line.

    Raises BadFile, Unavailable.
    """
    for job in jobs:
        job.kind.must_have_all([*job.file.header, *job.given])
    with translated():
        async with database.connection("acerto-load") as connection:
            await connection.execute(_PATIENT)
            await connection.execute(_ALONE)
            loaded = [await _loaded(connection, job, tell) for job in jobs]
            if any(one.bad for one in loaded):
                return loaded
            if any(one.new or one.changed for one in loaded):
                await round_trip(connection, [Asked(MOVE, (rows_of([{"scope": EVERYTHING}]),))])
            reach("load.before_commit")
            await connection.commit()
    return loaded


async def _loaded(connection: Connection, job: Job, tell: Callable[[BadLine], None]) -> Loaded:
    """Take a file's rows into their table, if none is bad."""
    staging, bad = Staging(TABLES[job.kind.noun]), 0
    await connection.execute(staging.create())
    async for wrong in _wrong(connection, job, staging):
        tell(wrong)
        bad += 1
    loaded = Loaded(bad=bad) if bad else await _merged(connection, staging)
    await connection.execute("DROP TABLE staging")
    await note(connection, who=job.who, what=f"{job.what}: {loaded}", reason=job.reason)
    return loaded


async def _merged(connection: Connection, staging: Staging) -> Loaded:
    cursor = await connection.execute(staging.merge())
    total, new, changed = await cursor.fetchone() or (0, 0, 0)
    return Loaded(new=new, changed=changed, same=total - new - changed)


async def _wrong(connection: Connection, job: Job, staging: Staging) -> AsyncIterator[BadLine]:
    """Let every good line wait in the staging table; gives what is wrong with the others, and with all together."""
    to_row, values = TO_ROW[job.kind.noun], itemgetter(*staging.columns)
    async with connection.cursor() as cursor, cursor.copy(staging.copy()) as copy:
        for one in _read(job):
            if isinstance(one, BadLine):
                yield one
            else:
                number, row = one[0], to_row(one[1])
                row |= {name: Jsonb(row[name]) for name in staging.packed}
                await copy.write_row((*values(row), number))
    await connection.execute("ANALYZE staging")
    async for line, first in _asked(connection, staging.repeated()):
        yield BadLine(line, "", f"has the key of line {first}: {', '.join(staging.key).removeprefix('tuss_')}")
    if job.kind.leans_on is not None:
        other, reason = job.kind.leans_on
        async for (line,) in _asked(connection, staging.orphans(TABLES[other])):
            yield BadLine(line, "", reason)


def _read(job: Job) -> Iterator[tuple[int, ReferenceNoun] | BadLine]:
    """The noun of each good line with the line's number, and what is wrong with the others."""
    for line in job.file.lines():
        read = [line] if isinstance(line, BadLine) else job.kind.read(line, job.given, job.at)
        if isinstance(read, list):
            yield from read
        else:
            yield line.number, read


async def _asked(connection: Connection, statement: Composed) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of a SELECT, some at a time: a file may be wrong from its first line to its last."""
    async with connection.cursor(name="acerto_load") as cursor:
        await cursor.execute(statement)
        async for row in cursor:
            yield row
