"""How every refusal is said: one table from the domain's kinds to gRPC and HTTP, and the details that go with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from grpc import StatusCode

from domain.errors import DomainError, Kind, Violation

DOMAIN: Final = "acerto"
"""The `domain` of every `google.rpc.ErrorInfo`."""


_LONGEST: Final = 300
"""Characters of one sentence, or field path."""
_MOST_TOLD: Final = 32_768
"""Bytes of JSON for all violations together."""


class Status(NamedTuple):
    """One outcome in both transports' words."""

    grpc: StatusCode
    http: int


HTTP: Final[Mapping[StatusCode, int]] = {
    StatusCode.OK: 200,
    StatusCode.CANCELLED: 499,
    StatusCode.UNKNOWN: 500,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DATA_LOSS: 500,
    StatusCode.UNAUTHENTICATED: 401,
}
"""Every gRPC code in HTTP (google/rpc/code.proto). ABORTED is 412 when it answers an If-Match: the HTTP door knows."""


def _status(code: StatusCode) -> Status:
    return Status(code, HTTP[code])


TABLE: Final[Mapping[Kind, Status]] = {
    Kind.INVALID: _status(StatusCode.INVALID_ARGUMENT),
    Kind.UNAUTHENTICATED: _status(StatusCode.UNAUTHENTICATED),
    Kind.FORBIDDEN: _status(StatusCode.PERMISSION_DENIED),
    Kind.NOT_FOUND: _status(StatusCode.NOT_FOUND),
    Kind.ALREADY_EXISTS: _status(StatusCode.ALREADY_EXISTS),
    Kind.STALE: _status(StatusCode.ABORTED),
    Kind.RULE: _status(StatusCode.FAILED_PRECONDITION),
    Kind.EXHAUSTED: _status(StatusCode.RESOURCE_EXHAUSTED),
    Kind.UNAVAILABLE: _status(StatusCode.UNAVAILABLE),
}
"""A domain kind's status."""

OUTSIDE: Final[Mapping[str, Status]] = {
    "DEADLINE_EXCEEDED": _status(StatusCode.DEADLINE_EXCEEDED),
    "CANCELED": _status(StatusCode.CANCELLED),
    "UNKNOWN_METHOD": _status(StatusCode.UNIMPLEMENTED),
    "INTERNAL": _status(StatusCode.INTERNAL),
}
"""The status of each reason that is no domain error: the transport's own, and our own failures."""


class MalformedMessage(DomainError):
    """The bytes are not a message of the rpc's request type."""

    kind, code = Kind.INVALID, "MALFORMED_MESSAGE"


class Refusal(NamedTuple):
    """The answer to a request that was not served: the same for every transport."""

    status: Status
    reason: str
    message: str
    details: tuple[Message, ...]
    retry_after: float | None = None
    metadata: tuple[tuple[str, str], ...] = ()


def refusal_of(error: DomainError) -> Refusal:
    """What a domain error is to a caller."""
    details: list[Message] = [_error_info(error.code, error.metadata)]
    if error.violations:
        details.append(bad_request(error.violations))
    if error.kind is Kind.RULE:
        details.append(_precondition(error))
    if error.retry_after is not None:
        details.append(details_pb2.RetryInfo(retry_delay=_duration(error.retry_after)))
    return Refusal(TABLE[error.kind], error.code, _short(error.message), tuple(details), error.retry_after)


def refusal_outside(reason: str, message: str, **metadata: str) -> Refusal:
    """A refusal for one of the reasons in OUTSIDE."""
    return Refusal(OUTSIDE[reason], reason, message, (_error_info(reason, metadata),))


def bad_request(violations: Sequence[Violation]) -> details_pb2.BadRequest:
    """The violations as `google.rpc.BadRequest`, each with its field path, sentence and rule, as many as have room."""
    told = details_pb2.BadRequest()
    room = _MOST_TOLD
    for violation in violations:
        field, description = _short(violation.field), _short(violation.description)
        room -= len(json.dumps(field)) + len(json.dumps(description))
        if room < 0:
            break
        told.field_violations.add(field=field, description=description, reason=violation.rule)
    left_out = len(violations) - len(told.field_violations)
    if left_out:
        told.field_violations.add(description=f"and {left_out} more that do not fit here", reason="truncated")
    return told


def _short(text: str) -> str:
    """A text that may quote what was sent: a name can have megabytes."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _error_info(reason: str, metadata: Mapping[str, str]) -> details_pb2.ErrorInfo:
    return details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)


def _precondition(error: DomainError) -> details_pb2.PreconditionFailure:
    violation = details_pb2.PreconditionFailure.Violation(type=error.code, description=error.message)
    return details_pb2.PreconditionFailure(violations=[violation])


def _duration(seconds: float) -> Duration:
    nanos = round(seconds * 1_000_000_000)
    return Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)
