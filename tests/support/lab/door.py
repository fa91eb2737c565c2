"""The lab's servant behind our own HTTP door: the real transcoder and pipeline, on a real port per service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from domain.actor import Actor, Call
from domain.billing.errors import BudgetNotFound
from domain.errors import DomainError, Forbidden, Unauthenticated
from server.gateway.app import api_app
from server.gateway.server import HttpServer
from server.rpc.journal import Journal
from server.rpc.methods import methods_of
from server.rpc.pipeline import Pipeline
from server.rpc.visit import Metadata, Peer
from server.telemetry import Telemetry
from tests.support.fakes import FakeIds
from tests.support.lab.contract import PERMISSION
from tests.support.lab.servant import Refused, Servant
from tests.support.served import KeptLog

_REFUSALS: Final[dict[int, type[DomainError]]] = {5: BudgetNotFound, 7: Forbidden, 16: Unauthenticated}
"""What says each gRPC code in our house."""


class _Servicer:
    """Every rpc of a service, by the servant."""

    def __init__(self, servant: Servant, service: ServiceDescriptor) -> None:
        for rpc in service.methods:
            setattr(self, rpc.name, self._method(servant, rpc))

    @staticmethod
    def _method(servant: Servant, rpc: MethodDescriptor) -> Any:
        async def stream(request: Message, _: Call) -> AsyncGenerator[Message, None]:
            with _in_our_words():
                for reply in servant.stream(rpc, request):
                    yield reply

        async def serve(request: Message, _: Call) -> Message:
            with _in_our_words():
                return servant.answer(rpc, request)[0]

        return stream if rpc.server_streaming else serve


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise _REFUSALS[refused.code](refused.sentence) from refused


@asynccontextmanager
async def doors(servant: Servant, services: Iterable[ServiceDescriptor]) -> AsyncIterator[dict[str, int]]:
    """The ports by the services' short names."""
    servers = {service.name: HttpServer("127.0.0.1:0", _app(servant, service)) for service in services}
    stop = asyncio.Event()
    running = [asyncio.create_task(server.run(stop, grace=1.0)) for server in servers.values()]
    try:
        yield {name: server.port for name, server in servers.items()}
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*running), 10)


def _app(servant: Servant, service: ServiceDescriptor) -> Any:
    telemetry, ids = Telemetry(), FakeIds()
    pipeline = Pipeline(identify=_anybody, ids=ids, journal=Journal(telemetry, KeptLog()))
    servicer = _Servicer(servant, service)
    for method in methods_of([service]).values():
        pipeline.add(method, servicer)
    return api_app(pipeline, ids, telemetry, [], [])


async def _anybody(_metadata: Metadata, _peer: Peer) -> Actor:
    return Actor(id="tester", permissions=frozenset({PERMISSION}))
