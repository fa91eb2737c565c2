"""HTTP and JSON in front of the pipeline, by the contracts' own rules: nothing is written per route.

What no rule knows goes on to the app behind it: operations, documents, webhooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from google.protobuf.message import Message
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import DomainError, Invalid, Unavailable
from domain.identity import Ids
from domain.meter import Meter
from server.gateway.conditions import apply_conditions
from server.gateway.exchange import LARGEST_BODY, REQUEST_ID, BodyRoom, ClientLeft, Exchange, TooLarge
from server.gateway.headers import Asked, metadata_headers
from server.gateway.refusals import refusal_at_door
from server.gateway.requests import RequestReader, check_encoding, problem_with_body, wants_pretty
from server.gateway.responses import Response, ResponseWriter
from server.gateway.router import BadPath, Found, NotFound, Router, RouteTaken
from server.gateway.rules import Rule, rules_of
from server.gateway.streams import FIRST_WAIT, Messages, lines_for, send_bytes, send_stream
from server.rpc.errors import Refusal, refusal_of, refusal_outside
from server.rpc.methods import ContractError
from server.rpc.pipeline import Pipeline

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CLOSE: Final = (b"connection", b"close")
_ACCEPTS: Final = (b"accept", b"application/json")


@dataclass(frozen=True, slots=True)
class Served:
    """A rule, ready to be used."""

    rule: Rule
    requests: RequestReader
    responses: ResponseWriter


class Transcoder:
    """The ASGI app. Made from what the pipeline serves, so everything else must have been added to that before."""

    def __init__(self, pipeline: Pipeline, ids: Ids, behind: ASGIApp, meter: Meter, origins: Sequence[str]) -> None:
        """Pages of `origins` may change something. Raises ContractError for rules that cannot be served."""
        self._pipeline = pipeline
        self._ids = ids
        self._behind = behind
        self._meter = meter
        self._origins = frozenset(origins)
        self._room = BodyRoom()
        self._router = router_of(rules_of(pipeline.methods.values()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._ids)
        try:
            await self._routed(exchange, scope, receive)
        except DomainError as error:
            await self._refuse(exchange, refusal_of(error))
        except (ClientLeft, asyncio.CancelledError):
            await self._given_up(exchange)
        except Exception as error:  # noqa: BLE001 -- the log keeps it, no caller sees it
            await self._broke(exchange, error)

    async def _routed(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        method: str = scope["method"]
        try:
            found = self._router.find("GET" if exchange.headers_only else method, exchange.path)
        except BadPath as error:
            raise Invalid(str(error)) from error
        if isinstance(found, Found):
            await self._serve(exchange, found, changes=method not in _SAFE_METHODS)
        elif found.allowed:
            await self._not_allowed(exchange, method, found)
        else:
            await self._pass_on(exchange, scope, receive)

    async def _pass_on(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        """What no rule knows, by the same rules: a query is text, and a trailing slash changes nothing."""
        check_encoding(exchange.query)
        path = scope["path"]
        scope["path"] = path.removesuffix("/") or "/"
        scope[REQUEST_ID] = exchange.asked.request_id
        await self._behind(scope, receive, exchange.with_ids)

    async def _serve(self, exchange: Exchange, found: Found[Served], *, changes: bool) -> None:
        exchange.end_when_left()
        asked = exchange.asked
        if changes and not self._is_known_origin(asked):
            sentence = "pages of another origin may change nothing here, unless ACERTO_CORS_ORIGINS names it"
            await self._refuse(exchange, refusal_at_door("ORIGIN_NOT_ALLOWED", sentence))
            return
        try:
            body = await exchange.body(self._room)
        except TooLarge:
            sentence = f"the body has more than {LARGEST_BODY} bytes"
            await self._refuse(exchange, refusal_at_door("BODY_TOO_LARGE", sentence), [_CLOSE])
            return
        if body and (problem := problem_with_body(asked, raw=found.target.requests.raw is not None)):
            await self._refuse(exchange, refusal_at_door("UNSUPPORTED_MEDIA_TYPE", problem), [_ACCEPTS])
            return
        make = partial(_message, exchange, found, body)
        streams = found.target.rule.method.streams
        await (self._stream if streams else self._answer)(exchange, found.target, make)

    def _is_known_origin(self, asked: Asked) -> bool:
        """Whether no page asks, or one of ours or of those that are named: browsers send it without asking first."""
        own = asked.origin.partition("://")[2] == asked.host
        return not asked.origin or own or not self._origins.isdisjoint({"*", asked.origin})

    async def _answer(self, exchange: Exchange, route: Served, make: Callable[[], Message]) -> None:
        asked = exchange.asked
        outcome = await self._pipeline.handle(
            route.rule.method, make, asked.metadata, time_left=asked.timeout, peer=exchange.peer
        )
        if isinstance(outcome, Refusal):
            if outcome.reason == "CANCELED" and not exchange.left:
                outcome = _stopping()
            await exchange.refuse(outcome)
            return
        pretty = wants_pretty(exchange.query)
        metadata = metadata_headers(outcome.metadata)
        await exchange.respond(route.responses.write(outcome.message, asked, pretty=pretty, metadata=metadata))

    async def _stream(self, exchange: Exchange, route: Served, make: Callable[[], Message]) -> None:
        asked = exchange.asked
        told = self._pipeline.stream(
            route.rule.method, make, asked.metadata, time_left=asked.timeout, peer=exchange.peer
        )
        async with aclosing(Messages(told)) as messages:
            # The type of bytes is known with the first of them.
            first = await messages.next(None if route.responses.is_raw else FIRST_WAIT)
            if isinstance(first, Refusal):
                await exchange.refuse(first)
                return
            if route.responses.is_raw:
                await send_bytes(exchange, messages, first, route.responses.raw)
                return
            await send_stream(exchange, messages, first, lines_for(asked.accept), route.responses.text)

    async def _broke(self, exchange: Exchange, error: Exception) -> None:
        """The door's own failure, such as an answer that JSON cannot say: opaque, as the pipeline's are."""
        request_id = exchange.asked.request_id
        structlog.get_logger().error("http_failed", path=exchange.path, request_id=request_id, exc_info=error)
        if exchange.answering:
            raise error
        sentence = f"something broke on our side; request {request_id} finds it in our logs"
        await self._refuse(exchange, refusal_outside("INTERNAL", sentence, request_id=request_id))

    async def _given_up(self, exchange: Exchange) -> None:
        """The request ends before its answer: nobody is there to be told, unless it is we who stop."""
        if not exchange.left and not exchange.answering:
            await self._refuse(exchange, _stopping(), [_CLOSE])

    async def _not_allowed(self, exchange: Exchange, method: str, found: NotFound) -> None:
        allowed = sorted(found.allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in found.allowed else set()))
        allow = (b"allow", ", ".join(allowed).encode())
        if method == "OPTIONS":
            await exchange.respond(Response(204, "", b"", [allow]))
            return
        sentence = f"{method} is not among the methods of this path"
        await self._refuse(exchange, refusal_at_door("METHOD_NOT_ALLOWED", sentence), [allow])

    async def _refuse(self, exchange: Exchange, refusal: Refusal, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Refuse what never reached an rpc, and so is in no rpc's metrics."""
        self._meter.count("acerto_http_refused_total", reason=refusal.reason)
        await exchange.refuse(refusal, more)


def router_of(rules: Iterable[Rule]) -> Router[Served]:
    """The rules by method and path. Raises ContractError naming every two that are the same."""
    router: Router[Served] = Router()
    problems: list[str] = []
    for rule in rules:
        try:
            router.add(rule.http_method, rule.template, Served(rule, RequestReader(rule), ResponseWriter(rule)))
        except RouteTaken as error:
            problems.append(f"{rule.method.full_name}: {error}")
    if problems:
        raise ContractError("; ".join(problems))
    return router


def _stopping() -> Refusal:
    return refusal_of(Unavailable("this server stops; another one goes on", retry_after=1.0))


def _message(exchange: Exchange, found: Found[Served], body: bytes) -> Message:
    """The request message; the pipeline asks for it, so that what is wrong with it is refused there. Raises Invalid."""
    asked = exchange.asked
    if asked.problem:
        raise asked.problem
    parts = found.template.variable_parts(found.segments)
    message = found.target.requests.read(parts, exchange.query, body, asked.content_type)
    apply_conditions(message, asked)
    return message
