"""A publication as a broker message, and a dead letter as one: the properties and headers of billing.md A."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain.events import Pending
from domain.identity import derived_id
from messaging.broker import HeaderValue, Message
from messaging.codec import must_be_read
from messaging.topology import DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, INBOUND_QUEUE

ATTEMPTS = "acerto-attempts"
REASON, DETAIL = "acerto-reason", "acerto-detail"
FROM_EXCHANGE, FROM_ROUTING_KEY, FROM_MESSAGE_ID = "acerto-exchange", "acerto-routing-key", "acerto-message-id"
"""Our headers on dead letters; no `x-` prefix, since brokers keep those to themselves and drop some on a republish."""

DIED_IN = "x-first-death-queue"
"""What brokers write on a message that went over its queue's delivery limit."""

_OURS = frozenset({ATTEMPTS, REASON, DETAIL, FROM_EXCHANGE, FROM_ROUTING_KEY, FROM_MESSAGE_ID})


def message_of(pending: Pending) -> Message:
    """The broker message of an outbox row: the same on every repeat."""
    publication = pending.publication
    headers = publication.headers
    return Message(
        exchange=publication.exchange,
        routing_key=publication.routing_key,
        message_id=str(publication.event_id),
        body=publication.body,
        content_type=publication.content_type,
        type=publication.event_type,
        correlation_id=str(headers.get("CorrelationId", "")),
        timestamp=_seconds(headers),
        headers=headers,
        mandatory=must_be_read(publication.exchange, publication.routing_key),
    )


def dead_letter(message: Message, reason: str, detail: str) -> Message:
    """The message for the dead-letter queue, with why, and where it came from, so that it can be sent again."""
    attempts = message.headers.get(ATTEMPTS, 0)
    return Message(
        exchange=DEAD_LETTER_EXCHANGE,
        routing_key=DEAD_LETTER_QUEUE,
        message_id=message.message_id,
        body=message.body,
        content_type=message.content_type,
        type=message.type,
        correlation_id=message.correlation_id,
        timestamp=message.timestamp,
        headers={
            **message.headers,
            ATTEMPTS: attempts + 1 if isinstance(attempts, int) else 1,
            REASON: reason,
            DETAIL: detail[:500],
            FROM_EXCHANGE: message.exchange,
            FROM_ROUTING_KEY: message.routing_key,
            FROM_MESSAGE_ID: message.message_id,
        },
    )


def without_its_envelope(letter: Message) -> Message:
    """A dead letter with nothing of the sender's but the body: for one whose properties or headers cannot be sent."""
    headers = {name: letter.headers[name] for name in (ATTEMPTS, REASON)}
    texts = {name: _plain(letter.headers[name]) for name in (DETAIL, FROM_EXCHANGE, FROM_ROUTING_KEY, FROM_MESSAGE_ID)}
    return Message(
        exchange=letter.exchange,
        routing_key=letter.routing_key,
        message_id=str(derived_id("dead letter", letter.body.hex())),
        body=letter.body,
        headers={**headers, **texts},
    )


def _plain(value: HeaderValue) -> str:
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:1000]


def requeued(message: Message) -> Message:
    """A dead letter as it was before, to be sent once more to where it came from; the attempts stay counted.

    One that the broker itself put aside says only which queue it was in: it goes straight back there.
    """
    told = message.headers
    ours = {FROM_EXCHANGE, FROM_ROUTING_KEY, FROM_MESSAGE_ID} <= told.keys()
    queue = str(told.get(DIED_IN, INBOUND_QUEUE))
    return Message(
        exchange=str(told[FROM_EXCHANGE]) if ours else "",
        routing_key=str(told[FROM_ROUTING_KEY]) if ours else queue,
        message_id=str(told[FROM_MESSAGE_ID]) if ours else message.message_id,
        body=message.body,
        content_type=message.content_type,
        type=message.type,
        correlation_id=message.correlation_id,
        timestamp=message.timestamp,
        headers={name: value for name, value in told.items() if name == ATTEMPTS or name not in _OURS},
    )


def _seconds(headers: Mapping[str, HeaderValue]) -> int | None:
    stamp = headers.get("Timestamp")
    return int(datetime.fromisoformat(stamp).timestamp()) if isinstance(stamp, str) else None
