"""Several prepared statements in one round trip, which costs about what one statement does.

psycopg's own pipeline waits for the socket and converts parameters by type once per statement (measured:
docs/decisions/0023). Here all are sent, then all answers read, by its connection, results and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import errors
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from persistence.connection import OUTDATED, Connection, Outdated
from persistence.statements import Statement

Row = dict[str, Any]

Sent = tuple[Statement, Sequence[bytes]]
"""A statement and its parameters, as they go to the server."""

_BEGIN = Statement("BEGIN")
_COMMIT = Statement("COMMIT")


class Asked(NamedTuple):
    """A statement to run; its parameters in PostgreSQL's input form: text, or JSON in bytes, which holds no NUL."""

    statement: Statement
    parameters: tuple[str | bytes, ...] = ()


class Answer(NamedTuple):
    """What a statement gave: its rows, by column, and how many it returned or touched."""

    rows: list[Row]
    touched: int


async def round_trip(connection: Connection, asked: Sequence[Asked], *, commit: bool = False) -> list[Answer]:
    """Run statements one after the other, in a transaction that begins with the first of them.

    With `commit` the transaction ends here: the server commits only if every statement succeeded. Raises what psycopg
    raises for the first that did not; those behind it were not run. Raises Outdated, and closes the connection, when
    the server does not have prepared what the connection thinks it has.
    """
    begun = connection.pgconn.transaction_status != TransactionStatus.IDLE
    whole = [*([] if begun else [Asked(_BEGIN)]), *asked, *([Asked(_COMMIT)] if commit else [])]
    sending = [(one.statement, [_encoded(parameter) for parameter in one.parameters]) for one in whole]
    results = await connection.wait(_exchanged(connection, sending))
    first = len(whole) - len(asked) - commit
    return [_answer(connection, result) for result in results[first : first + len(asked)]]


def _exchanged(connection: Connection, sending: Sequence[Sent]) -> PQGen[list[PGresult]]:
    """The generator that psycopg's `wait` runs: one result for each statement."""
    pgconn = connection.pgconn
    try:
        pgconn.enter_pipeline_mode()
        known = set(connection.prepared)
        preparing = [_send(connection, known, *one) for one in sending]
        pgconn.pipeline_sync()
        yield from send(pgconn)
        prepared: list[PGresult] = []
        results: list[PGresult] = []
        for prepares in preparing:
            if prepares:
                prepared += yield from fetch_many(pgconn)
            results += yield from fetch_many(pgconn)
        yield from fetch_many(pgconn)  # the answer to the sync
        pgconn.exit_pipeline_mode()
    except BaseException:
        pgconn.finish()  # cut off in the middle, it is of no use to anybody
        raise
    new = [statement for (statement, _), prepares in zip(sending, preparing, strict=True) if prepares]
    _remember(connection, new, prepared)
    _raise_first(connection, [*prepared, *results])
    return results


def _send(connection: Connection, known: set[bytes], statement: Statement, parameters: Sequence[bytes]) -> bool:
    """Send a statement, and before it, when the server does not know it yet, what prepares it: then True."""
    new = statement.name not in known
    if new:
        known.add(statement.name)
        connection.pgconn.send_prepare(statement.name, statement.sql.encode())
    connection.pgconn.send_query_prepared(statement.name, parameters)
    return new


def _encoded(parameter: str | bytes) -> bytes:
    if isinstance(parameter, bytes):
        return parameter
    if "\0" in parameter:
        raise errors.DataError("PostgreSQL text has no NUL")
    return parameter.encode()


def _remember(connection: Connection, new: Sequence[Statement], prepared: Sequence[PGresult]) -> None:
    """Prepared is what the server did prepare: behind an error it skips that too."""
    for statement, result in zip(new, prepared, strict=True):
        if result.status == ExecStatus.COMMAND_OK:
            connection.prepared.add(statement.name)


def _raise_first(connection: Connection, results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            error = errors.error_from_result(result, encoding=connection.info.encoding)
            if isinstance(error, OUTDATED):
                connection.prepared.clear()
                connection.pgconn.finish()
                raise Outdated(str(error)) from error
            raise error


def _answer(connection: Connection, result: PGresult) -> Answer:
    if not result.ntuples:
        return Answer([], result.command_tuples or 0)
    reading = Transformer(connection)
    reading.set_pgresult(result)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    rows = reading.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))
    return Answer(rows, result.ntuples)
