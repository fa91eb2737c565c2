"""The routes that are no rpc's: health, metrics, the providers' webhooks, and this document itself."""

from __future__ import annotations

from typing import Any, Final

from protos.openapi.shared import headers, parameter

Json = dict[str, Any]

OPERATIONS_TAG: Final = "Operations"
WEBHOOKS_TAG: Final = "Webhooks"
TAGS: Final[list[Json]] = [
    {"name": OPERATIONS_TAG, "description": "What operators and their machines ask. Nobody needs an identity here."},
    {"name": WEBHOOKS_TAG, "description": "Where payment providers tell what happened; their signature is checked."},
]

_JSON: Final = "application/json"
_READINESS: Final[Json] = {
    "type": "object",
    "description": "What a process is doing, and each part that it depends on.",
    "required": ["status", "dependencies"],
    "properties": {
        "status": {"type": "string", "enum": ["starting", "ready", "degraded", "not ready", "shutting down"]},
        "dependencies": {
            "type": "object",
            "description": "By the part's name.",
            "additionalProperties": {
                "type": "object",
                "required": ["state", "latency_ms"],
                "properties": {
                    "state": {"type": "string", "enum": ["up", "down"]},
                    "latency_ms": {"type": "number", "description": "How long the look took, in milliseconds."},
                    "error": {"type": "string", "description": "The sort of failure; absent when it is up."},
                },
            },
        },
    },
}
_OUTCOMES: Final = {
    200: ("It is kept, was kept before, or is about nothing of ours.", ["kept", "known", "ignored"]),
    400: ("It names nothing that could be looked up.", ["names_nothing"]),
    401: ("The signature is not the provider's.", ["bad_signature"]),
    413: ("It has more than 256 KiB.", ["too_large"]),
    503: ("It cannot be kept now; it is to be sent again.", ["not_kept"]),
}

COMPONENTS: Final[dict[str, Json]] = {"Readiness": _READINESS}


def other_paths() -> dict[str, Json]:
    """Their path items."""
    return {
        "/health": {"get": _health("GetHealth", "The same as `/health/ready`.")},
        "/health/live": {"get": _live()},
        "/health/ready": {"get": _health("GetReadiness", "Whether the process can do its work now.")},
        "/metrics": {"get": _metrics()},
        "/openapi.json": {"get": _document()},
        "/api/billing/{provider}/webhook": {"post": _webhook()},
    }


def _open(operation_id: str, tag: str, summary: str, responses: Json, **more: Any) -> Json:
    """An operation that asks for no identity."""
    named = {"operationId": operation_id, "tags": [tag], "summary": summary}
    return named | more | {"security": [], "responses": responses}


def _health(operation_id: str, summary: str) -> Json:
    content = {_JSON: {"schema": {"$ref": "#/components/schemas/Readiness"}}}
    responses = {
        "200": {"description": "It can.", "content": content},
        "503": {"description": "It cannot, or is starting or shutting down.", "content": content},
    }
    return _open(operation_id, OPERATIONS_TAG, summary, responses)


def _live() -> Json:
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["alive"]}},
    }
    responses = {"200": {"description": "It is.", "content": {_JSON: {"schema": schema}}}}
    return _open("GetLiveness", OPERATIONS_TAG, "Whether the process is alive.", responses)


def _metrics() -> Json:
    content = {"text/plain": {"schema": {"type": "string"}}}
    responses = {"200": {"description": "In Prometheus' text format.", "content": content}}
    return _open("GetMetrics", OPERATIONS_TAG, "Everything that the process counts and measures.", responses)


def _document() -> Json:
    found = {
        "description": "An OpenAPI 3.1 document.",
        "headers": headers("ETag"),
        "content": {_JSON: {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}},
    }
    kept = {"description": "The client has it already.", "headers": headers("ETag")}
    parameters = [parameter("IfNoneMatch")]
    responses = {"200": found, "304": kept}
    return _open("GetOpenApi", OPERATIONS_TAG, "This document.", responses, parameters=parameters)


def _webhook() -> Json:
    provider = {
        "name": "provider",
        "in": "path",
        "required": True,
        "description": "Who tells it: the provider that this installation collects by.",
        "schema": {"type": "string", "enum": ["mercadopago", "sandbox"]},
    }
    text = (
        "What is told is only a hint: the provider is asked before anything is believed. The body is the "
        "provider's own, signed as the provider signs. Only the provider that is used here has its path."
    )
    body: Json = {"content": {"*/*": {}}}
    responses = {str(status): _outcome(text, outcomes) for status, (text, outcomes) in _OUTCOMES.items()}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    responses["404"] = {
        "description": "This installation has no such provider.",
        "content": {"application/problem+json": problem},
    }
    return _open(
        "ReceiveProviderNotice",
        WEBHOOKS_TAG,
        "Tells that something happened to a charge.",
        dict(sorted(responses.items())),
        description=text,
        parameters=[provider],
        requestBody=body,
    )


def _outcome(description: str, outcomes: list[str]) -> Json:
    schema = {
        "type": "object",
        "required": ["outcome"],
        "properties": {"outcome": {"type": "string", "enum": outcomes}},
    }
    return {"description": description, "content": {_JSON: {"schema": schema}}}
