"""OsCreated in, BudgetGenerated out: how many a second, and how long one takes."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Final

from domain.identity import Ids
from messaging.broker import Message, Publisher
from messaging.topology import PARTNER_EXCHANGE
from server.wiring import House
from tests.bench import seed
from tests.bench.open_loop import listening, paced, waits
from tests.bench.queues import PartnerQueue, partner_queue
from tests.bench.report import Section, at_least, fact
from tests.bench.services import Services
from tests.support.fleet import Fleet

ORDERS: Final = 10_000
WAVE: Final = 500
RATE: Final = 100
SECONDS: Final = 10.0
WITHIN: Final = 90.0
HOW: Final = (
    f"{ORDERS:,} OsCreated messages per round go to the partner's exchange as fast as the broker confirms them; a "
    "`consumer` and a `relay` process make budgets of them; timed from the first publish until as many BudgetGenerated "
    f"wait in the partner's quorum queue (its depth is asked for). Latency: {RATE} a second for {SECONDS:g} s (open "
    "loop), from publish to arrival at an aio-pika client of its own."
)


async def measure(services: Services, rounds: int) -> Section:
    """Rate, then latency."""
    url = services.broker()
    with (
        services.database() as database,
        Fleet(services.folder / "saga", database_url=database, broker_url=url) as fleet,
    ):
        async with seed.house(database, url) as house, partner_queue(url) as queue:
            await fleet.running("consumer", "relay")
            await _round(house, queue, ORDERS // 5)
            rates = [await _round(house, queue, ORDERS) for _ in range(rounds)]
            p50, p99 = await _latency(house, url)
    told = f"rounds {min(rates):,.0f} to {max(rates):,.0f}/s"
    return Section(
        "OsCreated to BudgetGenerated",
        HOW,
        [
            at_least("OsCreated to BudgetGenerated, sustained", median(rates), 1000, told, unit="/s"),
            fact(f"OsCreated to BudgetGenerated at {RATE}/s, p50", p50, "", unit="ms"),
            fact(f"OsCreated to BudgetGenerated at {RATE}/s, p99", p99, "", unit="ms"),
        ],
    )


async def _round(house: House, queue: PartnerQueue, count: int) -> float:
    await queue.empty()
    orders = [_order(house.ids) for _ in range(count)]
    async with house.broker.publisher() as publisher:
        began = time.perf_counter()
        for at in range(0, count, WAVE):
            await _sent(publisher, orders[at : at + WAVE])
    return count / (await queue.reaches(count, within=WITHIN) - began)


async def _latency(house: House, url: str) -> tuple[float, float]:
    began: dict[str, float] = {}
    async with partner_queue(url) as queue:
        await queue.empty()
    async with house.broker.publisher() as publisher, listening(url) as heard:
        turn = asyncio.Lock()

        async def send(_: int) -> None:
            order = _order(house.ids)
            began[order.correlation_id] = time.time()
            async with turn:
                await _sent(publisher, [order])

        await paced(send, rate=RATE, seconds=SECONDS)
        await asyncio.sleep(2)  # what is not there by now would be told as missing
        return waits(began, await heard())


async def _sent(publisher: Publisher, wave: list[Message]) -> None:
    refused = [fate for fate in await publisher.publish(wave) if fate is not None]
    if refused:
        raise AssertionError(f"the broker refused {len(refused)} of {len(wave)}: {refused[0]}")


def _order(ids: Ids) -> Message:
    os_id, event_id = str(ids.new()), str(ids.new())
    body = {
        "OsId": os_id,
        "Description": "Revisão dos freios",
        "Customer": {"Name": "Sample customer", "Email": "customer@example.com"},
        "Items": [
            {"Kind": "PART", "Code": "PAD-01", "Description": "Pastilha de freio", "Quantity": 2, "UnitPrice": 89.90},
            {"Kind": "LABOR", "Description": "Mão de obra", "Quantity": 1.5, "UnitPrice": 120.00},
        ],
    }
    return Message(
        exchange=PARTNER_EXCHANGE,
        routing_key="os-created",
        message_id=event_id,
        correlation_id=os_id,
        body=json.dumps(body, ensure_ascii=False).encode(),
        type="OsCreated",
        headers={"EventType": "OsCreated", "EventId": event_id, "CorrelationId": os_id},
    )
