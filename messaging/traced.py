"""A broker whose publishes are traced: one span per wave, linked to the span that made each of its facts.

A link, not a parent: a wave carries facts of many requests, and a repeat comes long after its request ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from domain.events import Refusal
from domain.tracing import Tracer
from messaging.broker import Broker, Message, Publisher, Subscription, Take
from messaging.topology import Finding, Topology

_HEADERS = ("traceparent", "tracestate")


class TracedBroker:
    """Passes everything on, and traces what is published."""

    def __init__(self, broker: Broker, tracer: Tracer) -> None:
        self._broker = broker
        self._tracer = tracer

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """A publishing connection whose waves are spans."""
        async with self._broker.publisher() as publisher:
            yield _TracedPublisher(publisher, self._tracer)

    def subscription(self, queue: str, *, prefetch: int) -> AbstractAsyncContextManager[Subscription]:
        """As the broker's."""
        return self._broker.subscription(queue, prefetch=prefetch)

    def taking(self, queue: str, *, limit: int) -> AbstractAsyncContextManager[Sequence[tuple[Message, Take]]]:
        """As the broker's."""
        return self._broker.taking(queue, limit=limit)

    async def inspect(self, queue: str, *, limit: int) -> Sequence[Message]:
        """As the broker's."""
        return await self._broker.inspect(queue, limit=limit)

    async def plan(self, topology: Topology) -> Sequence[Finding]:
        """As the broker's."""
        return await self._broker.plan(topology)

    async def apply(self, topology: Topology) -> Sequence[Finding]:
        """As the broker's."""
        return await self._broker.apply(topology)

    async def verify(self, topology: Topology) -> None:
        """As the broker's."""
        await self._broker.verify(topology)

    async def ping(self) -> None:
        """As the broker's."""
        await self._broker.ping()


class _TracedPublisher:
    def __init__(self, publisher: Publisher, tracer: Tracer) -> None:
        self._publisher = publisher
        self._tracer = tracer

    async def publish(self, wave: Sequence[Message]) -> Sequence[Refusal | None]:
        links = [
            {name: str(message.headers[name]) for name in _HEADERS if name in message.headers}
            for message in wave
            if "traceparent" in message.headers
        ]
        with self._tracer.span("publish", parent={}, links=links):
            return await self._publisher.publish(wave)
