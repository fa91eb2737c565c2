"""One request over HTTP and its answer: the body within its limit, the caller's address, the response with its ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from domain.identity import Ids
from server.gateway.headers import read_headers
from server.gateway.problems import problem_of
from server.gateway.responses import RawHeader, Response, refused, send_response
from server.rpc.errors import Refusal

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes, as many as gRPC's messages may have."""

ON_LEAVE: Final = "acerto.on_leave"
"""The key in an ASGI scope under which our server finds what to call when the client hangs up."""

REQUEST_ID: Final = "acerto.request_id"
"""The key under which the apps behind the API find the request's id."""


class TooLarge(Exception):
    """The body has more than LARGEST_BODY bytes."""


class ClientLeft(Exception):
    """The connection went before the body was whole."""


class Exchange:
    """What a request says of itself, and the way to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: Ids) -> None:
        self.asked = read_headers(scope["headers"], ids)
        self.path: str = scope["path"]
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
        if task is not None:
            self._scope[ON_LEAVE] = task.cancel

    def peer(self) -> str:
        """The caller's address, as gRPC writes one."""
        client = self._scope.get("client")
        if client is None:
            return "unknown"
        host, port = client[0], client[1]
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

    async def body(self) -> bytes:
        """The whole body. Raises TooLarge as soon as it is, ClientLeft."""
        if self.asked.content_length > LARGEST_BODY:
            raise TooLarge
        message = await self._receive()
        if not message.get("more_body") and message["type"] == "http.request":
            return self._within(message["body"])
        body = bytearray()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            self._within(body)
            if not message.get("more_body"):
                return bytes(body)
            message = await self._receive()
        raise ClientLeft

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self.answering = True
        await self._send(message)

    async def with_ids(self, message: Message) -> None:
        """Send a part of an answer that others made, with the ids that every answer has."""
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *self.ids]}
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

    @staticmethod
    def _within(body: Any) -> bytes:
        if len(body) > LARGEST_BODY:
            raise TooLarge
        return body  # type: ignore[no-any-return] # bytes, as ASGI says
