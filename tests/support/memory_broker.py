"""A broker kept in memory, for the relay's and the consumer's own rules: it takes, refuses and vanishes as told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from domain.events import Refusal
from messaging.broker import BrokerLost, Delivery, Message, Take
from messaging.topology import Finding, Topology


class MemoryBroker:
    """`fate` answers for each published message; `queue` holds what is delivered, and gets back what is not settled.

    A closed subscription puts its unsettled deliveries back in order, each counted once more.
    """

    def __init__(self, *queue: Message | Delivery) -> None:
        self.queue: deque[Delivery] = deque()
        self.waves: list[list[Message]] = []
        self.acked: list[Message] = []
        self.fate: Callable[[Message], Refusal | None] = lambda _: None
        self.before_wave: Callable[[], Awaitable[None]] | None = None
        self.lost = 0
        """How many of the next waves end with BrokerLost."""
        self.connections = 0
        self.prefetches: list[int] = []
        self.arrived = asyncio.Event()
        self._tags = 0
        for each in queue:
            self.deliver(each)

    def deliver(self, *messages: Message | Delivery) -> None:
        """Put messages at the end of the queue."""
        for message in messages:
            delivery = message if isinstance(message, Delivery) else Delivery(tag=0, message=message)
            self._tags += 1
            self.queue.append(replace(delivery, tag=self._tags))
        self.arrived.set()

    @property
    def published(self) -> list[Message]:
        """All that was taken, in order."""
        return [message for wave in self.waves for message in wave if self.fate(message) is None]

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[MemoryPublisher]:
        self.connections += 1
        yield MemoryPublisher(self)

    @asynccontextmanager
    async def subscription(self, queue: str, *, prefetch: int) -> AsyncIterator[MemorySubscription]:  # noqa: ARG002
        self.prefetches.append(prefetch)
        subscription = MemorySubscription(self, prefetch)
        try:
            yield subscription
        finally:
            back = [replace(each, deliveries=each.deliveries + 1) for each in subscription.unsettled.values()]
            self.queue.extendleft(reversed(back))

    async def inspect(self, queue: str, *, limit: int) -> Sequence[Message]:
        raise AssertionError(f"nothing here looks into {queue} for {limit} messages")

    def taking(self, queue: str, *, limit: int) -> AbstractAsyncContextManager[Sequence[tuple[Message, Take]]]:
        raise AssertionError(f"nothing here takes {limit} messages of {queue}")

    async def plan(self, topology: Topology) -> Sequence[Finding]:
        raise AssertionError(f"nothing here plans {topology}")

    async def apply(self, topology: Topology) -> Sequence[Finding]:
        raise AssertionError(f"nothing here applies {topology}")

    async def verify(self, topology: Topology) -> None:
        raise AssertionError(f"nothing here verifies {topology}")

    async def ping(self) -> None:
        """Always there."""


class MemoryPublisher:
    """Publishes to a MemoryBroker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(self, wave: Sequence[Message]) -> Sequence[Refusal | None]:
        if self._broker.before_wave:
            await self._broker.before_wave()
        if self._broker.lost:
            self._broker.lost -= 1
            raise BrokerLost("the test cut the connection")
        self._broker.waves.append(list(wave))
        return [self._broker.fate(message) for message in wave]


class MemorySubscription:
    """Delivers a MemoryBroker's queue."""

    def __init__(self, broker: MemoryBroker, prefetch: int) -> None:
        self.unsettled: dict[int, Delivery] = {}
        self._broker = broker
        self._prefetch = prefetch
        self._stopped = False

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        while not self._stopped:
            self._broker.arrived.clear()
            while self._broker.queue and len(self.unsettled) < self._prefetch and not self._stopped:
                delivery = self._broker.queue.popleft()
                self.unsettled[delivery.tag] = delivery
                yield delivery
            if not self._stopped:
                await self._broker.arrived.wait()

    async def ack(self, delivery: Delivery) -> None:
        del self.unsettled[delivery.tag]
        self._broker.acked.append(delivery.message)
        self._broker.arrived.set()

    async def reject(self, delivery: Delivery) -> None:
        del self.unsettled[delivery.tag]
        self._broker.queue.appendleft(replace(delivery, deliveries=delivery.deliveries + 1))
        self._broker.arrived.set()

    async def stop(self) -> None:
        self._stopped = True
        self._broker.arrived.set()
