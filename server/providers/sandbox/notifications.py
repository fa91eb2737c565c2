"""What the sandbox tells by itself: each change of a charge, as one of Mercado Pago's webhooks (billing.md D.3).

Told at least once: a notification is forgotten only when its receiver has taken it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from domain.billing.charge import ProviderAmbiguous
from domain.clock import Clock
from domain.identity import derived_id
from server.providers.sandbox.deeds import advanced
from server.providers.sandbox.record import instant, milliseconds
from server.providers.sandbox.rows import Notification, Rows
from server.providers.sandbox.store import Store

POLL: Final = 0.05
"""Seconds between looks at the file."""

_TOGETHER: Final = 32
"""How many notifications are under way at once."""
_LONGEST_PAUSE: Final = 60_000
"""Milliseconds between two tries at most."""

_log = logging.getLogger(__name__)

Address = Callable[[], str | None]
"""Where webhooks go, as a URL; None while nobody can say."""


class Notifications:
    """Sees what happens to charges by itself, and delivers what is to be told. Any number may run on one folder."""

    def __init__(
        self, folder: Path, clock: Clock, address: Address, *, secret: bytes | str, patience: float = 5.0
    ) -> None:
        """`secret` signs, and `patience` is how many seconds a receiver has to answer."""
        self._folder = folder
        self._clock = clock
        self._address = address
        self._secret = secret.encode() if isinstance(secret, str) else secret
        self._patience = patience

    async def run(self, stop: asyncio.Event) -> None:
        """Watch and deliver until `stop` is set; what is being delivered then is finished.

        Raises OSError, sqlite3.Error when no file can be had in the folder.
        """
        store = await asyncio.to_thread(Store, self._folder)
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                while not stop.is_set():
                    await self._cycle(store, client)
                    await _pause(stop)
        finally:
            store.close()

    async def _cycle(self, store: Store, client: httpx.AsyncClient) -> None:
        url = self._address()
        try:
            claimed = await self._claim(store, _TOGETHER if url else 0)
        except ProviderAmbiguous as error:
            _log.warning("the sandbox's webhooks wait", extra={"cause": str(error)})
            return
        async with asyncio.TaskGroup() as group:
            for one in claimed:
                group.create_task(self._deliver(store, client, url or "", one))

    async def _claim(self, store: Store, limit: int) -> list[Notification]:
        now = self._now()
        # Nobody else posts it before the claim runs out, and by then its receiver was given up.
        until = now + int(self._patience * 1000) + 2000

        def anything(rows: Rows) -> bool:
            return rows.any_charge_due(now) or (limit > 0 and rows.any_notification_due(now))

        def claim(rows: Rows) -> list[Notification]:
            for record in rows.charges_due(now, limit=100):
                rows.keep(advanced(record, now))
            return rows.claim(now, until=until, limit=limit)

        return await store.write(claim) if await store.read(anything) else []

    async def _deliver(self, store: Store, client: httpx.AsyncClient, url: str, one: Notification) -> None:
        """Post one copy; the next one follows in the next round, as a provider's repeats do."""
        failure = await self._post(client, url, one)
        now = self._now()
        try:
            if not failure:
                await store.write(lambda rows: rows.told(one, now))
                return
            pause = min(_LONGEST_PAUSE, 100 * 2 ** min(one.attempts, 10))
            await store.write(lambda rows: rows.tell_again(one, now + pause))
        except ProviderAmbiguous as error:
            failure = str(error)
        described = {"charge_id": one.charge_id, "event_id": one.event_id, "attempts": one.attempts, "cause": failure}
        _log.warning("a webhook of the sandbox will come again", extra=described)

    async def _post(self, client: httpx.AsyncClient, url: str, one: Notification) -> str:
        """Answers what went wrong, nothing when it was taken."""
        request_id = str(derived_id("sandbox", str(one.event_id), str(one.attempts)))
        signed = signature(self._secret, charge_id=one.charge_id, request_id=request_id, at=str(self._now()))
        headers = {"content-type": "application/json", "x-request-id": request_id, "x-signature": signed}
        try:
            async with asyncio.timeout(self._patience):
                asked = httpx.URL(url).copy_merge_params({"data.id": one.charge_id, "type": "payment"})
                answer = await client.post(asked, content=_body(one), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return type(error).__name__
        return "" if answer.is_success else f"HTTP {answer.status_code}"

    def _now(self) -> int:
        return milliseconds(self._clock.now())


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), POLL)


def signature(secret: bytes, *, charge_id: str, request_id: str, at: str) -> str:
    """The x-signature header of a webhook that leaves `at` (milliseconds since 1970, as text)."""
    manifest = f"id:{charge_id};request-id:{request_id};ts:{at};"
    return f"ts={at},v1={hmac.new(secret, manifest.encode(), hashlib.sha256).hexdigest()}"


def _body(one: Notification) -> bytes:
    told = {
        "id": one.event_id,
        "live_mode": one.live,
        "type": "payment",
        "date_created": instant(one.created).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "api_version": "v1",
        "action": one.action,
        "data": {"id": one.charge_id},
    }
    return json.dumps(told).encode()
