"""Where payment providers tell us things: the raw body is kept, the signature decides, and the answer comes at once.

What is told is only a hint: the worker asks the provider before anything is believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.billing.notice import Notice
from domain.errors import DomainError
from domain.meter import Meter

LARGEST: Final = 262_144
"""Bytes of a notification's body; theirs have some hundreds."""

ANSWER: Final = 15.0
"""Seconds until we say that we could not keep it; they wait for 22."""

Receive = Callable[[Notice], Awaitable[bool]]
"""Keeps a notice; False for one that was told before. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """How one provider's notifications are read.

    `verify` answers why a request is not theirs, or None when it is; `parse` raises ValueError for what names nothing;
    `topics` are those that are about charges.
    """

    provider: str
    verify: Callable[[Mapping[str, str], Mapping[str, str]], str | None]
    parse: Callable[[Mapping[str, str], bytes], Notice]
    topics: Sequence[str]


def routes(webhook: Webhook, receive: Receive, meter: Meter) -> list[Route]:
    """The provider's route, `POST /api/billing/<provider>/webhook`.

    200 once the notice is kept, was kept before, or is about nothing of ours; 401 for a signature that is not theirs,
    400 and 413 for what cannot be one, 503 while it cannot be kept: they send it again then.
    """

    async def take(request: Request) -> Response:
        status, outcome = await _taken(request, webhook, receive)
        meter.count("acerto_webhooks_total", provider=webhook.provider, outcome=outcome)
        return JSONResponse({"outcome": outcome}, status_code=status, headers={"cache-control": "no-store"})

    return [Route(f"/api/billing/{webhook.provider}/webhook", take, methods=["POST"])]


async def _taken(request: Request, webhook: Webhook, receive: Receive) -> tuple[int, str]:
    body = await _body(request)
    if body is None:
        return 413, "too_large"
    query = dict(request.query_params)
    if problem := webhook.verify(dict(request.headers), query):
        structlog.get_logger().warning("webhook refused", provider=webhook.provider, problem=problem)
        return 401, "bad_signature"
    try:
        notice = webhook.parse(query, body)
    except ValueError:
        return 400, "names_nothing"
    if notice.topic not in webhook.topics:
        return 200, "ignored"
    try:
        async with asyncio.timeout(ANSWER):
            return 200, "kept" if await receive(notice) else "known"
    except (DomainError, TimeoutError) as error:
        structlog.get_logger().warning("webhook not kept", provider=webhook.provider, problem=type(error).__name__)
        return 503, "not_kept"


async def _body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it is more than LARGEST."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return body
