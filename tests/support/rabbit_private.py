"""A RabbitMQ node of our own on private ports, which a test may kill, freeze and restart as it likes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ending import ends_with_parent
from tests.support.environment import clean_env
from tests.support.ports import free_ports
from tests.support.waiting import eventually

_PACKAGED = "lib/rabbitmq/lib/rabbitmq_server-*/sbin"
_GREETING = b"AMQP\x00\x00\x09\x01"
_START_SECONDS = 90.0


@dataclass(frozen=True)
class Installation:
    """Where RabbitMQ's own scripts and Erlang are; a distribution's wrappers, which insist on an account, won't do."""

    scripts: Path
    erlang: Path

    @classmethod
    def below(cls, prefix: Path) -> Installation | None:
        """The Debian packages' files below `prefix` (`/usr`, or where they were unpacked); None when not there."""
        scripts = sorted(prefix.glob(_PACKAGED))
        erlang = prefix / "lib/erlang/bin"
        return cls(scripts[-1], erlang) if scripts and (erlang / "erl").exists() else None

    @classmethod
    def on_path(cls) -> Installation | None:
        """An installation whose `rabbitmq-server` on PATH is RabbitMQ's own script (Homebrew, a tarball)."""
        found, erl = shutil.which("rabbitmq-server"), shutil.which("erl")
        if found is None or erl is None or not (Path(found).resolve().parent / "rabbitmq-env").exists():
            return None
        return cls(Path(found).resolve().parent, Path(erl).parent)


class PrivateRabbit:
    """One broker whose home, data and ports are its own; `url` logs in as guest. Data survive `kill` and `restart`.

    Call its verbs from the main thread: the node ends with the thread that started it, so that no crash of a test run
    leaves a broker behind.
    """

    def __init__(self, folder: Path, installation: Installation, *, plugins: str = "") -> None:
        """`folder` receives everything it writes; `plugins` are names to enable, separated by commas."""
        self.port, self._epmd_port, distribution_port = free_ports(3)
        self._folder = folder
        self._scripts = installation.scripts
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._env = _environment(folder, installation, self.port, self._epmd_port, distribution_port)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        (folder / "enabled_plugins").write_text(f"[{plugins}].")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PrivateRabbit]:
        """Started at the block's begin, gone without a trace of a process at its end."""
        try:
            await self.start()
            yield self
        finally:
            self.close()

    async def start(self) -> None:
        """Start and wait until it greets a client (about 4 s). Raises AssertionError with the end of its output."""
        if self._epmd is None:
            # In the foreground and ours; the node would otherwise start a daemon that stays behind.
            self._epmd = self._spawn([self._program("epmd"), "-port", str(self._epmd_port)])
        self._node = self._spawn([self._scripts / "rabbitmq-server"])
        await eventually(self._is_up_or_dead, within=_START_SECONDS, every=0.05, what="RabbitMQ greets a client")
        written = (self._folder / "output").read_text(errors="replace")
        assert self._node.poll() is None, f"RabbitMQ ended with {self._node.poll()}:\n{written[-2000:]}"

    async def stop(self, *, within: float = 30.0) -> None:
        """An orderly shutdown (SIGTERM), waited for."""
        self._running.send_signal(signal.SIGTERM)
        await eventually(lambda: self._running.poll() is not None, within=within, what="RabbitMQ has stopped")

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._running.kill()
        self._running.wait()

    async def restart(self) -> None:
        """An orderly stop if it runs, then a start on the same data and ports."""
        if self._running.poll() is None:
            await self.stop()
        await self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl <arguments>` prints; it blocks for about 0.3 s. Raises CalledProcessError."""
        command = [str(self._scripts / "rabbitmqctl"), "-q", *arguments]
        return subprocess.run(
            command, env=self._env, cwd=self._folder, check=True, capture_output=True, text=True
        ).stdout

    def close(self) -> None:
        """End it at once, whatever its state; a second call does nothing."""
        for process in (self._node, self._epmd):
            if process is not None:
                process.kill()
                process.wait()
        self._node = self._epmd = None

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._node is not None, "RabbitMQ was not started"
        return self._node

    def _is_up_or_dead(self) -> bool:
        return self._running.poll() is not None or greets("127.0.0.1", self.port)

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=self._env["PATH"])
        assert found, f"{name} is not in {self._env['PATH']}"
        return found

    def _spawn(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                command,
                env=self._env,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=ends_with_parent(),  # noqa: PLW1509 - one system call
            )


def greets(host: str, port: int) -> bool:
    """Whether something there answers AMQP 0-9-1's first bytes with a method frame, within a second."""
    try:
        with socket.create_connection((host, port), timeout=1.0) as connection:
            connection.sendall(_GREETING)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def _environment(folder: Path, installation: Installation, port: int, epmd: int, distribution: int) -> dict[str, str]:
    path = f"{installation.erlang}{os.pathsep}{clean_env().get('PATH', os.defpath)}"
    return {
        "PATH": path,
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_NODENAME": f"acerto{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # The script then replaces itself by the node, so that the process we hold is the one to kill and freeze.
        "RUNNING_UNDER_SYSTEMD": "true",
    }
