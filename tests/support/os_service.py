"""OSService as it meets us: it sends work orders and reads what became of them, and knows nothing but the wire.

On RabbitMQ it speaks by aio-pika alone. The PostgreSQL broker has no door but its adapter, so there it uses that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType
from aio_pika.exceptions import AMQPError
from pamqp.commands import Basic

from domain.cancellation import ended
from messaging.broker import BrokerLost, Message
from messaging.postgres import PostgresBroker
from tests.support.waiting import eventually

PARTNER_KEYS = (
    "budget-generated",
    "budget-approved",
    "budget-rejected",
    "payment-pending",
    "payment-confirmed",
    "payment-failed",
    "payment-reversed",
)
LOST = (AMQPError, BrokerLost, OSError, RuntimeError, TimeoutError)
_LOOK = 0.25


class _NoId(str):
    """No message id at all: aiormq makes one up for whatever is not true, and AMQP leaves out what is empty."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Event:
    """One message as it came out of a queue."""

    routing_key: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    message_id: str = ""
    type: str = ""
    correlation_id: str = ""
    content_type: str = ""
    app_id: str = ""
    persistent: bool = True
    timestamp: float | None = None

    @property
    def event_id(self) -> str:
        return str(self.headers.get("EventId", ""))

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def os_id(self) -> str:
        return str(self.content.get("OsId", ""))


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What OSService sends; every field may be as odd as partners are."""

    body: bytes
    routing_key: str = "os-created"
    exchange: str = "os.events"
    headers: Mapping[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    content_type: str | None = "application/json"


class Line(Protocol):
    """A way to a broker."""

    def sending(self) -> AbstractAsyncContextManager[Callable[[Letter], Any]]:
        """What sends a letter and returns when the broker has it."""
        ...

    async def listen(self, queue: str, hear: Callable[[Event], None]) -> None:
        """Hear all that a queue gives until the connection or the queue is lost; then raise."""
        ...


class RabbitLine:
    """RabbitMQ, by aio-pika."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[Callable[[Letter], Any]]:
        async with await aio_pika.connect(self.url, timeout=5) as connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)

            async def send(letter: Letter) -> None:
                underlay = await channel.get_underlay_channel()
                await underlay.basic_publish(
                    letter.body,
                    exchange=letter.exchange,
                    routing_key=letter.routing_key,
                    properties=_properties(letter),
                    mandatory=True,
                    timeout=5,
                )

            yield send

    async def listen(self, queue: str, hear: Callable[[Event], None]) -> None:
        async with await aio_pika.connect(self.url, timeout=5) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=500)

            async def on_message(message: AbstractIncomingMessage) -> None:
                hear(_event(message))
                await message.ack()

            await (await channel.get_queue(queue)).consume(on_message)
            while True:  # a queue that was deleted, or made anew, has lost us without a word that aio-pika passes on
                await asyncio.sleep(_LOOK)
                again = await channel.declare_queue(queue, passive=True, timeout=5)
                if not again.declaration_result.consumer_count:
                    raise BrokerLost(f"{queue} was made anew")


class TableLine:
    """The broker inside PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._broker = PostgresBroker(url)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[Callable[[Letter], Any]]:
        async with self._broker.publisher() as publisher:

            async def send(letter: Letter) -> None:
                message = Message(
                    exchange=letter.exchange,
                    routing_key=letter.routing_key,
                    message_id=letter.message_id or "",
                    body=letter.body,
                    content_type=letter.content_type or "",
                    type=letter.type or "",
                    correlation_id=letter.correlation_id or "",
                    headers=letter.headers,
                )
                (refusal,) = await publisher.publish([message])
                assert refusal is None, refusal

            yield send

    async def listen(self, queue: str, hear: Callable[[Event], None]) -> None:
        async with self._broker.subscription(queue, prefetch=500) as subscription:
            async for delivery in subscription:
                hear(_from_table(delivery.message))
                await subscription.ack(delivery)


class OSService:
    """Sends surely (again, the same, until the broker has it) and keeps all it ever heard, repeats too."""

    def __init__(self, line: Line, *, queue: str = "os-events") -> None:
        self.heard: list[Event] = []
        self.sent: list[str] = []
        """The event ids of what the broker has."""
        self._line = line
        self._queue = queue
        self._turn = asyncio.Lock()
        self._outgoing: tuple[Any, Callable[[Letter], Any]] | None = None

    @asynccontextmanager
    async def working(self, *, listening: bool = True) -> AsyncIterator[OSService]:
        """Listen while the block runs, whatever happens to the broker meanwhile; or only send."""
        ear = asyncio.create_task(self._listen() if listening else asyncio.sleep(0))
        try:
            yield self
        finally:
            await ended({ear})
            await self._hang_up()

    async def order(self, os_id: object, *, event_id: str | None = None, **fields: Any) -> str:
        """Send an OsCreated with full headers; answers its event id."""
        return await self.tell("os-created", "OsCreated", {"OsId": str(os_id), **fields}, event_id)

    async def cancel(self, os_id: object, *, event_id: str | None = None, reason: str = "desistiu") -> str:
        """Send an OsCanceled; answers its event id."""
        return await self.tell("os-canceled", "OsCanceled", {"OsId": str(os_id), "Reason": reason}, event_id)

    async def tell(self, key: str, event_type: str, content: Mapping[str, Any], event_id: str | None = None) -> str:
        event_id = event_id or str(uuid4())
        headers = {"EventType": event_type, "EventId": event_id, "CorrelationId": f"saga-{content['OsId']}"}
        await self.send(Letter(body=json.dumps(content).encode(), routing_key=key, headers=headers))
        self.sent.append(event_id)
        return event_id

    async def send(self, letter: Letter, *, within: float = 60.0) -> None:
        """Send until the broker says it has it. Raises AssertionError when it does not say so in time."""
        async with self._turn:
            await eventually(lambda: self._sent(letter), within=within, every=0.1, what="the broker takes a letter")

    async def event(self, os_id: object, event_type: str = "BudgetGenerated", *, within: float = 15.0) -> Event:
        """The first event of this type about a work order."""

        def look() -> Event | None:
            return next((one for one in self.about(os_id) if one.headers["EventType"] == event_type), None)

        found = await eventually(look, within=within, what=f"{event_type} of {os_id}")
        assert found is not None
        return found

    def about(self, os_id: object) -> list[Event]:
        """Everything heard about a work order, in the order it came."""
        return [event for event in self.heard if event.os_id == str(os_id)]

    async def _sent(self, letter: Letter) -> bool:
        try:
            if self._outgoing is None:
                connection = self._line.sending()
                self._outgoing = connection, await connection.__aenter__()
            await self._outgoing[1](letter)
        except LOST:
            await self._hang_up()
            return False
        return True

    async def _hang_up(self) -> None:
        if self._outgoing is not None:
            connection, self._outgoing = self._outgoing[0], None
            with suppress(*LOST):
                await asyncio.wait_for(connection.__aexit__(None, None, None), 5)

    async def _listen(self) -> None:
        while True:
            with suppress(*LOST):
                await self._line.listen(self._queue, self.heard.append)
            await asyncio.sleep(0.1)


async def declare_own_queue(url: str, *keys: str, queue: str = "os-events", kind: str = "quorum") -> None:
    """What a partner does outside development: declare its own queue and bind each key exactly."""
    async with await aio_pika.connect(url, timeout=5) as connection:
        channel = await connection.channel()
        # The same arguments as the development profile's, so that either may come first.
        arguments: dict[str, Any] = {"x-queue-type": kind, "x-delivery-limit": 2**31 - 1}
        made = await channel.declare_queue(queue, durable=True, arguments=arguments)
        for key in keys or PARTNER_KEYS:
            await made.bind("acerto.events", key)


def _properties(letter: Letter) -> Basic.Properties:
    return Basic.Properties(
        headers=dict(letter.headers) or None,
        message_id=letter.message_id or _NoId(),
        message_type=letter.type,
        correlation_id=letter.correlation_id,
        content_type=letter.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _event(message: AbstractIncomingMessage) -> Event:
    headers: HeadersType = message.headers
    return Event(
        routing_key=message.routing_key or "",
        body=message.body,
        headers=headers,
        message_id=message.message_id or "",
        type=message.type or "",
        correlation_id=message.correlation_id or "",
        content_type=message.content_type or "",
        app_id=message.app_id or "",
        persistent=message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT,
        timestamp=message.timestamp.timestamp() if message.timestamp else None,
    )


def _from_table(message: Message) -> Event:
    return Event(
        routing_key=message.routing_key,
        body=message.body,
        headers=message.headers,
        message_id=message.message_id,
        type=message.type,
        correlation_id=message.correlation_id,
        content_type=message.content_type,
        timestamp=message.timestamp,
    )
