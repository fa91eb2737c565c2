"""Everything that one process serves over HTTP, as one app: the API, where it has one, in front of its other routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.identity import Ids
from server.gateway.exchange import REQUEST_ID
from server.gateway.problems import PROBLEM_TYPE, problem_json, problem_of
from server.gateway.refusals import refusal_at_door
from server.gateway.transcoder import Meter, Transcoder
from server.rpc.pipeline import Pipeline

_REASONS: Final = {404: "ROUTE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_SENTENCES: Final = {404: "there is nothing at this path", 405: "this path has other methods"}
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SENT_BY_BROWSERS: Final = (
    "authorization",
    "content-type",
    "correlation-id",
    "grpc-timeout",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-request-timeout",
)
_SHOWN_TO_PAGES: Final = ("acerto-replayed", "correlation-id", "etag", "retry-after", "x-request-id")
_PREFLIGHT_SECONDS: Final = 600


def plain_app(routes: Sequence[Route]) -> Starlette:
    """An app of these routes; what it has not is refused as the API refuses."""
    return Starlette(routes=list(routes), exception_handlers={404: _problem, 405: _problem})


def api_app(pipeline: Pipeline, ids: Ids, meter: Meter, routes: Sequence[Route], origins: Sequence[str]) -> ASGIApp:
    """The API in front of these routes; pages of `origins` may call it. Raises ContractError."""
    app: ASGIApp = Transcoder(pipeline, ids, plain_app(routes), meter)
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_SENT_BY_BROWSERS,
        expose_headers=_SHOWN_TO_PAGES,
        max_age=_PREFLIGHT_SECONDS,
    )


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    refusal = refusal_at_door(_REASONS[status], _SENTENCES[status])
    problem = problem_of(
        refusal, status=status, instance=request.scope["path"], request_id=request.scope.get(REQUEST_ID, "")
    )
    headers = {"cache-control": "no-store", "content-type": PROBLEM_TYPE, "x-content-type-options": "nosniff"}
    if isinstance(error, HTTPException) and error.headers:
        headers |= error.headers
    return Response(problem_json(problem), status_code=status, headers=headers)
