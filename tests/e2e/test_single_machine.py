"""With nothing but a folder and two ports: the embedded default, its demo, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from acerto.billing.v1 import billing_service_pb2 as api
from tests.support.fleet import Fleet, Role, variables
from tests.support.processes import server
from tests.support.waiting import eventually

A_CLINICS_DAY = (
    "reference data: 2 insurers",
    "a card of years ago   ELIGIBLE      by RULES",
    "asked again         ELIGIBLE      by CACHE",
    "a card of a week ago  INELIGIBLE",
    "WAITING_PERIOD: in the waiting period: covered from",
    "but urgent          ELIGIBLE",
    "a card nobody knows   UNDETERMINED",
    "BENEFICIARY_UNKNOWN",
    "drafted: claim",
    "ERROR   AUTHORIZATION_MISSING",
    "WARNING PRICE_DIFFERS",
    "is READY",
    "submitted: claim",
    "-> ClaimSubmitted ",
    "is RECEIVED",
    "is IN_ANALYSIS",
    "is ADJUDICATED, PARTIALLY_DENIED",
    "released BRL 120.00, denied BRL 69.50: recovered BRL 0.00, undecided BRL 69.50",
    "-> ClaimAdjudicated ",
    "is APPEALED",
    "answered: claim",
    "recovered BRL 30.00, undecided BRL 39.50",
    "-> ClaimAdjudicated ",
    "the rest accepted: claim",
    "undecided BRL 0.00, written off BRL 39.50",
    "invoiced: invoice",
    "-> InvoiceCreated ",
    "settled: invoice",
    "BRL 189.50 = paid BRL 145.00 + due BRL 0.00",
    "-> InvoiceSettled ",
    "is SETTLED, PARTIALLY_DENIED",
    "settle          ADJUDICATED -> SETTLED",
)


@pytest.fixture
def fleet(folder: Path) -> Iterator[Fleet]:
    with Fleet(folder, database_url="", signing_key="") as started:
        yield started


async def test_it_serves_stops_at_ctrl_c_without_leaving_anybody_behind_and_keeps_its_data(fleet: Fleet) -> None:
    (first,) = await fleet.running("all")
    children = _children(first)
    assert any("postgres" in child.name() for child in children)
    order = api.CreateBudgetRequest(work_order_id=str(uuid4()), description="Revisão")
    async with first.billing() as billing:
        made = await billing.CreateBudget(order)
        timeline = api.GetWorkOrderTimelineRequest(work_order_id=order.work_order_id)

        async def published() -> bool:
            return bool((await billing.GetWorkOrderTimeline(timeline)).entries[-1].HasField("publish_time"))

        await eventually(published)
    first.program.interrupt()
    assert await first.died() == 0
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    (second,) = await fleet.running("all")
    async with second.billing() as billing:
        assert await billing.GetBudget(api.GetBudgetRequest(budget_id=made.budget_id)) == made
    second.program.interrupt()
    assert await second.died() == 0


async def test_it_greets_with_a_sample_saga_and_answers_operators_over_http(fleet: Fleet) -> None:
    role = await fleet.start("all", "--with-sample").ready(within=40)
    await eventually(lambda: "Ctrl-C stops it" in role.program.text(), within=20)
    text, base = role.program.text(), f"http://127.0.0.1:{role.http_port}"
    assert "-> BudgetGenerated" in text
    assert f"127.0.0.1:{role.grpc_port}" in text
    assert f"{base}/health/ready" in text
    async with httpx.AsyncClient(base_url=base) as http:
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        states = {name: one["state"] for name, one in ready.json()["dependencies"].items()}
        assert states == {"database": "up", "broker": "up"}
        assert (await http.get("/health/live")).json() == {"status": "alive"}
        assert "acerto_" in (await http.get("/metrics")).text
    said = fleet.verb("health", http_address=f"127.0.0.1:{role.http_port}")
    assert (said.code, '"ready"' in said.out) == (0, True)


async def test_a_kill_9_takes_the_embedded_database_along_and_harms_nothing(fleet: Fleet) -> None:
    (first,) = await fleet.running("all")
    children = _children(first)
    async with first.billing() as billing:
        made = await billing.CreateBudget(api.CreateBudgetRequest(work_order_id=str(uuid4())))
    first.program.kill()
    (second,) = await fleet.running("all")
    async with second.billing() as billing:
        assert (await billing.GetBudget(api.GetBudgetRequest(budget_id=made.budget_id))).budget_id == made.budget_id
    await eventually(lambda: not any(child.is_running() for child in children), what="the first one's children ended")


def test_the_demo_tells_a_saga_and_a_clinics_day_that_really_happened_and_exits_0(tmp_path: Path) -> None:
    elsewhere = {"database_url": "postgresql://nobody@127.0.0.1:1/somebodys", "broker_url": "amqp://127.0.0.1:1/"}
    with server("demo", env=variables({"log_format": "json", **elsewhere}), output=tmp_path / "demo.log") as demo:
        assert demo.wait(within=60) == 0, demo.text()
        saga, day = demo.text().split("A clinic's day\n")
    assert re.search(r"<- OsCreated .*budget .*-> BudgetGenerated .*confirmed at \d", saga, re.DOTALL)
    assert "BRL 329.80" in saga
    told = iter(day.splitlines())
    for step in A_CLINICS_DAY:  # in this order, with anything between them
        assert any(step in line for line in told), f"{step} did not come, or not there:\n{day}"
    events = [json.loads(line) for line in day.splitlines() if line.strip().startswith("{")]
    assert [event["eventType"] for event in events] == re.findall(r"-> (\w+)  \(event", day)
    assert (events[-1]["data"]["status"], events[-1]["data"]["paid"]) == ("settled", 145.00)


async def test_a_second_one_on_the_same_ports_says_which_setting_to_change(fleet: Fleet) -> None:
    (first,) = await fleet.running("api")
    taken = fleet.start("api", grpc_address=f"127.0.0.1:{first.grpc_port}")
    assert await taken.died() == 1
    (line,) = [line for line in taken.program.text().splitlines() if line.startswith("acerto: ")]
    assert "ACERTO_GRPC_ADDRESS" in line
    assert str(first.grpc_port) in line
    other = fleet.start("api", http_address=f"127.0.0.1:{first.http_port}")
    assert await other.died() == 1
    assert "ACERTO_HTTP_ADDRESS" in other.program.text()
    assert first.program.code is None


def _children(role: Role) -> list[psutil.Process]:
    return psutil.Process(role.program.pid).children(recursive=True)
