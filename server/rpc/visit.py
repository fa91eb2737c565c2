"""What one request says about itself in its metadata: ids and trace, believed only as far as they can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from domain.actor import Actor, Call
from domain.errors import Invalid, Violation
from domain.identity import Ids
from domain.once import Once
from server.rpc.methods import Method

Metadata = Mapping[str, str | bytes]
"""Lower-case keys, as gRPC and the HTTP door give them; a `-bin` key has bytes."""

Peer = Callable[[], str]
"""Tells the caller's address; asking costs, so only those who need it ask."""

_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_TRACESTATE = re.compile(r"[ -~]{1,512}", re.ASCII)
_NO_TRACE: Final[Mapping[str, str]] = {}


class Visit:
    """One request on its way through the pipeline: its rpc, its ids, its trace, and its actor once that is known.

    `echo` is the metadata of every answer: the request id, to those who sent one; a refusal always tells it.
    """

    __slots__ = ("actor", "correlation_id", "echo", "metadata", "method", "peer", "request_id", "trace")

    def __init__(self, method: Method, metadata: Metadata, peer: Peer, ids: Ids) -> None:
        self.method = method
        self.metadata = metadata
        self.peer = peer
        self.actor: Actor | None = None
        self.correlation_id = trusted(metadata.get("correlation-id"))
        self.trace = trace_of(metadata)
        sent = metadata.get("x-request-id")
        self.request_id = trusted(sent) or str(ids.new())
        self.echo = () if sent is None else (("x-request-id", self.request_id),)

    def call(self, actor: Actor, *, key: str | None = None, once: Once | None = None) -> Call:
        """The call that it makes on the actor's behalf; a key is the command's id."""
        return Call(
            actor=actor,
            causation_id=key or self.request_id,
            correlation_id=self.correlation_id,
            trace=self.trace,
            once=once,
        )


def trusted(value: str | bytes | None) -> str | None:
    """The id that a caller sent, if it is one: at most 128 printable ASCII characters without blanks; else None."""
    if value is None or isinstance(value, bytes):
        return None
    return value if _ID.fullmatch(value) else None


def trace_of(metadata: Metadata) -> Mapping[str, str]:
    """The W3C trace headers to hand on; empty unless `traceparent` is valid."""
    parent = metadata.get("traceparent")
    if not isinstance(parent, str) or not _TRACEPARENT.fullmatch(parent):
        return _NO_TRACE
    state = metadata.get("tracestate")
    if isinstance(state, str) and _TRACESTATE.fullmatch(state):
        return {"traceparent": parent, "tracestate": state}
    return {"traceparent": parent}


def idempotency_key(in_request: str, metadata: Metadata) -> str | None:
    """The key that makes a write safe to repeat: `request_id` of the request, else the metadata `idempotency-key`.

    Raises Invalid for a key that cannot be one: dropping it quietly would let a repeat happen twice.
    """
    if in_request:
        return _canonical(in_request)
    sent = metadata.get("idempotency-key")
    if sent is None:
        return None
    key = trusted(sent)
    if key is None:
        problem = "must be 1 to 128 printable characters without blanks"
        raise Invalid(f"idempotency-key: {problem}", violations=[Violation("idempotency-key", problem)])
    return _canonical(key)


def _canonical(key: str) -> str:
    """One spelling for each UUID, so that a repeat is known however it is written."""
    try:
        return str(UUID(key))
    except ValueError:
        return key
