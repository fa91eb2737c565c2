"""What keeps the HTTP door standing: strangers' pages, packed bodies, too much at once, and a server that stops."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import httpx
import pytest

from domain.errors import Overloaded
from server.gateway.app import plain_app, tell_of
from server.gateway.exchange import BodyRoom
from server.gateway.headers import header_value
from server.gateway.operations import operations
from server.gateway.streams import lines_for
from server.health import Readiness
from server.telemetry import Telemetry
from tests.support.fakes import FakeIds
from tests.support.http import client_of, http_of, problem_in
from tests.support.served import Scene
from tests.support.wire import Wire, serving
from tests.support.workbench import Workbench

ASK = "GET /v1/ask HTTP/1.1"
OURS = "http://acerto.example.com"
OTHER = "https://other.example.com"
HALF = ("POST /v1/echo HTTP/1.1", "content-type: application/json", "content-length: 100")


def refused(telemetry: Telemetry, reason: str) -> float:
    """How often something was refused for this reason."""
    start = f'acerto_http_refused_total{{reason="{reason}"}} '
    lines = telemetry.exposition().decode().splitlines()
    return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), 0)


async def made(client: httpx.AsyncClient) -> httpx.Response:
    """A budget whose JSON is worth packing."""
    item = {
        "kind": "LINE_ITEM_KIND_LABOR",
        "description": "A" * 300,
        "quantity": "1",
        "unitPrice": {"currencyCode": "BRL", "units": "1"},
    }
    budget = await client.post("/v1/budgets", json={"workOrderId": str(UUID(int=7)), "items": [item] * 3})
    assert budget.status_code == 200, budget.text
    return budget


async def test_a_page_of_strangers_may_change_nothing() -> None:
    for origins, origin, status in (
        ([], OTHER, 403),
        (["https://app.example.com"], OTHER, 403),
        ([], "null", 403),
        ([], OURS, 200),
        ([OTHER], OTHER, 200),
        (["*"], OTHER, 200),
    ):
        bench = Workbench(origins=origins)
        answer = await bench.ask("POST", "/v1/echo", json={}, headers={"origin": origin})
        assert answer.status_code == status, (origins, origin)
        if status == 403:
            problem_in(answer, 403, "ORIGIN_NOT_ALLOWED")
            assert bench.servicer.asked == []
        assert (await bench.ask("GET", "/v1/ask", headers={"origin": origin})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=UTF-8"}, 200),
        ({"content-type": "application/merge-patch+json"}, 200),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "fooapplication/json"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json", "content-encoding": "identity"}, 200),
    ],
)
async def test_a_body_is_json_in_utf_8_as_it_is(headers: dict[str, str], status: int) -> None:
    answer = await Workbench().ask("POST", "/v1/echo", content=b"{}", headers=headers)
    assert answer.status_code == status
    if status == 415:
        problem_in(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_packed_answer_has_a_weak_etag_which_is_a_condition_all_the_same() -> None:
    async with client_of(http_of(Scene())) as client:
        path = f"/v1/budgets/{(await made(client)).json()['budgetId']}"
        plain = await client.get(path)
        packed = await client.get(path, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        for known in (plain.headers["etag"], packed.headers["etag"], "*"):
            unchanged = await client.get(path, headers={"if-none-match": known})
            assert (unchanged.status_code, unchanged.headers["vary"]) == (304, "accept-encoding")
        changed = await client.patch(path, json={"validityDays": 3}, headers={"if-match": packed.headers["etag"]})
        assert changed.status_code == 200
        stale = await client.patch(path, json={"validityDays": 4}, headers={"if-match": packed.headers["etag"]})
        problem_in(stale, 412, "STALE")


async def test_what_lies_behind_the_api_knows_the_same_manners() -> None:
    telemetry = Telemetry()
    app = plain_app(operations(Readiness(), telemetry), telemetry)
    async with client_of(app) as client:
        options = await client.options("/metrics")
        assert options.status_code == 204
        assert {part.strip() for part in options.headers["allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/health/live/", headers={"host": "evil.example.com"})).status_code == 404
    assert refused(telemetry, "ROUTE_NOT_FOUND") == 2


async def test_a_trailing_slash_changes_nothing_behind_the_api_either() -> None:
    bench = Workbench(behind=operations(Readiness(), Telemetry()))
    for path in ("/health/live", "/health/live/"):
        answer = await bench.ask("GET", path)
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")


def test_bodies_have_room_together_and_no_more() -> None:
    room = BodyRoom(10)
    room.take(6)
    with pytest.raises(Overloaded):
        room.take(5)
    room.give_back(6)
    room.take(10)


def test_no_text_ends_a_header() -> None:
    assert header_value("text/html\r\nset-cookie: a=b\x00") == b"text/htmlset-cookie: a=b"


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream", True),
        ("application/x-ndjson, text/event-stream;q=0", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_events_are_for_those_who_ask_for_them(accept: str, *, events: bool) -> None:
    assert (lines_for(accept).content_type == "text/event-stream") is events


async def test_what_is_refused_before_it_is_a_request_is_counted_and_can_be_found() -> None:
    telemetry = Telemetry()
    tell = tell_of(FakeIds(), telemetry)
    async with serving(Workbench().app, headers=100, tell=tell) as server, await Wire.to(server) as wire:
        await wire.send(ASK, f"a: {'x' * 200}")
        problem_in(await wire.answer(), 431, "HEADERS_TOO_LARGE")
    assert refused(telemetry, "HEADERS_TOO_LARGE") == 1


async def test_connections_beyond_the_limit_are_asked_to_come_back() -> None:
    async with serving(Workbench().app, connections=1) as server, await Wire.to(server) as first:
        await first.send(ASK)
        assert (await first.answer()).status_code == 200
        async with await Wire.to(server) as second:
            answer = await second.answer()
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            await second.ended()


async def test_an_old_connection_is_closed_after_its_answer() -> None:
    async with serving(Workbench().app, age_seconds=0) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        assert (await wire.answer()).headers["connection"] == "close"
        assert await wire.ended() == b""


async def test_a_server_that_stops_does_not_wait_for_half_a_body() -> None:
    async with serving(Workbench().app, grace=20) as server, await Wire.to(server) as wire:
        await wire.send(*HALF, body=b"{")
        async with await Wire.to(server) as other:
            await other.send(ASK)
            assert (await other.answer()).status_code == 200
        server.stop.set()
        answer = await wire.answer()
        assert (answer.status_code, json.loads(answer.content)["reason"]) == (503, "UNAVAILABLE")
        await asyncio.wait_for(server.running, 5)
