"""`all`, `api`, `relay`, `consumer`, `worker`: run roles until a signal comes. `demo`: all of them, once."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

import structlog

from server.commands import sample
from server.commands.workers import supervise
from server.lifespan import Part, serve
from server.settings import Settings, unknown
from server.wiring import ROLES, House, Running, assembled, built

HELP = {
    "all": "run everything in one process: the single-machine form",
    "api": "serve gRPC",
    "relay": "take facts from the outbox to the broker",
    "consumer": "take partners' events from the broker",
    "worker": "keep tables in shape and measure the queues",
    "demo": "run everything once in a temporary folder, with one sample work order, and show its timeline",
}


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add a verb for each role, one for all of them, and the demo."""
    for name, text in HELP.items():
        verb = verbs.add_parser(name, help=text)
        verb.set_defaults(run=demo if name == "demo" else run, roles={name} if name in ROLES else ROLES)
        if name == "all":
            verb.add_argument("--with-sample", action="store_true", help="send one sample work order when ready")
        if name == "api":
            verb.add_argument("--workers", type=_count, default=1, metavar="N", help="so many processes on one port")


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve; answers 0 after an orderly stop. Raises what the start refuses."""
    for name in unknown():
        structlog.get_logger().warning("a variable that means nothing here, perhaps misspelt", variable=name)
    if getattr(arguments, "workers", 1) > 1:
        return await supervise(settings, arguments.workers)
    with_sample = getattr(arguments, "with_sample", False)
    async with built(settings) as house, assembled(house, arguments.roles) as running:
        greeting = Part("greeting", partial(_greet, house, running, with_sample=with_sample))
        await serve([*running.parts, greeting], grace=settings.shutdown_grace, stopping=running.readiness.close)
    return 0


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return int(text)


async def demo(_: argparse.Namespace, settings: Settings) -> int:
    """Run one saga in a folder of its own and show it; answers 0. Raises SagaStuck."""
    with tempfile.TemporaryDirectory(prefix="acerto-demo-") as folder:
        own = {"data_dir": Path(folder), "grpc_address": "127.0.0.1:0", "http_address": "127.0.0.1:0"}
        settings = settings.model_copy(update=own)
        enough = asyncio.Event()
        async with built(settings) as house, assembled(house, ROLES) as running:
            telling = Part("demo", partial(_demonstrate, house, running, enough))
            await serve(
                [*running.parts, telling],
                grace=settings.shutdown_grace,
                stopping=running.readiness.close,
                enough=enough,
            )
    return 0


async def _demonstrate(house: House, running: Running, enough: asyncio.Event, stop: asyncio.Event) -> None:
    if await _ready(running, stop):
        _say(sample.shown(await sample.watched(house, await sample.send(house))))
        enough.set()
        await stop.wait()


async def _greet(house: House, running: Running, stop: asyncio.Event, *, with_sample: bool) -> None:
    if await _ready(running, stop):
        structlog.get_logger().info("ready", grpc_port=running.grpc_port, http_port=running.http_port)
        if with_sample:
            timeline = await sample.watched(house, await sample.send(house))
            _say(f"{sample.shown(timeline)}\n\n{_what_next(house, running, str(timeline.work_order.id))}")
    await stop.wait()


async def _ready(running: Running, stop: asyncio.Event) -> bool:
    while not stop.is_set():
        if await running.ready():
            return True
        await asyncio.sleep(0.05)
    return False


def _what_next(house: House, running: Running, work_order_id: str) -> str:
    settings = house.settings
    grpc = f"{settings.grpc_address.rpartition(':')[0]}:{running.grpc_port}"
    http = f"{settings.http_address.rpartition(':')[0]}:{running.http_port}"
    request = f'{{"work_order_id":"{work_order_id}"}}'
    service = "acerto.billing.v1.BillingService"
    return "\n".join(
        [
            f"gRPC      {grpc}   (reflection and health are on; every caller may do everything: development)",
            f"HTTP      http://{http}/health/ready   http://{http}/metrics",
            f"database  {'ACERTO_DATABASE_URL' if settings.database_url else f'embedded, in {settings.data_dir}'}",
            f"broker    {house.broker_address if settings.broker_url else 'in the database'}",
            "",
            "Try next, in another terminal:",
            "  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge \\",
            f"    -d '{request}' http://{grpc}/{service}/GetWorkOrderTimeline",
            f"  .venv/bin/python -m server timeline {work_order_id}",
            "",
            "Ctrl-C stops it; what it has done is kept.",
        ]
    )


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n\n")
    sys.stdout.flush()
