"""What one connection carries: requests in order, bodies in pieces, clients that leave, and servers that stop."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from server.gateway.exchange import LARGEST_BODY
from server.rpc.pipeline import Limits
from tests.support.builders import an_os
from tests.support.held import HeldCommit, SlowQueries
from tests.support.http import http_of
from tests.support.served import Scene
from tests.support.waiting import eventually
from tests.support.wire import Wire, serving
from tests.support.workbench import Workbench

ASK = "GET /v1/ask HTTP/1.1"
RAW = "POST /v1/raw HTTP/1.1"
GET_BUDGET = f"GET /v1/budgets/{UUID(int=1)} HTTP/1.1"
CREATE = f'{{"workOrderId": "{an_os(1)}", "description": "Oil"}}'.encode()


async def create(wire: Wire) -> None:
    await wire.send("POST /v1/budgets HTTP/1.1", f"content-length: {len(CREATE)}", body=CREATE)


def held() -> Workbench:
    bench = Workbench()
    bench.servicer.held = True
    return bench


async def test_a_read_whose_client_hangs_up_is_canceled_and_gives_its_place_back() -> None:
    queries = SlowQueries()
    scene = Scene(queries=queries, limits=Limits(concurrent=1))
    async with serving(http_of(scene)) as server, await Wire.to(server) as stays:
        async with await Wire.to(server) as leaves:
            await leaves.send(GET_BUDGET)
            await asyncio.wait_for(queries.asked.wait(), 10)
            await stays.send(GET_BUDGET)
            assert (await stays.answer()).status_code == 429
        await asyncio.wait_for(queries.left.wait(), 10)
        (line,) = await eventually(lambda: [one for one in scene.log.named("request") if one["code"] == "CANCELLED"])
        assert line["reason"] == "CANCELED"
        queries.answer.set()
        await stays.send(GET_BUDGET)
        assert (await stays.answer()).json()["reason"] == "BUDGET_NOT_FOUND"


async def test_a_write_whose_client_hangs_up_goes_on_to_its_end() -> None:
    scene = Scene()
    commit = HeldCommit(scene)
    async with serving(http_of(scene)) as server:
        async with await Wire.to(server) as leaves:
            await create(leaves)
            await asyncio.wait_for(commit.begun.wait(), 10)
        await eventually(lambda: scene.log.named("request"))
        assert scene.store.budgets == {}
        commit.release.set()
        (line,) = await eventually(lambda: scene.log.named("write_outlived_its_caller"))
    assert (line["code"], len(scene.store.budgets)) == ("OK", 1)


async def test_a_client_that_hangs_up_with_more_requests_on_the_way_has_left_all_of_them() -> None:
    bench = held()
    async with serving(bench.app) as server:
        async with await Wire.to(server) as leaves:
            await leaves.send(ASK, body=f"{ASK}\r\nhost: a\r\n\r\n{ASK}\r\nhost: a\r\n\r\n".encode())
            await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        await asyncio.wait_for(bench.servicer.canceled.wait(), 10)
        (line,) = await eventually(lambda: bench.log.named("request"))
        assert line["reason"] == "CANCELED"
    assert len(bench.servicer.asked) == 1


async def test_a_client_that_hangs_up_in_the_middle_of_a_body_asked_nobody() -> None:
    bench = Workbench()
    async with serving(bench.app) as server:
        async with await Wire.to(server) as leaves:
            await leaves.send(RAW, "content-length: 100", "expect: 100-continue", body=b"")
            assert (await leaves.answer()).status_code == 100
            await leaves.send(body=b"half")
        async with await Wire.to(server) as other:
            await other.send(ASK)
            assert (await other.answer()).status_code == 200
    assert len(bench.servicer.asked) == 1


async def test_requests_that_come_at_once_are_answered_in_their_order() -> None:
    bench = held()
    async with serving(bench.app) as server, await Wire.to(server) as wire:
        lines = [f"GET /v1/ask/{number} HTTP/1.1\r\nhost: a\r\n\r\n" for number in range(20)]
        await wire.send(body="".join(lines).encode())
        await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        assert len(bench.servicer.asked) == 1
        bench.servicer.release.set()
        names = [(await wire.answer()).json()["name"] for _ in range(20)]
    assert names == [str(number) for number in range(20)]


async def test_who_waits_for_its_first_answer_is_not_given_the_refusal_of_its_second_request() -> None:
    bench = held()
    async with serving(bench.app, body_seconds=0.2, header_seconds=0.2) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        await wire.send(RAW, "content-length: 100", body=b"half")
        await asyncio.wait({asyncio.ensure_future(bench.servicer.canceled.wait())}, timeout=0.6)
        bench.servicer.release.set()
        assert (await wire.answer()).status_code == 200
        bench.servicer.held = False
        await wire.send(body=b"x" * 96)
        rest = await asyncio.wait_for(wire.reader.readline(), 10)
        assert rest.startswith((b"HTTP/1.1 200", b"HTTP/1.1 408"))


async def test_a_request_that_is_garbage_after_one_that_is_not_spoils_nothing() -> None:
    bench = held()
    async with serving(bench.app) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        await wire.send(body=b"garbage\r\n\r\n")
        assert b"400" not in await wire.ended()


@pytest.mark.parametrize("pieces", [[b"whole"], [b"w", b"ho", b"le"]])
async def test_a_body_in_chunks_is_one_body(pieces: list[bytes]) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(RAW, "transfer-encoding: chunked", body=chunks)
        assert (await wire.answer()).content == b"whole"


async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent() -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(RAW, f"content-length: {LARGEST_BODY + 1}", "expect: 100-continue")
        answer = await wire.answer()
        assert (answer.status_code, answer.json()["reason"]) == (413, "BODY_TOO_LARGE")
        assert await wire.ended() == b""


async def test_a_body_in_chunks_is_refused_once_it_is_too_large_and_the_refusal_can_be_read() -> None:
    piece = b"%x\r\n%b\r\n" % (64 * 1024, b"x" * 64 * 1024)
    bench = Workbench()
    async with serving(bench.app) as server, await Wire.to(server) as wire:
        await wire.send(RAW, "transfer-encoding: chunked")
        answering = asyncio.ensure_future(wire.answer())
        for _ in range(LARGEST_BODY // (64 * 1024) + 1):
            await wire.send(body=piece)
        answer = await answering
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        await wire.ended()
    assert bench.servicer.asked == []


async def test_who_asks_first_is_told_to_go_on() -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(RAW, "content-length: 5", "expect: 100-continue")
        assert (await wire.answer()).status_code == 100
        await wire.send(body=b"whole")
        assert (await wire.answer()).content == b"whole"


async def test_http_1_0_gets_its_answer_and_is_hung_up_on() -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(body=b"GET /v1/ask HTTP/1.0\r\n\r\n")
        answer = await wire.answer()
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert await wire.ended() == b""


async def test_a_head_and_what_follows_it_are_told_apart() -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send("HEAD /v1/ask HTTP/1.1")
        assert int((await wire.answer("HEAD")).headers["content-length"]) > 0
        await wire.send("GET http://example.com/v1/ask/a?small=1 HTTP/1.1")
        assert (await wire.answer()).json()["name"] == "a"


async def test_a_server_that_stops_lets_an_open_request_finish_and_takes_no_other() -> None:
    bench = held()
    async with serving(bench.app) as server, await Wire.to(server) as wire, await Wire.to(server) as idle:
        await idle.send("GET /v1/nothing HTTP/1.1")
        assert (await idle.answer()).status_code == 404
        await wire.send(ASK)
        await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        server.stop.set()
        assert await idle.ended() == b""
        assert not server.running.done()
        bench.servicer.release.set()
        answer = await wire.answer()
        assert (answer.status_code, answer.json()["name"]) == (200, "")
        await asyncio.wait_for(server.running, 10)


async def test_a_server_that_stops_does_not_wait_for_ever() -> None:
    bench = held()
    async with serving(bench.app, grace=1) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        await asyncio.wait_for(bench.servicer.begun.wait(), 10)
        server.stop.set()
        await asyncio.wait_for(server.running, 10)
        line: Any = await eventually(lambda: bench.log.named("request"))
        assert line[0]["code"] == "CANCELLED"
        assert (await wire.answer()).json()["reason"] == "UNAVAILABLE"
