"""`all`, `api`, `relay`, `consumer`, `worker`: run roles until a signal comes."""

from __future__ import annotations

import argparse
import asyncio
import gc
from functools import partial

import structlog

from domain.billing.queries import Timeline
from server.commands import demo, sample
from server.commands.workers import WATCHED, supervise, supervisor_gone
from server.lifespan import Part, serve
from server.settings import Settings, unknown
from server.wiring import ROLES, House, Running, assembled, built, load_sample

HELP = {
    "all": "run everything in one process: the single-machine form",
    "api": "serve gRPC",
    "relay": "take facts from the outbox to the broker",
    "consumer": "take partners' events from the broker",
    "worker": "do what is due: payments, refunds, expiries; keep tables in shape and measure the queues",
    "demo": "tell it once, in a temporary folder: a workshop's saga, undone, a refusal, and a clinic's day",
}

_YOUNG = 10_000
"""Objects that may be made before the youngest are looked through for cycles: a request makes hundreds and no cycle."""

_SAMPLE = "send one sample work order when ready; load sample insurers, plans and prices where there is no insurer"


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add a verb for each role, one for all of them, and the demo."""
    for name, text in HELP.items():
        verb = verbs.add_parser(name, help=text)
        verb.set_defaults(run=demo.run if name == "demo" else run, roles={name} if name in ROLES else ROLES)
        if name == "all":
            verb.add_argument(
                "--with-sample",
                action="store_true",
                help=_SAMPLE,
            )
        if name == "api":
            verb.add_argument("--workers", type=_count, default=1, metavar="N", help="so many processes on one port")
            verb.add_argument(WATCHED, action="store_true", dest="watched", help=argparse.SUPPRESS)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve; answers 0 after an orderly stop. Raises what the start refuses."""
    for name in unknown():
        structlog.get_logger().warning("a variable that means nothing here, perhaps misspelt", variable=name)
    if getattr(arguments, "workers", 1) > 1:
        return await supervise(settings, arguments.workers)
    with_sample = getattr(arguments, "with_sample", False)
    enough = supervisor_gone() if getattr(arguments, "watched", False) else None
    async with built(settings) as house, assembled(house, arguments.roles) as running:
        greeting = Part("greeting", partial(_greet, house, running, with_sample=with_sample))
        parts, grace = [*running.parts, greeting], settings.shutdown_grace
        await serve(parts, grace=grace, stopping=running.readiness.close, enough=enough)
    return 0


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return int(text)


async def _greet(house: House, running: Running, stop: asyncio.Event, *, with_sample: bool) -> None:
    if await running.ready_before(stop):
        _settle()
        structlog.get_logger().info("ready", grpc_port=running.grpc_port, http_port=running.http_port)
        if with_sample:
            await load_sample(house)
            timeline = await sample.watched(house, await sample.send(house))
            sample.say(f"\n{sample.shown(timeline)}\n\n{_what_next(house, running, timeline)}\n")
    await stop.wait()


def _settle() -> None:
    """What is there when serving begins, contracts and statements mostly, stays: no collection looks at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


def _what_next(house: House, running: Running, timeline: Timeline) -> str:
    settings = house.settings
    grpc = f"{settings.grpc_address.rpartition(':')[0]}:{running.grpc_port}"
    http = f"{settings.http_address.rpartition(':')[0]}:{running.http_port}"
    budget_id = timeline.budget.id if timeline.budget else ""
    curl = (
        f"  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge http://{grpc}/acerto.billing.v1.BillingService"
    )
    return "\n".join(
        [
            f"gRPC      {grpc}   (reflection and health are on; every caller may do everything: development)",
            f"HTTP      http://{http}/docs   http://{http}/health/ready   http://{http}/metrics",
            f"database  {'ACERTO_DATABASE_URL' if settings.database_url else f'embedded, in {settings.data_dir}'}",
            f"broker    {house.broker_address if settings.broker_url else 'in the database'}",
            f"payments  {settings.payment_provider}",
            "",
            "Try next, in another terminal:",
            f"  curl 'http://{http}/v1/work-orders/{timeline.work_order.id}/timeline?pretty'",
            f'{curl}/ApproveBudget -d \'{{"budget_id":"{budget_id}"}}\'',
            f'{curl}/StartPayment -d \'{{"budget_id":"{budget_id}"}}\'',
            "  .venv/bin/python -m server sandbox pay PAYMENT_ID     # what the customer does",
            f"  .venv/bin/python -m server timeline {timeline.work_order.id}",
            f"  curl 'http://{http}/v1/insurers/999991/plans?pretty'  # the sample's; yours: python -m server load",
            "",
            "Ctrl-C stops it; what it has done is kept.",
        ]
    )
