"""The sandbox as a payment provider: billing's port, and what people and tests can do to a charge by hand.

What a charge is depends on its request, its script, the deeds done to it and the clock: on nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from domain.billing import pix
from domain.billing.charge import Charge, Giveback, PixOffer, ProviderAmbiguous, ProviderRefused, Snapshot
from domain.clock import Clock
from domain.money import BRL, Money
from server.providers.sandbox import deeds
from server.providers.sandbox.deeds import advanced
from server.providers.sandbox.record import Record, instant, milliseconds, number
from server.providers.sandbox.rows import Rows
from server.providers.sandbox.script import CANCELING, CHARGING, REFUNDING, parse
from server.providers.sandbox.store import Store

EARLY: Final = 2.0
"""For how many seconds an answer waits for the webhook that shall come before it."""

_PIX_PLACE: Final = "pix.example.com/qr"


class Sandbox:
    """A provider that keeps its charges in a file. Whoever opens the same folder sees the same charges.

    Beyond the port, `pay` and what follows it are what customers, banks and people in the provider's panel would do.
    """

    name: Final = "sandbox"

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        merchant: str = "ACERTO",
        city: str = "SAO PAULO",
        live: bool = True,
        patience: float = 2.0,
    ) -> None:
        """`merchant` and `city` are shown to who scans a code; `live` False: its charges are a test's; `patience` is
        how many seconds another process's lock is waited for. Raises ValueError for a merchant or city that no code
        can show; OSError, sqlite3.Error: no file can be had there.
        """
        self._code = pix.PixCode(
            name=pix.plain(merchant, pix.NAME_MOST),
            city=pix.plain(city, pix.CITY_MOST),
            url=f"{_PIX_PLACE}/",
            initiation=pix.Initiation.SINGLE_USE,
        )
        self._store = Store(folder, patience=patience)
        self._clock = clock
        self._live = live

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    async def create(self, charge: Charge) -> Snapshot:
        _must_be_valid(charge)
        made, new = await self._store.write(partial(self._make, charge=charge))
        if made is None:
            raise ProviderAmbiguous("the answer could not be read")
        if new and made.plan.early_webhook:
            await self._all_told(made.id)
        if new and CHARGING in made.plan.timeouts:
            raise ProviderAmbiguous("no answer in time")
        return _snapshot(made)

    async def get(self, charge_id: str) -> Snapshot | None:
        return await self._look(lambda rows: rows.by_id(charge_id))

    async def find(self, reference: UUID) -> Snapshot | None:
        return await self._look(lambda rows: rows.by_reference(reference))

    async def cancel(self, charge_id: str) -> Snapshot:
        canceled, new = await self._do(charge_id, deeds.cancel)
        if new and CANCELING in canceled.plan.timeouts:
            raise ProviderAmbiguous("no answer in time")
        return _snapshot(canceled)

    async def refund(self, charge_id: str, giveback: UUID, amount: Money, *, whole: bool) -> Giveback:
        after, new = await self._do(charge_id, partial(deeds.refund, key=giveback, amount=amount, whole=whole))
        made = after.refund(giveback)
        if made is None or (new and REFUNDING in after.plan.timeouts):
            raise ProviderAmbiguous("no answer in time")
        return made.giveback

    async def pay(self, charge_id: str, amount: Money | None = None) -> Snapshot:
        """The customer pays, late too, and another amount if so told; a charge that is paid stays as it is.

        Raises ProviderAmbiguous; ProviderRefused, as all that follow: not_found, invalid_amount.
        """
        return await self._deed(charge_id, partial(deeds.pay, amount=amount))

    async def refund_by_dashboard(self, charge_id: str, amount: Money) -> Snapshot:
        """Somebody gives money back in the provider's panel. Refused: wrong_status, refund_amount_exceeds."""
        return await self._deed(charge_id, partial(deeds.refund_by_admin, amount=amount))

    async def dispute(self, charge_id: str) -> Snapshot:
        """The customer disputes it at the bank. Refused: wrong_status, as below."""
        return await self._deed(charge_id, deeds.dispute)

    async def lose(self, charge_id: str) -> Snapshot:
        """The dispute ends for the customer."""
        return await self._deed(charge_id, deeds.lose)

    async def win(self, charge_id: str) -> Snapshot:
        """The dispute ends for us."""
        return await self._deed(charge_id, deeds.win)

    async def _deed(self, charge_id: str, deed: deeds.Deed) -> Snapshot:
        after, _ = await self._do(charge_id, deed)
        return _snapshot(after)

    async def _do(self, charge_id: str, deed: deeds.Deed) -> tuple[Record, bool]:
        """The charge after the deed, and whether that changed it."""

        def do(rows: Rows) -> tuple[Record, bool]:
            now = self._now()
            record = rows.by_id(charge_id)
            if record is None:
                raise ProviderRefused("not_found", "the sandbox has no such charge")
            before = [record, *advanced(record, now)]
            done = deed(before[-1], now)
            new = [] if done is before[-1] else [done, *advanced(done, now)]
            rows.keep([*before[1:], *new])
            return [*before, *new][-1], bool(new)

        return await self._store.write(do)

    async def _look(self, find: Callable[[Rows], Record | None]) -> Snapshot | None:
        now = self._now()
        found = await self._store.read(find)
        if found and advanced(found, now):
            found = await self._store.write(partial(_caught_up, find=find, now=now))
        return _snapshot(found) if found else None

    def _make(self, rows: Rows, *, charge: Charge) -> tuple[Record | None, bool]:
        """The charge, and whether it is new; None when the answer is garbage, which is kept in mind."""
        now = self._now()
        known = _caught_up(rows, lambda rows: rows.by_key(charge.key), now)
        if known:
            _must_be_the_same(known, charge)
            return known, False
        if (times := parse(charge.script).garbage) and rows.garbage(charge.key) <= times:
            return None, False
        made = self._new(charge, now)
        changes = [made, *advanced(made, now)]
        rows.keep(changes)
        return changes[-1], True

    def _new(self, charge: Charge, now: int) -> Record:
        return Record(
            id=str(number("charge", str(charge.key))),
            key=charge.key,
            reference=charge.reference,
            amount=charge.amount,
            script=charge.script,
            live=self._live,
            pix=self._pix_of(charge.key),
            created=now,
            expires=milliseconds(charge.expires_at),
            updated=now,
        )

    def _pix_of(self, key: UUID) -> str:
        """A dynamic code, whose txid is the key (32 letters and digits); no bank knows it (billing.md E)."""
        return pix.encode(replace(self._code, url=f"{_PIX_PLACE}/{key.hex}"))

    def _now(self) -> int:
        return milliseconds(self._clock.now())

    async def _all_told(self, charge_id: str) -> None:
        clock = asyncio.get_running_loop()
        deadline = clock.time() + EARLY
        while clock.time() < deadline:
            if not await self._store.read(lambda rows: rows.untold(charge_id)):
                return
            await asyncio.sleep(0.02)


def _caught_up(rows: Rows, find: Callable[[Rows], Record | None], now: int) -> Record | None:
    found = find(rows)
    changes = advanced(found, now) if found else []
    rows.keep(changes)
    return changes[-1] if changes else found


def _snapshot(record: Record) -> Snapshot:
    return Snapshot(
        id=record.id,
        reference=str(record.reference),
        status=record.status,
        detail=record.detail,
        amount=record.paid or record.amount,
        refunded=record.refunded,
        updated_at=instant(record.updated),
        givebacks=tuple(refund.giveback for refund in record.refunds),
        live=record.live,
        pix=PixOffer(code=record.pix, expires_at=instant(record.expires)),
    )


def _must_be_valid(charge: Charge) -> None:
    """Raises ProviderRefused."""
    try:
        script = parse(charge.script)
    except ValueError as error:
        raise ProviderRefused("invalid_script", str(error)) from error
    if script.refusal:
        raise ProviderRefused(script.refusal)
    deeds.must_be_payable(charge.amount, BRL)


def _must_be_the_same(known: Record, charge: Charge) -> None:
    """Raises ProviderRefused."""
    if (known.reference, known.amount) != (charge.reference, charge.amount):
        raise ProviderRefused("idempotency_key_already_used", "the key has asked for another charge")
