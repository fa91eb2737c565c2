"""What no broker can take, found before anything is written, so that one bad message never harms its wave.

Both adapters ask here: what one of them refuses for good, the other refuses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from domain.events import Refusal
from messaging.broker import Message

MAX_BODY: Final = 16 * 1024 * 1024
"""Bytes. The default maximum of RabbitMQ 4.x, the lowest of the supported versions (3.x: 128 MiB)."""

SHORT_TEXT: Final = 255
"""Bytes of a routing key, a name or a text property: AMQP 0-9-1 writes their length in one byte."""

HEADER_NAME: Final = 128
"""Bytes of a header's name (AMQP 0-9-1, 4.2.5.5)."""

HEADERS: Final = 120_000
"""Bytes of all headers: properties travel in one frame, and RabbitMQ's default frame is 131,072 bytes."""

_INT64: Final = 2**63
_SHORT_FIELDS: Final = ("exchange", "routing_key", "message_id", "content_type", "type", "correlation_id")

Chunked = TypeVar("Chunked")


def impossible(message: Message, *, max_body: int = MAX_BODY) -> Refusal | None:
    """The final refusal of a message that no retry can help, or None. `max_body` in bytes."""
    try:
        reason = _unwritable(message, max_body)
    except UnicodeEncodeError as error:
        reason = f"text that is not Unicode: {error.reason}"
    return Refusal("impossible", reason, final=True) if reason else None


def _unwritable(message: Message, max_body: int) -> str:
    for name in _SHORT_FIELDS:
        if _size(getattr(message, name)) > SHORT_TEXT:
            return f"{name} is longer than {SHORT_TEXT} bytes"
    if len(message.body) > max_body:
        return f"a body of {len(message.body)} bytes; the limit is {max_body}"
    if message.timestamp is not None and not 0 <= message.timestamp < 2**32:
        return "a timestamp that is not in seconds since 1970"
    return _unwritable_headers(message)


def _unwritable_headers(message: Message) -> str:
    total = 0
    for name, value in message.headers.items():
        if _size(name) > HEADER_NAME:
            return f"a header name longer than {HEADER_NAME} bytes"
        if type(value) not in {str, int}:
            return f"header {name} is neither text nor an integer"
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            return f"header {name} does not fit 64 bits"
        total += _size(name) + (8 if isinstance(value, int) else _size(value)) + 6
    return f"headers of {total} bytes; the limit is {HEADERS}" if total > HEADERS else ""


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def in_chunks(sized: Iterable[tuple[int, Chunked]], *, most: int) -> Iterator[Sequence[Chunked]]:
    """Consecutive groups of (size, thing) whose sizes stay under `most`; one that is larger travels alone."""
    chunk: list[Chunked] = []
    total = 0
    for size, thing in sized:
        if chunk and total + size > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(thing)
        total += size
    if chunk:
        yield chunk
