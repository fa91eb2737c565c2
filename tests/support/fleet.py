"""Acerto as it is deployed: each role a process of its own, on one database and one broker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.support.environment import ROOT, clean_env
from tests.support.ports import free_ports
from tests.support.processes import Program, server
from tests.support.waiting import eventually, soon

SIGNING_KEY = "a signing key of a test, long enough to be one"
KILLED = -9


@dataclass(frozen=True)
class Role:
    """One running process and where it listens."""

    name: str
    program: Program
    grpc_port: int
    http_port: int

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it logged so far, as JSON; a line that is none is left out."""
        found = []
        for line in self.program.text().splitlines():
            with suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        return found

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines whose event begins like this."""
        return [line for line in self.lines if str(line.get("event", "")).startswith(event)]

    async def died(self, *, within: float = 20.0) -> int:
        """Its exit code, once it has ended; the loop goes on meanwhile."""
        await eventually(lambda: self.program.code is not None, within=within, what=f"{self.name} ends")
        assert self.program.code is not None
        return self.program.code

    async def ready(self, *, within: float = 30.0) -> Role:
        """Itself, once it says that it is ready."""

        def look() -> bool:
            code = self.program.code
            if code is not None:
                raise RuntimeError(f"{self.name} ended with {code}:\n{self.program.text()[-3000:]}")
            return bool(self.logged("ready"))

        await eventually(look, within=within, what=f"{self.name} is ready")
        return self

    @asynccontextmanager
    async def billing(self) -> AsyncIterator[Any]:
        """BillingService's stub on a channel of its own."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            yield BillingServiceStub(channel)


@dataclass(frozen=True)
class Said:
    """What a verb printed and how it ended."""

    code: int
    out: str
    err: str


class Fleet:
    """Starts roles and verbs with the same settings; at the block's end whatever still runs is killed."""

    def __init__(self, folder: Path, *, database_url: str, broker_url: str = "", **settings: object) -> None:
        """`settings` by their names without the prefix, for every role; `folder` keeps data and output."""
        self._folder = folder
        self.roles: list[Role] = []
        self.database_url = database_url
        self.broker_url = broker_url
        self.settings = {
            "database_url": database_url,
            "broker_url": broker_url,
            "data_dir": folder / "data",
            "log_format": "json",
            "signing_key": SIGNING_KEY,
            **settings,
        }

    def start(self, name: str, *arguments: str, **settings: object) -> Role:
        """Start a role, and do not wait; `settings` are this process's own."""
        grpc_port, http_port = free_ports(2)
        addresses = {"grpc_address": f"127.0.0.1:{grpc_port}", "http_address": f"127.0.0.1:{http_port}"}
        env = variables({**self.settings, **addresses, **settings})
        program = server(name, *arguments, env=env, output=self._folder / f"{name}-{len(self.roles)}.log")
        self.roles.append(Role(name, program, grpc_port, http_port))
        return self.roles[-1]

    async def running(self, *names: str, **settings: object) -> list[Role]:
        """Start roles side by side; answers them when all are ready."""
        started = [self.start(name, **settings) for name in names]
        return [await role.ready() for role in started]

    def started(self, *names: str) -> list[Role]:
        """The same for code without an event loop."""
        started = [self.start(name) for name in names]
        for role in started:
            soon(lambda role=role: role.logged("ready") or role.program.code is not None, within=40.0)  # type: ignore[misc]
            assert role.program.code is None, role.program.text()
        return started

    def verb(self, *words: str, **settings: object) -> Said:
        """Run an operator's verb to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "server", *words],
            env=clean_env() | variables({**self.settings, **settings}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for role in self.roles:
            role.program.kill()


def variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Settings as environment variables."""
    return {f"ACERTO_{name.upper()}": str(value) for name, value in settings.items()}
