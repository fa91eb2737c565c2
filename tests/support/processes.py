"""Programs a test starts: their output in a file, every way to end or freeze them; none outlives the test."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.ending import ends_with_parent
from tests.support.environment import ROOT, clean_env
from tests.support.waiting import soon


class Program:
    """A separate process in a session of its own; as a context manager its end is kill -9 if it still runs.

    On Linux it ends with the thread that started it, so that a run that is killed leaves nobody behind.
    """

    def __init__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], output: Path, cwd: Path = ROOT
    ) -> None:
        """`env` is the whole environment; `output` receives stdout and stderr, after what earlier runs wrote there."""
        self.output = output
        self._read_from = output.stat().st_size if output.exists() else 0
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=ends_with_parent(),  # noqa: PLW1509 - one system call
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def text(self) -> str:
        """All it has written so far."""
        with self.output.open("rb") as written:
            written.seek(self._read_from)
            return written.read().decode(errors="replace")

    def wait_for(self, pattern: str, *, within: float = 15.0) -> re.Match[str]:
        """The first match of `pattern` in its output (multi-line). Raises AssertionError with the output's end."""

        def look() -> re.Match[str] | bool:
            return re.search(pattern, self.text(), re.MULTILINE) or self.code is not None

        with suppress(AssertionError):  # one last look below, which also tells the reason
            soon(look, within=within)
        found = re.search(pattern, self.text(), re.MULTILINE)
        assert found, f"{pattern!r} not seen within {within:g} s (exit code {self.code}) in:\n{self.text()[-3000:]}"
        return found

    def wait(self, *, within: float = 15.0) -> int:
        """Its exit code, once it has ended by itself. Raises AssertionError with the output's end."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within:g} s:\n{self.text()[-3000:]}") from None

    def terminate(self, *, within: float = 15.0) -> int:
        """SIGTERM, then its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait(within=within)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """What a terminal's Ctrl-C sends, to this process only."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """kill -9, and wait until it is gone; works on a paused one too."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped by SIGSTOP, its own or ours."""
        return self.code is None and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def server(role: str, *arguments: str, env: Mapping[str, str], output: Path) -> Program:
    """`python -m server <role> <arguments>` from the repository's root, with `env` over a clean environment."""
    return Program([sys.executable, "-m", "server", role, *arguments], env=clean_env() | dict(env), output=output)
