"""The lab's servant behind a real gRPC server, for a transcoder that is a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Final, Self

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from tests.support.lab.servant import Refused, Servant
from tests.support.ports import free_port

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class Upstream:
    """A grpc.aio server of the lab on loopback; as an asynchronous context manager it stops at the end."""

    def __init__(self, servant: Servant, services: Iterable[ServiceDescriptor]) -> None:
        self.port = free_port()
        self._servant = servant
        self._server = grpc.aio.server()
        for service in services:
            handlers = {rpc.name: self._handler(rpc) for rpc in service.methods}
            self._server.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler(service.full_name, handlers)],
            )
        self._server.add_insecure_port(f"127.0.0.1:{self.port}")

    def _handler(self, rpc: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        async def stream(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
            try:
                for reply in self._servant.stream(rpc, request):
                    yield reply
            except Refused as refused:
                await context.abort(_CODES[refused.code], refused.sentence)

        async def one(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            return await anext(stream(request, context))

        kinds: dict[str, Any] = {
            "request_deserializer": message_factory.GetMessageClass(rpc.input_type).FromString,
            "response_serializer": message_factory.GetMessageClass(rpc.output_type).SerializeToString,
        }
        if rpc.server_streaming:
            return grpc.unary_stream_rpc_method_handler(stream, **kinds)
        return grpc.unary_unary_rpc_method_handler(one, **kinds)

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(0)
