"""What a partner's queue of its own gets of claims and invoices: the demo reads it, and shows each event as it came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from messaging.broker import Broker, Delivery, Message, Subscription
from messaging.codec import contracts
from messaging.topology import OWN_EXCHANGE, Binding, Queue, Topology
from server.commands.sample import PATIENCE, SagaStuck, say

QUEUE: Final = "demo-clinic"
_NOUNS: Final = ("claim-", "invoice-")


@asynccontextmanager
async def arriving(broker: Broker) -> AsyncIterator[Arrivals]:
    """A queue bound to every event of claims and invoices, made where there is none, and read while the block runs.

    Raises BrokerLost, TopologyConflict.
    """
    keys = [made.routing_key for made in contracts().values() if made.routing_key.startswith(_NOUNS)]
    bindings = tuple(Binding(OWN_EXCHANGE, key, QUEUE) for key in keys)
    await broker.apply(Topology(exchanges=(OWN_EXCHANGE,), queues=(Queue(QUEUE),), bindings=bindings))
    async with broker.subscription(QUEUE, prefetch=1) as subscription:
        yield Arrivals(subscription, aiter(subscription))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The queue, one event at a time."""

    subscription: Subscription
    deliveries: AsyncIterator[Delivery]

    async def show(self, routing_key: str) -> None:
        """Wait for the next event, which must be this one, and show it. Raises SagaStuck."""
        message = await self._next(routing_key)
        if message.routing_key != routing_key:
            raise SagaStuck(f"{message.routing_key} came where {routing_key} was awaited")
        event = f"{message.headers['EventType']}  (event {message.headers['EventId']})"
        say(f"    -> {event}, arrived as {routing_key}\n       {message.body.decode()}")

    async def _next(self, routing_key: str) -> Message:
        try:
            async with asyncio.timeout(PATIENCE):
                delivery = await anext(self.deliveries)
        except TimeoutError as error:
            raise SagaStuck(f"{routing_key} did not come within {PATIENCE:g} s") from error
        await self.subscription.ack(delivery)
        return delivery.message
