"""The Redis of a test run: found, started or fetched. A run without one fails, it never skips."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from docker.errors import DockerException  # type: ignore[import-untyped]
from redis.asyncio import Redis
from redis.exceptions import RedisError
from testcontainers.core.container import DockerContainer

from tests.support.debian import NoPackages, cache, install, missing, must_have_apt, unpack
from tests.support.environment import clean_env, given
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.rabbitmq import NotHere, docker_refusal
from tests.support.waiting import eventually

URL_VARIABLE = "ACERTO_TEST_REDIS_URL"
_LOCAL = "redis://127.0.0.1:6379/9"
_IMAGE = "redis:8"
_PACKAGE = "redis-server"


class PrivateRedis:
    """A Redis of a test's own, on a port of its own; it keeps nothing when it ends. As a context manager it runs."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._program = program
        self._running: Program | None = None

    def start(self) -> None:
        """Have it running and answering."""
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--dir": str(self._folder)}
        words = [word for pair in options.items() for word in pair]
        # Unpacked packages have their libraries beside them; the machine's own are found without being named.
        beside = [] if self._program.is_relative_to("/usr") else self._program.parents[1].glob("lib/*-linux-gnu")
        env = clean_env() | {"LD_LIBRARY_PATH": os.pathsep.join(map(str, beside))}
        self._running = Program([self._program, *words], env=env, output=self._folder / "redis.log")
        self._running.wait_for("Ready to accept connections")

    @property
    def running(self) -> Program:
        """Its process, to be ended or frozen."""
        assert self._running is not None, "it was never started"
        return self._running

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running.kill()


@contextmanager
def server_url() -> Iterator[str]:
    """The URL of the run's Redis; what a test keeps there has a prefix of its own.

    Raises RuntimeError, telling what to provide, when every way of having one fails.
    """
    reasons = []
    with ExitStack() as stack:
        for look in (_from_variable, _from_local_port, _from_path, _from_docker, _from_packages):
            try:
                found = look(stack)
            except NotHere as reason:
                reasons.append(f"- {reason}")
            else:
                yield found
                return
    tried = "\n".join(reasons)
    raise RuntimeError(
        f"The tests need Redis. Provide one of: {URL_VARIABLE}=redis://.., a server on 127.0.0.1:6379, the program "
        f"redis-server, a running Docker engine, or Debian's package through apt-get. Tried:\n{tried}"
    )


def program() -> Path:
    """`redis-server` of this machine, of an earlier run's cache, or fetched. Raises NoPackages."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    must_have_apt()
    if os.geteuid() == 0:
        install(_PACKAGE)
        return Path("/usr/bin/redis-server")
    home = cache() / "redis/tree"
    unpack(_PACKAGE, home, lambda options: missing(_PACKAGE, options), lambda _fresh, _home: None)
    return home / "usr/bin/redis-server"


def _from_variable(_: ExitStack) -> str:
    url = given(URL_VARIABLE)
    if url is None:
        raise NotHere(f"{URL_VARIABLE} is not set")
    if not asyncio.run(answers(url)):  # asked for by name: another one instead would surprise
        raise RuntimeError(f"{URL_VARIABLE} is set, and no Redis answers there")
    return url


def _from_local_port(_: ExitStack) -> str:
    if not asyncio.run(answers(_LOCAL)):
        raise NotHere("no Redis answers on 127.0.0.1:6379")
    return _LOCAL


def _from_path(stack: ExitStack) -> str:
    if shutil.which("redis-server") is None:
        raise NotHere("no program redis-server on this machine")
    return _private(stack, program)


def _from_docker(stack: ExitStack) -> str:
    if refusal := docker_refusal():
        raise NotHere(f"no usable Docker engine: {refusal}")
    try:
        container = stack.enter_context(DockerContainer(_IMAGE).with_exposed_ports(6379))
        url = f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        asyncio.run(eventually(lambda: answers(url), within=60.0, every=0.2, what=f"{_IMAGE} answers"))
    except (DockerException, AssertionError, OSError) as failure:
        raise NotHere(f"{_IMAGE} does not start on Docker: {failure}") from failure
    return url


def _from_packages(stack: ExitStack) -> str:
    try:
        return _private(stack, program)
    except NoPackages as failure:
        raise NotHere(f"no package: {failure}") from failure


def _private(stack: ExitStack, find: Callable[[], Path]) -> str:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="acerto-redis-", ignore_cleanup_errors=True))
    return stack.enter_context(PrivateRedis(Path(folder), find())).url


async def answers(url: str) -> bool:
    """Whether a Redis answers there."""
    async with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False
