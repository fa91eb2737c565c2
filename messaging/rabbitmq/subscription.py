"""One queue's deliveries, handed out in order, settled by whoever holds them.

aiormq runs a task per delivery and cancels them all when the channel closes; so its callback only enqueues, and the
application's own lanes do the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import ChannelClosed

from messaging.broker import BrokerLost, Delivery
from messaging.rabbitmq.link import LOST, Link, told
from messaging.rabbitmq.wire import delivery


class RabbitSubscription:
    """A consumer on its own channel. After `stop`, iterating ends once all that had already arrived is handed out.

    RabbitMQ passes 32 acks per channel to a quorum queue at a time (quorum_commands_soft_limit) and forgets those that
    wait when the connection closes: of a burst of acks right before leaving, some messages come again.
    """

    def __init__(self, link: Link, channel: Channel) -> None:
        self._link = link
        self._channel = channel
        self._arrived: asyncio.Queue[Delivery | None] = asyncio.Queue()
        self._lost: BrokerLost | None = None
        self._tag = ""

    async def start(self, queue: str, *, prefetch: int) -> None:
        """Consume. Raises BrokerLost, also while the queue is not there."""
        self._channel.closing.add_done_callback(self._on_closing)
        self._channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        try:
            await self._link.call("setting the prefetch", self._channel.basic_qos(prefetch_count=prefetch))
            answer = await self._link.call("consuming", self._channel.basic_consume(queue, self._on_delivery))
        except ChannelClosed as refusal:
            raise BrokerLost(f"queue {queue}: {told(refusal)}") from refusal
        self._tag = answer.consumer_tag or ""

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        while True:
            arrived = await self._arrived.get()
            if self._lost is not None:
                raise self._lost
            if arrived is None:
                return
            yield arrived

    async def ack(self, delivery: Delivery) -> None:
        await self._tell(self._channel.basic_ack(delivery.tag, wait=False))

    async def reject(self, delivery: Delivery) -> None:
        # Not nack: from RabbitMQ 4.3 on only a reject counts towards the delivery limit.
        await self._tell(self._channel.basic_reject(delivery.tag, requeue=True, wait=False))

    async def stop(self) -> None:
        if self._lost is None:
            try:
                await self._link.call("cancelling", self._channel.basic_cancel(self._tag))
            except ChannelClosed as refusal:
                raise BrokerLost(told(refusal)) from refusal
            self._arrived.put_nowait(None)

    async def _tell(self, settling: Coroutine[Any, Any, None]) -> None:
        if self._lost is not None:
            settling.close()
            raise self._lost
        try:
            await settling
        except LOST as error:
            raise BrokerLost(f"settling: {told(error)}") from error

    async def _on_delivery(self, delivered: DeliveredMessage) -> None:
        self._arrived.put_nowait(delivery(delivered))

    def _on_cancel(self, _frame: object) -> None:
        self._lose("the broker cancelled the consumer: its queue is gone")

    def _on_closing(self, closing: asyncio.Future[Any]) -> None:
        error = None if closing.cancelled() else closing.exception()
        self._lose(f"the channel was closed: {told(error)}" if error else "the channel was closed")

    def _lose(self, why: str) -> None:
        self._lost = self._lost or BrokerLost(why)
        self._arrived.put_nowait(None)
