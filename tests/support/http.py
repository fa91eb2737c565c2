"""Clients of the HTTP door inside this process, and what its answers are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from starlette.types import ASGIApp

from server.gateway.app import api_app
from tests.support.fakes import FakeIds
from tests.support.served import Scene

BASE_URL = "http://acerto.example.com"


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    """A client of an app in this process, which asks for no compression unless it is told to."""
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 4711))
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers={"accept-encoding": "identity"})


def problem_in(answer: httpx.Response, status: int, reason: str) -> Mapping[str, Any]:
    """The problem that an answer is, which must be whole and of this status and reason."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["reason"]) == (status, reason), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["type"] == f"urn:acerto:error:{reason}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"] != ""
    return problem


def fields_in(answer: httpx.Response) -> list[str]:
    """The fields that an INVALID_REQUEST names."""
    problem = problem_in(answer, 400, "INVALID_REQUEST")
    return [violation["field"] for violation in problem["violations"]]


def http_of(scene: Scene) -> ASGIApp:
    """Billing's HTTP door over a scene."""
    return api_app(scene.pipeline, FakeIds(), scene.telemetry, [], [])


async def asgi(
    app: ASGIApp,
    method: str,
    target: bytes,
    *,
    headers: Sequence[tuple[bytes, bytes]] = (),
    body: Sequence[bytes] = (b"",),
) -> httpx.Response:
    """One request as it would come from the wire, unmended by any client; `body` in these chunks."""
    raw_path, _, query = target.partition(b"?")
    scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"}
    scope |= {"method": method, "path": raw_path.decode("latin-1"), "raw_path": raw_path, "query_string": query}
    scope |= {"headers": list(headers), "client": ("192.0.2.7", 4711), "server": ("127.0.0.1", 80), "root_path": ""}
    chunks = [*({"type": "http.request", "body": chunk, "more_body": True} for chunk in body[:-1])]
    chunks += [{"type": "http.request", "body": body[-1], "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return chunks.pop(0) if chunks else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)
