"""A budget read and a budget made by HTTP: our door, Envoy's transcoder before a bare gRPC handler, and FastAPI."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import httpx
import psutil
import psycopg

from protos.compiler import PROTOS, descriptors
from server.system import SystemIds
from tests.bench import http_requests, seed
from tests.bench.pairs import Rounds, in_turn
from tests.bench.report import Line, Section, at_least, fact
from tests.bench.services import Services
from tests.support.environment import ROOT, clean_env
from tests.support.envoy import Envoy
from tests.support.fleet import Fleet
from tests.support.ports import free_ports
from tests.support.processes import Program
from tests.support.waiting import eventually

BUDGETS: Final = 500
SECONDS: Final = 3.0
CONNECTIONS: Final = 16
MADE_AT_MOST: Final = 6_000
"""Budgets that one round of one side may make; who is through before the time is over is measured until then."""

SERVICE: Final = "acerto.billing.v1.BillingService"
OURS, TWO, ENVOY, FASTAPI = "ours", "two workers", "envoy", "fastapi"
NAMES: Final = {ENVOY: "Envoy + bare handler", FASTAPI: "FastAPI + ORM"}
TABLES: Final = ("work_orders", "budgets", "budget_revisions", "work_order_log", "outbox", "replies")
HOW: Final = (
    f"one client process (raw HTTP/1.1, kept alive) keeps {CONNECTIONS} requests in flight for {SECONDS:g} s (closed "
    "loop) against each of three sides, in turn. Ours: the `api` role's HTTP door, everything on (identity, policy, "
    "validation, metrics, idempotency, a JSON log line per request to a file). Envoy: its grpc_json_transcoder (one "
    "worker thread, no access log) before a grpc.aio handler that is plain code over psycopg: no log, no validation. "
    "FastAPI: on uvicorn with httptools, an access log line per request to a file, pydantic models, "
    "SQLAlchemy's asynchronous ORM. Each side has one Python process on uvloop and ten database connections, and "
    "answers the same JSON value. GET reads a budget with three lines. POST makes one, with an Idempotency-Key never "
    "used before: each side locks the key, looks for a reply, a work order and a budget, and writes the same rows in "
    "one transaction (work order, budget, revision, two log entries, outbox, reply). CPU is that of the side's "
    "processes, per call: Envoy's and the handler's summed. Envoy's side is two processes, and this machine has two "
    "cores: there is a row with two workers of ours too."
)


@dataclass
class Side:
    """One way, under the client."""

    port: int
    pids: list[int]
    p50: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measured(self, requests: Callable[[], list[bytes]]) -> Callable[[], Any]:
        """A round with these requests."""

        async def measure() -> float:
            given = requests()
            before = self._cpu_seconds()
            told = await called(self.port, given)
            self.cpu.append((self._cpu_seconds() - before) / told["calls"] * 1e6)
            self.p50.append(told["p50"])
            return float(told["rate"])

        return measure

    def forget(self) -> None:
        """Make room for another kind of request."""
        self.p50.clear()
        self.cpu.clear()

    def _cpu_seconds(self) -> float:
        times = [psutil.Process(pid).cpu_times() for pid in self.pids]
        return float(sum(one.user + one.system for one in times))


Sides = dict[str, Side]


async def measure(services: Services, rounds: int) -> Section:
    """Both kinds of request."""
    with services.database() as database:
        async with seed.house(database) as made:
            ids = [str(one) for one in await seed.budgets(made, BUDGETS)]
        async with _all(services, database) as sides:
            await _must_agree(sides, ids, database)
            lines = await _lines(sides, "GET budget", lambda: http_requests.reads(ids), (1.3, 3.0), rounds)
            lines += await _lines(sides, "POST budget", lambda: http_requests.writes(MADE_AT_MOST), (1.2, 2.0), rounds)
    return Section("HTTP", HOW, lines)


async def _lines(
    sides: Sides, what: str, requests: Callable[[], list[bytes]], targets: tuple[float, float], rounds: int
) -> list[Line]:
    for side in sides.values():
        side.forget()
    taken = await in_turn({name: side.measured(requests) for name, side in sides.items()}, rounds=rounds)
    pairs = zip((ENVOY, FASTAPI), targets, strict=True)
    lines = [line for other, target in pairs for line in _pair(sides, taken, what, other, target)]
    rates = f"{taken.median(TWO):,.0f}/s against {taken.median(ENVOY):,.0f}/s, two processes each"
    return [*lines, fact(f"{what}, two workers / {NAMES[ENVOY]}, throughput", taken.ratio(TWO, ENVOY), rates)]


def _pair(sides: Sides, taken: Rounds, what: str, other: str, target: float) -> list[Line]:
    ours, theirs = sides[OURS], sides[other]
    low, high = taken.spread(OURS, other)
    rates = f"{taken.median(OURS):,.0f}/s against {taken.median(other):,.0f}/s, rounds {low:.2f} to {high:.2f}"
    waits = f"{median(ours.p50):.1f} ms against {median(theirs.p50):.1f} ms"
    cpu = f"{median(ours.cpu):.0f} us against {median(theirs.cpu):.0f} us"
    pair = f"{what} / {NAMES[other]}"
    return [
        at_least(f"{pair}, throughput", taken.ratio(OURS, other), target, rates),
        fact(f"{pair}, p50", median(ours.p50) / median(theirs.p50), waits),
        fact(f"{pair}, CPU per call", median(ours.cpu) / median(theirs.cpu), cpu),
    ]


@asynccontextmanager
async def _all(services: Services, database: str) -> AsyncIterator[Sides]:
    bare, web = free_ports(2)
    folder = services.folder / "http"
    python = [sys.executable, "-m"]
    with (
        Fleet(folder, database_url=database) as fleet,
        Program(
            [*python, "tests.bench.bare_handler", database, str(bare)], env=clean_env(), output=folder / "bare"
        ) as b,
        Program([*python, "tests.bench.fastapi_orm", database, str(web)], env=clean_env(), output=folder / "web") as f,
        Envoy(folder, upstream=bare, descriptors=descriptors(PROTOS, folder), services={SERVICE: [SERVICE]}) as envoy,
    ):
        (role,) = await fleet.running("api")
        pair = fleet.start("api", "--workers", "2")
        await eventually(lambda: len(pair.logged("ready")) == 2, within=40, what="both workers are ready")
        b.wait_for("ready")
        f.wait_for("Uvicorn running")
        yield {
            OURS: Side(role.http_port, [role.program.pid]),
            TWO: Side(pair.http_port, [child.pid for child in psutil.Process(pair.program.pid).children()]),
            ENVOY: Side(envoy.ports[SERVICE], [envoy.pid, b.pid]),
            FASTAPI: Side(web, [f.pid]),
        }


async def _must_agree(sides: Sides, ids: list[str], database: str) -> None:
    """All sides must do the same work: answer the same, leave the same rows."""
    read = {name: [await _read(side, one) for one in ids[:20]] for name, side in sides.items()}
    made = {name: await _made(side, database) for name, side in sides.items()}
    for name, shown in NAMES.items():
        pairs = zip([*read[OURS], made[OURS]], [*read[name], made[name]], strict=True)
        for ours, theirs in pairs:
            if ours != theirs:
                raise AssertionError(f"{shown} answers differently:\n{theirs}\n{ours}")


async def _read(side: Side, budget_id: str) -> Any:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{side.port}") as client:
        answer = await client.get(f"/v1/budgets/{budget_id}")
        return answer.raise_for_status().json()


async def _made(side: Side, database: str) -> Any:
    """A new budget as the side answers it, without what differs by nature, and how many rows it left where."""
    before = await _counts(database)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{side.port}") as client:
        key = {"Idempotency-Key": str(SystemIds().new())}
        answer = await client.post("/v1/budgets", json=http_requests.budget(), headers=key)
    shown = answer.raise_for_status().json()
    for own in ("budgetId", "workOrderId", "createTime", "updateTime"):
        del shown[own]
    after = await _counts(database)
    return shown, {table: after[table] - before[table] for table in TABLES}


async def _counts(database: str) -> dict[str, int]:
    async with await psycopg.AsyncConnection.connect(database) as connection:
        counts = {}
        for table in TABLES:
            row = await (await connection.execute(f"SELECT count(*) FROM {table}".encode())).fetchone()
            counts[table] = row[0] if row else 0
        return counts


async def called(port: int, requests: list[bytes]) -> dict[str, Any]:
    """What the client told."""
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.http_client", str(port), str(SECONDS), str(CONNECTIONS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=clean_env(),
        cwd=ROOT,
    )
    lines = "\n".join(request.hex() for request in requests)
    out, _ = await asyncio.wait_for(client.communicate(lines.encode()), SECONDS + 60)
    told: dict[str, Any] = json.loads(out)
    return told
