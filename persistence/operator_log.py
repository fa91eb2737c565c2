"""What operators do by hand, and why: every verb that changes something leaves a row before it answers."""

from __future__ import annotations

from persistence.connection import Connection

_NOTE = "INSERT INTO operator_log (who, what, reason) VALUES (%s, %s, %s)"


async def note(connection: Connection, *, who: str, what: str, reason: str) -> None:
    """Keep a row, in the transaction of the deed where it has one."""
    await connection.execute(_NOTE, (who, what, reason))
