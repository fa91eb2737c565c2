"""GetBudget through the whole server against the bare handler: same client, same rows, same answers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import grpc
import psutil

from acerto.billing.v1 import billing_service_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.bench import seed
from tests.bench.pairs import in_turn
from tests.bench.report import Section, at_least, fact
from tests.bench.services import Services
from tests.support.environment import ROOT, clean_env
from tests.support.fleet import Fleet
from tests.support.ports import free_port
from tests.support.processes import Program

BUDGETS: Final = 500
SECONDS: Final = 3.0
CONCURRENCY: Final = 16
GET_BUDGET: Final = "/acerto.billing.v1.BillingService/GetBudget"
HOW: Final = (
    f"one client process keeps {CONCURRENCY} calls in flight for {SECONDS:g} s (closed loop) against each of two "
    "server processes: the `api` role with everything on (identity, policy, validation, metrics, a JSON log line per "
    "request to a file), and a grpc.aio handler with one psycopg query that fills the same message by plain code. Both "
    "run on uvloop with ten connections and answer the same bytes. CPU is the server process's own, per call."
)


@dataclass
class Side:
    """One server under the client."""

    port: int
    pid: int
    requests: str
    method: str = GET_BUDGET
    p50: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    async def measure(self) -> float:
        """Calls a second."""
        process = psutil.Process(self.pid)
        before = _cpu_seconds(process)
        told = await called(self.port, self.requests, self.method)
        self.cpu.append((_cpu_seconds(process) - before) / told["calls"] * 1e6)
        self.p50.append(told["p50"])
        return float(told["rate"])


async def measure(services: Services, rounds: int) -> Section:
    """The pair."""
    with services.database() as database:
        async with seed.house(database) as made:
            ids = [str(one) for one in await seed.budgets(made, BUDGETS)]
        async with _both(services, database) as (whole, bare):
            await _must_agree(whole.port, bare.port, ids)
            whole.requests = bare.requests = "\n".join(request_of(one).hex() for one in ids)
            taken = await in_turn({"bare": bare.measure, "whole": whole.measure}, rounds=rounds)
    low, high = taken.spread("whole", "bare")
    rates = f"{taken.median('whole'):,.0f}/s of {taken.median('bare'):,.0f}/s, rounds {low:.2f} to {high:.2f}"
    waits = f"{median(whole.p50):.1f} ms against {median(bare.p50):.1f} ms"
    cpu = f"{median(whole.cpu):.0f} us against {median(bare.cpu):.0f} us"
    return Section(
        "GetBudget",
        HOW,
        [
            at_least("GetBudget / bare handler, throughput", taken.ratio("whole", "bare"), 0.75, rates),
            fact("GetBudget / bare handler, p50", median(whole.p50) / median(bare.p50), waits),
            fact("GetBudget / bare handler, CPU per call", median(whole.cpu) / median(bare.cpu), cpu),
        ],
    )


@asynccontextmanager
async def _both(services: Services, database: str) -> AsyncIterator[tuple[Side, Side]]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.bare_handler", database, str(port)]
    with (
        Fleet(services.folder / "grpc", database_url=database) as fleet,
        Program(command, env=clean_env(), output=services.folder / "bare.log") as handler,
    ):
        (role,) = await fleet.running("api")
        handler.wait_for("ready")
        yield Side(role.grpc_port, role.program.pid, ""), Side(port, handler.pid, "")


async def _must_agree(whole: int, bare: int, ids: list[str]) -> None:
    """Both sides must do the same work."""
    for budget_id in ids[:20]:
        answers = [await _budget(port, budget_id) for port in (whole, bare)]
        if answers[0] != answers[1]:
            raise AssertionError(f"the two sides answer differently:\n{answers[0]}\n{answers[1]}")


async def _budget(port: int, budget_id: str) -> Any:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = BillingServiceStub(channel)
        return await stub.GetBudget(billing_service_pb2.GetBudgetRequest(budget_id=budget_id))


async def called(port: int, requests: str, method: str = GET_BUDGET) -> dict[str, Any]:
    """What the client told: `requests` are in hex, one a line."""
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.grpc_client", str(port), str(SECONDS), str(CONCURRENCY), method),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=clean_env(),
        cwd=ROOT,
    )
    out, _ = await asyncio.wait_for(client.communicate(requests.encode()), SECONDS + 30)
    told: dict[str, Any] = json.loads(out)
    return told


def request_of(budget_id: str) -> bytes:
    """A GetBudget request."""
    return billing_service_pb2.GetBudgetRequest(budget_id=budget_id).SerializeToString()


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
