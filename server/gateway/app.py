"""Everything that one process serves over HTTP, as one app: the API, where it has one, in front of its other routes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.identity import Ids
from domain.meter import Meter, NoMeter
from server.gateway.exchange import REQUEST_ID
from server.gateway.problems import PROBLEM_TYPE, problem_json, problem_of
from server.gateway.protocol import Tell
from server.gateway.refusals import refusal_at_door
from server.gateway.transcoder import Transcoder
from server.rpc.errors import Refusal
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
    "last-event-id",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-request-timeout",
)
_SHOWN_TO_PAGES: Final = (
    *("acerto-replayed", "allow", "correlation-id", "etag", "retry-after", "www-authenticate", "x-request-id"),
)
_PREFLIGHT_SECONDS: Final = 600


def plain_app(routes: Sequence[Route], meter: Meter | None = None) -> Starlette:
    """An app of these routes; what it has not is refused as the API refuses, and counted."""
    problem = partial(_problem, meter or NoMeter())
    app = Starlette(routes=list(routes), exception_handlers={404: problem, 405: problem})
    # A redirection would name whatever host the caller named.
    app.router.redirect_slashes = False
    return app


def api_app(pipeline: Pipeline, ids: Ids, meter: Meter, routes: Sequence[Route], origins: Sequence[str]) -> ASGIApp:
    """The API in front of these routes; pages of `origins` may call it. Raises ContractError."""
    app: ASGIApp = Transcoder(pipeline, ids, plain_app(routes, meter), meter, origins)
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


def tell_of(ids: Ids, meter: Meter) -> Tell:
    """How the server tells of what it refuses before there is a request: counted, and in the log with its id."""

    def tell(refusal: Refusal, peer: str) -> str:
        request_id = str(ids.new())
        meter.count("acerto_http_refused_total", reason=refusal.reason)
        structlog.get_logger().info("http_refused", reason=refusal.reason, peer=peer, request_id=request_id)
        return request_id

    return tell


async def _problem(meter: Meter, request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if isinstance(error, HTTPException) and error.headers:
        headers |= error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = f"{headers.get('allow') or headers.pop('Allow', '')}, OPTIONS"
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    refusal = refusal_at_door(_REASONS[status], _SENTENCES[status])
    meter.count("acerto_http_refused_total", reason=refusal.reason)
    path = request.scope["raw_path"].decode("latin-1")
    problem = problem_of(refusal, status=status, instance=path, request_id=request.scope.get(REQUEST_ID, ""))
    return Response(problem_json(problem), status_code=status, headers={**headers, "content-type": PROBLEM_TYPE})
