"""Every request's way, whatever transport it came by: request id, deadline, admission, parse, identity, policy,
validation, idempotency, the servicer, outcome. It exists once, and knows no transport's context object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message

from domain.actor import Actor, Call
from domain.errors import DomainError, Forbidden
from domain.identity import Ids
from domain.once import Replayed
from domain.tracing import NoTracer, Tracer
from server.rpc.admission import Admission
from server.rpc.deadline import Deadline
from server.rpc.errors import MalformedMessage, Refusal, refusal_of, refusal_outside
from server.rpc.journal import Journal
from server.rpc.methods import ContractError, Method
from server.rpc.once import Encode, once_of
from server.rpc.validation import validate
from server.rpc.visit import Metadata, Peer, Visit, idempotency_key

Identify = Callable[[Metadata, Peer], Awaitable[Actor]]
"""Who calls, from the metadata and the peer's address. Raises Unauthenticated."""

Incoming = bytes | Message | Callable[[], Message]
"""A request as its transport has it: bytes, a message, or what makes the message and may raise a DomainError."""

Serve = Callable[[Any, Call], Awaitable[Message]]
"""One method of a servicer."""

_CORE_DEADLINE_SLACK = 0.01
"""A transport that counts the deadline itself cancels about when we do: seconds by which it may be earlier."""


class Reply(NamedTuple):
    """The answer to a request that was served, and the metadata to send after it."""

    message: Message
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """`concurrent` requests at most; a deadline in seconds for callers that give none; the least worth beginning."""

    concurrent: int = 256
    default_timeout: float = 15.0
    least_time: float = 0.02


@dataclass(frozen=True, slots=True)
class Route:
    """A method, who serves it, and (for a write) how its answer is kept for a repeat."""

    method: Method
    serve: Serve
    encode: Encode | None


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
        self._identify = identify
        self._ids = ids
        self._journal = journal
        self._limits = limits or Limits()
        self._tracer = tracer or NoTracer()
        self._admission = Admission(self._limits.concurrent)
        journal.follow(lambda: self._admission.held)
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
        left = self._limits.default_timeout if time_left is None else time_left
        outcome = await self._outcome(visit, self._routes[method.full_name], request, left)
        code, reason = "OK", ""
        if isinstance(outcome, Refusal):
            code, reason = outcome.status.grpc.name, outcome.reason
            outcome = outcome._replace(metadata=(("x-request-id", visit.request_id),))
        self._journal.ended(visit, code, reason, perf_counter() - began)
        return outcome

    async def drain(self) -> None:
        """Wait for the writes whose callers left."""
        while self._writes:
            await asyncio.wait(self._writes)

    async def _outcome(self, visit: Visit, route: Route, request: Incoming, left: float) -> Reply | Refusal:
        if left < self._limits.least_time:
            return refusal_outside("DEADLINE_EXCEEDED", "too little time was left to begin")
        try:
            self._admission.enter()
        except DomainError as error:
            return refusal_of(error)
        deadline = Deadline(left)
        try:
            return await self._reply(visit, route, request)
        except DomainError as error:
            return refusal_of(error)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the journal keeps it, no caller sees it
            return self._failure(visit, deadline, error)
        finally:
            deadline.close()
            self._admission.leave()

    async def _reply(self, visit: Visit, route: Route, request: Incoming) -> Reply:
        try:
            with self._tracer.span(visit.method.full_name, parent=visit.trace) as visit.trace:
                return Reply(await self._serve(visit, route, request), visit.echo)
        except Replayed as replay:
            return Reply(route.method.response.FromString(replay.reply), (*visit.echo, ("acerto-replayed", "true")))

    async def _serve(self, visit: Visit, route: Route, request: Incoming) -> Message:
        method = route.method
        message = _parsed(method, request)
        actor = visit.actor = await self._identify(visit.metadata, visit.peer)
        if method.permission not in actor.permissions:
            raise Forbidden(
                f"permission {method.permission} is needed and missing", metadata={"permission": method.permission}
            )
        validate(message)
        if method.writes:
            return await self._write(visit, route, message, actor)
        call = Call(
            actor=actor,
            causation_id=visit.request_id,
            correlation_id=visit.correlation_id,
            trace=visit.trace,
        )
        return await route.serve(message, call)

    async def _write(self, visit: Visit, route: Route, message: Message, actor: Actor) -> Message:
        """Serve a write in a task of its own: once begun it runs to its end, also when the caller leaves."""
        call = _call_to_write(visit, route, message, actor)
        task = asyncio.ensure_future(route.serve(message, call))
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

    def _failure(self, visit: Visit, deadline: Deadline, error: BaseException) -> Refusal:
        if isinstance(error, asyncio.CancelledError):
            if deadline.passed() or (deadline.left_by_caller() and deadline.left < _CORE_DEADLINE_SLACK):
                return refusal_outside("DEADLINE_EXCEEDED", "the deadline passed before the answer was ready")
            if deadline.left_by_caller():
                return refusal_outside("CANCELED", "the caller left before the answer was ready")
        self._journal.broke(visit, error)
        sentence = f"something broke on our side; request {visit.request_id} finds it in our logs"
        return refusal_outside("INTERNAL", sentence, request_id=visit.request_id)


def _parsed(method: Method, request: Incoming) -> Message:
    if isinstance(request, Message):
        return request
    if not isinstance(request, bytes):
        return request()
    try:
        return method.request.FromString(request)
    except DecodeError as error:
        raise MalformedMessage(f"the bytes are no {method.request.DESCRIPTOR.full_name}") from error


def _call_to_write(visit: Visit, route: Route, message: Any, actor: Actor) -> Call:
    """The call of a write: with a key it is repeatable, and the key is the command's id."""
    key = idempotency_key(message.request_id if route.method.has_request_id else "", visit.metadata)
    once = once_of(route.method, actor.id, key, message, route.encode) if key and route.encode else None
    return Call(
        actor=actor,
        causation_id=key or visit.request_id,
        correlation_id=visit.correlation_id,
        trace=visit.trace,
        once=once,
    )
