"""The Payments API, /v1/payments: what Mercado Pago calls legacy, and what is everywhere (billing.md D.1)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

from domain.billing.charge import Charge, Giveback, GivebackStatus, ProviderAmbiguous, Snapshot
from domain.identity import derived_id
from domain.money import Money
from server.providers.mercadopago import payment_words, wire
from server.providers.mercadopago.client import Ask, MercadoPagoClient, Refusal
from server.providers.mercadopago.payer import payer
from server.providers.mercadopago.refunds import after_refusal
from server.providers.mercadopago.search import KEY_USED, chosen, made_before

_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_BRASILIA: Final = timezone(timedelta(hours=-3))


class PaymentsApi:
    """Charges as payments; a charge's id is the payment's number."""

    name: Final = "mercadopago_payments"

    def __init__(self, client: MercadoPagoClient, *, notification_url: str = "", payer_email: str = "") -> None:
        """`notification_url` wins over the one in its panel; `payer_email` stands in for a customer who has none."""
        self._client = client
        self._notification_url = notification_url
        self._payer_email = payer_email

    async def create(self, charge: Charge) -> Snapshot:
        ask = Ask(method="POST", path="/v1/payments", key=charge.key, body=self._body(charge))
        try:
            return payment_words.snapshot(await self._client.ask(ask))
        except Refusal as refusal:
            if refusal.code != KEY_USED:
                raise
            return made_before(await self.find(charge.reference), charge, refusal)

    async def get(self, charge_id: str) -> Snapshot | None:
        if not _ID.fullmatch(charge_id):
            return None
        try:
            return payment_words.snapshot(await self._client.ask(Ask(method="GET", path=_path(charge_id))))
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise ProviderAmbiguous(f"the payment cannot be read: {refusal.reason}") from refusal

    async def find(self, reference: UUID) -> Snapshot | None:
        query = {"external_reference": str(reference), "sort": "date_created", "criteria": "desc"}
        try:
            found = await self._client.ask(Ask(method="GET", path="/v1/payments/search", query=query))
        except Refusal as refusal:
            raise ProviderAmbiguous(f"payments cannot be searched: {refusal.reason}") from refusal
        charge_id = chosen(wire.rows(found, "results"), reference, payment_words.status, created="date_created")
        return await self.get(charge_id) if charge_id else None

    async def cancel(self, charge_id: str) -> Snapshot:
        key = derived_id("cancel", charge_id)
        ask = Ask(method="PUT", path=_path(charge_id), key=key, body={"status": "cancelled"})
        try:
            return payment_words.snapshot(await self._client.ask(ask))
        except Refusal:
            # It is paid, or over: what it is now is the answer (R24).
            return await self._present(charge_id)

    async def refund(self, charge_id: str, giveback: UUID, amount: Money, *, whole: bool) -> Giveback:
        path = f"{_path(charge_id)}/refunds"
        body: dict[str, Any] = {} if whole else {"amount": amount.decimal()}
        try:
            answer = await self._client.ask(Ask(method="POST", path=path, key=giveback, body=body))
        except Refusal as refusal:
            listed = wire.rows(await self._read(path), "results")
            given = tuple(payment_words.giveback(row, amount.currency) for row in listed)
            present = replace(await self._present(charge_id), givebacks=given)
            return after_refusal(refusal, present, amount, whole=whole)
        made = payment_words.giveback(answer, amount.currency)
        if made.status is not GivebackStatus.IN_PROCESS:
            return made
        # A repeated key may give the first answer again: what was in process then is looked at now.
        return payment_words.giveback(await self._read(f"{path}/{made.id}"), amount.currency)

    async def _present(self, charge_id: str) -> Snapshot:
        found = await self.get(charge_id)
        if found is None:
            raise ProviderAmbiguous("the payment is not there")
        return found

    async def _read(self, path: str) -> wire.Json:
        try:
            return await self._client.ask(Ask(method="GET", path=path))
        except Refusal as refusal:
            raise ProviderAmbiguous(f"refunds cannot be read: {refusal.reason}") from refusal

    def _body(self, charge: Charge) -> dict[str, Any]:
        body: dict[str, Any] = {
            "transaction_amount": charge.amount.decimal(),
            "description": charge.description,
            "payment_method_id": "pix",
            "external_reference": str(charge.reference),
            "date_of_expiration": expiration(charge.expires_at),
            "payer": payer(charge.customer, self._payer_email),
        }
        if self._notification_url:
            body["notification_url"] = self._notification_url
        return body


def expiration(at: datetime) -> str:
    """The only form that is taken, yyyy-MM-dd'T'HH:mm:ss.SSSZ; the API's error 23 is for any other."""
    return at.astimezone(_BRASILIA).isoformat(timespec="milliseconds")


def _path(charge_id: str) -> str:
    """Raises ProviderAmbiguous for what is no payment's number: nothing but one may stand in a path."""
    if not _ID.fullmatch(charge_id):
        raise ProviderAmbiguous("no number of a payment")
    return f"/v1/payments/{charge_id}"
