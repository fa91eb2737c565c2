"""A payment provider in memory: it keeps its keys and its money, and goes wrong just where a test says.

Its clock is its own and runs years behind ours, so that a rule which compares the two is found out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from domain.billing.charge import (
    Charge,
    ChargeStatus,
    Giveback,
    GivebackStatus,
    PixOffer,
    ProviderAmbiguous,
    ProviderRefused,
    Snapshot,
)
from domain.money import Money, total

_BEGAN: Final = datetime(2020, 1, 1, tzinfo=UTC)
_NOTHING: Final = Money(0)


class Fault(Enum):
    """How one call goes wrong."""

    LOST_BEFORE = "the question was lost: nothing was done"
    LOST_AFTER = "the answer was lost: it was done"
    REFUSED = "it will not be done"
    IN_PROCESS = "a refund that is taken, and not done yet"


class Crash(Exception):
    """Our own process died here."""


@dataclass
class FakeCharge:
    """A charge as the provider has it; `captured` is what the customer paid."""

    id: str
    asked: Charge
    updated_at: datetime
    live: bool
    status: ChargeStatus = ChargeStatus.PENDING
    detail: str = "pending_waiting_transfer"
    captured: Money = _NOTHING
    fee: Money | None = None
    givebacks: dict[UUID, Giveback] = field(default_factory=dict)

    @property
    def refunded(self) -> Money:
        """What went back, whoever asked."""
        return total(one.amount for one in self.givebacks.values() if one.status is GivebackStatus.DONE)

    @property
    def refundable(self) -> Money:
        """What nobody has asked back."""
        asked = (one.amount for one in self.givebacks.values() if one.status is not GivebackStatus.REJECTED)
        return self.captured - total(asked)

    @property
    def lost(self) -> Money:
        """What the customer's bank took."""
        return self.captured - self.refunded if self.status is ChargeStatus.CHARGED_BACK else _NOTHING

    def seen(self) -> Snapshot:
        """What the provider answers about it now."""
        pending = self.status is ChargeStatus.PENDING
        return Snapshot(
            id=self.id,
            reference=str(self.asked.reference),
            status=self.status,
            detail=self.detail,
            amount=self.captured if self.captured.cents else self.asked.amount,
            refunded=self.refunded,
            updated_at=self.updated_at,
            givebacks=tuple(self.givebacks.values()),
            fee=self.fee,
            live=self.live,
            pix=PixOffer(code=f"pix of {self.id}", expires_at=self.asked.expires_at) if pending else None,
        )


class FakeProvider:
    """Implements `domain.billing.ports.Provider`; what follows the port is what customers, banks and people do."""

    name = "sandbox"

    def __init__(self, *, live: bool = True, changes_per_stamp: int = 1) -> None:
        """Several `changes_per_stamp` bear one instant, as a real provider's may."""
        self._changes_per_stamp = changes_per_stamp
        self.charges: dict[str, FakeCharge] = {}
        self.calls: list[str] = []
        self.keys: list[UUID] = []
        """The key of each refund that was asked for, in order."""
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        """How the next calls of a verb go wrong, one each."""
        self.always: dict[str, Fault] = {}
        """How all calls of a verb go wrong that `faults` says nothing of."""
        self.retry_after: float | None = None
        self.reached: Callable[[str], Awaitable[None]] | None = None
        """Told `create asked` before, and `create done` after each deed: where a test crashes us, or interferes."""
        self._live = live
        self._ticks = 0

    async def create(self, charge: Charge) -> Snapshot:
        async with self._called("create"):
            made = next((one for one in self.charges.values() if one.asked.key == charge.key), None)
            if made is not None and made.asked != charge:
                raise ProviderRefused("idempotency_key_already_used")
            if made is None:
                made = FakeCharge(f"charge-{len(self.charges) + 1}", charge, self._tick(), self._live)
                self.charges[made.id] = made
        return made.seen()

    async def get(self, charge_id: str) -> Snapshot | None:
        async with self._called("get"):
            known = self.charges.get(charge_id)
        return known.seen() if known else None

    async def find(self, reference: UUID) -> Snapshot | None:
        async with self._called("find"):
            known = self._of(reference)
        return known[-1].seen() if known else None

    async def cancel(self, charge_id: str) -> Snapshot:
        async with self._called("cancel"):
            if self.charges[charge_id].status is ChargeStatus.PENDING:
                self._change(charge_id, ChargeStatus.CANCELED, "by_collector")
        return self.charges[charge_id].seen()

    async def refund(self, charge_id: str, giveback: UUID, amount: Money, *, whole: bool) -> Giveback:
        self.keys.append(giveback)
        async with self._called("refund") as fault:
            charge = self.charges[charge_id]
            if giveback not in charge.givebacks:
                self._must_be_refundable(charge, amount, whole=whole)
                done = GivebackStatus.IN_PROCESS if fault is Fault.IN_PROCESS else GivebackStatus.DONE
                self._give_back(charge, giveback, amount, done, "refunded")
        return charge.givebacks[giveback]

    # ------------------------------------------------------------------------------------------- what others do to it

    def pay(self, reference: UUID, amount: Money | None = None) -> None:
        """The customer pays, perhaps late, perhaps another amount."""
        charge = self.charge_of(reference)
        charge.captured = amount or charge.asked.amount
        self._change(charge.id, ChargeStatus.APPROVED, "accredited")

    def say(self, reference: UUID, status: ChargeStatus, detail: str = "") -> None:
        """It ends, or a dispute of it begins or ends."""
        self._change(self.charge_of(reference).id, status, detail or status.value.lower())

    def refund_by_admin(self, reference: UUID, amount: Money) -> None:
        """Somebody gives money back in the provider's panel."""
        charge = self.charge_of(reference)
        key = UUID(int=(1 << 120) + len(charge.givebacks))
        self._give_back(charge, key, amount, GivebackStatus.DONE, "by_admin")

    def end_refunds(self, reference: UUID, status: GivebackStatus = GivebackStatus.DONE) -> None:
        """What was in process ends one way or the other."""
        charge = self.charge_of(reference)
        for key, one in charge.givebacks.items():
            if one.status is GivebackStatus.IN_PROCESS:
                charge.givebacks[key] = replace(one, status=status)
        self._settled(charge, "refunded")

    # ------------------------------------------------------------------------------------------------- what is counted

    def charge_of(self, reference: UUID) -> FakeCharge:
        """The only charge that was ever made for this payment."""
        (charge,) = self._of(reference)
        return charge

    @property
    def charged(self) -> Money:
        """All that customers paid."""
        return total(charge.captured for charge in self.charges.values())

    @property
    def given_back(self) -> Money:
        """All that customers have again."""
        return total(charge.refunded + charge.lost for charge in self.charges.values())

    def _of(self, reference: UUID) -> list[FakeCharge]:
        return [charge for charge in self.charges.values() if charge.asked.reference == reference]

    def _must_be_refundable(self, charge: FakeCharge, amount: Money, *, whole: bool) -> None:
        if charge.status not in (ChargeStatus.APPROVED, ChargeStatus.DISPUTE_WON):
            raise ProviderRefused("wrong_status", charge.status.value)
        if amount.cents > charge.refundable.cents or (whole and amount != charge.captured):
            raise ProviderRefused("refund_amount_exceeds")

    def _give_back(self, charge: FakeCharge, key: UUID, amount: Money, status: GivebackStatus, detail: str) -> None:
        refund_id = f"{charge.id}-refund-{len(charge.givebacks) + 1}"
        charge.givebacks[key] = Giveback(id=refund_id, amount=amount, status=status, detail=detail)
        self._settled(charge, detail)

    def _settled(self, charge: FakeCharge, detail: str) -> None:
        everything = charge.refunded == charge.captured
        self._change(charge.id, ChargeStatus.REFUNDED if everything else charge.status, detail)

    def _change(self, charge_id: str, status: ChargeStatus, detail: str) -> None:
        charge = self.charges[charge_id]
        charge.status, charge.detail, charge.updated_at = status, detail, self._tick()

    def _tick(self) -> datetime:
        self._ticks += 1
        return _BEGAN + timedelta(seconds=self._ticks // self._changes_per_stamp)

    @asynccontextmanager
    async def _called(self, verb: str) -> AsyncIterator[Fault | None]:
        """One call, gone wrong as the test says."""
        self.calls.append(verb)
        waiting = self.faults[verb]
        fault = waiting.pop(0) if waiting else self.always.get(verb)
        await self._reach(f"{verb} asked")
        if fault is Fault.LOST_BEFORE:
            raise ProviderAmbiguous(fault.value, retry_after=self.retry_after)
        if fault is Fault.REFUSED:
            raise ProviderRefused("refused", fault.value)
        yield fault
        await self._reach(f"{verb} done")
        if fault is Fault.LOST_AFTER:
            raise ProviderAmbiguous(fault.value, retry_after=self.retry_after)

    async def _reach(self, place: str) -> None:
        if self.reached is not None:
            await self.reached(place)
