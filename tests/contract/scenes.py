"""A broker with names of one's own on it, and the few moves that every contract test makes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from messaging.broker import Broker, Delivery, Message, Subscription
from messaging.postgres import PostgresBroker
from messaging.rabbitmq import RabbitBroker
from messaging.topology import Binding, Queue, Topology
from tests.support.waiting import eventually

PATIENCE = 10.0
"""Seconds until something that must happen is taken not to."""


@dataclass(frozen=True)
class Scene:
    """A broker and the names that this test alone uses on it."""

    broker: Broker
    url: str
    token: str

    @property
    def exchange(self) -> str:
        return f"{self.token}.events"

    @property
    def queue(self) -> str:
        return f"{self.token}-inbound"

    @property
    def graveyard(self) -> str:
        return f"{self.token}-inbound-dlq"

    def topology(self, **queue: Any) -> Topology:
        """One exchange, one queue bound by `made`, and its dead-letter queue; `queue` changes the queue's arguments."""
        dead_letters = f"{self.token}.dlx"
        inbound = Queue(self.queue, dead_letter_to=self.graveyard, delivery_limit=20, dead_letter_exchange=dead_letters)
        return Topology(
            exchanges=(self.exchange, dead_letters),
            queues=(replace(inbound, **queue), Queue(self.graveyard)),
            bindings=(
                Binding(self.exchange, "made", self.queue),
                Binding(dead_letters, self.graveyard, self.graveyard),
            ),
        )

    def message(self, n: int = 0, **changes: Any) -> Message:
        """A message that the topology's queue gets."""
        plain = Message(exchange=self.exchange, routing_key="made", message_id=f"id-{n}", body=b'{"n": %d}' % n)
        return replace(plain, **changes)

    async def publish(self, *wave: Message) -> Sequence[Any]:
        async with self.broker.publisher() as publisher:
            return await publisher.publish(wave)

    async def send(self, count: int) -> None:
        """Publish `count` messages, all of which the broker takes."""
        assert set(await self.publish(*(self.message(n) for n in range(count)))) == {None}

    async def bodies(self, queue: str, *, count: int) -> list[bytes]:
        """The bodies that `queue` holds, as soon as they are `count`; messages on their way back count when there."""

        async def there() -> list[bytes]:
            found = [message.body for message in await self.broker.inspect(queue, limit=count + 5)]
            assert len(found) == count, found
            return found or [b"nothing"]

        found = await eventually(there, within=PATIENCE, every=0.1)
        return found if count else []


def scene(kind: str, url: str, **limits: Any) -> Scene:
    """A scene on the adapter of that kind; `limits` as its constructor takes them."""
    broker: Broker = RabbitBroker(url, **limits) if kind == "rabbitmq" else PostgresBroker(url, lease=1.0, **limits)
    return Scene(broker, url, f"contract-{secrets.token_hex(4)}")


async def some(deliveries: Subscription | AsyncIterator[Delivery], count: int) -> list[Delivery]:
    """The next `count` deliveries. Raises TimeoutError when they do not come."""
    came = aiter(deliveries)
    async with asyncio.timeout(PATIENCE):
        return [await anext(came) for _ in range(count)]


async def silent(deliveries: Subscription, *, seconds: float = 0.6) -> bool:
    """Whether nothing comes for a while."""
    coming = asyncio.ensure_future(anext(aiter(deliveries)))
    done, _ = await asyncio.wait({coming}, timeout=seconds)
    coming.cancel()
    return not done
