"""A Mercado Pago of the tests' own: both APIs over real HTTP, with books that tests read and faults that they plan.

Written from billing.md D, so that the adapters meet their partner's bad days as well as its good ones.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tests.support import mercadopago_orders, mercadopago_payments
from tests.support.mercadopago_api import Act, Asked, Denial, from_json, to_json
from tests.support.mercadopago_books import Books, Denied, FakeTime
from tests.support.mercadopago_faults import Fault, FaultKind, Faults
from tests.support.mercadopago_webhooks import SignedNotice, signed_notice
from tests.support.ports import free_port

TOKEN: Final = "APP_USR-of-a-test"
SECRET: Final = "your_secret_key_here"
"""Of the webhooks; the one that the examples of Mercado Pago's own libraries use."""

_DEAF_HEADER: Final = "x-render-in-process-refunds"
_HANGS: Final = b'"status": "in_process"'


@dataclass(frozen=True)
class Heard:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class FakeMercadoPago:
    """Listens on 127.0.0.1 while `running`. The same key gets the same answer; every key charges once.

    What customers, operators and banks do is on `books`; what goes wrong is planned on `faults`; `heard` are the
    requests so far.
    """

    def __init__(self, *, token: str = TOKEN, secret: str = SECRET) -> None:
        self.token, self.secret = token, secret
        self.books = Books(FakeTime())
        self.faults = Faults()
        self.heard: list[Heard] = []
        self.port = free_port()
        self._answers: dict[str, tuple[tuple[str, str, bytes], int, bytes]] = {}
        self._state = ServerState()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def time(self) -> FakeTime:
        """Its clock, which can be moved."""
        return self.books.time

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeMercadoPago]:
        """Serve in this event loop while the block runs."""
        config = uvicorn.Config(self._app(), http="h11", lifespan="off", log_config=None, access_log=False)
        config.load()
        listening = socket.create_server(("127.0.0.1", self.port), backlog=128)
        # asyncio sets it only where the socket knows its protocol, which this one does not: 40 ms for each answer.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without uvicorn's own loop around it, which looks for the end of the server ten times a second only.
        server = await asyncio.get_running_loop().create_server(
            lambda: H11Protocol(config, self._state, {}), sock=listening
        )
        try:
            yield self
        finally:
            server.close()
            for line in self._lines:
                line.transport.abort()
            await asyncio.gather(*self._state.tasks)

    def notice(self, charge_id: str, **how: Any) -> SignedNotice:
        """A webhook about a charge, signed now; `how` as `signed_notice` takes it."""
        topic = "payment" if self.books.charges[charge_id].kind == "payments" else "order"
        return signed_notice(self.secret, charge_id, **{"topic": topic, "at": self.time.now(), **how})

    async def notify(self, url: str, charge_id: str, **how: Any) -> int:
        """Send a webhook about a charge; the status of the answer."""
        return await self.notice(charge_id, **how).post(url)

    def _app(self) -> Starlette:
        doors: list[tuple[Any, Callable[[str], Denial]]] = [
            (mercadopago_payments.PaymentsDoor(self.books), mercadopago_payments.denial),
            (mercadopago_orders.OrdersDoor(self.books), mercadopago_orders.denial),
        ]
        return Starlette(
            routes=[
                StarletteRoute(path, self._endpoint(act, denial), methods=[method])
                for door, denial in doors
                for method, path, act in door.routes
            ]
        )

    def _endpoint(self, act: Act, denial: Callable[[str], Denial]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            heard = Heard(request.method, request.url.path, dict(request.query_params), dict(request.headers), body)
            self.heard.append(heard)
            fault = self.faults.take(heard.method, heard.path)
            if fault and fault.kind is FaultKind.DEAF:
                heard = replace(heard, headers={**heard.headers, _DEAF_HEADER: "lost"})
            if fault and fault.kind is not FaultKind.DEAF and not fault.acted:
                return await self._spoil(fault, b"{}", request)
            status, content = self._let_in(heard, act, denial, request.path_params)
            if fault and fault.kind is not FaultKind.DEAF:
                return await self._spoil(fault, content, request)
            return Response(content, status, media_type="application/json")

        return endpoint

    def _let_in(
        self, heard: Heard, act: Act, denial: Callable[[str], Denial], names: dict[str, str]
    ) -> tuple[int, bytes]:
        if heard.headers.get("authorization") != f"Bearer {self.token}":
            return 401, to_json({"message": "invalid_token", "error": "unauthorized", "status": 401})
        shows = heard.headers.get(_DEAF_HEADER) == "true"
        try:
            status, content = self._once(heard, lambda: act(Asked(names, heard.query, from_json(heard.body), shows)))
        except Denied as denied:
            status, refusal = denial(denied.reason)
            return status, to_json(refusal)
        if heard.method == "POST" and heard.path.endswith("/refunds") and not shows and _HANGS in content:
            status, refusal = denial("hangs_at_the_central_bank")
            return status, to_json(refusal)
        return status, content

    def _once(self, heard: Heard, act: Callable[[], tuple[int, Any]]) -> tuple[int, bytes]:
        """Carry it out, unless its key did so before; what is refused leaves its key unused. Raises Denied."""
        key, asking = heard.headers.get("x-idempotency-key", ""), (heard.method, heard.path, heard.body)
        if heard.method == "GET":
            status, answer = act()
            return status, to_json(answer)
        if not key:
            raise Denied("key_missing")
        if key not in self._answers:
            status, answer = act()
            self._answers[key] = (asking, status, to_json(answer))
        before, status, content = self._answers[key]
        if before != asking:
            raise Denied("key_reused")
        return status, content

    async def _spoil(self, fault: Fault, content: bytes, request: Request) -> Response:
        if fault.kind is FaultKind.STATUS:
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            cause = [{"code": fault.code}] if fault.code else []
            return Response(to_json({"message": "not now", "cause": cause}), fault.status, headers, "application/json")
        if fault.kind is FaultKind.GARBAGE:
            return Response(b"<html>a proxy's page", 200, media_type="text/html")
        if fault.kind is FaultKind.SILENCE:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response(status_code=204)
        if fault.kind is FaultKind.DRIP:
            return StreamingResponse(_drops(), media_type="application/json")
        if fault.kind is FaultKind.TRUNCATED:
            return _Truncated(content, self._line(request).close)
        self._line(request).abort()
        return Response(status_code=204)

    def _line(self, request: Request) -> Any:
        """The connection that a request came by."""
        assert request.client is not None
        peer = (request.client.host, request.client.port)
        return next(line.transport for line in self._lines if line.client == peer)

    @property
    def _lines(self) -> list[Any]:
        return [*self._state.connections]


async def _drops() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.05)


class _Truncated(Response):
    """Promises its body and hangs up in the middle of it."""

    def __init__(self, content: bytes, hang_up: Callable[[], None]) -> None:
        super().__init__(content, media_type="application/json")
        self._hang_up = hang_up

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        self._hang_up()
        await receive()
