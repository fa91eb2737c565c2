"""A server stream over HTTP: a line of JSON a message (NDJSON), or an event each (SSE) for those who ask for it; of
`HttpBody` the bytes themselves.

The status line waits for the first message, a moment at most: what is refused at once is an ordinary problem.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from google.api import httpbody_pb2
from google.protobuf.message import Message

from domain.cancellation import ended
from server.gateway.exchange import Exchange
from server.gateway.headers import accepts
from server.gateway.problems import problem_json
from server.gateway.responses import RawHeader, raw_headers
from server.rpc.errors import Refusal

SSE_TYPE: Final = "text/event-stream"
NDJSON_TYPE: Final = "application/x-ndjson"
FIRST_WAIT: Final = 0.25
"""Seconds that a refusal has to come before the status line says 200."""
QUIET: Final = 15.0
"""Seconds of silence after which an event stream says that it is still there."""

Told = Message | Refusal

_HELD: Final[list[RawHeader]] = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
"""No cache keeps a stream, and no proxy holds it back."""


@dataclass(frozen=True, slots=True)
class Lines:
    """How messages (JSON text, and where to go on after it) and the one problem at the end are written."""

    content_type: str
    message: Callable[[str, str], str]
    problem: Callable[[str], str]
    still_here: str


NDJSON: Final = Lines(
    NDJSON_TYPE, lambda text, _: f'{{"result":{text}}}\n', lambda text: f'{{"error":{text}}}\n', still_here=""
)
SSE: Final = Lines(
    SSE_TYPE,
    lambda text, place: f"{place}data: {text}\n\n",
    lambda text: f"event: error\ndata: {text}\n\n",
    still_here=": \n\n",
)


PLACE: Final = "sequence"
"""The field by which a stream's messages are numbered, and which a browser sends back as `Last-Event-ID`."""
RESUME: Final = "after_sequence"
"""The request's field that takes it: a stream goes on after that message."""


def lines_for(accept: str) -> Lines:
    """Events for those whose `Accept` names them, else lines of JSON."""
    return SSE if SSE_TYPE in accept.lower() and accepts(accept, SSE_TYPE) else NDJSON


class _End:
    """What comes after the last."""


END: Final = _End()


class Messages:
    """The messages of a stream; waiting for one no longer than one wants to never loses it."""

    def __init__(self, told: AsyncGenerator[Told, None]) -> None:
        self._told = told
        self._next: asyncio.Task[Told | _End] | None = None

    async def next(self, within: float | None) -> Told | _End | None:
        """The next one, END after the last; None when there is none within so many seconds, if there is a limit."""
        if self._next is None:
            self._next = asyncio.ensure_future(_next_of(self._told))
        done, _ = await asyncio.wait([self._next], timeout=within)
        if not done:
            return None
        found = self._next.result()
        self._next = None
        return found

    async def aclose(self) -> None:
        """Leave the stream, whether or not it has ended."""
        if self._next is not None:
            await ended([self._next])
        await self._told.aclose()


async def send_stream(
    exchange: Exchange, messages: Messages, first: Told | _End | None, lines: Lines, text: Callable[[Message], str]
) -> None:
    """Send the whole stream; `first` is what came in time for the status line, if any. A HEAD has that only."""
    await exchange.send({"type": "http.response.start", "status": 200, "headers": [*exchange.ids, *_headers(lines)]})
    if not exchange.headers_only:
        async for line in _written(exchange, messages, first, lines, text):
            await exchange.send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    await exchange.send({"type": "http.response.body", "body": b""})


async def send_bytes(
    exchange: Exchange, messages: Messages, first: Told | _End | None, raw: Callable[[Message], httpbody_pb2.HttpBody]
) -> None:
    """Send the whole stream as one body of the first part's type. A HEAD has the type only.

    One that ends in a refusal is left unfinished, so that the client sees that it was cut.
    """
    told = first
    content_type = raw(told).content_type if isinstance(told, Message) else ""
    await exchange.send(
        {"type": "http.response.start", "status": 200, "headers": [*exchange.ids, *raw_headers(content_type), *_HELD]}
    )
    while isinstance(told, Message) and not exchange.headers_only:
        await exchange.send({"type": "http.response.body", "body": raw(told).data, "more_body": True})
        told = await messages.next(None)
    if not isinstance(told, Refusal):
        await exchange.send({"type": "http.response.body", "body": b""})


async def _written(
    exchange: Exchange, messages: Messages, first: Told | _End | None, lines: Lines, text: Callable[[Message], str]
) -> AsyncIterator[str]:
    told = first
    while not isinstance(told, _End):
        if isinstance(told, Refusal):
            yield lines.problem(problem_json(exchange.problem(told)).decode())
            return
        yield lines.still_here if told is None else lines.message(text(told), _place(told))
        told = await messages.next(QUIET)


def _place(message: Any) -> str:
    """The line of an event that says how to go on after it, where its messages are numbered."""
    return f"id: {message.sequence}\n" if PLACE in message.DESCRIPTOR.fields_by_name else ""


async def _next_of(told: AsyncGenerator[Told, None]) -> Told | _End:
    return await anext(told, END)


def _headers(lines: Lines) -> list[RawHeader]:
    return [
        (b"content-type", lines.content_type.encode()),
        (b"x-content-type-options", b"nosniff"),
        *_HELD,
    ]
