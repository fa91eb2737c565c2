"""A charge as the sandbox keeps it. Instants are whole milliseconds since 1970, as the partner's clock has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.billing.charge import ChargeStatus, Giveback, GivebackStatus
from domain.identity import derived_id
from domain.money import Money, total
from server.providers.sandbox.script import Script, parse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RETURNED = (GivebackStatus.DONE,)
_RESERVED = (GivebackStatus.DONE, GivebackStatus.IN_PROCESS)


def milliseconds(at: datetime) -> int:
    """The instant in whole milliseconds since 1970."""
    return (at - _EPOCH) // _MILLISECOND


def instant(at: int) -> datetime:
    """The instant that so many milliseconds since 1970 are."""
    return _EPOCH + at * _MILLISECOND


def number(*parts: str) -> int:
    """A number of at most 15 digits, the same for the same parts, in every file: the sandbox draws nothing."""
    return derived_id("sandbox", *parts).int % 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. `due` is when it will be what it `ends` as; None: it is."""

    key: UUID
    id: str
    amount: Money
    status: GivebackStatus
    detail: str = ""
    ends: GivebackStatus = GivebackStatus.DONE
    due: int | None = None

    @property
    def giveback(self) -> Giveback:
        """As the port has it."""
        return Giveback(id=self.id, amount=self.amount, status=self.status, detail=self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A charge. `amount` was asked for, `paid` is what came, None before; `pix` is the code that takes the money.

    `approved` and `disputed` are when it was, by the script's reckoning, None while it was not.
    """

    id: str
    key: UUID
    reference: UUID
    amount: Money
    script: str
    live: bool
    pix: str
    created: int
    expires: int
    updated: int
    status: ChargeStatus = ChargeStatus.PENDING
    detail: str = "pending_waiting_transfer"
    paid: Money | None = None
    approved: int | None = None
    disputed: int | None = None
    refunds: tuple[Refund, ...] = ()

    @property
    def plan(self) -> Script:
        """Its script, understood."""
        return parse(self.script)

    @property
    def refunded(self) -> Money:
        """What went back."""
        return self._sum(_RETURNED)

    @property
    def left(self) -> Money:
        """What came and neither went back nor is on its way."""
        return (self.paid or Money(0, self.amount.currency)) - self._sum(_RESERVED)

    def refund(self, key: UUID) -> Refund | None:
        """The refund with this key."""
        return next((refund for refund in self.refunds if refund.key == key), None)

    def changed(self, at: int, **changes: Any) -> Record:
        """With these changes, later than every earlier one."""
        return replace(self, updated=max(at, self.updated + 1), **changes)

    def _sum(self, statuses: tuple[GivebackStatus, ...]) -> Money:
        return total((refund.amount for refund in self.refunds if refund.status in statuses), self.amount.currency)
