"""gRPC's way into the pipeline: one handler of every call, which hands over the bytes as they came.

Left to gRPC, malformed bytes fail in the deserializer and a stray CancelledError leaves the client waiting. It is no
interceptor: that would cost a coroutine and two calls more for each call, and see the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final, Never

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2

from server.rpc.errors import Refusal, refusal_outside
from server.rpc.methods import Method
from server.rpc.pipeline import Pipeline

OPEN: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")
"""The services that are no business of the pipeline's. What is neither here nor in the pipeline is not served."""

_MOST_DETAILS: Final = 4096
"""Bytes of `google.rpc.Status`; clients take 8 KiB of trailing metadata and base64 makes four of three."""

_MOST_MESSAGE: Final = 512
"""Characters of the status message, which travels percent-encoded in the same 8 KiB."""


class Entrance(grpc.GenericRpcHandler):
    """Answers the pipeline's methods through it, leaves the open services to the handlers behind it, refuses the rest.

    It must be the server's first handler, and `Exit` the last.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler[bytes, Message]] = {
            name: _streaming(pipeline, method) if method.streams else self._unary(pipeline, method)
            for name, method in pipeline.methods.items()
        }
        self.answering = 0
        """Calls that are being answered now, streams not counted."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of one call, made beforehand."""
        name = handler_call_details.method
        handler = self._handlers.get(name)
        return handler if handler is not None or name.startswith(OPEN) else UNKNOWN

    def _unary(self, pipeline: Pipeline, method: Method) -> grpc.RpcMethodHandler[bytes, Message]:
        handle = pipeline.handle

        async def answer(request: bytes, context: grpc.aio.ServicerContext[bytes, Message]) -> Message:
            metadata: dict[str, str | bytes] = dict(context.invocation_metadata() or ())
            self.answering += 1
            try:
                outcome = await handle(method, request, metadata, time_left=context.time_remaining(), peer=context.peer)
            finally:
                self.answering -= 1
            if isinstance(outcome, Refusal):
                await _refuse(context, outcome)
            if outcome.metadata:
                context.set_trailing_metadata(outcome.metadata)
            return outcome.message

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=None, response_serializer=method.response.SerializeToString
        )


def _streaming(pipeline: Pipeline, method: Method) -> grpc.RpcMethodHandler[bytes, Message]:
    stream = pipeline.stream

    async def answer(request: bytes, context: grpc.aio.ServicerContext[bytes, Message]) -> None:
        metadata: dict[str, str | bytes] = dict(context.invocation_metadata() or ())
        outcomes = stream(method, request, metadata, time_left=context.time_remaining(), peer=context.peer)
        async with aclosing(outcomes):
            async for outcome in outcomes:
                if isinstance(outcome, Refusal):
                    await _refuse(context, outcome)
                await context.write(outcome)

    return grpc.unary_stream_rpc_method_handler(
        answer, request_deserializer=None, response_serializer=method.response.SerializeToString
    )


async def _refuse_unknown(_: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
    await _refuse(context, refusal_outside("UNKNOWN_METHOD", "there is no such rpc on this server"))


UNKNOWN: Final[grpc.RpcMethodHandler[bytes, bytes]] = grpc.stream_stream_rpc_method_handler(_refuse_unknown)


class Exit(grpc.GenericRpcHandler):
    """Refuses what an open service has not."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:  # noqa: ARG002 -- grpc's
        """The same for every call."""
        return UNKNOWN


async def _refuse(context: grpc.aio.ServicerContext[Any, Any], refusal: Refusal) -> Never:
    message = refusal.message[:_MOST_MESSAGE]
    status = status_pb2.Status(code=refusal.status.grpc.value[0], message=message)
    for detail in refusal.details:
        status.details.add().Pack(_fitting(detail))
    trailing: tuple[tuple[str, str | bytes], ...] = (
        *refusal.metadata,
        ("grpc-status-details-bin", status.SerializeToString()),
    )
    await context.abort(refusal.status.grpc, message, trailing)


def _fitting(detail: Message) -> Message:
    """The detail, shortened when there are more violations than a client takes, and saying so."""
    if not isinstance(detail, details_pb2.BadRequest) or detail.ByteSize() <= _MOST_DETAILS:
        return detail
    kept = details_pb2.BadRequest()
    for violation in detail.field_violations:
        if kept.ByteSize() + violation.ByteSize() > _MOST_DETAILS - 128:
            break
        kept.field_violations.append(violation)
    left_out = len(detail.field_violations) - len(kept.field_violations)
    kept.field_violations.add(description=f"and {left_out} more that do not fit here", reason="truncated")
    return kept
