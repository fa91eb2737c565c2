"""An old client at the HTTP door: sends the texts that it always sent, and reads what it always read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx


@dataclass(frozen=True)
class OldHttp:
    """Sends a body as the text it was, or none at all; a header only where the old client sent it."""

    http: httpx.AsyncClient

    async def send(self, method: str, path: str, body: str | None = None, **headers: str) -> httpx.Response:
        typed = {} if body is None else {"Content-Type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else body.encode()
        return await self.http.request(method, path, content=content, headers=typed | named)

    async def told(self, status: int, method: str, path: str, body: str | None = None, **headers: str) -> Any:
        """The answer, which must be JSON and of this status."""
        answer = await self.send(method, path, body, **headers)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, "application/json"), (
            answer.text
        )
        return answer.json()

    async def refused(self, status: int, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        """The problem that it is refused with, of this status."""
        answer = await self.send(method, path, body)
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    async def wrong(self, method: str, path: str, body: str | None = None) -> list[str]:
        """The fields that a request is refused for, each once."""
        problem = await self.refused(400, method, path, body)
        assert problem["reason"] == "INVALID_REQUEST", problem
        return list(dict.fromkeys(violation["field"] for violation in problem["violations"]))


def shaped(read: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """What was read, if it has these names and no others, each of its type."""
    assert read.keys() == shape.keys()
    for name, kind in shape.items():
        if kind is UUID:
            assert str(UUID(read[name])) == read[name], name
        elif kind is datetime:
            assert datetime.fromisoformat(read[name]).utcoffset() is not None, name
        else:
            assert isinstance(read[name], kind), name
            assert isinstance(read[name], bool) == (kind is bool), name
    return read
