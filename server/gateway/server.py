"""uvicorn inside our own loop: we bind the port, we own the signals, we say when it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from server.gateway.protocol import HttpLimits, Tell, protocol_with
from server.ports import AddressInUse, host_and_port


class HttpServer:
    """One HTTP server. Bound at once, serving from `run`."""

    def __init__(
        self,
        address: str,
        app: ASGIApp,
        limits: HttpLimits | None = None,
        *,
        share_port: bool = False,
        own_address: str | None = None,
        tell: Tell = lambda _refusal, _peer: "",
    ) -> None:
        """`address` is host:port, port 0 for any; `share_port` for several processes on one port.

        `own_address` is a second one, for what asks this process and no other. `tell` is told of what is refused
        before it is a request. Raises AddressInUse.
        """
        self._sockets = [_bound(address, share_port=share_port)]
        if own_address:
            self._sockets.append(_bound(own_address))
        self.port: int = self._sockets[0].getsockname()[1]
        self._app = app
        self._protocol = protocol_with(limits or HttpLimits(), tell)

    def close(self) -> None:
        """Give the addresses back without ever having served."""
        for one in self._sockets:
            one.close()

    async def run(self, stop: asyncio.Event, *, grace: float) -> None:
        """Serve until `stop` is set, then let the open requests finish within `grace` seconds."""
        config = uvicorn.Config(
            self._app,
            http=self._protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=self._protocol.limits.idle_seconds,  # type: ignore[arg-type] # a timer takes fractions too
            timeout_graceful_shutdown=round(grace) or 1,
        )
        server = _Uvicorn(config)
        serving = asyncio.create_task(server.serve(sockets=self._sockets))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            stopping.cancel()
            await serving


def _bound(address: str, *, share_port: bool = False) -> socket.socket:
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=1024, reuse_port=share_port)
    except OSError as error:
        raise AddressInUse(address, "ACERTO_HTTP_ADDRESS", error.strerror or str(error)) from error
    # asyncio sets it only for sockets that say they are TCP; without it every answer waited 40 ms for an ACK.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `server/lifespan.py`."""
        yield
