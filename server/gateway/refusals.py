"""What the HTTP door itself refuses, before any rpc is known or its message whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.rpc import error_details_pb2 as details_pb2
from grpc import StatusCode

from server.rpc.errors import DOMAIN, Refusal, Status

DOOR: Final[Mapping[str, Status]] = {
    "MALFORMED_HTTP": Status(StatusCode.INVALID_ARGUMENT, 400),
    "ORIGIN_NOT_ALLOWED": Status(StatusCode.PERMISSION_DENIED, 403),
    "ROUTE_NOT_FOUND": Status(StatusCode.UNIMPLEMENTED, 404),
    "METHOD_NOT_ALLOWED": Status(StatusCode.UNIMPLEMENTED, 405),
    "REQUEST_TIMEOUT": Status(StatusCode.DEADLINE_EXCEEDED, 408),
    "BODY_TOO_LARGE": Status(StatusCode.RESOURCE_EXHAUSTED, 413),
    "URI_TOO_LONG": Status(StatusCode.INVALID_ARGUMENT, 414),
    "UNSUPPORTED_MEDIA_TYPE": Status(StatusCode.INVALID_ARGUMENT, 415),
    "HEADERS_TOO_LARGE": Status(StatusCode.INVALID_ARGUMENT, 431),
}
"""The status of each reason that only HTTP has; the gRPC code is the nearest one."""


def refusal_at_door(reason: str, message: str) -> Refusal:
    """A refusal for one of the reasons in DOOR."""
    return Refusal(DOOR[reason], reason, message, (details_pb2.ErrorInfo(reason=reason, domain=DOMAIN),))
