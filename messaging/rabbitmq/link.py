"""One AMQP connection on which every call has a time limit and which can be cut without a last word.

Built on aiormq, the protocol layer of aio-pika: its reconnecting connections hang publishes while the broker is away,
and a close handshake would flush frames whose fate the caller has already given up on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from aiormq import Connection, TransportFactory
from aiormq.channel import Channel
from aiormq.connection import TCPTransportFactory, TLSTransportFactory
from aiormq.exceptions import AMQPError, ChannelClosed, ChannelInvalidStateError, InvalidFrameError
from yarl import URL

from messaging.broker import BrokerLost
from messaging.patience import in_time
from messaging.rabbitmq.careful import CarefulReader, Manners

Answer = TypeVar("Answer")

LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, EOFError, RuntimeError)
"""All that aiormq raises when a connection or a channel is gone or never came to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. `heartbeat` finds a half-open connection after about three of them."""

    heartbeat: int = 5
    connect: float = 10.0
    reply: float = 10.0


class _CuttableTransport(TransportFactory):
    """Remembers the socket it made, because aiormq keeps it to itself."""

    def __init__(self, scheme: str, manners: Manners) -> None:
        self._manners = manners
        self._factory = TLSTransportFactory() if scheme == "amqps" else TCPTransportFactory()
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await self._factory.create(url, **kwargs)
        return (CarefulReader(reader) if self._manners.careful else reader), self._writer

    def cut(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


class Link:
    """An open connection. Calls raise BrokerLost, or ChannelClosed where the broker answered with a refusal."""

    def __init__(self, connection: Connection, transport: _CuttableTransport, limits: Limits) -> None:
        self._connection = connection
        self._transport = transport
        self._reply = limits.reply

    async def channel(self) -> Channel:
        """A new channel with publisher confirms, on which an unroutable message is an error."""
        channel = await self.call("opening a channel", self._connection.channel(on_return_raises=True))
        if not isinstance(channel, Channel):
            raise TypeError(f"aiormq made a {type(channel).__name__} where a channel was expected")
        return channel

    async def call(self, what: str, answer: Coroutine[Any, Any, Answer]) -> Answer:
        """One request and its reply, in time."""
        try:
            return await in_time(self._reply, what, answer)
        except ChannelClosed as refusal:
            if not refusal.args or refusal.args[-1] is None:
                raise BrokerLost(f"{what}: the channel was closed") from refusal
            raise
        except LOST as error:
            raise BrokerLost(f"{what}: {told(error)}") from error

    def cut(self) -> None:
        """Drop the socket at once, with whatever was not yet written to it."""
        self._transport.cut()

    async def close(self) -> None:
        """Say goodbye, so that what was written before is handled; cut when the broker does not answer."""
        try:
            await in_time(self._reply, "closing", self._connection.close())
        except (BrokerLost, *LOST):
            self.cut()


@asynccontextmanager
async def linked(url: str, limits: Limits, manners: Manners) -> AsyncIterator[Link]:
    """A connection of one's own; left by BrokerLost it is cut, otherwise closed. Raises BrokerLost."""
    target = URL(url).update_query(heartbeat=limits.heartbeat)
    transport = _CuttableTransport(target.scheme, manners)
    connection = Connection(target, transport_factory=transport)
    try:
        await in_time(limits.connect, "connecting", connection.connect())
    except (BrokerLost, *LOST) as error:
        transport.cut()
        raise BrokerLost(f"no broker at {target.host}:{target.port}: {told(error)}") from error
    connection.closing.add_done_callback(partial(_note_unreadable, manners))
    link = Link(connection, transport, limits)
    try:
        yield link
    except BrokerLost:
        link.cut()
        raise
    finally:
        await link.close()


def _note_unreadable(manners: Manners, closing: asyncio.Future[Any]) -> None:
    error = None if closing.cancelled() else closing.exception()
    manners.careful = manners.careful or isinstance(error, (InvalidFrameError, ValueError, ArithmeticError))


def told(error: BaseException) -> str:
    """The broker's own words where there are any."""
    return " ".join(str(part) for part in error.args if part is not None) or type(error).__name__
