"""The gRPC server: its options, its services, and how it stops without dropping what it has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from server.ports import AddressInUse
from server.rpc.entrance import Entrance, Exit
from server.rpc.health import Health
from server.rpc.pipeline import Pipeline

_SECOND: Final = 1000

OPTIONS: Final[Mapping[str, int]] = {
    "grpc.keepalive_time_ms": 60 * _SECOND,
    "grpc.keepalive_timeout_ms": 20 * _SECOND,
    "grpc.http2.min_recv_ping_interval_without_data_ms": 30 * _SECOND,
    "grpc.max_connection_age_ms": 300 * _SECOND,
    "grpc.max_connection_age_grace_ms": 30 * _SECOND,
    "grpc.max_receive_message_length": 4 * 1024 * 1024,
}
"""As measured (spec/api.md D): connections are renewed, so that load spreads over new replicas."""


_LAST_WORD: Final = 1.0
"""Seconds for callers to take what they are told at the end. gRPC alone would give one that reads nothing all of the
grace, and leave none of it for the other parts of the process."""


class GrpcServer:
    """One gRPC server with the pipeline's methods, health and reflection. Bound at once, serving from `run`."""

    def __init__(self, address: str, pipeline: Pipeline, health: Health, *, share_port: bool = False) -> None:
        """`address` is host:port, port 0 for any; `share_port` for several processes on one port.

        Raises AddressInUse when the address cannot be had. Must be made inside the event loop.
        """
        self._pipeline = pipeline
        self._health = health
        options = [*OPTIONS.items(), ("grpc.so_reuseport", int(share_port))]
        self._entrance = Entrance(pipeline)
        self._server = grpc.aio.server(options=options)
        self._add_services(sorted({method.service for method in pipeline.methods.values()}))
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise AddressInUse(address, "ACERTO_GRPC_ADDRESS") from error

    async def run(self, stop: asyncio.Event, *, grace: float) -> None:
        """Serve until `stop` is set, then stop: tell health's watchers, end streams, finish what runs.

        That takes at most `grace` seconds.
        """
        await self._server.start()
        try:
            await stop.wait()
        finally:
            await self._stop(grace)

    async def _stop(self, grace: float) -> None:
        self._health.close()
        self._pipeline.end_streams()
        async with asyncio.TaskGroup() as ending:
            ending.create_task(self._end(grace))
            ending.create_task(self._drain(grace))

    async def _end(self, grace: float) -> None:
        """Stop; when no call is being answered any more, whoever does not take the last word is left behind."""
        stopping, quiet = asyncio.create_task(self._server.stop(grace)), 0
        try:
            while not stopping.done():
                await asyncio.wait([stopping], timeout=_LAST_WORD / 2)
                quiet = 0 if self._entrance.answering else quiet + 1
                if quiet == 2:
                    await self._server.stop(0)
        finally:
            stopping.cancel()

    async def _drain(self, grace: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pipeline.drain(), grace)

    def _add_services(self, services: Sequence[str]) -> None:
        self._server.add_generic_rpc_handlers([self._entrance])
        health_name: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        add_health: Any = health_pb2_grpc.add_HealthServicer_to_server
        add_health(self._health, self._server)
        reflection.enable_server_reflection([*services, health_name, reflection.SERVICE_NAME], self._server)
        self._server.add_generic_rpc_handlers([Exit()])
