"""gRPC health, per service: Check, List and Watch. Its watches end when the server does, and are counted by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_Response = health_pb2.HealthCheckResponse
_Base: Any = health_pb2_grpc.HealthServicer
"""The generated base has no types."""


class Health(_Base):  # type: ignore[misc] # see _Base
    """The serving status of every service, and of the server as a whole under the empty name.

    The library's own servicer never ends a watch, so that a server with watchers always stops by force.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._statuses = dict.fromkeys(["", *services], _Response.NOT_SERVING)
        self._changed = asyncio.Event()
        self._closing = False

    @property
    def serving(self) -> bool:
        """Whether callers are told that requests are welcome."""
        return bool(self._statuses[""] == _Response.SERVING)

    def serve(self, *, ready: bool) -> None:
        """Tell everybody whether requests are welcome; after `close`, they never are."""
        status = _Response.SERVING if ready and not self._closing else _Response.NOT_SERVING
        if status != self._statuses[""]:
            self._statuses = dict.fromkeys(self._statuses, status)
            self._tell()

    def close(self) -> None:
        """NOT_SERVING from now on; watchers hear it as the last thing."""
        self._closing = True
        self._statuses = dict.fromkeys(self._statuses, _Response.NOT_SERVING)
        self._tell()

    async def Check(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:  # noqa: N802 -- the contract's name
        """The status of one service; NOT_FOUND when there is no such service."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return _Response(status=status)

    async def List(self, _request: Any, _context: grpc.aio.ServicerContext[Any, Any]) -> Any:  # noqa: N802
        """The status of every service."""
        statuses = {name: _Response(status=status) for name, status in self._statuses.items()}
        return health_pb2.HealthListResponse(statuses=statuses)

    async def Watch(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:  # noqa: N802
        """The status of one service now and whenever it changes, until the server closes."""
        told = None
        while True:
            changed, closing = self._changed, self._closing
            status = self._statuses.get(request.service, _Response.SERVICE_UNKNOWN)
            if status != told:
                await context.write(_Response(status=status))
                told = status
            if closing:
                return
            await changed.wait()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
