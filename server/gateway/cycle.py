"""One request on a connection and its answer: uvicorn's own, but an answer that is whole leaves in one write.

uvicorn writes the head at once and the body after it, and looks at every header by itself: a third of what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

_BODILESS: Final = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """An answer is whole when its headers say its length and its body is in one piece; others go as uvicorn has it."""

    _head: bytes = b""
    """The head of an answer whose length is known, until there is something to send with it."""

    async def send(self, message: Message) -> None:  # type: ignore[override] # the same, by Starlette's name
        """A part of the answer, as ASGI has them."""
        if self.response_started and not self._head:
            await super().send(message)  # type: ignore[arg-type]
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.response_started:
            await self._send_with_head(message)
        elif message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"an answer begins by its head, not by {message['type']}")

    async def _send_with_head(self, message: Message) -> None:
        head, self._head = self._head, b""
        body = b"" if self.scope["method"] == "HEAD" else message.get("body", b"")
        if message.get("more_body") or len(body) != self._body_left():
            self.transport.write(head)
            await super().send(message)  # type: ignore[arg-type]
            return
        self.transport.write(head + body)
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _body_left(self) -> int:
        return 0 if self.scope["method"] == "HEAD" else self.expected_content_length

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The status line and the headers; they wait for the body where its length is known."""
        self.response_started = True
        self.waiting_for_100_continue = False
        given = [*self.default_headers, *headers]
        _must_be_headers(given)
        lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in given)]
        lines += self._framing(status, {name.lower(): value for name, value in given})
        head = b"".join([*lines, b"\r\n"])
        if self.chunked_encoding:
            self.transport.write(head)
        else:
            self._head = head

    def _framing(self, status: int, headers: dict[bytes, bytes]) -> Iterable[bytes]:
        """How the answer's end is known: what the headers say of it, and what they leave to be said."""
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            self.chunked_encoding = True
        elif (length := headers.get(b"content-length")) is not None:
            self.chunked_encoding = False
            self.expected_content_length = int(length)
        elif self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            yield b"transfer-encoding: chunked\r\n"
        closes = b"close" in headers.get(b"connection", b"").lower()
        self.keep_alive = self.keep_alive and not closes
        if not self.keep_alive and not closes:
            yield b"connection: close\r\n"


def _must_be_headers(headers: list[tuple[Any, ...]]) -> None:
    """Raise RuntimeError for what could end a header and begin another; all are looked at in one go."""
    names, values = zip(*headers, strict=True) if headers else ((), ())
    if HEADER_RE.search(b"".join(names)) or HEADER_VALUE_RE.search(b"".join(values)):
        raise RuntimeError("a header has characters that it must not have")
