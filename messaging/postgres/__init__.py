"""The broker port on PostgreSQL tables: durable, at least once, enough for one workshop or clinic.

The same promises as RabbitMQ through the same contract suite; only binding keys with * or # are not understood.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg

from messaging.broker import BrokerLost, Message, Take
from messaging.limits import MAX_BODY
from messaging.postgres import declare, statements
from messaging.postgres.publisher import PostgresPublisher
from messaging.postgres.session import Limits, Session, connected, told
from messaging.postgres.subscription import Holding, PostgresSubscription, delivery, watched
from messaging.topology import Finding, Topology


class PostgresBroker:
    """The schema `broker` of the database at a postgresql:// URL.

    Time limits in seconds: `publish_timeout` for a whole wave, `connect_timeout`, and `lease`, for which a consumer
    that went silent keeps its messages and its queue. `max_body` in bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        publish_timeout: float = 5.0,
        connect_timeout: float = 5.0,
        lease: float = 10.0,
        max_body: int = MAX_BODY,
    ) -> None:
        self._url = url
        self._timeout = publish_timeout
        self._limits = Limits(reply=publish_timeout, connect=connect_timeout, lease=timedelta(seconds=lease))
        self._max_body = max_body

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[PostgresPublisher]:
        async with self._connected() as session:
            yield PostgresPublisher(session, timeout=self._timeout, max_body=self._max_body)

    @asynccontextmanager
    async def subscription(self, queue: str, *, prefetch: int) -> AsyncIterator[PostgresSubscription]:
        async with self._holding(queue, competes=True) as holding:
            subscription = PostgresSubscription(holding, prefetch=prefetch)
            try:
                yield subscription
            finally:
                await subscription.give_back()

    async def inspect(self, queue: str, *, limit: int) -> Sequence[Message]:
        async with self._connected() as session:
            await declare.require(session, queue)
            rows = await session.run(statements.READ, {"queue": queue, "room": limit})
            return [delivery(row).message for row in rows]

    @asynccontextmanager
    async def taking(self, queue: str, *, limit: int) -> AsyncIterator[Sequence[tuple[Message, Take]]]:
        async with self._connected() as session:
            await declare.require(session, queue)
        async with self._holding(queue, competes=False) as holding:
            rows = await holding.say(statements.CLAIM, room=limit)
            held = sorted((delivery(row) for row in rows), key=lambda each: each.tag)
            try:
                yield [(each.message, _Taking(holding, each.tag)) for each in held]
            finally:
                await holding.leave(seen=(), unseen=[each.tag for each in held])

    async def plan(self, topology: Topology) -> Sequence[Finding]:
        async with self._connected() as session:
            return await declare.plan(session, topology)

    async def apply(self, topology: Topology) -> Sequence[Finding]:
        async with self._connected() as session:
            try:
                return await declare.apply(session, topology)
            except psycopg.Error as error:
                raise BrokerLost(f"the PostgreSQL broker: {told(error)}") from error

    async def verify(self, topology: Topology) -> None:
        async with self._connected() as session:
            await declare.verify(session, topology)

    async def ping(self) -> None:
        async with self._connected() as session:
            await session.run("SELECT 1")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Session]:
        async with connected(self._url, self._limits) as session:
            yield session

    @asynccontextmanager
    async def _holding(self, queue: str, *, competes: bool) -> AsyncIterator[Holding]:
        # Two connections: one that listens cannot do anything else meanwhile.
        async with (
            connected(self._url, self._limits, durable=not competes) as session,
            connected(self._url, self._limits) as listener,
        ):
            holding = Holding(session, queue, lease=self._limits.lease, competes=competes)
            async with watched(holding, listener):
                yield holding


class _Taking:
    """Removes one held message for good."""

    def __init__(self, holding: Holding, tag: int) -> None:
        self._holding = holding
        self._tag = tag

    async def __call__(self) -> None:
        await self._holding.settle(self._tag)
