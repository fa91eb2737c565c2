"""One request to Mercado Pago and what its outcome proves: it was done, it was not, or nobody can say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import httpx
from pydantic import SecretStr

from domain.billing.charge import ProviderAmbiguous, ProviderRefused
from server.providers.breaker import Breaker, ProviderAway
from server.providers.mercadopago import wire
from server.providers.mercadopago.wire import Json

API: Final = "https://api.mercadopago.com"
MOST_BYTES: Final = 2_000_000
"""The longest answer that is read; a charge with its code as a picture has some 30,000."""

_SAYS_NOTHING: Final = frozenset({401, 403, 408, 423, 424, 425, 429})
"""Refusals of the moment, not of the request: our credentials, a lock, too much at once."""
_NOT_SAID: Final = frozenset({"2001", "2004", "2007"})
"""400s that are failures of theirs, or a repeat that came too soon (the Payments API's list of errors)."""
_LONGEST_WAIT: Final = 3600
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class Refusal(ProviderRefused):
    """The API's definite no: its HTTP status, its own error code, and the body."""

    def __init__(self, status: int, body: Json) -> None:
        self.status = status
        self.code = _code(body)
        self.body = body
        reason = f"error_{self.code}" if self.code.isdecimal() else self.code
        super().__init__(reason or f"http_{status}", f"HTTP {status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `key` makes a repeat harmless; without one it only reads."""

    method: str
    path: str
    key: UUID | None = None
    body: Json | None = None
    query: Mapping[str, str] = field(default_factory=dict)


class MercadoPagoClient:
    """The wire of one account. Close it, or use it in `async with`.

    No proxy and no .netrc of the machine is used: a forgotten file would replace the bearer token.
    """

    def __init__(
        self, token: SecretStr, *, base_url: str = API, time_limit: float = 10.0, breaker: Breaker | None = None
    ) -> None:
        """`time_limit` are the seconds from the first byte sent to the last one read."""
        self._limit = time_limit
        self._breaker = breaker or Breaker()
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token.get_secret_value()}", "Accept": "application/json"},
            timeout=time_limit,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End its connections."""
        await self._http.aclose()

    async def ask(self, ask: Ask) -> Json:
        """The body of a 2xx answer. Raises Refusal for a definite no, ProviderAmbiguous for everything else."""
        with self._breaker.attempt():
            response, content = await self._exchange(ask)
            return _said(response, content)

    async def _exchange(self, ask: Ask) -> tuple[httpx.Response, bytes]:
        # Always sent: without it a PIX refund that hangs at the central bank is answered 400 (billing.md D.1).
        headers = {"X-Render-In-Process-Refunds": "true"}
        if ask.key:
            headers["X-Idempotency-Key"] = str(ask.key)
        content = None if ask.body is None else wire.write(ask.body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            ask.method, ask.path, params=dict(ask.query) or None, headers=headers, content=content
        )
        try:
            async with asyncio.timeout(self._limit):
                return await self._answer(request)
        except TimeoutError as error:
            raise ProviderAway(f"no answer within {self._limit:g} s") from error
        except httpx.HTTPError as error:
            raise ProviderAway(f"no answer: {type(error).__name__}") from error

    async def _answer(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = await self._http.send(request, stream=True)
        try:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise ProviderAway(f"an answer of more than {MOST_BYTES} bytes")
            return response, bytes(content)
        finally:
            await response.aclose()


def _said(response: httpx.Response, content: bytes) -> Json:
    status = response.status_code
    if status in _SAYS_NOTHING:
        raise ProviderAmbiguous(f"HTTP {status}", retry_after=_retry_after(response))
    if status >= 500 or status < 200 or 300 <= status < 400:
        raise ProviderAway(f"HTTP {status}", retry_after=_retry_after(response))
    try:
        body = wire.read(content)
    except ValueError as error:
        # A 404 of something in between is not Mercado Pago's word.
        raise ProviderAway(f"HTTP {status} with a body that is no JSON object") from error
    if status < 300:
        return body
    refusal = Refusal(status, body)
    if refusal.code in _NOT_SAID:
        raise ProviderAmbiguous(f"HTTP {status}, error {refusal.code}")
    raise refusal


def _retry_after(response: httpx.Response) -> float | None:
    wanted = response.headers.get("Retry-After", "").strip()
    return float(min(int(wanted), _LONGEST_WAIT)) if wanted.isascii() and wanted.isdecimal() else None


def _code(body: Json) -> str:
    """The error's own code: Orders answer `errors`, Payments `cause` with numbers, both sometimes `error` alone."""
    listed = [row for name in ("errors", "cause") for row in wire.rows(body, name)]
    spelled = [wire.text(row, "code") for row in listed] + [wire.text(body, "code"), wire.text(body, "error")]
    return next((code for code in spelled if _CODE.fullmatch(code)), "")
