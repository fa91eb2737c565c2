"""`make run` as a newcomer meets it: seconds to ready, cold and warm, and what the process keeps in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from acerto.billing.v1 import billing_service_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.bench.grpc_pair import called, request_of
from tests.bench.report import Section, at_most, fact
from tests.bench.services import Services
from tests.support.fleet import variables
from tests.support.ports import free_ports
from tests.support.processes import Program, server
from tests.support.waiting import eventually

PATIENCE: Final = 60.0
MIB: Final = 2**20
HOW: Final = (
    "what `make run` executes, `python -m server all --with-sample`, on the embedded PostgreSQL and its broker, from "
    "the start of the process until gRPC health says SERVING and /health/ready says 200. Cold: an empty folder "
    "(initdb, migrations). Warm: the same folder again. Memory: the process's resident set after the sample saga and "
    "some seconds of GetBudget at full speed; PostgreSQL's own processes by proportional set, since they share buffers."
)


async def measure(services: Services, rounds: int) -> Section:
    """Times in turn, cold and warm on the same folder; memory in the last warm run."""
    cold, warm, resident, beside = [], [], 0.0, 0.0
    for number in range(rounds):
        folder = services.folder / f"start-{number}"
        with _running(folder) as at_first:
            cold.append(await at_first.ready())
        with _running(folder) as again:
            warm.append(await again.ready())
            if number == rounds - 1:
                resident, beside = await again.memory()
    return Section(
        "Start and memory",
        HOW,
        [
            at_most("make run, warm, to ready", median(warm), 3, f"{min(warm):.1f} to {max(warm):.1f} s", unit="s"),
            fact("make run, cold, to ready", median(cold), f"{min(cold):.1f} to {max(cold):.1f} s", unit="s"),
            at_most("Memory of the `all` role", resident, 200, "", unit="MiB"),
            fact("Memory of its PostgreSQL", beside, "", unit="MiB"),
        ],
    )


class _Run:
    """One process of the `all` role."""

    def __init__(self, program: Program, began: float, grpc_port: int, http_port: int) -> None:
        self._program = program
        self._began = began
        self._grpc = f"127.0.0.1:{grpc_port}"
        self._http = f"http://127.0.0.1:{http_port}/health/ready"

    async def ready(self) -> float:
        """Seconds from its start until both doors say ready. Raises AssertionError when it never does."""
        async with grpc.aio.insecure_channel(self._grpc) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)

            async def serving() -> bool:
                answer = await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=PATIENCE)
                return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

            await eventually(lambda: asyncio.to_thread(_says_ready, self._http), within=PATIENCE, every=0.01)
            await eventually(serving, within=PATIENCE, every=0.01)
        return time.perf_counter() - self._began

    async def memory(self) -> tuple[float, float]:
        """MiB of the process itself, and of its PostgreSQL, after some work."""
        async with grpc.aio.insecure_channel(self._grpc) as channel:
            stub: Any = BillingServiceStub(channel)
            found = await stub.ListBudgets(billing_service_pb2.ListBudgetsRequest())
        await called(int(self._grpc.rpartition(":")[2]), request_of(found.budgets[0].budget_id).hex())
        process = psutil.Process(self._program.pid)
        below = process.children(recursive=True)
        return process.memory_info().rss / MIB, sum(child.memory_full_info().pss for child in below) / MIB


@contextmanager
def _running(folder: Path) -> Iterator[_Run]:
    grpc_port, http_port = free_ports(2)
    addresses = {"grpc_address": f"127.0.0.1:{grpc_port}", "http_address": f"127.0.0.1:{http_port}"}
    env = variables({"data_dir": folder, "log_format": "json", **addresses})
    began = time.perf_counter()
    with server("all", "--with-sample", env=env, output=folder.with_suffix(".log")) as program:
        yield _Run(program, began, grpc_port, http_port)
        program.wait_for("confirmed at", within=PATIENCE)
        program.terminate()


def _says_ready(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310 -- our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
