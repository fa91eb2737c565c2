"""The sandbox's file: charges, refunds, and what is still to be told about them.

Several processes of one machine share it, and a process that is killed takes nothing with it that it had answered.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from domain.billing.charge import ProviderAmbiguous
from server.providers.sandbox.rows import Rows

T = TypeVar("T")

FILE: Final = "sandbox.db"

_VERSION: Final = 1
"""Of the tables below; a file that has it needs nobody's lock to be opened."""
_SCHEMA: Final = (
    """
    CREATE TABLE charges (
        id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, reference TEXT NOT NULL, currency TEXT NOT NULL,
        cents INTEGER NOT NULL, script TEXT NOT NULL, live INTEGER NOT NULL, pix TEXT NOT NULL,
        created INTEGER NOT NULL, expires INTEGER NOT NULL, updated INTEGER NOT NULL, status TEXT NOT NULL,
        detail TEXT NOT NULL, paid INTEGER, approved INTEGER, disputed INTEGER, due INTEGER
    )
    """,
    "CREATE INDEX charges_by_reference ON charges (reference, created)",
    "CREATE INDEX charges_by_due ON charges (due) WHERE due IS NOT NULL",
    """
    CREATE TABLE refunds (
        charge_id TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, cents INTEGER NOT NULL,
        status TEXT NOT NULL, detail TEXT NOT NULL, ends TEXT NOT NULL, due INTEGER, PRIMARY KEY (charge_id, key)
    )
    """,
    """
    CREATE TABLE notifications (
        number INTEGER PRIMARY KEY AUTOINCREMENT, event_id INTEGER NOT NULL, charge_id TEXT NOT NULL,
        action TEXT NOT NULL, live INTEGER NOT NULL, created INTEGER NOT NULL, copies INTEGER NOT NULL,
        attempts INTEGER NOT NULL, due INTEGER NOT NULL
    )
    """,
    "CREATE INDEX notifications_by_due ON notifications (due)",
    "CREATE INDEX notifications_by_charge ON notifications (charge_id)",
    "CREATE TABLE garbage (key TEXT PRIMARY KEY, times INTEGER NOT NULL)",
)


class Store:
    """The file, opened, with its tables in it."""

    def __init__(self, folder: Path, *, patience: float = 2.0) -> None:
        """`patience` is how many seconds a lock is waited for. Raises OSError, sqlite3.Error: it cannot be had."""
        folder.mkdir(parents=True, exist_ok=True)
        self._turn = threading.Lock()
        with _alone(folder):
            self._connection = _opened(folder / FILE, patience)

    async def read(self, work: Callable[[Rows], T]) -> T:
        """What `work` finds, all of it at one moment. Raises ProviderAmbiguous, and what `work` raises."""
        return await asyncio.to_thread(self._run, "BEGIN", work)

    async def write(self, work: Callable[[Rows], T]) -> T:
        """Do `work` and keep it, or nothing of it. Raises ProviderAmbiguous, and what `work` raises."""
        return await asyncio.to_thread(self._run, "BEGIN IMMEDIATE", work)

    def close(self) -> None:
        """Let go of the file; what runs is finished first."""
        with self._turn:
            self._connection.close()

    def _run(self, begin: str, work: Callable[[Rows], T]) -> T:
        with self._turn:
            try:
                with _transaction(self._connection, begin):
                    return work(Rows(self._connection))
            except sqlite3.OperationalError as error:
                raise ProviderAmbiguous(f"the sandbox's file: {error}") from error


def _opened(file: Path, patience: float) -> sqlite3.Connection:
    # Transactions are begun by name below; each thread takes its turn by the store's own lock.
    connection = sqlite3.connect(file, timeout=patience, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a power cut the last moment
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While one process makes the file: SQLite would refuse others then, instead of having them wait."""
    with (folder / "sandbox.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
