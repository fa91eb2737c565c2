"""The composition root: the one place that knows every room, and hands each what it needs of the others."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import psycopg
import structlog

from acerto.billing.v1 import billing_service_pb2
from domain.billing.ports import Begin
from domain.billing.use_cases import Billing
from domain.errors import Unavailable
from domain.events import Encode
from messaging.broker import Broker, BrokerLost
from messaging.codec import encode_json, encode_protobuf
from messaging.consumer import Consumer
from messaging.dead_letters import DeadLetters
from messaging.effects import Effects
from messaging.postgres import PostgresBroker
from messaging.rabbitmq import RabbitBroker
from messaging.relay import Relay
from messaging.routes import Routes
from messaging.topology import INBOUND_QUEUE, Topology, own, with_partners
from persistence import migrations
from persistence.embedded import EmbeddedPostgres
from persistence.engine import Database, address
from persistence.housekeeping import Housekeeping
from persistence.inbox import SqlInbox
from persistence.outbox import SqlOutbox
from persistence.unit_of_work import Units
from persistence.views import Views
from persistence.wake import Listener, Notifier, running
from server.access.development import DevelopmentIdentity
from server.failpoints import arm
from server.gateway.operations import operations
from server.gateway.server import HttpServer
from server.health import Readiness
from server.lifespan import Part
from server.preparation import Dependency, Preparation
from server.rpc.billing import BillingServicer
from server.rpc.health import Health
from server.rpc.journal import Journal
from server.rpc.methods import Method, methods_of
from server.rpc.page_tokens import PageTokens
from server.rpc.pipeline import Limits, Pipeline
from server.rpc.server import GrpcServer
from server.settings import Settings
from server.system import SystemClock, SystemIds
from server.telemetry import Telemetry
from server.worker import Duty, Worker

ROLES: Final = frozenset({"api", "relay", "consumer", "worker"})


class NotMigrated(Exception):
    """The database lacks migrations, and this environment does not apply them by itself; the text names them."""


@dataclass(frozen=True, kw_only=True)
class House:
    """What is made once, whatever roles run; the commands use it too."""

    settings: Settings
    database: Database
    broker: Broker
    broker_address: str
    views: Views
    clock: SystemClock = field(default_factory=SystemClock)
    ids: SystemIds = field(default_factory=SystemIds)
    telemetry: Telemetry = field(default_factory=Telemetry)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def develops(self) -> bool:
        """Whether this environment may change its database and broker by itself."""
        return self.settings.env == "development"

    @property
    def topology(self) -> Topology:
        """What the broker must have; the partners' own queues in development only."""
        topology = own(single_active_consumer=self.settings.single_active_consumer)
        return with_partners(topology) if self.develops else topology

    @property
    def encodings(self) -> tuple[Encode, ...]:
        """How each fact is published."""
        return (encode_json, encode_protobuf) if self.settings.protobuf_events else (encode_json,)

    def billing(self, begin: Begin) -> Billing:
        """Billing's use cases over a `begin`."""
        return Billing(begin, self.clock, self.ids, self.settings.default_price)


@asynccontextmanager
async def built(settings: Settings) -> AsyncIterator[House]:
    """The house, with an embedded database where no URL names another. Nothing need be there yet but that."""
    arm(settings.failpoints, settings.env)
    async with AsyncExitStack() as stack:
        if settings.database_url:
            url = settings.database_url.get_secret_value()
        else:
            embedded = EmbeddedPostgres(settings.data_dir / "postgres")
            url = await stack.enter_async_context(embedded.running())
        database = await stack.enter_async_context(Database(url, size=settings.database_pool).opened())
        amqp = settings.broker_url and settings.broker_url.get_secret_value()
        yield House(
            settings=settings,
            database=database,
            broker=RabbitBroker(amqp) if amqp else PostgresBroker(url),
            broker_address=amqp.rpartition("@")[2] if amqp else address(url),
            views=Views(database),
        )


@dataclass(frozen=True, slots=True)
class Running:
    """Parts that run together, the addresses they have, and whether they are ready."""

    parts: tuple[Part, ...]
    readiness: Readiness
    http_port: int
    grpc_port: int | None


@asynccontextmanager
async def assembled(house: House, roles: Collection[str]) -> AsyncIterator[Running]:
    """The parts of some roles, ports bound. Raises AddressInUse, InsecureIdentity."""
    readiness = Readiness()
    dependencies = _dependencies(house, roles)
    for dependency in dependencies:
        readiness.add(dependency.name, dependency.ping)
    preparation = Preparation(dependencies, readiness.started)
    notifier = Notifier(house.database)
    wake = house.woken.set if "relay" in roles else notifier
    units = Units(house.database, house.encodings, house.ids, wake)
    grace = house.settings.shutdown_grace
    http = HttpServer(house.settings.http_address, operations(readiness, house.telemetry))
    parts = [
        Part("preparation", preparation.run),
        Part("http", partial(http.run, grace=grace)),
        *_behind(house, roles, preparation, units),
    ]
    grpc = None
    if "api" in roles:
        health = Health(sorted({method.service for method in _methods().values()}))
        grpc = GrpcServer(house.settings.grpc_address, _pipeline(house, units), health)
        parts += [
            Part("health", partial(readiness.run, tell=lambda ready: health.serve(ready=ready))),
            Part("grpc", partial(grpc.run, grace=grace)),
        ]
    background = [notifier.run, Listener(house.database, house.woken).run] if "relay" in roles else [notifier.run]
    async with running(*background):
        yield Running(tuple(parts), readiness, http.port, grpc.port if grpc else None)


def _behind(house: House, roles: Collection[str], preparation: Preparation, units: Units) -> list[Part]:
    """The roles that nobody calls, each begun when everything is prepared."""
    relay = Relay(SqlOutbox(house.database), house.broker, house.woken, house.telemetry, house.clock)
    inbox = SqlInbox(house.database, house.encodings, house.ids, house.clock, units.wake)
    routes = Routes(house.billing, house.settings.default_workshop)

    def effects(dead_letters: DeadLetters) -> Effects:
        return Effects(inbox, routes, dead_letters, house.telemetry)

    consumer = Consumer(INBOUND_QUEUE, house.broker, effects, house.telemetry)
    housekeeping = Housekeeping(house.database, house.clock)
    worker = Worker(
        [
            Duty("housekeeping", 3600, housekeeping.run),
            Duty("measuring", 5, partial(housekeeping.measure, house.telemetry)),
        ]
    )
    runs = {"relay": relay.run, "consumer": consumer.run, "worker": worker.run}
    return [Part(name, preparation.first(run)) for name, run in runs.items() if name in roles]


def _pipeline(house: House, units: Units) -> Pipeline:
    methods = _methods()
    settings = house.settings
    pipeline = Pipeline(
        identify=DevelopmentIdentity(settings.env, (method.permission for method in methods.values())),
        ids=house.ids,
        journal=Journal(house.telemetry, structlog.get_logger()),
        limits=Limits(concurrent=settings.max_concurrent_requests, default_timeout=settings.request_timeout),
    )
    billing = BillingServicer(
        house.billing(units.begin),
        house.views,
        PageTokens(_signing_key(settings)),
        default_workshop=settings.default_workshop,
        clock=house.clock,
    )
    for method in methods.values():
        pipeline.add(method, billing)
    return pipeline


def _methods() -> dict[str, Method]:
    return methods_of([billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"]])


async def migrated(house: House) -> None:
    """Apply the migrations that are missing, in development; elsewhere refuse to go on. Raises NotMigrated."""
    url = house.database.url
    missing = await asyncio.to_thread(migrations.pending, url)
    if missing and not house.develops:
        raise NotMigrated(
            f"the database {address(url)} lacks the migrations {', '.join(missing)}: "
            "run `python -m server migrate` with the same ACERTO_DATABASE_URL"
        )
    if missing:
        await asyncio.to_thread(migrations.upgrade, url)


async def declared(house: House) -> None:
    """Declare the topology, in development; elsewhere check that it is there. Raises TopologyConflict, BrokerLost."""
    await (house.broker.apply(house.topology) if house.develops else house.broker.verify(house.topology))


def _dependencies(house: House, roles: Collection[str]) -> list[Dependency]:
    database = Dependency(
        "database",
        address(house.database.url),
        house.database.ping,
        partial(migrated, house),
        (psycopg.Error, Unavailable, OSError),
    )
    if not {"relay", "consumer"} & set(roles):
        return [database]
    broker = Dependency(
        "broker", house.broker_address, house.broker.ping, partial(declared, house), (BrokerLost, OSError)
    )
    return [database, broker]


def _signing_key(settings: Settings) -> bytes:
    """The key of page tokens; in development made once, in the data folder."""
    if settings.signing_key:
        return settings.signing_key.get_secret_value().encode()
    path = settings.data_dir / "signing-key"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_bytes()
