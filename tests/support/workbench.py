"""A service with every shape that the HTTP door has to carry, behind the real pipeline and the real app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import (
    any_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message
from google.type import money_pb2
from starlette.routing import Route
from starlette.types import ASGIApp

from acerto.access.v1 import policy_pb2
from acerto.common.v1 import http_pb2
from domain.actor import Actor, Call
from protos.compiler import PROTOS, compile_protos
from server.gateway.app import api_app
from server.rpc.journal import Journal
from server.rpc.methods import methods_of
from server.rpc.pipeline import Limits, Pipeline
from server.rpc.visit import Metadata, Peer
from server.telemetry import Telemetry
from tests.support.fakes import FakeIds
from tests.support.http import client_of
from tests.support.served import KeptLog

IMPORTED = (
    annotations_pb2, any_pb2, duration_pb2, field_mask_pb2, http_pb2, httpbody_pb2, money_pb2, policy_pb2,
    struct_pb2, timestamp_pb2, wrappers_pb2,
)  # fmt: skip
"""What the contract imports: the pool must have it first."""


@cache
def service() -> ServiceDescriptor:
    """The service of workbench.proto, compiled once a run."""
    pool: Any = descriptor_pool.Default()
    with TemporaryDirectory() as scratch:
        image = Path(scratch) / "workbench.binpb"
        arguments = [f"-I{PROTOS}", f"--descriptor_set_out={image}"]
        compile_protos(Path(__file__).parent, Path(scratch), arguments, ["workbench.proto"])
        pool.Add(FileDescriptorSet.FromString(image.read_bytes()).file[0])
    found: ServiceDescriptor = pool.FindServiceByName("workbench.v1.Workbench")
    return found


def message_type(name: str) -> type[Message]:
    """A message type of the contract."""
    return message_factory.GetMessageClass(service().file.message_types_by_name[name])


class Servicer:
    """Answers every rpc with its own request; what was asked is kept.

    `error` is raised instead, `answer` is answered instead; where `held` is set, an answer waits for `release`.
    """

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.calls: list[Call] = []
        self.error: BaseException | None = None
        self.answer: Message | None = None
        self.held = False
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.canceled = asyncio.Event()

    async def serve(self, request: Message, call: Call) -> Message:
        self.asked.append(request)
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        if self.held:
            await self._wait()
        return self.answer or request

    Ask = AskForThis = Echo = Take = Change = Amend = Retag = Bounce = Store = Make = Forbidden = serve

    async def _wait(self) -> None:
        self.begun.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.canceled.set()
            raise


class Workbench:
    """The pipeline and the app; what a test may change is public. `metadata` is what identify was last given."""

    def __init__(
        self, *, origins: Sequence[str] = (), limits: Limits | None = None, behind: Sequence[Route] = ()
    ) -> None:
        self.servicer = Servicer()
        self.log = KeptLog()
        self.telemetry = Telemetry()
        self.metadata: Metadata = {}
        self.peer = ""
        self.stranger: Exception | None = None
        journal = Journal(self.telemetry, self.log)
        ids = FakeIds()
        self.pipeline = Pipeline(identify=self._identify, ids=ids, journal=journal, limits=limits)
        for method in methods_of([service()]).values():
            self.pipeline.add(method, self.servicer)
        self.app: ASGIApp = api_app(self.pipeline, ids, self.telemetry, behind, origins)

    def client(self) -> httpx.AsyncClient:
        """Asks the app in this process."""
        return client_of(self.app)

    async def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """One request, answered."""
        async with self.client() as client:
            return await client.request(method, path, **how)

    async def _identify(self, metadata: Metadata, peer: Peer) -> Actor:
        self.metadata, self.peer = metadata, peer()
        if self.stranger is not None:
            raise self.stranger
        return Actor(id="tester", permissions=frozenset({"workbench.ask"}))
