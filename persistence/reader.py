"""One connection while it is on loan for reads: a statement at a time, prepared once, its socket always listened to.

The driver's cursors do the same at three times the cost: each listens anew, converts the SQL anew and looks up how to
read every column anew (docs/decisions/0024). What is dumped, loaded and raised is the driver's own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from persistence.connection import OUTDATED, Connection

Row = dict[str, Any]

_MOST_PREPARED: Final = 100
"""Statements that one connection keeps prepared; more are run without a name."""
_PARAMETER: Final = re.compile(r"%\((\w+)\)s|%%")


class Statement(NamedTuple):
    """SQL with `$1`, and the parameters in that order."""

    sql: bytes
    names: tuple[str, ...]


class Prepared(NamedTuple):
    """What a connection knows of a statement: its name there (empty: none) and the columns of its answer."""

    name: bytes
    columns: tuple[str, ...]


_UNNAMED: Final = Prepared(b"", ())

Key = tuple[bytes, tuple[int, ...]]
"""SQL and its parameters' types."""
Known = dict[Key, Prepared]
"""What is prepared on a connection; it outlives the loan."""


class Reader:
    """Asks one connection. Whoever has it has it alone until it is `free` again."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self.connection = connection
        self.due = False
        """Whether the loan is over: once it is free, it goes back."""
        self._outdated = False
        self._pgconn = connection.pgconn
        self._known = known
        self._values = Transformer(connection)
        self._loop = asyncio.get_running_loop()
        self._socket = self._pgconn.socket
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._loop.add_reader(self._socket, self._readable)
        self._listens = True
        self._sends = False

    @property
    def free(self) -> bool:
        """Whether nothing is under way."""
        return self._answer is None

    @property
    def broken(self) -> bool:
        """Whether the connection was lost, or its server has not prepared what we think: it is of no more use."""
        return self._outdated or not self._listens or self._pgconn.status != ConnStatus.OK

    async def rows(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Row]:
        """The rows of a SELECT, by their columns' names. Raises what the driver raises.

        When the caller is cancelled the statement still runs: the reader is not free then.
        """
        given = [parameters[name] for name in statement.names]
        values = self._values.dump_sequence(given, [PyFormat.AUTO] * len(given))
        key = (statement.sql, self._values.types or ())
        formats = self._values.formats
        known = self._known.get(key) or await self._prepare(key)
        try:
            result = await self._run(key, known.name, values, formats)
        except OUTDATED:
            # Asked again here and without a name: the other connections may be no better.
            self._outdated = True
            known = _UNNAMED
            result = await self._run(key, known.name, values, formats)
        columns = known.columns or self._columns(key, known.name, result)
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, lambda row: dict(zip(columns, row, strict=True)))

    async def quiet(self) -> None:
        """Wait until what its caller left behind is answered too."""
        if self._answer is not None:
            self._answer = self._loop.create_future()
            with suppress(psycopg.Error):
                await self._answer

    def close(self) -> None:
        """Listen no more; the connection is its pool's again."""
        if self._listens:
            self._listens = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    async def _run(
        self, key: Key, name: bytes, values: Sequence[Buffer | None], formats: Sequence[Format] | None
    ) -> PGresult:
        if name:
            self._pgconn.send_query_prepared(name, values, param_formats=formats)
        else:
            self._pgconn.send_query_params(key[0], values, param_types=key[1], param_formats=formats)
        return await self._answered()

    async def _prepare(self, key: Key) -> Prepared:
        if len(self._known) >= _MOST_PREPARED:
            return _UNNAMED
        name = _name_of(*key)
        self._pgconn.send_prepare(name, key[0], param_types=key[1])
        # A name says all of a statement, so one that the server has already is this one: nobody waited to hear of it.
        with suppress(psycopg.errors.DuplicatePreparedStatement):
            await self._answered()
        self._known[key] = prepared = Prepared(name, ())
        return prepared

    def _columns(self, key: Key, name: bytes, result: PGresult) -> tuple[str, ...]:
        columns = tuple((result.fname(at) or b"").decode() for at in range(result.nfields))
        if name:
            self._known[key] = Prepared(name, columns)
        return columns

    async def _answered(self) -> PGresult:
        """What the server answers to what was just sent. Raises what the driver raises for a refusal."""
        self._answer = self._loop.create_future()
        self._flush()
        result = await self._answer
        if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
            raise psycopg.errors.error_from_result(result)
        return result

    def _flush(self) -> None:
        """Send; what the socket does not take now it takes when it can."""
        try:
            unsent = self._pgconn.flush()
        except psycopg.Error as error:
            self._lost(error)
            return
        if unsent:
            self._loop.add_writer(self._socket, self._flush)
        elif self._sends:
            self._loop.remove_writer(self._socket)
        self._sends = bool(unsent)

    def _readable(self) -> None:
        """Read what came; an answer is whole when the driver has no more of it."""
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    self._whole()
                    return
                self._result = self._result or result
        except psycopg.Error as error:
            self._lost(error)

    def _whole(self) -> None:
        answer, result = self._answer, self._result
        if answer is None or result is None:
            return
        self._answer = self._result = None
        if not answer.done():
            answer.set_result(result)

    def _lost(self, error: psycopg.Error) -> None:
        self.close()
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if self._result is not None:
            # It said why before it went.
            answer.set_result(self._result)
        else:
            answer.set_exception(error)


def _name_of(sql: bytes, types: tuple[int, ...]) -> bytes:
    """The same in every process, as a `statements.Statement` has it: behind a pooler they may share a connection."""
    return b"acerto_read_" + sha256(b"%b\0%r" % (sql, types)).hexdigest()[:24].encode()


@lru_cache(maxsize=512)
def statement_of(sql: str) -> Statement:
    """SQL with `%(name)s` parameters, as `compiled` makes it, in the server's own form."""
    places: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return places.setdefault(match[1], f"${len(places) + 1}") if match[1] else "%"

    text = _PARAMETER.sub(numbered, sql)
    return Statement(text.encode(), tuple(places))
