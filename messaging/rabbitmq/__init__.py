"""The broker port on RabbitMQ 3.10 to 4.x, over AMQP 0-9-1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiormq.channel import Channel
from aiormq.exceptions import ChannelClosed
from pamqp import commands

from messaging.broker import BrokerLost, Delivery, Message, Take, TopologyConflict
from messaging.limits import MAX_BODY
from messaging.rabbitmq import declare
from messaging.rabbitmq.careful import Manners
from messaging.rabbitmq.link import LOST, Limits, Link, linked, told
from messaging.rabbitmq.publisher import Pace, RabbitPublisher
from messaging.rabbitmq.subscription import RabbitSubscription
from messaging.rabbitmq.wire import delivery
from messaging.topology import Finding, Topology


class RabbitBroker:
    """RabbitMQ at an amqp:// or amqps:// URL.

    Time limits in seconds: `publish_timeout` for a whole wave, `heartbeat` (a half-open connection is noticed after
    about three), `connect_timeout`. `max_body` in bytes. `grouped_writes` off publishes through aiormq's public way.
    """

    def __init__(
        self,
        url: str,
        *,
        publish_timeout: float = 5.0,
        heartbeat: int = 5,
        connect_timeout: float = 10.0,
        max_body: int = MAX_BODY,
        grouped_writes: bool = True,
    ) -> None:
        self._url = url
        self._limits = Limits(heartbeat=heartbeat, connect=connect_timeout)
        self._manners = Manners()
        self._pace = Pace(timeout=publish_timeout, max_body=max_body, grouped=grouped_writes)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[RabbitPublisher]:
        async with self._linked() as link:
            yield RabbitPublisher(link, self._pace)

    @asynccontextmanager
    async def subscription(self, queue: str, *, prefetch: int) -> AsyncIterator[RabbitSubscription]:
        async with self._linked() as link:
            subscription = RabbitSubscription(link, await link.channel())
            await subscription.start(queue, prefetch=prefetch)
            yield subscription

    async def inspect(self, queue: str, *, limit: int) -> Sequence[Message]:
        # The broker counts a message that goes back as one more delivery: hence the dead-letter queue's limit.
        async with self._linked() as link:
            return [held.message for held in await _hold(link, await link.channel(), queue, limit)]

    @asynccontextmanager
    async def taking(self, queue: str, *, limit: int) -> AsyncIterator[Sequence[tuple[Message, Take]]]:
        async with self._linked() as link:
            channel = await link.channel()
            held = await _hold(link, channel, queue, limit)
            yield [(each.message, _Taking(link, channel, each.tag)) for each in held]

    async def plan(self, topology: Topology) -> Sequence[Finding]:
        async with self._linked() as link:
            return await declare.plan(link, topology)

    async def apply(self, topology: Topology) -> Sequence[Finding]:
        async with self._linked() as link:
            return await declare.apply(link, topology)

    async def verify(self, topology: Topology) -> None:
        async with self._linked() as link:
            await declare.verify(link, topology)

    async def ping(self) -> None:
        async with self._linked() as link:
            await link.channel()

    @asynccontextmanager
    async def _linked(self) -> AsyncIterator[Link]:
        async with linked(self._url, self._limits, self._manners) as link:
            yield link


class _Taking:
    """Acknowledges one held message and waits until the broker has read that."""

    def __init__(self, link: Link, channel: Channel, tag: int) -> None:
        self._link = link
        self._channel = channel
        self._tag = tag

    async def __call__(self) -> None:
        try:
            await self._channel.basic_ack(self._tag)
            # An ack has no answer of its own; one on the same channel comes after the broker has read it.
            await self._link.call("taking a message", self._channel.basic_qos(prefetch_count=0))
        except LOST as error:
            raise BrokerLost(f"taking a message: {told(error)}") from error


async def _hold(link: Link, channel: Channel, queue: str, limit: int) -> Sequence[Delivery]:
    """Up to `limit` messages, unsettled, so that closing the link gives them back."""
    held: list[Delivery] = []
    try:
        while len(held) < limit:
            answer = await link.call("reading a queue", channel.basic_get(queue))
            if isinstance(answer.delivery, commands.Basic.GetEmpty):
                break
            held.append(delivery(answer))
    except ChannelClosed as refusal:
        raise TopologyConflict(f"queue {queue}: {told(refusal)}") from refusal
    return held
