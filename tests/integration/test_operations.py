"""The operations over real HTTP: metrics, alive, ready; and how the HTTP server starts and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from server.gateway.app import plain_app
from server.gateway.operations import operations
from server.gateway.server import HttpServer
from server.health import Phase, Readiness
from server.ports import AddressInUse
from server.telemetry import Telemetry
from tests.support.waiting import eventually


async def up() -> None:
    """A part that is there."""


async def down() -> None:
    raise ConnectionError("postgresql://acerto:hunter2@example.com refused")


async def stuck() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(readiness: Readiness, telemetry: Telemetry | None = None) -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    server = HttpServer("127.0.0.1:0", plain_app(operations(readiness, telemetry or Telemetry())))
    running = asyncio.create_task(server.run(stop, grace=5))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_a_process_whose_parts_are_all_there_is_ready() -> None:
    readiness = Readiness()
    readiness.add("database", up)
    readiness.started()
    async with serving(readiness) as client:
        for path in ("/health", "/health/ready"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["status"]) == (200, "ready")
            database = answer.json()["dependencies"]["database"]
            assert database["state"] == "up"
            assert database["latency_ms"] >= 0


async def test_one_missing_part_makes_it_not_ready_and_is_named_without_secrets() -> None:
    readiness = Readiness(time_limit=0.05)
    readiness.add("database", down)
    readiness.add("broker", stuck)
    readiness.add("cache", up)
    readiness.started()
    async with serving(readiness) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    states = {name: (part["state"], part.get("error")) for name, part in answer.json()["dependencies"].items()}
    assert states == {
        "database": ("down", "ConnectionError"),
        "broker": ("down", "no answer within 0.05 s"),
        "cache": ("up", None),
    }
    assert "hunter2" not in answer.text


async def test_without_a_part_that_only_helps_it_is_degraded_and_serves_all_the_same() -> None:
    readiness, stop, told = Readiness(), asyncio.Event(), list[bool]()
    readiness.add("database", up)
    readiness.add("cache", down, needed=False)
    readiness.started()
    async with serving(readiness) as client:
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        states = {name: part["state"] for name, part in answer.json()["dependencies"].items()}
        assert states == {"database": "up", "cache": "down"}
    following = asyncio.create_task(readiness.run(stop, told.append))
    await eventually(lambda: told == [True])
    stop.set()
    await asyncio.wait_for(following, 10)
    readiness.add("database", down)
    assert await readiness.phase() is Phase.NOT_READY


async def test_a_process_that_starts_or_stops_is_alive_and_not_ready() -> None:
    readiness = Readiness()
    async with serving(readiness) as client:
        assert (await client.get("/health/live")).status_code == 200
        starting = await client.get("/health/ready")
        assert (starting.status_code, starting.json()["status"]) == (503, "starting")
        readiness.started()
        assert (await client.get("/health/ready")).status_code == 200
        readiness.close()
        stopping = await client.get("/health/ready")
        assert (stopping.status_code, stopping.json()["status"]) == (503, "shutting down")
        assert (await client.get("/health/live")).status_code == 200


async def test_metrics_are_in_prometheus_text() -> None:
    telemetry = Telemetry()
    telemetry.gauge("acerto_outbox_pending", 3)
    async with serving(Readiness(), telemetry) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "acerto_outbox_pending 3.0" in answer.text


async def test_many_questions_at_once_probe_once() -> None:
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    readiness = Readiness()
    readiness.add("database", count)
    readiness.started()
    await asyncio.gather(*(readiness.phase() for _ in range(50)))
    assert asked == 1


async def test_whoever_follows_readiness_hears_it_change_and_end() -> None:
    heard: list[bool] = []
    readiness, stop = Readiness(), asyncio.Event()
    following = asyncio.create_task(readiness.run(stop, heard.append))
    await eventually(lambda: heard == [False])
    readiness.started()
    await eventually(lambda: heard[-1])
    stop.set()
    await asyncio.wait_for(following, 10)
    assert heard[-1] is False
    assert await readiness.phase() is Phase.READY


async def test_a_port_in_use_is_named_with_the_variable_that_sets_it() -> None:
    first = HttpServer("127.0.0.1:0", plain_app(operations(Readiness(), Telemetry())))
    with pytest.raises(AddressInUse, match=rf"127\.0\.0\.1:{first.port}.*ACERTO_HTTP_ADDRESS"):
        HttpServer(f"127.0.0.1:{first.port}", plain_app(operations(Readiness(), Telemetry())))
    first.close()
