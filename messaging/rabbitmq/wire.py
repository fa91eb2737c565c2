"""Between a Message and AMQP frames: exact on the way out, tolerant of whatever partners send on the way in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from aiormq.abc import DeliveredMessage
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from messaging.broker import Delivery, HeaderValue, Message

APP_ID: Final = "acerto"
COUNTERS: Final = frozenset({"x-delivery-count", "x-acquired-count"})
"""Headers that the broker itself keeps: never part of the message, or a copy of it would bring its old count along."""

_PERSISTENT: Final = 2


class _Blank(str):
    """An empty message id that is still written: aiormq loses the return of a message that has none."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)


_NO_ID: Final = _Blank()


def properties(message: Message) -> commands.Basic.Properties:
    """The AMQP properties; empty texts are left out."""
    return commands.Basic.Properties(
        content_type=message.content_type or None,
        headers=dict(message.headers) or None,
        delivery_mode=_PERSISTENT,
        correlation_id=message.correlation_id or None,
        message_id=message.message_id or _NO_ID,
        timestamp=None if message.timestamp is None else datetime.fromtimestamp(message.timestamp, UTC),
        message_type=message.type or None,
        app_id=APP_ID,
    )


def frames(wave: Iterable[Message], *, channel: int, body_size: int) -> Iterator[tuple[int, bytes]]:
    """(size, bytes) of each message's frames. `body_size`: the most bytes of one body frame."""
    methods: dict[tuple[str, str, bool], bytes] = {}
    for message in wave:
        route = (message.exchange, message.routing_key, message.mandatory)
        if route not in methods:
            methods[route] = _publish(route, channel)
        header = ContentHeader(body_size=len(message.body), properties=properties(message))
        written = b"".join((methods[route], marshal(header, channel), *_bodies(message.body, channel, body_size)))
        yield len(written), written


def _publish(route: tuple[str, str, bool], channel: int) -> bytes:
    exchange, routing_key, mandatory = route
    return marshal(commands.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory), channel)


def _bodies(body: bytes, channel: int, size: int) -> Iterator[bytes]:
    return (marshal(ContentBody(body[at : at + size]), channel) for at in range(0, len(body), size))


def message(delivered: DeliveredMessage, *, mandatory: bool = True) -> Message:
    """What came in; a property that is missing or odd is empty, never an error."""
    sent = delivered.header.properties
    return Message(
        exchange=delivered.exchange or "",
        routing_key=delivered.routing_key or "",
        message_id=sent.message_id or "",
        body=delivered.body,
        content_type=sent.content_type or "",
        type=sent.message_type or "",
        correlation_id=sent.correlation_id or "",
        timestamp=int(sent.timestamp.timestamp()) if isinstance(sent.timestamp, datetime) else None,
        headers=headers(sent.headers or {}),
        mandatory=mandatory,
    )


def delivery(delivered: DeliveredMessage) -> Delivery:
    """With the count of earlier tries: the quorum queue's own, else what the redelivered flag tells."""
    if not delivered.redelivered:
        earlier = 0
    else:
        count = (delivered.header.properties.headers or {}).get("x-delivery-count")
        earlier = max(1, count) if isinstance(count, int) else 1
    return Delivery(tag=delivered.delivery_tag or 0, message=message(delivered), deliveries=earlier)


def headers(table: dict[str, Any]) -> dict[str, HeaderValue]:
    """A header table in plain values; what has no plain form becomes text."""
    return {name: plain(value) for name, value in table.items() if name not in COUNTERS}


def plain(value: object) -> HeaderValue:
    """Text or an integer for any value of an AMQP table; tables and arrays as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value.isoformat() if isinstance(value, datetime) else str(value)
