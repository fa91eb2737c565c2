"""What becomes the embedded server's process: `embedded_launch.py PARENT USER PIPE PROGRAM ARGUMENT…`, by exec.

A program of its own, since what must be done here needs a process of one thread: in a forked child gRPC starts its
threads again. Writes to the descriptor PIPE what went wrong, and nothing when PROGRAM runs. Imports nothing of ours.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def main(parent: int, user: str, pipe: int, command: list[str]) -> None:
    """Appear as `user` if it is not empty, be told when `parent` dies, and become `command`."""
    os.set_inheritable(pipe, False)  # the program's start closes it
    try:
        if sys.platform == "linux":
            libc = ctypes.CDLL(None, use_errno=True)
            if user:
                _appear_as(user, libc)
            # After unshare, which clears it. SIGINT is PostgreSQL's fast and clean shutdown.
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() == parent:  # or it died before the line above
            os.execv(command[0], command)  # noqa: S606 - the wheel's own programs, and no shell
    except OSError as failure:
        os.write(pipe, str(failure).encode())
    sys.exit(1)


def _appear_as(user: str, libc: ctypes.CDLL) -> None:
    own, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {own} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{user} {group} 1", encoding="ascii")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
