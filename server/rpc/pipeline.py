"""Every request's way, whatever transport it came by: request id, deadline, admission, parse, identity, policy,
validation, idempotency, the servicer, outcome. It exists once, and knows no transport's context object.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from google.protobuf.message import Message

from domain.actor import Actor, Call
from domain.errors import DomainError
from domain.identity import Ids
from domain.once import Replayed
from domain.tracing import NoTracer, Tracer
from server.rpc.admission import Admission
from server.rpc.errors import Refusal, refusal_of
from server.rpc.journal import Journal
from server.rpc.methods import ContractError, Method
from server.rpc.once import once_of
from server.rpc.reception import Identify, Incoming, Limits, Reception, Route
from server.rpc.streaming import Streams
from server.rpc.visit import Metadata, Peer, Visit, idempotency_key

__all__ = ["Identify", "Limits", "Pipeline", "Reply"]


class Reply(NamedTuple):
    """The answer to a request that was served, and the metadata to send after it."""

    message: Message
    metadata: tuple[tuple[str, str], ...]


class Pipeline:
    """Answers requests; never raises, whatever a request or a servicer does."""

    def __init__(
        self,
        *,
        identify: Identify,
        ids: Ids,
        journal: Journal,
        limits: Limits | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        limits = limits or Limits()
        self._ids = ids
        self._journal = journal
        self._default_timeout = limits.default_timeout
        self._tracer = tracer or NoTracer()
        self._reception = Reception(identify, journal, limits.least_time)
        self._admission = Admission(limits.concurrent)
        streams = Admission(limits.streams)
        self._streams = Streams(self._reception, streams, self._tracer)
        journal.follow(lambda: self._admission.held, lambda: streams.held)
        self._routes: dict[str, Route] = {}
        self._writes: set[asyncio.Task[Message]] = set()

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by full name."""
        return {name: route.method for name, route in self._routes.items()}

    def add(self, method: Method, servicer: object) -> None:
        """Serve a method. The servicer's `answers` say how each write's answer becomes its response.

        Raises ContractError when they do not.
        """
        encode = getattr(servicer, "answers", {}).get(method.name)
        if method.writes and encode is None:
            raise ContractError(f"{type(servicer).__name__}.answers does not say how {method.name} answers a repeat")
        self._routes[method.full_name] = Route(method, getattr(servicer, method.name), encode)

    async def handle(
        self, method: Method, request: Incoming, metadata: Metadata, *, time_left: float | None, peer: Peer
    ) -> Reply | Refusal:
        """Answer one request; `time_left` are the seconds until its deadline, None when the caller gave none."""
        began = perf_counter()
        visit = Visit(method, metadata, peer, self._ids)
        left = self._default_timeout if time_left is None else time_left
        work = partial(self._reply, visit, self._routes[method.full_name], request)
        outcome = await self._reception.outcome(visit, self._admission, left, work)
        return self._reception.seen_out(visit, outcome, began)

    def stream(
        self, method: Method, request: Incoming, metadata: Metadata, *, time_left: float | None, peer: Peer
    ) -> AsyncGenerator[Message | Refusal, None]:
        """Answer one request by a stream: its messages and, at most once and as the last thing, a refusal.

        Closing it, or cancelling who waits for it, ends the stream as the caller's leaving does; so it must be closed
        (`contextlib.aclosing`). Without `time_left` it has no deadline.
        """
        visit = Visit(method, metadata, peer, self._ids)
        return self._streams.stream(visit, self._routes[method.full_name], request, time_left)

    def end_streams(self) -> None:
        """End every open stream now, and refuse new ones, as UNAVAILABLE: to be called when a door begins to close."""
        self._streams.end()

    async def drain(self) -> None:
        """Wait for the writes whose callers left."""
        while self._writes:
            await asyncio.wait(self._writes)

    async def _reply(self, visit: Visit, route: Route, request: Incoming) -> Reply:
        try:
            with self._tracer.span(visit.method.full_name, parent=visit.trace) as visit.trace:
                return Reply(await self._serve(visit, route, request), visit.echo)
        except Replayed as replay:
            return Reply(route.method.response.FromString(replay.reply), (*visit.echo, ("acerto-replayed", "true")))

    async def _serve(self, visit: Visit, route: Route, request: Incoming) -> Message:
        message, actor = await self._reception.let_in(visit, request)
        if route.method.writes:
            return await self._write(visit, route, message, actor)
        answer: Message = await route.serve(message, visit.call(actor))
        return answer

    async def _write(self, visit: Visit, route: Route, message: Message, actor: Actor) -> Message:
        """Serve a write in a task of its own: once begun it runs to its end, also when the caller leaves."""
        call = _call_to_write(visit, route, message, actor)
        task: asyncio.Task[Message] = asyncio.ensure_future(route.serve(message, call))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                self._admission.extend()
                task.add_done_callback(lambda ended: self._outlived(visit, ended))
            raise

    def _outlived(self, visit: Visit, ended: asyncio.Task[Message]) -> None:
        self._admission.leave()
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception()
        if error is None or isinstance(error, Replayed):
            self._journal.outlived(visit, "OK")
        elif isinstance(error, DomainError):
            self._journal.outlived(visit, refusal_of(error).status.grpc.name)
        else:
            self._journal.broke(visit, error)


def _call_to_write(visit: Visit, route: Route, message: Any, actor: Actor) -> Call:
    """The call of a write: with a key it is repeatable, and the key is the command's id."""
    key = idempotency_key(message.request_id if route.method.has_request_id else "", visit.metadata)
    once = once_of(route.method, actor.id, key, message, route.encode) if key and route.encode else None
    return visit.call(actor, key=key, once=once)
