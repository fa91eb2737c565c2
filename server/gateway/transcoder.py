"""HTTP and JSON in front of the pipeline, by the contracts' own rules: nothing is written per route.

What no rule knows goes on to the app behind it: operations, documents, webhooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import structlog
from google.protobuf.message import Message
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import Invalid, Violation
from domain.identity import Ids
from server.gateway.exchange import LARGEST_BODY, REQUEST_ID, ClientLeft, Exchange, TooLarge
from server.gateway.headers import metadata_headers
from server.gateway.refusals import refusal_at_door
from server.gateway.requests import RequestReader, check_encoding, wants_pretty
from server.gateway.responses import Response, ResponseWriter
from server.gateway.router import BadPath, Found, NotFound, Router, RouteTaken
from server.gateway.rules import Rule, rules_of
from server.gateway.streams import FIRST_WAIT, RESUME, Messages, lines_for, send_bytes, send_stream
from server.rpc.errors import Refusal, refusal_of, refusal_outside
from server.rpc.methods import ContractError
from server.rpc.pipeline import Pipeline

_JSON_TYPES: Final = ("application/json", "+json")
_ACCEPTS: Final = (b"accept", b"application/json")


class Meter(Protocol):
    """Counts what is refused before an rpc is reached."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """A rule, ready to be used."""

    rule: Rule
    requests: RequestReader
    responses: ResponseWriter


class Transcoder:
    """The ASGI app. Made from what the pipeline serves, so everything else must have been added to that before."""

    def __init__(self, pipeline: Pipeline, ids: Ids, behind: ASGIApp, meter: Meter) -> None:
        """Raises ContractError for rules that cannot be served."""
        self._pipeline = pipeline
        self._ids = ids
        self._behind = behind
        self._meter = meter
        self._router = router_of(rules_of(pipeline.methods.values()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        try:
            found = self._router.find(_method(scope), scope["raw_path"].decode("latin-1"))
        except BadPath as error:
            await self._refuse(Exchange(scope, receive, send, self._ids), refusal_of(Invalid(str(error))))
            return
        if isinstance(found, NotFound) and not found.allowed:
            await self._pass_on(scope, Exchange(scope, receive, send, self._ids), receive)
            return
        exchange = Exchange(scope, receive, send, self._ids)
        exchange.end_when_left()
        try:
            await (
                self._not_allowed(exchange, scope, found)
                if isinstance(found, NotFound)
                else self._serve(exchange, found)
            )
        except (ClientLeft, asyncio.CancelledError):
            return  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 -- the log keeps it, no caller sees it
            await self._broke(exchange, error)

    async def _pass_on(self, scope: Scope, exchange: Exchange, receive: Receive) -> None:
        """What no rule knows; Starlette would break over a query that is not UTF-8."""
        try:
            check_encoding(exchange.query)
        except Invalid as error:
            await self._refuse(exchange, refusal_of(error))
            return
        scope[REQUEST_ID] = exchange.asked.request_id
        await self._behind(scope, receive, exchange.with_ids)

    async def _serve(self, exchange: Exchange, found: Found[Route]) -> None:
        try:
            body = await exchange.body()
        except TooLarge:
            sentence = f"the body has more than {LARGEST_BODY} bytes"
            await self._refuse(exchange, refusal_at_door("BODY_TOO_LARGE", sentence), [(b"connection", b"close")])
            return
        if body and found.target.requests.raw is None and not _is_json(exchange.asked.content_type):
            sentence = f"the body must be application/json, not {exchange.asked.content_type}"
            await self._refuse(exchange, refusal_at_door("UNSUPPORTED_MEDIA_TYPE", sentence), [_ACCEPTS])
            return
        make = partial(_message, exchange, found, body)
        streams = found.target.rule.method.streams
        await (self._stream if streams else self._answer)(exchange, found.target, make)

    async def _answer(self, exchange: Exchange, route: Route, make: Callable[[], Message]) -> None:
        asked = exchange.asked
        outcome = await self._pipeline.handle(
            route.rule.method, make, asked.metadata, time_left=asked.timeout, peer=exchange.peer
        )
        if isinstance(outcome, Refusal):
            await exchange.refuse(outcome)
            return
        pretty = wants_pretty(exchange.query)
        metadata = metadata_headers(outcome.metadata)
        await exchange.respond(route.responses.write(outcome.message, asked, pretty=pretty, metadata=metadata))

    async def _stream(self, exchange: Exchange, route: Route, make: Callable[[], Message]) -> None:
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

    async def _not_allowed(self, exchange: Exchange, scope: Scope, found: NotFound) -> None:
        allowed = sorted(found.allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in found.allowed else set()))
        allow = (b"allow", ", ".join(allowed).encode())
        if scope["method"] == "OPTIONS":
            await exchange.respond(Response(204, "", b"", [allow]))
            return
        sentence = f"{scope['method']} is not among the methods of this path"
        await self._refuse(exchange, refusal_at_door("METHOD_NOT_ALLOWED", sentence), [allow])

    async def _refuse(self, exchange: Exchange, refusal: Refusal, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Refuse what never reached an rpc, and so is in no rpc's metrics."""
        self._meter.count("acerto_http_refused_total", reason=refusal.reason)
        await exchange.refuse(refusal, more)


def router_of(rules: Iterable[Rule]) -> Router[Route]:
    """The rules by method and path. Raises ContractError naming every two that are the same."""
    router: Router[Route] = Router()
    problems: list[str] = []
    for rule in rules:
        try:
            router.add(rule.http_method, rule.template, Route(rule, RequestReader(rule), ResponseWriter(rule)))
        except RouteTaken as error:
            problems.append(f"{rule.method.full_name}: {error}")
    if problems:
        raise ContractError("; ".join(problems))
    return router


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return "GET" if method == "HEAD" else method


def _is_json(content_type: str) -> bool:
    """No type at all is taken for JSON, since that is all there is."""
    return not content_type or content_type.partition(";")[0].strip().lower().endswith(_JSON_TYPES)


def _message(exchange: Exchange, found: Found[Route], body: bytes) -> Message:
    """The request message; the pipeline asks for it, so that what is wrong with it is refused there. Raises Invalid."""
    asked = exchange.asked
    if asked.problem:
        raise asked.problem
    parts = found.template.variable_parts(found.segments)
    message: Any = found.target.requests.read(parts, exchange.query, body, asked.content_type)
    if asked.if_match is not None:
        _make_conditional(message, asked.if_match)
    if asked.last_event_id and RESUME in message.DESCRIPTOR.fields_by_name:
        _go_on_after(message, asked.last_event_id)
    return message  # type: ignore[no-any-return] # Any only to reach its etag


def _make_conditional(message: Any, etag: str) -> None:
    """Have the rpc check the etag. Raises Invalid where it does not, and where the request names another."""
    if "etag" not in message.DESCRIPTOR.fields_by_name:
        raise _wrong_condition("this route checks no etag")
    if message.etag not in {"", etag}:
        raise _wrong_condition("differs from the etag in the request")
    message.etag = etag


def _go_on_after(message: Any, place: str) -> None:
    """Have a stream go on where a browser lost it. Raises Invalid."""
    if not (place.isascii() and place.isdecimal() and len(place) < 19):
        problem = "must be an id that this stream gave"
        raise Invalid(f"last-event-id: {problem}", violations=[Violation("last-event-id", problem, "http.header")])
    setattr(message, RESUME, int(place))


def _wrong_condition(problem: str) -> Invalid:
    return Invalid(f"if-match: {problem}", violations=[Violation("if-match", problem, "http.header")])
