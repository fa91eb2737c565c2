"""The Orders API, /v1/orders: what Mercado Pago recommends (billing.md D.2)."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.billing.charge import Charge, Giveback, GivebackStatus, ProviderAmbiguous, Snapshot
from domain.clock import Clock
from domain.identity import derived_id
from domain.money import Money
from server.providers.mercadopago import order_words, wire
from server.providers.mercadopago.client import Ask, MercadoPagoClient, Refusal
from server.providers.mercadopago.payer import payer
from server.providers.mercadopago.refunds import after_refusal, newest
from server.providers.mercadopago.search import KEY_USED, chosen, made_before

_ID: Final = re.compile(r"ORD[0-9A-Z]{1,61}", re.ASCII)
_SEARCHED: Final = timedelta(days=30)
"""The widest range of dates that a search takes."""
_SKEW: Final = timedelta(hours=1)
_SHORTEST: Final = timedelta(minutes=30)
"""The least that a PIX lives (billing.md D.1)."""


class OrdersApi:
    """Charges as orders of one payment; a charge's id is the order's."""

    name: Final = "mercadopago"

    def __init__(self, client: MercadoPagoClient, clock: Clock, *, payer_email: str = "") -> None:
        """`payer_email` stands in for a customer who has none. Notifications are set up in its panel."""
        self._client = client
        self._clock = clock
        self._payer_email = payer_email

    async def create(self, charge: Charge) -> Snapshot:
        ask = Ask(method="POST", path="/v1/orders", key=charge.key, body=self._body(charge))
        try:
            order = await self._client.ask(ask)
        except Refusal as refusal:
            made = await self._made_anyway(refusal, charge)
            if made is None:
                raise
            return made
        # Not every answer to a creation says when it was; the order itself does.
        return order_words.snapshot(order) if "last_updated_date" in order else await self._present(_id(order))

    async def get(self, charge_id: str) -> Snapshot | None:
        order = await self._order(charge_id)
        return None if order is None else order_words.snapshot(order)

    async def find(self, reference: UUID) -> Snapshot | None:
        begin = self._asked_at(reference) - _SKEW
        query = {
            "external_reference": str(reference),
            "begin_date": _instant(begin),
            "end_date": _instant(begin + _SEARCHED),
        }
        try:
            found = await self._client.ask(Ask(method="GET", path="/v1/orders", query=query))
        except Refusal as refusal:
            raise ProviderAmbiguous(f"orders cannot be searched: {refusal.reason}") from refusal
        charge_id = chosen(wire.rows(found, "data"), reference, order_words.status, created="created_date")
        return await self.get(charge_id) if charge_id else None

    async def cancel(self, charge_id: str) -> Snapshot:
        key = derived_id("cancel", charge_id)
        # Where it is refused it is paid, or over: what it is now is the answer (R24).
        with suppress(Refusal):
            await self._client.ask(Ask(method="POST", path=f"{_path(charge_id)}/cancel", key=key))
        return await self._present(charge_id)

    async def refund(self, charge_id: str, giveback: UUID, amount: Money, *, whole: bool) -> Giveback:
        order = await self._order(charge_id)
        if order is None:
            raise ProviderAmbiguous("the order is not there")
        known = {one.id for one in order_words.givebacks(order, amount.currency)}
        part = {"id": order_words.transaction_id(order), "amount": _amount(amount)}
        body = None if whole else {"transactions": [part]}
        try:
            answer = await self._client.ask(
                Ask(method="POST", path=f"{_path(charge_id)}/refund", key=giveback, body=body)
            )
        except Refusal as refusal:
            return after_refusal(refusal, await self._present(charge_id), amount, whole=whole)
        made = newest(order_words.givebacks(answer, amount.currency), known, amount, whole=whole)
        return await self._as_it_is(charge_id, made, amount, whole=whole)

    async def _as_it_is(self, charge_id: str, made: Giveback | None, amount: Money, *, whole: bool) -> Giveback:
        """A repeated key may give the first answer again: what was under way then is looked at now."""
        if made and made.status is not GivebackStatus.IN_PROCESS:
            return made
        present = (await self._present(charge_id)).givebacks
        if made:
            return next((one for one in present if one.id == made.id), made)
        found = newest(present, (), amount, whole=whole)
        if found is None:
            raise ProviderAmbiguous("the refund was taken and is not there")
        return found

    async def _made_anyway(self, refusal: Refusal, charge: Charge) -> Snapshot | None:
        if refusal.status == 402:  # the order is there and its payment failed
            failed = wire.text(wire.part(refusal.body, "data"), "id")
            return await self.get(failed)
        if refusal.code == KEY_USED:
            return made_before(await self.find(charge.reference), charge, refusal)
        return None

    async def _order(self, charge_id: str) -> wire.Json | None:
        if not _ID.fullmatch(charge_id):
            return None
        try:
            return await self._client.ask(Ask(method="GET", path=_path(charge_id)))
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise ProviderAmbiguous(f"the order cannot be read: {refusal.reason}") from refusal

    async def _present(self, charge_id: str) -> Snapshot:
        found = await self.get(charge_id)
        if found is None:
            raise ProviderAmbiguous("the order is not there")
        return found

    def _body(self, charge: Charge) -> dict[str, Any]:
        amount = _amount(charge.amount)
        payment = {
            "amount": amount,
            "payment_method": {"id": "pix", "type": "bank_transfer"},
            "expiration_time": duration(charge.expires_at - self._asked_at(charge.reference)),
        }
        return {
            "type": "online",
            "processing_mode": "automatic",
            "external_reference": str(charge.reference),
            "total_amount": amount,
            "description": charge.description,
            "payer": payer(charge.customer, self._payer_email),
            "transactions": {"payments": [payment]},
        }

    def _asked_at(self, reference: UUID) -> datetime:
        """When our payment was made: its id says so (UUIDv7), so that a repeat has the same body to the byte."""
        if reference.version != 7:
            return self._clock.now()
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=reference.int >> 80)


def duration(lifetime: timedelta) -> str:
    """ISO 8601, in whole minutes, half an hour at least: the API takes a duration where Payments take a date."""
    minutes = round(max(lifetime, _SHORTEST) / timedelta(minutes=1))
    return f"PT{minutes // 60}H" if minutes % 60 == 0 else f"PT{minutes}M"


def _amount(amount: Money) -> str:
    return f"{amount.decimal():.2f}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(order: wire.Json) -> str:
    return wire.required(order, "id")


def _path(charge_id: str) -> str:
    """Raises ProviderAmbiguous for what is no order's id: nothing but one may stand in a path."""
    if not _ID.fullmatch(charge_id):
        raise ProviderAmbiguous("no id of an order")
    return f"/v1/orders/{charge_id}"
