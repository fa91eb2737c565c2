"""The roles: what runs behind the doors, and the doors themselves, as parts that start and stop together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp

from domain.actor import Actor, Call
from domain.billing.notice import Notice
from domain.events import Left, Wake
from messaging.consumer import Consumer
from messaging.dead_letters import DeadLetters
from messaging.effects import Effects
from messaging.relay import Relay
from messaging.routes import Routes
from messaging.topology import INBOUND_QUEUE
from persistence.check_retention import CheckRetention
from persistence.generations import NOTICE
from persistence.housekeeping import Housekeeping
from persistence.inbox import SqlInbox
from persistence.outbox import SqlOutbox
from persistence.unit_of_work import Units
from persistence.wake import NEWS, WORK, Heard, Listener, Notifier, running
from server.gateway import webhooks
from server.gateway.app import api_app, plain_app, tell_of
from server.gateway.documents import OPENAPI, documents
from server.gateway.operations import operations
from server.gateway.server import HttpServer
from server.health import Readiness
from server.lifespan import Part
from server.preparation import Preparation
from server.rpc.health import Health
from server.rpc.pipeline import Pipeline
from server.rpc.server import GrpcServer
from server.wiring.cashier import Cashier, cashier
from server.wiring.dependencies import dependencies_of
from server.wiring.doors import methods, pipeline
from server.wiring.due import due_runs
from server.wiring.house import House
from server.worker import Duty, Worker

Run = Callable[[asyncio.Event], Awaitable[None]]

ROLES: Final = frozenset({"api", "relay", "consumer", "worker"})


@dataclass(frozen=True, slots=True)
class Running:
    """Parts that run together, the addresses they have, and whether they are ready."""

    parts: tuple[Part, ...]
    readiness: Readiness
    http_port: int
    grpc_port: int | None
    health: Health | None

    async def ready(self) -> bool:
        """Whether everything is there, and gRPC's callers are told so."""
        return (await self.readiness.phase()).serving and (self.health is None or self.health.serving)

    async def ready_before(self, stop: asyncio.Event) -> bool:
        """Wait until everything is there; False when `stop` came first."""
        while not stop.is_set():
            if await self.ready():
                return True
            await asyncio.sleep(0.05)
        return False


@asynccontextmanager
async def assembled(house: House, roles: Collection[str]) -> AsyncIterator[Running]:
    """The parts of some roles, ports bound. Raises AddressInUse, InsecureIdentity."""
    async with cashier(house.settings, house.clock, roles) as till, _assembled(house, roles, till) as running:
        yield running


@asynccontextmanager
async def _assembled(house: House, roles: Collection[str], till: Cashier) -> AsyncIterator[Running]:
    readiness = Readiness()
    dependencies = dependencies_of(house, roles)
    for dependency in dependencies:
        readiness.add(dependency.name, dependency.ping, kept=dependency.kept)
    preparation = Preparation(dependencies, readiness.started)
    notifier = Notifier(house.database)
    if "api" in roles and house.shared_cache:
        readiness.add("cache", house.shared_cache.ping, needed=False)
    units = Units(house.database, house.encodings, house.ids, _wake(house, roles, notifier))
    grace = house.settings.shutdown_grace
    serving = pipeline(house, units, till) if "api" in roles else None
    http = HttpServer(
        house.settings.http_address,
        _app(house, serving, [*operations(readiness, house.telemetry), *_webhooks(house, till, units)]),
        share_port=house.settings.http_share_port,
        own_address=house.settings.http_own_address,
        tell=tell_of(house.ids, house.telemetry),
    )
    due = due_runs(house, units, till, f"{house.settings.http_address.rpartition(':')[0]}:{http.port}")
    parts = [
        Part("preparation", preparation.run),
        # Parts stop last to first: the doors are closed when the history writes its last rows.
        *(Part(name, preparation.first(run)) for name, run in _beneath(house).items() if "api" in roles),
        Part("http", partial(_http, http, serving, grace)),
        *_behind(house, roles, preparation, units),
        *(Part(name, preparation.first(run)) for name, run in due.items() if "worker" in roles),
    ]
    grpc = health = None
    if serving is not None:
        health = Health(sorted({method.service for method in methods().values()}))
        settings = house.settings
        grpc = GrpcServer(settings.grpc_address, serving, health, share_port=settings.grpc_share_port)
        parts += [
            Part("health", partial(readiness.run, tell=partial(_tell, health))),
            Part("grpc", partial(grpc.run, grace=grace)),
        ]
    heard = _heard(house, roles)
    async with running(notifier.run, *([Listener(house.database, heard).run] if heard else [])):
        yield Running(tuple(parts), readiness, http.port, grpc.port if grpc else None, health)


def _wake(house: House, roles: Collection[str], notifier: Notifier) -> Wake:
    """Whoever works in this process is told at once, and the other processes unless all the work is done here.

    Watchers are told by notice alone, this process's too: they may be anywhere, and one way is enough.
    """
    elsewhere = not {"relay", "worker"} <= set(roles)

    def wake(left: Left) -> None:
        if left.work:
            house.wake()
        if left.work and elsewhere:
            notifier.work()
        if left.scopes:
            house.generations.moved(left.scopes)
        if keys := left.keys | ({NOTICE} if left.scopes else set()):
            notifier.news(keys)

    return wake


def _heard(house: House, roles: Collection[str]) -> dict[str, Heard]:
    """What this process listens for, by channel."""
    heard: dict[str, Heard] = {WORK: lambda _: house.wake()} if {"relay", "worker"} & set(roles) else {}
    return heard | ({NEWS: partial(_news, house)} if "api" in roles else {})


def _beneath(house: House) -> dict[str, Run]:
    """What the API's answers lean on."""
    return {"generations": house.generations.run, "history": house.history.run}


def _news(house: House, payload: str) -> None:
    house.news.heard(payload)
    house.generations.heard(payload)


def _app(house: House, serving: Pipeline | None, routes: list[Route]) -> ASGIApp:
    """What this process serves over HTTP: the API and its documentation only where it has one."""
    if serving is None:
        return plain_app(routes, house.telemetry)
    routes = [*routes, *documents(OPENAPI.read_bytes())]
    return api_app(serving, house.ids, house.telemetry, routes, house.settings.cors_origins)


async def _http(http: HttpServer, serving: Pipeline | None, grace: float, stop: asyncio.Event) -> None:
    """Serve; at the end the writes whose callers left come to theirs, as at the other door."""
    await http.run(stop, grace=grace)
    if serving is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(serving.drain(), grace)


def _webhooks(house: House, till: Cashier, units: Units) -> list[Route]:
    """The provider's way to tell us things."""
    notices = house.notices(units.begin)

    async def receive(notice: Notice) -> bool:
        call = Call(actor=Actor(id=f"system:{notice.provider}"), causation_id=notice.event_id)
        return await notices.receive(call, notice)

    return [route for webhook in till.webhooks for route in webhooks.routes(webhook, receive, house.telemetry)]


def _tell(health: Health, ready: bool) -> None:
    health.serve(ready=ready)


def _behind(house: House, roles: Collection[str], preparation: Preparation, units: Units) -> list[Part]:
    """The roles that nobody calls, each begun when everything is prepared."""
    relay = Relay(SqlOutbox(house.database), house.broker, house.woken, house.telemetry, house.clock)
    inbox = SqlInbox(house.database, house.encodings, house.ids, house.clock, units.wake)
    routes = Routes(house.billing, house.settings.default_workshop, house.tracer)

    def effects(dead_letters: DeadLetters) -> Effects:
        return Effects(inbox, routes, dead_letters, house.telemetry)

    consumer = Consumer(INBOUND_QUEUE, house.broker, effects, house.telemetry)
    housekeeping = Housekeeping(house.database, house.clock)
    retention = CheckRetention(house.database, house.clock, days=house.settings.eligibility_history_days)
    worker = Worker(
        [
            Duty("housekeeping", 3600, housekeeping.run),
            Duty("retention of checks", 60, retention.run),
            Duty("measuring", 5, partial(housekeeping.measure, house.telemetry)),
        ]
    )
    runs = {"relay": relay.run, "consumer": consumer.run, "worker": worker.run}
    return [Part(name, preparation.first(run)) for name, run in runs.items() if name in roles]
