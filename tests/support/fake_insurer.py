"""An insurer's own service for checks of eligibility, which a test gives its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.gateway.app import plain_app
from server.gateway.server import HttpServer


@dataclass
class FakeInsurer:
    """Answers every check with `status`, `body`, which may be bytes, and the headers `sends`; silent while `silent`."""

    status: int = 200
    body: Any = field(default_factory=lambda: {"verdict": "ELIGIBLE"})
    silent: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sends: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/eligibility"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeInsurer]:
        stop = asyncio.Event()
        server = HttpServer("127.0.0.1:0", plain_app([Route("/eligibility", self._answer, methods=["POST"])]))
        self.port = server.port
        serving = asyncio.create_task(server.run(stop, grace=0.2))
        try:
            yield self
        finally:
            self.silent = False
            stop.set()
            await serving

    async def _answer(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        self.tokens.append(request.headers.get("authorization", ""))
        while self.silent:  # noqa: ASYNC110 -- a test flips a plain attribute
            await asyncio.sleep(0.01)
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Response(content, status_code=self.status, headers=self.sends, media_type="application/json")
