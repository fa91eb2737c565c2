"""WatchWorkOrder over HTTP, on a real socket: lines of JSON, events, refusals, and how a stream ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from google.protobuf import json_format

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import work_order_pb2
from domain.billing.pricing import Order
from server.gateway.app import api_app
from server.gateway.server import HttpServer
from server.gateway.streams import Messages, lines_for
from server.rpc.errors import Refusal
from server.rpc.pipeline import Limits
from server.system import SystemIds
from tests.support.builders import CALL
from tests.support.served import Scene
from tests.support.waiting import eventually

OS = UUID(int=42)
PATH = f"/v1/work-orders/{OS}/timeline:watch"
EVENTS = {"accept": "text/event-stream"}


@asynccontextmanager
async def door(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the scene behind a real HTTP server."""
    server = HttpServer("127.0.0.1:0", api_app(scene.pipeline, SystemIds(), scene.telemetry, [], ()))
    stop = asyncio.Event()
    running = asyncio.create_task(server.run(stop, grace=5))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
            yield client
    finally:
        stop.set()
        await running


async def made(scene: Scene) -> None:
    await scene.billing.create_budget(CALL, Order(work_order_id=OS, workshop_id="main", description="Oil change"))


async def say(scene: Scene, status: str) -> None:
    await scene.billing.update_work_order_status(CALL, OS, status)


async def texts(lines: AsyncIterator[str], count: int) -> list[str]:
    """The next lines that are not empty."""
    found: list[str] = []
    while len(found) < count:
        line = await asyncio.wait_for(anext(lines), 10)
        found += [line] if line else []
    return found


def open_streams(scene: Scene) -> float:
    told = scene.telemetry.exposition().decode().splitlines()
    return next(float(line.split()[1]) for line in told if line.startswith("acerto_streams_open "))


async def test_what_happened_and_what_happens_come_as_lines_of_json() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client, client.stream("GET", PATH) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
        assert answer.headers["x-request-id"]
        lines = aiter(answer.aiter_lines())
        before = [json.loads(line)["result"] for line in await texts(lines, 2)]
        await say(scene, "on the lift")
        after = json.loads(*await texts(lines, 1))["result"]
    assert [entry["action"] for entry in before] == ["open", "generate"]
    assert (after["sequence"], after["action"]) == ("3", "update_status")


async def test_a_message_is_the_same_by_grpc_and_by_http() -> None:
    scene = Scene()
    await made(scene)
    async with scene.served() as served, door(scene) as client, client.stream("GET", PATH) as answer:
        by_grpc = [
            await asyncio.wait_for(stream.read(), 10)
            for stream in [served.billing.WatchWorkOrder(pb.WatchWorkOrderRequest(work_order_id=str(OS)))]
            for _ in range(2)
        ]
        lines = await texts(aiter(answer.aiter_lines()), 2)
    by_http = [json_format.ParseDict(json.loads(line)["result"], work_order_pb2.TimelineEntry()) for line in lines]
    assert by_http == by_grpc


async def test_events_are_numbered_so_that_a_browser_goes_on_where_it_stopped() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client:
        async with client.stream("GET", PATH, headers=EVENTS) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            first = await texts(aiter(answer.aiter_lines()), 4)
        async with client.stream("GET", PATH, headers=EVENTS | {"last-event-id": "1"}) as answer:
            again = await texts(aiter(answer.aiter_lines()), 2)
    assert [line for line in first if line.startswith("id: ")] == ["id: 1", "id: 2"]
    assert json.loads(first[1].removeprefix("data: "))["action"] == "open"
    assert again == first[2:]


async def test_a_stream_goes_on_after_a_sequence_that_the_query_names() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client, client.stream("GET", PATH, params={"afterSequence": "1"}) as answer:
        assert json.loads(*await texts(aiter(answer.aiter_lines()), 1))["result"]["sequence"] == "2"


async def test_what_is_refused_at_once_is_an_ordinary_problem() -> None:
    async with door(Scene()) as client:
        unknown = await client.get(PATH)
        wrong = await client.get(PATH, params={"afterSequence": "-1", "colour": "blue"})
        no_id = await client.get(PATH, headers={"last-event-id": "x"})
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "WORK_ORDER_NOT_FOUND")
    assert unknown.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in wrong.json()["violations"]] == ["colour"]
    assert [one["field"] for one in no_id.json()["violations"]] == ["last-event-id"]


async def test_the_deadline_ends_a_stream_with_a_problem_as_its_last_line() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client:
        lines = (await client.get(PATH, headers={"x-request-timeout": "0.5"})).text.splitlines()
        events = (await client.get(PATH, headers=EVENTS | {"grpc-timeout": "500m"})).text
    assert [next(iter(json.loads(line))) for line in lines] == ["result", "result", "error"]
    assert json.loads(lines[-1])["error"]["reason"] == "DEADLINE_EXCEEDED"
    name, problem = events.strip().splitlines()[-2:]
    assert (name, json.loads(problem.removeprefix("data: "))["status"]) == ("event: error", 504)


async def test_a_server_that_stops_tells_its_streams_to_come_back() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client, client.stream("GET", PATH) as answer:
        lines = aiter(answer.aiter_lines())
        await texts(lines, 2)
        scene.pipeline.end_streams()
        assert json.loads(*await texts(lines, 1))["error"]["status"] == 503


async def test_a_client_that_hangs_up_ends_its_stream() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client:
        async with client.stream("GET", PATH) as answer:
            await texts(aiter(answer.aiter_lines()), 2)
            assert open_streams(scene) == 1
        await eventually(lambda: open_streams(scene) == 0, what="the stream is closed")


async def test_a_head_has_the_headers_and_ends() -> None:
    scene = Scene()
    await made(scene)
    async with door(scene) as client:
        answer = await client.head(PATH)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
        await eventually(lambda: open_streams(scene) == 0, what="the stream is closed")


async def test_more_streams_than_there_are_places_for_are_refused() -> None:
    scene = Scene(limits=Limits(streams=1))
    await made(scene)
    async with door(scene) as client, client.stream("GET", PATH) as answer:
        await texts(aiter(answer.aiter_lines()), 1)
        refused = await client.get(PATH)
    assert (refused.status_code, refused.json()["reason"]) == (429, "OVERLOADED")
    assert refused.headers["retry-after"]


async def test_waiting_for_a_message_in_pieces_loses_none() -> None:
    going_on = asyncio.Event()

    async def told() -> Any:
        await going_on.wait()
        yield work_order_pb2.TimelineEntry(sequence=1)

    messages = Messages(told())
    assert await messages.next(0.01) is None
    going_on.set()
    found: Any = await messages.next(5)
    assert not isinstance(found, Refusal)
    assert found.sequence == 1
    await messages.aclose()


def test_a_silent_event_stream_says_that_it_is_still_there_and_lines_of_json_do_not() -> None:
    assert lines_for("text/event-stream").still_here.startswith(":")
    assert lines_for("*/*").still_here == ""
