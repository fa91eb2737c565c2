"""CheckEligibility through the whole server against bare handlers: cached to a constant, uncached to a query."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import date
from statistics import median
from typing import Any, Final

import grpc

from acerto.eligibility.v1 import eligibility_check_pb2 as checks
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceStub
from domain.eligibility.use_cases.reference import ReferenceData
from persistence.unit_of_work import Units
from tests.bench import seed
from tests.bench.grpc_pair import CONCURRENCY, SECONDS, Side
from tests.bench.pairs import in_turn
from tests.bench.report import Line, Section, at_least, fact
from tests.bench.services import Services
from tests.support.environment import ROOT, clean_env
from tests.support.fleet import Fleet
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.reference import INSURER, a_beneficiary, a_plan, an_insurer

CARDS: Final = 500
METHOD: Final = "/acerto.eligibility.v1.EligibilityService/CheckEligibility"
HOW: Final = (
    f"one client process keeps {CONCURRENCY} checks of {CARDS} cards in flight for {SECONDS:g} s (closed loop) against "
    "the `api` role with everything on, and against a grpc.aio handler. Cached: each card was asked before, so that "
    "the check touches no database, its history is written in batches of 200 ms; the handler answers a constant. "
    "Uncached: "
    "`force_refresh`, so that each check reads its situation, judges it and waits until its history is committed; the "
    "handler runs one raw query, and writes nothing. CPU is the server process's own, per call."
)


async def measure(services: Services, rounds: int) -> Section:
    """Both pairs."""
    with services.database() as database:
        async with seed.house(database) as made:
            reference = ReferenceData(Units(made.database, made.encodings, made.ids, lambda _: None).begin)
            await reference.upsert_insurer(seed.CALL, an_insurer())
            await reference.upsert_health_plan(seed.CALL, a_plan())
            for number in range(CARDS):
                card = a_beneficiary(card_number=_card(number), enrolled_from=date(2020, 1, 1))
                await reference.upsert_beneficiary(seed.CALL, card)
        async with _sides(services, database) as sides:
            whole = sides["cached"]
            await _must_be_eligible(whole.port)
            taken = await in_turn({name: side.measure for name, side in sides.items()}, rounds=rounds)
    lines: list[Line] = []
    for mine, theirs, target in (("cached", "constant", 0.7), ("uncached", "query", 0.5)):
        low, high = taken.spread(mine, theirs)
        rates = f"{taken.median(mine):,.0f}/s of {taken.median(theirs):,.0f}/s, rounds {low:.2f} to {high:.2f}"
        cpu = [median(sides[name].cpu) for name in (mine, theirs)]
        what = f"CheckEligibility {mine} / bare handler, {theirs}"
        lines.append(at_least(f"{what}, throughput", taken.ratio(mine, theirs), target, rates))
        lines.append(fact(f"{what}, CPU per call", cpu[0] / cpu[1], f"{cpu[0]:.0f} us against {cpu[1]:.0f} us"))
    return Section("CheckEligibility", HOW, lines)


def _card(number: int) -> str:
    return f"{number:017d}"


def _requests(*, force_refresh: bool = False) -> str:
    asked = [
        pb.CheckEligibilityRequest(insurer_id=INSURER, card_number=_card(number), force_refresh=force_refresh)
        for number in range(CARDS)
    ]
    return "\n".join(each.SerializeToString().hex() for each in asked)


@asynccontextmanager
async def _sides(services: Services, database: str) -> AsyncIterator[dict[str, Side]]:
    """The whole server twice, as it is asked, and each bare handler."""
    kinds = {kind: free_port() for kind in ("constant", "query")}
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(services.folder / "eligibility", database_url=database))
        (role,) = await fleet.running("api")
        found = {
            "cached": Side(role.grpc_port, role.program.pid, _requests(), METHOD),
            "uncached": Side(role.grpc_port, role.program.pid, _requests(force_refresh=True), METHOD),
        }
        for kind, port in kinds.items():
            command = [sys.executable, "-m", "tests.bench.bare_eligibility", database, str(port), kind]
            output = services.folder / f"bare-{kind}.log"
            bare = stack.enter_context(Program(command, env=clean_env(), output=output, cwd=ROOT))
            bare.wait_for("ready")
            found[kind] = Side(port, bare.pid, _requests(), METHOD)
        yield {kind: found[kind] for kind in ("constant", "cached", "query", "uncached")}


async def _must_be_eligible(port: int) -> None:
    """The cache is warm, and every side says yes."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = EligibilityServiceStub(channel)
        for number in range(CARDS):
            asked = pb.CheckEligibilityRequest(insurer_id=INSURER, card_number=_card(number))
            told = [await stub.CheckEligibility(asked) for _ in range(2)]
            if [each.verdict for each in told] != [checks.VERDICT_ELIGIBLE] * 2 or not told[1].from_cache:
                raise AssertionError(f"not eligible from the cache: {told}")
