"""One HTTP/1.1 request sent exactly as it is written, and its answer: clients of libraries mend what they are given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httptools

PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case. `complete`: whether the body came to its announced end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        """The body as JSON; a text when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")


class _Reading:
    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


async def send(
    port: int, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """Ask 127.0.0.1 for this target, not an escape added or taken. Raises ConnectionError, TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            # A server may answer and close before it has read a body that is too big: then it is not sent to its end.
            sending = asyncio.ensure_future(_write(writer, _request(method, target, headers or {}, body)))
            answer = await _read(reader)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        finally:
            writer.close()
    return answer


def _request(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def _write(writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Answer:
    reading = _Reading()
    parser = httptools.HttpResponseParser(reading)
    while not reading.complete:
        received = await reader.read(65_536)
        if not received:
            break
        parser.feed_data(received)
    if not reading.complete and not parser.get_status_code():
        raise ConnectionError("the server closed the connection without an answer")
    return Answer(parser.get_status_code(), reading.headers, reading.body, reading.complete)
