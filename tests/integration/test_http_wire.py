"""The HTTP server byte by byte: who is slow, too large or no HTTP at all is refused and cut off."""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError

import httpx
import pytest
from google.api import httpbody_pb2

from tests.support.waiting import eventually
from tests.support.wire import Wire, serving
from tests.support.workbench import Workbench

ASK = "GET /v1/ask HTTP/1.1"
RAW = "POST /v1/raw HTTP/1.1"


def refused(answer: httpx.Response, status: int, reason: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["reason"]) == (status, status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("begun", [b"", b"GET", b"GET /v1/ask HTTP/1.1\r\nhost: a", b"\r\n\r\n"])
async def test_headers_that_take_too_long_are_refused_and_cut_off(begun: bytes) -> None:
    async with serving(Workbench().app, header_seconds=0.2) as server, await Wire.to(server) as wire:
        await wire.send(body=begun)
        refused(await wire.answer(), 408, "REQUEST_TIMEOUT")
        assert await wire.ended() == b""


async def test_headers_that_trickle_are_no_faster_than_headers_that_stop() -> None:
    async with serving(Workbench().app, header_seconds=0.4) as server, await Wire.to(server) as wire:
        await wire.send(body=b"GET /v1/ask HTTP/1.1\r\n")
        trickling = asyncio.ensure_future(_trickle(wire, b"a: b\r\n"))
        refused(await wire.answer(), 408, "REQUEST_TIMEOUT")
        await wire.ended()
        trickling.cancel()


async def test_a_body_that_takes_too_long_is_refused_and_cut_off_and_nobody_was_asked() -> None:
    bench = Workbench()
    async with serving(bench.app, body_seconds=0.2) as server, await Wire.to(server) as wire:
        await wire.send(RAW, "content-length: 100", body=b"half")
        refused(await wire.answer(), 408, "REQUEST_TIMEOUT")
        assert await wire.ended() == b""
    assert bench.servicer.asked == []


async def test_a_second_request_that_stops_in_the_middle_is_cut_off_too() -> None:
    async with serving(Workbench().app, header_seconds=0.3) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        assert (await wire.answer()).status_code == 200
        await wire.send(body=b"GET /v1")
        refused(await wire.answer(), 408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize("idle", [b"", b"\r\n", b"\r\n\r\n"])
async def test_a_connection_that_nobody_uses_is_closed(idle: bytes) -> None:
    async with serving(Workbench().app, idle_seconds=0.2, header_seconds=0.3) as server, await Wire.to(server) as wire:
        await wire.send(ASK)
        assert (await wire.answer()).status_code == 200
        await wire.send(body=idle)
        ended = await wire.ended()
        assert ended == b"" or b"408" in ended


async def test_a_connection_that_is_used_again_in_time_stays() -> None:
    async with serving(Workbench().app, idle_seconds=5) as server, await Wire.to(server) as wire:
        for _ in range(3):
            await wire.send(ASK)
            assert (await wire.answer()).status_code == 200


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ([f"GET /v1/ask?some_text={'x' * 2000} HTTP/1.1"], 414, "URI_TOO_LONG"),
        ([ASK, f"a: {'x' * 5000}"], 431, "HEADERS_TOO_LARGE"),
        ([ASK, *(f"a{number}: b" for number in range(1500))], 431, "HEADERS_TOO_LARGE"),
        ([ASK, *(f"{'a' * 500}{number}: b" for number in range(20))], 431, "HEADERS_TOO_LARGE"),
    ],
)
async def test_what_is_larger_than_a_limit_is_refused_and_cut_off(lines: list[str], status: int, reason: str) -> None:
    bench = Workbench()
    async with serving(bench.app, target=1000, headers=4000) as server, await Wire.to(server) as wire:
        await wire.send(*lines)
        refused(await wire.answer(), status, reason)
        await wire.ended()
    assert bench.servicer.asked == []


async def test_what_is_just_within_the_limits_is_served() -> None:
    async with serving(Workbench().app, target=1000, headers=4000) as server, await Wire.to(server) as wire:
        await wire.send(f"GET /v1/ask?some_text={'x' * 900} HTTP/1.1", f"a: {'x' * 3900}")
        assert (await wire.answer()).json()["someText"] == "x" * 900


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http:///[ HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1/\xc3\xa9 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1/ask HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v1/raw HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/raw HTTP/1.1\r\ncontent-length: 99999999999999999999999999\r\n\r\n",
        b"POST /v1/raw HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"POST /v1/raw HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
    ],
)
async def test_what_is_no_http_is_refused_as_a_problem(garbage: bytes) -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(body=garbage)
        refused(await wire.answer(), 400, "MALFORMED_HTTP")
        await wire.ended()


async def test_letters_of_a_query_that_were_not_escaped_arrive() -> None:
    async with serving(Workbench().app) as server, await Wire.to(server) as wire:
        await wire.send(body="GET /v1/ask?some_text=é HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        answer = await wire.answer()
        assert answer.status_code == 400 or answer.json()["someText"] == "é"


async def test_a_client_that_never_reads_is_cut_off() -> None:
    bench = Workbench()
    bench.servicer.answer = httpbody_pb2.HttpBody(data=b"x" * 32 * 1024 * 1024)
    async with serving(bench.app, send_seconds=0.3) as server, await Wire.to(server, receive_buffer=4096) as wire:
        await wire.send(RAW, "content-length: 0")
        await eventually(lambda: bench.log.named("request"))
        await eventually(lambda: _is_cut_off(wire))
        with pytest.raises((IncompleteReadError, ConnectionError)):
            await wire.answer()


async def test_a_client_that_reads_slowly_gets_all_of_it() -> None:
    size, bench, loop = 32 * 1024 * 1024, Workbench(), asyncio.get_running_loop()
    bench.servicer.answer = httpbody_pb2.HttpBody(data=b"x" * size)
    async with serving(bench.app, send_seconds=0.8) as server, await Wire.to(server, receive_buffer=4096) as wire:
        await wire.send(RAW, "content-length: 0")
        assert (await wire.answer("HEAD")).status_code == 200
        left, until = size, loop.time() + 2
        while loop.time() < until:
            left -= len(await wire.reader.read(16_384))
            await asyncio.sleep(0.004)
        assert left > 8 * 1024 * 1024, "it was not read slowly"
        await asyncio.wait_for(wire.reader.readexactly(left), 20)


async def _trickle(wire: Wire, piece: bytes) -> None:
    while True:
        await wire.send(body=piece)
        await asyncio.sleep(0.05)


def _is_cut_off(wire: Wire) -> bool:
    """Whether our side of the connection has heard of a reset, which a write meets."""
    wire.writer.write(b"\r\n")
    return wire.writer.transport.is_closing()
