"""With nothing but a folder and two ports: the embedded default, its demo, and how it ends."""

from __future__ import annotations

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


def test_the_demo_shows_a_saga_that_really_ran_and_exits_0(tmp_path: Path) -> None:
    with server("demo", env=variables({"log_format": "json"}), output=tmp_path / "demo.log") as demo:
        assert demo.wait(within=60) == 0, demo.text()
        assert re.search(r"<- OsCreated .*budget .*-> BudgetGenerated .*confirmed at \d", demo.text(), re.DOTALL)
        assert "R$" in demo.text() or "BRL" in demo.text()


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
