"""Which charge is meant when a search by our reference finds several, and when a key was used before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from domain.billing.charge import Charge, ChargeStatus, ProviderAmbiguous, ProviderRefused, Snapshot
from server.providers.mercadopago import wire
from server.providers.mercadopago.wire import Json

KEY_USED: Final = "idempotency_key_already_used"
"""The same key with another body: a customer's e-mail was put right since, or it is not the same request at all."""

_OVER: Final = frozenset({ChargeStatus.REJECTED, ChargeStatus.CANCELED, ChargeStatus.EXPIRED})
_OPEN: Final = frozenset({ChargeStatus.PENDING, ChargeStatus.UNKNOWN})
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def chosen(found: Sequence[Json], reference: UUID, status: Callable[[Json], ChargeStatus], *, created: str) -> str:
    """The id of the charge of this reference, empty when there is none.

    One that took money comes before one that waits, and that before one that is over; among equals the newest, by the
    date under the name `created`.
    """
    ours = [row for row in found if wire.text(row, "external_reference").lower() == str(reference)]
    if not ours:
        return ""
    return wire.required(max(ours, key=lambda row: (_rank(status(row)), _date(row, created))), "id")


def made_before(found: Snapshot | None, charge: Charge, refusal: ProviderRefused) -> Snapshot:
    """The charge that its key made with another body, if it took the same amount. Raises the refusal if it did not.

    Raises ProviderAmbiguous while a search finds none: something was made by this key.
    """
    if found is None:
        raise ProviderAmbiguous("a charge was made by this key, and cannot be found yet")
    if found.amount != charge.amount:
        raise refusal
    return found


def _rank(status: ChargeStatus) -> int:
    if status in _OVER:
        return 0
    return 1 if status in _OPEN else 2


def _date(row: Json, created: str) -> datetime:
    return wire.optional_instant(row.get(created)) or _LONG_AGO
