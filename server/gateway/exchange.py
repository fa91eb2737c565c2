"""One request over HTTP and its answer: the body within its limit, the caller's address, the response with its ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from domain.errors import Overloaded
from domain.identity import Ids
from server.gateway.headers import read_headers
from server.gateway.problems import problem_of
from server.gateway.responses import NOSNIFF, RawHeader, Response, refused, send_response
from server.rpc.errors import Refusal

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes, as many as gRPC's messages may have."""

MOST_HELD: Final = 64 * 1024 * 1024
"""Bytes of all bodies together."""

ON_LEAVE: Final = "acerto.on_leave"
"""The key in an ASGI scope under which our server finds what to call when the client hangs up."""

REQUEST_ID: Final = "acerto.request_id"
"""The key under which the apps behind the API find the request's id."""


class BodyRoom:
    """The bytes of bodies that one process holds at once: those who bring more are asked to come back."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Have room for so many more bytes. Raises Overloaded."""
        if size > self._left:
            raise Overloaded(retry_after=1.0)
        self._left -= size

    def give_back(self, size: int) -> None:
        """They are gone."""
        self._left += size


class TooLarge(Exception):
    """The body has more than LARGEST_BODY bytes."""


class ClientLeft(Exception):
    """The connection went before the body was whole."""


class Exchange:
    """What a request says of itself, and the way to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: Ids) -> None:
        self.asked = read_headers(scope["headers"], ids)
        self.path: str = scope["raw_path"].decode("latin-1")
        self.left = False
        """Whether the client hung up."""
        self.query: str = scope["query_string"].decode("utf-8", "surrogateescape")
        self.headers_only: bool = scope["method"] == "HEAD"
        self.answering = False
        """Whether an answer has begun."""
        self.ids: list[RawHeader] = [
            (b"x-request-id", self.asked.request_id.encode()),
            (b"correlation-id", self.asked.correlation_id.encode()),
        ]
        self._scope = scope
        self._receive = receive
        self._send = send

    def end_when_left(self) -> None:
        """Have the task that serves this cancelled when the client hangs up."""
        task = asyncio.current_task()

        def leave() -> None:
            self.left = True
            if task is not None:
                task.cancel()

        self._scope[ON_LEAVE] = leave

    def peer(self) -> str:
        """The caller's address, as gRPC writes one."""
        client = self._scope.get("client")
        if client is None:
            return "unknown"
        host, port = client[0], client[1]
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

    async def body(self, room: BodyRoom) -> bytes:
        """The whole body. Raises TooLarge as soon as it is, Overloaded, ClientLeft."""
        if self.asked.content_length > LARGEST_BODY:
            raise TooLarge
        body = bytearray()
        try:
            while (message := await self._receive())["type"] == "http.request":
                chunk = message.get("body", b"")
                room.take(len(chunk))
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise TooLarge
                if not message.get("more_body"):
                    return bytes(body)
            raise ClientLeft
        finally:
            room.give_back(len(body))

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self.answering = True
        await self._send(message)

    async def with_ids(self, message: Message) -> None:
        """Send a part of an answer that others made, with the ids that every answer has."""
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *self.ids]
            if not any(name == NOSNIFF[0] for name, _ in headers):
                headers.append(NOSNIFF)
            message = {**message, "headers": headers}
        await self.send(message)

    async def respond(self, response: Response) -> None:
        """Send a response; a HEAD gets its headers only."""
        await send_response(
            self.send,
            response,
            self.ids,
            accepts_gzip=self.asked.accepts_gzip,
            headers_only=self.headers_only,
        )

    async def refuse(self, refusal: Refusal, more: Iterable[RawHeader] = ()) -> None:
        """Send a refusal as a problem."""
        response = refused(
            refusal,
            path=self.path,
            request_id=self.asked.request_id,
            conditional=self.asked.if_match is not None,
        )
        response.headers.extend(more)
        await self.respond(response)

    def problem(self, refusal: Refusal) -> dict[str, Any]:
        """A refusal as a problem's members, for where it is a part of something."""
        return problem_of(refusal, status=refusal.status.http, instance=self.path, request_id=self.asked.request_id)
