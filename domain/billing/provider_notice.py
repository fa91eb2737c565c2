"""A provider's word as we keep it: what came by webhook, and what was seen by asking and could not be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from domain.billing.observing import Effect, Observed
from domain.tasks import Due

FETCH: Final = "fetch_notice"
"""The kind of the task that asks the provider what a notice is about: its own words are never trusted."""


class NoticeStatus(Enum):
    """What became of a notice. PARKED: it is about a charge that we know nothing of (yet)."""

    WAITING = "WAITING"
    APPLIED = "APPLIED"
    UNCHANGED = "UNCHANGED"
    PARKED = "PARKED"
    QUARANTINED = "QUARANTINED"


@dataclass(kw_only=True)
class ProviderNotice:
    """Kept before it is answered. `event_id` is the provider's; `charge_id` names the charge it is about."""

    id: UUID
    provider: str
    event_id: str
    topic: str
    charge_id: str
    body: bytes
    received_at: datetime
    status: NoticeStatus = NoticeStatus.WAITING
    reason: str = ""
    payment_id: UUID | None = None
    settled_at: datetime | None = None

    def settle(self, observed: Observed, payment_id: UUID, *, at: datetime) -> None:
        """The charge was looked at: what came of it."""
        self.status, self.reason = _STATUS[observed.effect], observed.reason
        self.payment_id, self.settled_at = payment_id, at

    def park(self, reason: str, *, at: datetime) -> None:
        """The charge is nobody's that we know; it is asked for again, and listed meanwhile."""
        self.status, self.reason, self.settled_at = NoticeStatus.PARKED, reason, at

    @property
    def due(self) -> Due | None:
        """To be fetched, at once."""
        return Due(FETCH, self.received_at) if self.status is NoticeStatus.WAITING else None


_STATUS: Final = {
    Effect.APPLIED: NoticeStatus.APPLIED,
    Effect.UNCHANGED: NoticeStatus.UNCHANGED,
    Effect.QUARANTINED: NoticeStatus.QUARANTINED,
}
