"""What the sandbox tells by itself, over real HTTP: each change once at least, signed, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.billing.charge import ChargeStatus
from server.gateway.server import HttpServer
from server.providers.sandbox.notifications import Address, Notifications, signature
from server.providers.sandbox.provider import EARLY, Sandbox
from server.providers.sandbox.store import FILE
from tests.architecture.tree import ROOT
from tests.support.builders import AT
from tests.support.fakes import FakeClock
from tests.support.ports import free_port
from tests.support.sandbox import PRICE, a_charge, given_back, made
from tests.support.waiting import eventually

SECRET = "panel secret"


@dataclass(frozen=True)
class Told:
    """One webhook as it came in."""

    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def signed(self) -> bool:
        ts, v1 = (part.split("=")[1] for part in self.headers["x-signature"].split(","))
        manifest = f"id:{self.query['data.id']};request-id:{self.headers['x-request-id']};ts:{ts};"
        return v1 == hmac.new(SECRET.encode(), manifest.encode(), hashlib.sha256).hexdigest()


@dataclass
class Receiver:
    """Takes webhooks; answers with `answers` first and 200 afterwards, each when `open` is set."""

    answers: list[int] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[Told] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.open.set()

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(one.body["data"]["id"], one.body["action"].removeprefix("payment.")) for one in self.told]

    async def take(self, request: Request) -> Response:
        told = Told(dict(request.query_params), dict(request.headers), json.loads(await request.body()))
        self.told.append(told)
        status = self.answers.pop(0) if self.answers else 200
        await self.open.wait()
        return Response(status_code=status)


@asynccontextmanager
async def receiving(*answers: int, port: int = 0) -> AsyncIterator[Receiver]:
    receiver, stop = Receiver(list(answers)), asyncio.Event()
    app = Starlette(routes=[Route("/hooks", receiver.take, methods=["POST"])])
    server = HttpServer(f"127.0.0.1:{port}", app)
    receiver.url = f"http://127.0.0.1:{server.port}/hooks"
    running = asyncio.create_task(server.run(stop, grace=5))
    try:
        yield receiver
    finally:
        receiver.open.set()
        stop.set()
        await asyncio.wait_for(running, 10)


@asynccontextmanager
async def telling(folder: Path, clock: FakeClock, address: Address, **options: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(Notifications(folder, clock, address, secret=SECRET, **options).run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(AT)


@pytest.fixture
def sandbox(tmp_path: Path, clock: FakeClock) -> Iterator[Sandbox]:
    opened = Sandbox(tmp_path, clock, live=False)
    yield opened
    opened.close()


async def test_a_webhook_has_mercado_pagos_form_and_signature(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    charge_id = await made(sandbox)
    async with receiving() as receiver, telling(tmp_path, clock, lambda: f"{receiver.url}?source_news=webhooks"):
        await eventually(lambda: receiver.told)
    told = receiver.told[0]
    assert told.query == {"source_news": "webhooks", "data.id": charge_id, "type": "payment"}
    event_id = told.body.pop("id")
    assert isinstance(event_id, int)
    assert told.body == {
        "live_mode": False,
        "type": "payment",
        "date_created": "2026-03-01T12:00:00.000Z",
        "api_version": "v1",
        "action": "payment.created",
        "data": {"id": charge_id},
    }
    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-signature"].startswith("ts=1772366400000,v1=")
    assert told.signed


def test_the_signature_is_the_one_of_the_specification() -> None:
    request_id = "2066ca19-c6f1-498a-be75-1923005edd06"
    signed = signature(b"your_secret_key_here", charge_id="999999999", request_id=request_id, at="1704908010")
    assert signed == "ts=1704908010,v1=688a0d38e33107d4b2d452a85915d494fc120daf7e962608ab6811f80cd7ad22"


async def test_each_change_is_told_whether_done_by_hand_or_by_time(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    async with receiving() as receiver, telling(tmp_path, clock, lambda: receiver.url):
        charge_id = await made(sandbox, "approve after 2; refund in process 1")
        clock.advance(seconds=1.9)
        await eventually(lambda: receiver.actions == [(charge_id, "created")])
        clock.advance(seconds=0.1)
        await eventually(lambda: receiver.actions[1:] == [(charge_id, "updated")])
        await given_back(sandbox, charge_id, 5, PRICE, whole=True)
        await eventually(lambda: len(receiver.told) == 3)
        clock.advance(seconds=1)
        await eventually(lambda: len(receiver.told) == 4)
    assert len({one.body["id"] for one in receiver.told}) == 4
    assert [one.body["date_created"][17:] for one in receiver.told] == ["00.000Z", "02.000Z", "02.001Z", "03.000Z"]


async def test_what_time_did_is_told_too_when_a_deed_comes_first_to_see_it(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    charge_id = await made(sandbox, "expire after 1; dispute")
    clock.advance(seconds=2)
    assert (await sandbox.pay(charge_id)).status is ChargeStatus.DISPUTED
    async with receiving() as receiver, telling(tmp_path, clock, lambda: receiver.url):
        await eventually(lambda: _none_left(tmp_path))
    changes = sorted(one.body["date_created"][17:] for one in receiver.told)
    assert changes == ["00.000Z", "01.000Z", "02.000Z", "02.001Z"]


async def test_a_scripted_duplicate_is_the_same_event_in_requests_of_its_own(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    await made(sandbox, "duplicate webhooks 5")
    async with receiving() as receiver, telling(tmp_path, clock, lambda: receiver.url):
        await eventually(lambda: len(receiver.told) == 5)
        await eventually(lambda: _none_left(tmp_path))
    assert len({one.body["id"] for one in receiver.told}) == 1
    assert len({one.headers["x-request-id"] for one in receiver.told}) == 5
    assert len(receiver.told) == 5


async def test_a_webhook_that_is_not_taken_comes_again_ever_later(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    await made(sandbox)
    async with receiving(500, 302, 404) as receiver, telling(tmp_path, clock, lambda: receiver.url):
        for tries, pause in ((1, 0.2), (2, 0.4), (3, 0.8)):
            await eventually(lambda: len(receiver.told) == tries and _due(tmp_path, clock) == pause)  # noqa: B023
            clock.advance(seconds=pause)
        await eventually(lambda: _none_left(tmp_path))
    assert len({one.body["id"] for one in receiver.told}) == 1
    assert len(receiver.told) == 4
    assert all(one.signed for one in receiver.told)


async def test_a_receiver_that_is_away_or_silent_is_waited_for(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    port = free_port()
    charge_id = await made(sandbox)
    async with telling(tmp_path, clock, lambda: f"http://127.0.0.1:{port}/hooks", patience=0.2):
        await eventually(lambda: _due(tmp_path, clock) == 0.2)
        async with receiving(port=port) as receiver:
            receiver.open.clear()
            clock.advance(seconds=0.2)
            await eventually(lambda: receiver.told and _due(tmp_path, clock) == 0.4)
            receiver.open.set()
            clock.advance(seconds=0.4)
            await eventually(lambda: _none_left(tmp_path))
    assert receiver.actions == [(charge_id, "created")] * 2


async def test_nothing_is_lost_while_nobody_knows_the_address(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    known: list[str] = []
    async with receiving() as receiver, telling(tmp_path, clock, lambda: known[0] if known else None):
        charge_id = await made(sandbox, "approve after 1")
        clock.advance(seconds=1)
        await eventually(lambda: _waiting(tmp_path) == 2)
        known.append(receiver.url)
        await eventually(lambda: sorted(receiver.actions) == [(charge_id, "created"), (charge_id, "updated")])


async def test_several_deliverers_on_one_folder_share_the_work(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    async with (
        receiving() as receiver,
        telling(tmp_path, clock, lambda: receiver.url),
        telling(tmp_path, clock, lambda: receiver.url),
    ):
        for key in range(100, 140):
            await made(sandbox, "approve after 1", key=UUID(int=key))
        clock.advance(seconds=1)
        await eventually(lambda: len(receiver.told) >= 80 and _none_left(tmp_path))
    assert len({one.body["id"] for one in receiver.told}) == len(receiver.told) == 80


async def test_a_webhook_comes_before_the_answer_when_the_script_says_so(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    async with receiving() as receiver, telling(tmp_path, clock, lambda: receiver.url):
        receiver.open.clear()
        asking = asyncio.create_task(sandbox.create(a_charge("webhook before answer; approve")))
        await eventually(lambda: len(receiver.told) == 2)
        assert not asking.done()
        receiver.open.set()
        created = await asyncio.wait_for(asking, 10)
    assert receiver.actions == [(created.id, "created"), (created.id, "updated")]


async def test_an_answer_does_not_wait_for_ever_for_its_webhook(sandbox: Sandbox) -> None:
    async with asyncio.timeout(EARLY + 5):
        await made(sandbox, "webhook before answer")


async def test_a_deliverer_that_is_killed_while_it_delivers_is_made_up_for(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock
) -> None:
    charge_id = await made(sandbox)
    async with receiving() as receiver:
        receiver.open.clear()
        child = f"""
import asyncio
from pathlib import Path
from server.providers.sandbox.notifications import Notifications
from tests.support.fakes import FakeClock
told = Notifications(Path({str(tmp_path)!r}), FakeClock(), lambda: {receiver.url!r}, secret="", patience=60)
asyncio.run(told.run(asyncio.Event()))
"""
        deliverer = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", child], cwd=ROOT)
        await eventually(lambda: receiver.told)
        deliverer.kill()
        await asyncio.to_thread(deliverer.wait)
        receiver.open.set()
        assert _waiting(tmp_path) == 1
        async with telling(tmp_path, clock, lambda: receiver.url):
            clock.advance(seconds=62)
            await eventually(lambda: _none_left(tmp_path))
    assert receiver.actions == [(charge_id, "created")] * 2


async def test_a_file_that_is_locked_for_long_does_not_end_the_deliverer(
    sandbox: Sandbox, tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await made(sandbox)
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    async with receiving() as receiver, telling(tmp_path, clock, lambda: receiver.url):
        await eventually(lambda: "webhooks wait" in caplog.text)
        holder.execute("ROLLBACK")
        await eventually(lambda: receiver.told)
    holder.close()


def _waiting(folder: Path) -> int:
    return len(_dues(folder))


def _none_left(folder: Path) -> bool:
    return not _dues(folder)


def _due(folder: Path, clock: FakeClock) -> float:
    """In how many seconds the only notification is due; zero when there is none."""
    now = round(clock.now().timestamp() * 1000)
    return sum(due - now for due in _dues(folder)) / 1000


def _dues(folder: Path) -> list[int]:
    file = sqlite3.connect(folder / FILE)
    dues = [due for (due,) in file.execute("SELECT due FROM notifications")]
    file.close()
    return dues
