"""Refusals as RFC 9457 `application/problem+json`: the same reasons and details as gRPC's, in HTTP's words."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any, Final

from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2

from server.rpc.errors import Refusal

PROBLEM_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:acerto:error:"
"""Before the reason, in a problem's `type`."""

_TITLES: Final = {413: "Content Too Large", 414: "URI Too Long", 499: "Client Closed Request"}
"""Those that Python has no words for, or other ones in each version."""


def problem_of(refusal: Refusal, *, status: int, instance: str, request_id: str) -> dict[str, Any]:
    """A refusal as a problem: `instance` is the path that was asked for, `status` what HTTP answers.

    Beside RFC 9457's members: `reason`, `request_id`, and where there are any `violations` (field, description, rule),
    `metadata` (the ErrorInfo's) and `retry_after` (seconds).
    """
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + refusal.reason,
        "title": title_of(status),
        "status": status,
        "detail": refusal.message,
        "instance": instance,
        "reason": refusal.reason,
        "request_id": request_id,
    }
    for detail in refusal.details:
        problem |= _members(detail)
    if refusal.retry_after is not None:
        problem["retry_after"] = refusal.retry_after
    return problem


def title_of(status: int) -> str:
    """A status in words, the same in every Python."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_json(problem: dict[str, Any]) -> bytes:
    """As it is sent."""
    return json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(refusal: Refusal, *, status: int) -> list[tuple[bytes, bytes]]:
    """What HTTP wants said in headers: `WWW-Authenticate` with 401, `Retry-After` in whole seconds."""
    headers: list[tuple[bytes, bytes]] = []
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(refusal.retry_after))).encode()))
    return headers


def _members(detail: Message) -> dict[str, Any]:
    if isinstance(detail, details_pb2.ErrorInfo) and detail.metadata:
        return {"metadata": dict(sorted(detail.metadata.items()))}
    if isinstance(detail, details_pb2.BadRequest):
        return {
            "violations": [
                {"field": one.field, "description": one.description, "rule": one.reason}
                for one in detail.field_violations
            ]
        }
    return {}
