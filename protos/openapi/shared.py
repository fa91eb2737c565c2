"""What many operations share: headers of requests and of answers, `pretty`, and the shape of a refusal."""

from __future__ import annotations

from typing import Any, Final

from server.gateway.problems import TYPE_PREFIX

Json = dict[str, Any]

_ID: Final = {"type": "string", "pattern": "^[!-~]{1,128}$"}
_ETAG: Final = r'"[!#-~]*"'

PARAMETERS: Final[dict[str, Json]] = {
    "CorrelationId": {
        "name": "Correlation-Id",
        "in": "header",
        "description": "The saga that the call belongs to; it comes back. Made when it is absent or no such id.",
        "schema": _ID,
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the call safe to repeat for 7 days: with the same key the same answer comes back, with "
        "the header `acerto-replayed`, and nothing happens twice. A UUID is best. The same as `requestId` in the body, "
        "which counts when both are given.",
        "schema": _ID,
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The `etag` that was read, quotes and all: the call is refused with 412 when somebody changed "
        "the resource since. `*` is any.",
        "schema": {"type": "string", "pattern": rf"^(\*|(W/)?{_ETAG})$"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Etags that the client has, parted by commas: 304 without a body when one of them still stands.",
        "schema": {"type": "string", "pattern": rf"^(W/)?{_ETAG}(, ?(W/)?{_ETAG})*$"},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Where to go on, as browsers send it: the `id` of the last event that came.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "Pretty": {
        "name": "pretty",
        "in": "query",
        "description": "JSON with line breaks, for people.",
        "schema": {"type": "boolean"},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "The call's id, for logs; it comes back. Made when it is absent or no such id.",
        "schema": _ID,
    },
    "RequestTimeout": {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "The seconds in which the answer is wanted; 504 afterwards, and at once for less than 0.02.",
        "schema": {"type": "string", "pattern": r"^[0-9]{1,8}(\.[0-9]{1,9})?$"},
    },
}

HEADERS: Final[dict[str, Json]] = {
    "AcertoReplayed": {
        "description": "`true` when this is the kept answer of the first call with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "CorrelationId": {"description": "The saga that the call belongs to.", "required": True, "schema": _ID},
    "ETag": {
        "description": "The resource's `etag`, for `If-Match` and `If-None-Match`.",
        "schema": {"type": "string", "pattern": rf"^(W/)?{_ETAG}$"},
    },
    "RequestId": {
        "description": "The call's id: whoever looks after the server finds the call in the logs by it.",
        "required": True,
        "schema": _ID,
    },
    "RetryAfter": {
        "description": "After how many whole seconds to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WwwAuthenticate": {"description": "`Bearer`.", "required": True, "schema": {"type": "string"}},
}

_VIOLATION: Final = {
    "type": "object",
    "required": ["field", "description", "rule"],
    "properties": {
        "field": {"type": "string", "description": "The field's path, or the header; empty for the whole."},
        "description": {"type": "string", "description": "What is wrong, for people."},
        "rule": {"type": "string", "description": "A stable name of the rule that is broken. May be empty."},
    },
}

PROBLEM: Final[Json] = {
    "type": "object",
    "description": "A refusal (RFC 9457). `reason` is what programs decide by; `detail` is for people and may change.",
    "required": ["type", "title", "status", "detail", "instance", "reason", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": f"`{TYPE_PREFIX}` and the reason."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened, for people."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "reason": {"type": "string", "description": "Why: a stable name."},
        "request_id": {"type": "string", "description": "The call's id, by which logs have it."},
        "violations": {
            "type": "array",
            "description": "Everything that is wrong with the request, all at once.",
            "items": _VIOLATION,
        },
        "metadata": {
            "type": "object",
            "description": "Ids and numbers that belong to the reason.",
            "additionalProperties": {"type": "string"},
        },
        "retry_after": {"type": "number", "description": "After how many seconds to try again."},
    },
}


def parameter(name: str) -> Json:
    """A reference to one of PARAMETERS."""
    return {"$ref": f"#/components/parameters/{name}"}


def headers(*names: str) -> Json:
    """References to some of HEADERS, by the names that they have in HTTP."""
    return {_SPELLED[name]: {"$ref": f"#/components/headers/{name}"} for name in names}


_SPELLED: Final = {
    "AcertoReplayed": "Acerto-Replayed",
    "CorrelationId": "Correlation-Id",
    "ETag": "ETag",
    "RequestId": "X-Request-Id",
    "RetryAfter": "Retry-After",
    "WwwAuthenticate": "WWW-Authenticate",
}
