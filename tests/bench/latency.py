"""From the commit of a fact to its arrival at a partner, at 200 events a second."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any, Final

import grpc

from acerto.billing.v1 import billing_service_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from persistence.connection import Connection
from server.wiring import House
from tests.bench import seed
from tests.bench.open_loop import listening, paced, waits
from tests.bench.report import Section, at_most
from tests.bench.services import Services
from tests.support.fleet import Fleet
from tests.support.waiting import eventually

RATE: Final = 200
SECONDS: Final = 20.0
WARM: Final = 3.0
PARTS: Final = 4
"""The time is cut in so many runs, and the median of their percentiles is told."""
HOW: Final = (
    f"{RATE} CreateBudget calls a second for {SECONDS:g} s (open loop, {PARTS} runs) at an `api` process; a `relay` "
    "process of its own hears of them by NOTIFY. From the row's clock_timestamp(), taken just before its COMMIT (so "
    "that counts too), to the arrival at an aio-pika client in a fourth process."
)
_COMMITTED = "SELECT key, extract(epoch FROM created_at)::float8 FROM outbox_archive"
_WAITING = "SELECT count(*) FROM outbox"


async def measure(services: Services, rounds: int) -> Section:
    """The percentiles."""
    url = services.broker()
    with services.database() as database, _fleet(services, database, url) as fleet:
        async with seed.house(database, url) as house:
            api, _ = await fleet.running("api", "relay")
            async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
                await _run(house, url, channel, WARM)
                runs = [await _run(house, url, channel, SECONDS / PARTS) for _ in range(PARTS)]
    p50, p99 = (median(run[place] for run in runs) for place in (0, 1))
    told = ", ".join(f"{half:.1f}/{tail:.1f}" for half, tail in runs)
    return Section(
        "Commit to consumer",
        HOW,
        [
            at_most(f"Commit to consumer at {RATE}/s, p50", p50, 10, f"p50/p99 by run: {told}", unit="ms"),
            at_most(f"Commit to consumer at {RATE}/s, p99", p99, 40, "", unit="ms"),
        ],
    )


def _fleet(services: Services, database: str, url: str) -> Fleet:
    return Fleet(services.folder / "latency", database_url=database, broker_url=url)


async def _run(house: House, url: str, channel: grpc.aio.Channel, seconds: float) -> tuple[float, float]:
    async with house.database.connection("bench", autocommit=True) as connection, listening(url) as heard:
        await connection.execute("TRUNCATE outbox_archive")
        stub: Any = BillingServiceStub(channel)

        async def create(_: int) -> None:
            request = billing_service_pb2.CreateBudgetRequest(work_order_id=str(house.ids.new()), description="Freios")
            await stub.CreateBudget(request)

        await paced(create, rate=RATE, seconds=seconds)
        await eventually(lambda: _drained(connection), within=20, what="the outbox is empty")
        await asyncio.sleep(0.2)  # the broker has them all; the listener's socket may still hold the last
        arrived = await heard()
        cursor = await connection.execute(_COMMITTED)
        return waits(dict(await cursor.fetchall()), arrived)


async def _drained(connection: Connection) -> bool:
    cursor = await connection.execute(_WAITING)
    return await cursor.fetchone() == (0,)
