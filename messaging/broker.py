"""The broker as the relay, the consumer and the tools see it; `rabbitmq.py` and `postgres.py` are its adapters.

Both adapters pass one contract suite (tests/contract/test_broker.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from domain.events import Refusal
from messaging.topology import Finding, Topology

HeaderValue = str | int


class BrokerLost(Exception):
    """The connection or the channel is gone, or a reply did not come in time; what was in flight is unknown."""


class TopologyConflict(Exception):
    """The broker has something under our name that is not what we declare; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it travels: routing, properties, headers and the exact body bytes.

    `message_id` is unique among the messages of one wave. `mandatory` refuses a message that no queue would get.
    """

    exchange: str
    routing_key: str
    message_id: str
    body: bytes
    content_type: str = "application/json"
    type: str = ""
    correlation_id: str = ""
    timestamp: int | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    mandatory: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message in our hands, not yet settled. `deliveries` counts the earlier tries that ended without an answer."""

    tag: int
    message: Message
    deliveries: int = 0


class Publisher(Protocol):
    """Sends waves of messages and hears of each one's fate."""

    async def publish(self, wave: Sequence[Message]) -> Sequence[Refusal | None]:
        """Write all, await all confirms; None where the broker took it, a Refusal where it did not, in wave order.

        Raises BrokerLost when the fate of any is unknown (time-out, connection or channel gone); close and reconnect.
        """
        ...


class Subscription(Protocol):
    """One queue's deliveries, at most `prefetch` unsettled at a time."""

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Deliveries in the queue's order. Raises BrokerLost when the connection goes."""
        ...

    async def ack(self, delivery: Delivery) -> None:
        """Tell the broker the message is done. Raises BrokerLost when it can no longer be told."""
        ...

    async def reject(self, delivery: Delivery) -> None:
        """Give the message back for another delivery, which counts."""
        ...

    async def stop(self) -> None:
        """Take no new deliveries: iterating ends after those already here, and what is in hand can still be settled."""
        ...


class Broker(Protocol):
    """One broker. Each context manager is one connection of its own, closed on the way out."""

    def publisher(self) -> AbstractAsyncContextManager[Publisher]:
        """A publishing connection. Raises BrokerLost when the broker is away."""
        ...

    def subscription(self, queue: str, *, prefetch: int) -> AbstractAsyncContextManager[Subscription]:
        """A consuming connection on one queue, active alone when the queue says so.

        Raises BrokerLost, also while the queue is not there: it may be made again at any time.
        """
        ...

    async def inspect(self, queue: str, *, limit: int) -> Sequence[Message]:
        """The first messages of a queue without taking them. Raises TopologyConflict when it is not there.

        For dead letters: RabbitMQ counts a look as a delivery, and gives none into a single active consumer's queue.
        """
        ...

    def taking(self, queue: str, *, limit: int) -> AbstractAsyncContextManager[Sequence[tuple[Message, Take]]]:
        """Hold up to `limit` messages of a queue; those whose Take is awaited are removed, the rest go back."""
        ...

    async def plan(self, topology: Topology) -> Sequence[Finding]:
        """What `apply` would do and what conflicts, changing nothing."""
        ...

    async def apply(self, topology: Topology) -> Sequence[Finding]:
        """Declare what is missing. Raises TopologyConflict, having changed nothing that exists."""
        ...

    async def verify(self, topology: Topology) -> None:
        """Check passively that all is there. Raises TopologyConflict that names what is not."""
        ...

    async def ping(self) -> None:
        """One round trip. Raises BrokerLost."""
        ...


class Take(Protocol):
    """Removes one held message from its queue for good."""

    async def __call__(self) -> None:
        """Remove it."""
        ...
