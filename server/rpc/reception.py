"""What every request meets, answered once or by a stream: deadline, admission, parse, identity, policy, validation,
and at the end the outcome, as the caller hears it and as the journal keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from domain.actor import Actor, Call
from domain.errors import DomainError, Forbidden
from server.rpc.admission import Admission
from server.rpc.deadline import Deadline
from server.rpc.errors import MalformedMessage, Refusal, refusal_of, refusal_outside
from server.rpc.journal import Journal
from server.rpc.methods import Method
from server.rpc.once import Encode
from server.rpc.validation import validate
from server.rpc.visit import Metadata, Peer, Visit

T = TypeVar("T")

Identify = Callable[[Metadata, Peer], Awaitable[Actor]]
"""Who calls, from the metadata and the peer's address. Raises Unauthenticated."""

Incoming = bytes | Message | Callable[[], Message]
"""A request as its transport has it: bytes, a message, or what makes the message and may raise a DomainError."""

_CORE_DEADLINE_SLACK = 0.01
"""A transport that counts the deadline itself cancels about when we do: seconds by which it may be earlier."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`concurrent` requests and `streams` at most, apart from each other; a deadline in seconds for requests (never for
    streams) whose caller gives none; the least worth beginning.
    """

    concurrent: int = 256
    streams: int = 256
    default_timeout: float = 15.0
    least_time: float = 0.02


@dataclass(frozen=True, slots=True)
class Route:
    """A method, who serves it, and (for a write) how its answer is kept for a repeat."""

    method: Method
    serve: Callable[[Any, Call], Any]
    """The servicer's method: it gives an awaitable of the answer, or for a method that streams an async generator."""
    encode: Encode | None


class Reception:
    """Lets requests in and sees them out."""

    def __init__(self, identify: Identify, journal: Journal, least_time: float) -> None:
        """`least_time` are the seconds that are the least worth beginning."""
        self._identify = identify
        self._journal = journal
        self._least_time = least_time

    async def outcome(
        self, visit: Visit, admission: Admission, left: float | None, work: Callable[[], Awaitable[T]]
    ) -> T | Refusal:
        """What `work` gives, or the refusal that it came to, within `left` seconds; never raises."""
        if left is not None and left < self._least_time:
            return refusal_outside("DEADLINE_EXCEEDED", "too little time was left to begin")
        try:
            admission.enter()
        except DomainError as error:
            return refusal_of(error)
        deadline = Deadline(left)
        try:
            return await work()
        except DomainError as error:
            return refusal_of(error)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- the journal keeps it, no caller sees it
            return self._failure(visit, deadline, error)
        finally:
            deadline.close()
            admission.leave()

    async def let_in(self, visit: Visit, request: Incoming) -> tuple[Message, Actor]:
        """Parse, identity, policy, validation: the message, and who sent it. Raises DomainError."""
        method = visit.method
        message = _parsed(method, request)
        actor = visit.actor = await self._identify(visit.metadata, visit.peer)
        if method.permission not in actor.permissions:
            raise Forbidden(
                f"permission {method.permission} is needed and missing", metadata={"permission": method.permission}
            )
        validate(message)
        return message, actor

    def seen_out(self, visit: Visit, outcome: T | Refusal, began: float) -> T | Refusal:
        """Keep the outcome of a request that began then, by `perf_counter`; a refusal tells the request's id."""
        code, reason = "OK", ""
        if isinstance(outcome, Refusal):
            code, reason = outcome.status.grpc.name, outcome.reason
            outcome = outcome._replace(metadata=(("x-request-id", visit.request_id),))
        self._journal.ended(visit, code, reason, perf_counter() - began)
        return outcome

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
