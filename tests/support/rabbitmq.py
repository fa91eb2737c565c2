"""The RabbitMQ of a test run: found, started or fetched. A run without one fails, it never skips."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import docker  # type: ignore[import-untyped]
from docker.errors import DockerException  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from tests.support.debian import NoPackages
from tests.support.environment import given
from tests.support.rabbit_debian import fetch, unpacked
from tests.support.rabbit_private import Installation, PrivateRabbit
from tests.support.waiting import eventually

URL_VARIABLE = "ACERTO_TEST_AMQP_URL"
_LOCAL = "amqp://guest:guest@127.0.0.1:5672/"
_IMAGE = "rabbitmq:4"

Control = Callable[[Sequence[str]], str]


class NotHere(RuntimeError):
    """This way gives no broker on this machine; the text says why."""


@dataclass(frozen=True)
class Broker:
    """A broker to test with: its URL, how it was found, and how to give it a rabbitmqctl command, where that works."""

    url: str
    origin: str
    control: Control | None = None


@contextmanager
def broker() -> Iterator[Broker]:
    """The run's broker. Raises RuntimeError, telling what to provide, when every way of having one fails."""
    reasons = []
    with ExitStack() as stack:
        for look in (_from_variable, _from_docker, _from_local_port, _from_installation, _from_packages):
            try:
                found = look(stack)
            except NotHere as reason:
                reasons.append(f"- {reason}")
            else:
                yield found
                return
    tried = "\n".join(reasons)
    raise RuntimeError(
        f"The tests need RabbitMQ. Provide one of: {URL_VARIABLE}=amqp://.., a running Docker engine, a broker on "
        f"127.0.0.1:5672, the program rabbitmq-server, or Debian's packages through apt-get. Tried:\n{tried}"
    )


def installation() -> Installation | None:
    """RabbitMQ's programs on this machine, where they are (or were unpacked by an earlier run); None without any."""
    return Installation.below(Path("/usr")) or Installation.on_path() or Installation.below(unpacked())


def _from_variable(_: ExitStack) -> Broker:
    url = given(URL_VARIABLE)
    if url is None:
        raise NotHere(f"{URL_VARIABLE} is not set")
    try:
        asyncio.run(log_in(url))
    except NotHere as failure:  # asked for by name: another broker instead would surprise
        raise RuntimeError(f"{URL_VARIABLE} is set, and {failure}") from failure
    return Broker(url, f"by {URL_VARIABLE}")


def _from_docker(stack: ExitStack) -> Broker:
    if refusal := docker_refusal():
        raise NotHere(f"no usable Docker engine: {refusal}")
    try:
        container = stack.enter_context(DockerContainer(_IMAGE).with_exposed_ports(5672))
        url = f"amqp://guest:guest@{container.get_container_host_ip()}:{container.get_exposed_port(5672)}/"
        asyncio.run(eventually(lambda: _answers(url), within=90.0, every=0.2, what=f"{_IMAGE} answers"))
    except (DockerException, AssertionError, OSError) as failure:
        raise NotHere(f"{_IMAGE} does not start on Docker: {failure}") from failure
    return Broker(url, f"{_IMAGE} on Docker", lambda words: str(container.exec(["rabbitmqctl", "-q", *words]).output))


def docker_refusal() -> str:
    """Why there is no engine to talk to; empty when one answers a ping (the program `docker` alone proves nothing)."""
    with warnings.catch_warnings():
        # The client leaves its socket to the collector when the engine is away; a warning is an error in our runs.
        warnings.simplefilter("ignore", ResourceWarning)
        refusal = _refused()
        gc.collect()
    return refusal


def _refused() -> str:
    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except (DockerException, OSError) as failure:
        return str(failure)
    return ""


def _from_local_port(_: ExitStack) -> Broker:
    asyncio.run(log_in(_LOCAL))
    control = _local_control(shutil.which("rabbitmqctl") or "rabbitmqctl")
    try:
        control(["list_vhosts"])
    except (OSError, subprocess.SubprocessError) as failure:
        # An ordinary user has no word with the machine's broker, and would share its one virtual host with everybody.
        raise NotHere(f"127.0.0.1:5672 answers, and takes no command from us: {failure!r}") from failure
    return Broker(_LOCAL, "on 127.0.0.1:5672", control)


def _from_installation(stack: ExitStack) -> Broker:
    found = installation()
    if found is None:
        raise NotHere("no program rabbitmq-server on this machine")
    return stack.enter_context(private_broker(found))


def _from_packages(stack: ExitStack) -> Broker:
    try:
        return stack.enter_context(private_broker(fetch()))
    except NoPackages as failure:
        raise NotHere(f"no packages: {failure}") from failure


@contextmanager
def private_broker(found: Installation) -> Iterator[Broker]:
    """A node of our own for the whole run, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="acerto-rabbit-", ignore_cleanup_errors=True) as folder:
        node = PrivateRabbit(Path(folder), found)
        try:
            asyncio.run(node.start())
            yield Broker(node.url, f"our own, by {found.scripts}", lambda words: node.control(*words))
        finally:
            node.close()


def _local_control(program: str) -> Control:
    def control(words: Sequence[str]) -> str:
        command = [program, "-q", *words]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as running:
            try:
                said, complaint = running.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                # The program is a script around another: left alone, that one keeps a port of the few there are.
                os.killpg(running.pid, signal.SIGKILL)
                raise
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, command, said, complaint)
        return said

    return control


async def log_in(url: str) -> None:
    """Open an AMQP connection and close it. Raises NotHere when that fails."""
    try:
        async with await aio_pika.connect(url, timeout=5):
            return
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as failure:
        parts = urlsplit(url)
        raise NotHere(f"no AMQP login at {parts.hostname}:{parts.port}: {failure!r}") from failure


async def _answers(url: str) -> bool:
    try:
        await log_in(url)
    except NotHere:
        return False
    return True
