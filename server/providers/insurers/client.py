"""Checks at an insurer's own service: one small JSON question over HTTP (docs/insurers.md), and its answer.

Where an insurer's service is, its reference data says; whether it may be called, the operator: who may enter an insurer
must not be able to make this server call any address there is.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from domain.billing.charge import ProviderAmbiguous
from domain.eligibility.eligibility_check import Question
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import InsurerAway, Told
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from server.providers.breaker import Breaker, ProviderAway

MOST_BYTES: Final = 64_000
PLACES: Final = 32
"""Checks that a process asks one service at once."""
PATIENCE: Final = 1.0
"""Seconds that one more waits for a place. It is waited for beside the time limit, which is the service's alone."""
_MOST_REASONS: Final = 50
_LONGEST: Final = 300
_LONGEST_CODE: Final = 64
_FAR: Final = 9000
"""The year from which an end is none: some say so that there is no limit, and no zone can be told of the last day."""
_BUSY: Final = frozenset({408, 425, 429})


class InsurerClients:
    """Answers `domain.eligibility.ports.InsurerServices`. Use it in `async with`.

    Each service has connections, places and a breaker of its own, so that one that is slow or away costs no other
    anything. No proxy and no .netrc of the machine is used, and no redirect is followed.
    """

    def __init__(
        self,
        origins: Collection[str],
        tokens: Mapping[str, SecretStr] | None = None,
        *,
        time_limit: float = 3.0,
        places: int = PLACES,
        patience: float = PATIENCE,
    ) -> None:
        """`origins` are those that may be called, as https://checks.example.com; `tokens` are sent to their own origin.

        `time_limit` are the seconds from the first byte sent to the last one read; `places` how many checks a service
        is asked at once, and `patience` the seconds that one more waits for a place.
        """
        self._services: dict[str, _Service] = {}
        if not origins:
            return  # most installations call nobody, and what is trusted takes long to read
        trusted = httpx.create_ssl_context(trust_env=False)
        for origin in origins:
            token = (tokens or {}).get(origin)
            self._services[origin] = _Service(token, trusted, time_limit, places, patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for service in self._services.values():
            await service.http.aclose()

    def serves(self, insurer: Insurer) -> bool:
        """Whether it has a service that may be called."""
        return bool(insurer.check_url) and _origin(insurer.check_url) in self._services

    async def check(self, insurer: Insurer, question: Question) -> Told:
        """Ask it. Raises InsurerAway."""
        service = self._services.get(_origin(insurer.check_url))
        if service is None:
            raise InsurerAway("a service that may not be called")
        try:
            return await service.told(insurer.check_url, _asked(insurer, question))
        except ProviderAmbiguous as error:
            raise InsurerAway(str(error)) from error


class _Service:
    """One origin."""

    def __init__(
        self, token: SecretStr | None, trusted: ssl.SSLContext, limit: float, places: int, patience: float
    ) -> None:
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        self._limit = limit
        self._most = places
        self._places = asyncio.Semaphore(places)
        self._patience = patience
        self._breaker = Breaker()
        # The places are the limit, and waited for before the clock of an answer runs: a pool with one of its own would
        # count our overload as the service's failure.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=places)
        self.http = httpx.AsyncClient(
            timeout=limit, verify=trusted, trust_env=False, follow_redirects=False, limits=limits
        )

    async def told(self, url: str, asked: Mapping[str, Any]) -> Told:
        """Its answer to a question. Raises ProviderAmbiguous."""
        self._breaker.must_let_through()
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError as error:
            raise ProviderAmbiguous(f"{self._most} checks of it are under way already") from error
        try:
            with self._breaker.attempt():
                return _told(await self._exchange(url, asked))
        finally:
            self._places.release()

    async def _exchange(self, url: str, asked: Mapping[str, Any]) -> bytes:
        try:
            async with (
                asyncio.timeout(self._limit),
                self.http.stream("POST", url, json=asked, headers=self._headers) as response,
            ):
                return await _content(response)
        except TimeoutError as error:
            raise ProviderAway(f"no answer within {self._limit:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway(f"no answer: {type(error).__name__}") from error


async def _content(response: httpx.Response) -> bytes:
    status = response.status_code
    if status >= 500 or status < 200 or 300 <= status < 400 or status in _BUSY:
        raise ProviderAway(f"HTTP {status}")
    if status != 200:
        raise ProviderAmbiguous(f"HTTP {status}")
    content = bytearray()
    # As it comes: what was packed all the same is not unpacked, since a little of it may be very much.
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MOST_BYTES:
            raise ProviderAway(f"an answer of more than {MOST_BYTES} bytes")
    return bytes(content)


def _asked(insurer: Insurer, question: Question) -> dict[str, Any]:
    """The question as JSON: the card, never the clinic's own id of the patient."""
    return {
        "insurer_id": insurer.insurer_id,
        "plan_id": question.plan_id,
        "card_number": question.card_number,
        "service_date": question.service_date.isoformat(),
        "provider_id": question.provider_id,
        "urgent": question.urgent,
        "procedures": [
            {"table": each.table, "code": each.code, "quantity": each.quantity} for each in question.procedures
        ],
    }


def _told(content: bytes) -> Told:
    """The answer that the JSON says. Raises ProviderAway for what is none."""
    try:
        told = json.loads(content)
        verdict = Verdict(told["verdict"])
        reasons = tuple(map(_reason, told.get("reasons", [])[:_MOST_REASONS]))
        until = told.get("valid_until")
        return Told(verdict, reasons, None if until is None else _instant(until))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ProviderAway("an answer that is none of the contract's") from error


def _reason(told: Mapping[str, Any]) -> Reason:
    """A reason with a code of ours, or in the insurer's own words."""
    code, message = _printable(told["code"], _LONGEST_CODE), _printable(told.get("message", ""), _LONGEST)
    if code in ReasonCode.__members__:
        return Reason(ReasonCode[code], message or code)
    return Reason(ReasonCode.INSURER_SAYS, f"{code}: {message}" if message else code)


def _printable(told: object, most: int) -> str:
    """Its first letters, as they can be stored and shown: JSON may hold NUL, halves of surrogate pairs and controls."""
    letters = str(told)[:most]
    if letters.isprintable():
        return letters
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in letters)


def _instant(text: str) -> datetime | None:
    """When it ends; None for what is too far away to matter."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without its offset")
    return at.astimezone(UTC) if at.year < _FAR else None


def _origin(url: str) -> str:
    """Where a URL leads; empty for what is none, which no operator lists."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()
