"""What is made once, whatever roles run: the database, the broker, and how facts are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.billing.ports import Begin
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.notices import Notices
from domain.billing.use_cases.payments import Payments
from domain.claims.ports import Begin as BeginClaims
from domain.claims.ports import Reference
from domain.claims.rules import ClaimRules
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.batches import Batches
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.deadlines import AppealDeadlines
from domain.claims.use_cases.invoices import Invoices
from domain.claims.use_cases.old_statuses import OldStatuses
from domain.eligibility.ports import Cache, InsurerServices
from domain.events import Encode
from domain.tracing import Tracer
from messaging.broker import Broker
from messaging.codec import encode_json, encode_protobuf
from messaging.postgres import PostgresBroker
from messaging.rabbitmq import RabbitBroker
from messaging.topology import Topology, own, with_partners
from messaging.traced import TracedBroker
from persistence.cache_layers import LayeredCache
from persistence.cache_memory import MemoryCache
from persistence.check_history import CheckHistory
from persistence.claim_views import ClaimViews
from persistence.embedded import EmbeddedPostgres
from persistence.engine import Database, address
from persistence.generations import KnownGenerations
from persistence.news import Newsroom
from persistence.views import Views
from server.failpoints import arm
from server.providers.insurers.client import InsurerClients
from server.rpc.claims import ClaimUseCases
from server.settings import Settings
from server.system import SystemClock, SystemIds
from server.telemetry import Telemetry
from server.tracing import tracer_for

if TYPE_CHECKING:
    from persistence.cache_redis import RedisCache

LARGEST_BODY = 128 * 1024 * 1024
"""Bytes: what RabbitMQ 3.x may deliver to us must be sendable as a dead letter. Our own events have 1 MiB at most."""


@dataclass(frozen=True, kw_only=True)
class House:
    """What is made once, whatever roles run; the commands use it too."""

    settings: Settings
    database: Database
    broker: Broker
    broker_address: str
    views: Views
    claim_views: ClaimViews
    tracer: Tracer
    generations: KnownGenerations
    history: CheckHistory
    telemetry: Telemetry
    cache: Cache
    insurers: InsurerServices
    shared_cache: RedisCache | None
    """The part of `cache` outside this process, where there is one."""
    clock: SystemClock = field(default_factory=SystemClock)
    ids: SystemIds = field(default_factory=SystemIds)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after a commit that left facts for a relay in this process."""
    due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after one that left work for a worker in this process."""
    news: Newsroom = field(default_factory=Newsroom)
    """Where this process hears what happened to a key, and hands it on to those who asked."""

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
        return Billing(begin, self.clock, self.ids, self.settings.billing_rules)

    def payments(self, begin: Begin) -> Payments:
        """The use cases of payments over a `begin`."""
        return Payments(begin, self.clock, self.ids, self.settings.billing_rules)

    def notices(self, begin: Begin) -> Notices:
        """The use cases of providers' notices over a `begin`."""
        return Notices(begin, self.clock, self.ids)

    def claims(self, begin: BeginClaims, reference: Reference) -> ClaimUseCases:
        """The use cases of claims and invoices over a `begin`; `reference` is what they ask of eligibility."""
        return ClaimUseCases(
            Claims(begin, self.clock, self.ids, reference, self.claim_views),
            Adjudications(begin, self.clock, self.ids, AppealDeadlines(ClaimRules(), reference, self.claim_views)),
            Batches(begin, self.clock, self.ids),
            Invoices(begin, self.clock, self.ids),
            OldStatuses(begin, self.clock, self.ids),
        )

    def wake(self) -> None:
        """Tell whoever works in this process that there is work."""
        self.woken.set()
        self.due.set()


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
        tracer = tracer_for(settings.otlp_endpoint)
        broker: Broker = (
            RabbitBroker(amqp, max_body=LARGEST_BODY) if amqp else PostgresBroker(url, max_body=LARGEST_BODY)
        )
        telemetry, clock = Telemetry(), SystemClock()
        near = MemoryCache(telemetry)
        redis = None
        if settings.cache_url:
            from persistence.cache_redis import RedisCache

            shared = RedisCache(settings.cache_url.get_secret_value(), telemetry)
            redis = await stack.enter_async_context(shared.opened())
        yield House(
            settings=settings,
            database=database,
            broker=TracedBroker(broker, tracer) if settings.otlp_endpoint else broker,
            tracer=tracer,
            broker_address=amqp.rpartition("@")[2] if amqp else address(url),
            views=Views(database),
            claim_views=ClaimViews(database),
            clock=clock,
            generations=KnownGenerations(database),
            history=CheckHistory(database, clock, telemetry),
            telemetry=telemetry,
            cache=LayeredCache(near, redis) if redis else near,
            insurers=await stack.enter_async_context(
                InsurerClients(
                    settings.insurer_services, settings.tokens_of_insurers, time_limit=settings.insurer_timeout
                )
            ),
            shared_cache=redis,
        )
