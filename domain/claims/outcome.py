"""What an insurer's analysis came to: computed from the items, never set by hand; and the old client's word for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from domain.claims.claim_item import ClaimAmounts, ClaimItem
from domain.claims.claim_lifecycle import ClaimStatus


class Outcome(Enum):
    """What the analysis came to, appeals included."""

    NONE = "NONE"
    APPROVED = "APPROVED"
    PARTIALLY_DENIED = "PARTIALLY_DENIED"
    DENIED = "DENIED"
    OVERPAID = "OVERPAID"


class OldStatus(Enum):
    """The old client's statuses: a view of status and outcome together (health.md B)."""

    PENDING = "pending"
    PROCESSING = "processing"
    APPROVED = "approved"
    PARTIALLY_APPROVED = "partially_approved"
    REJECTED = "rejected"


def outcome_of(items: Iterable[ClaimItem]) -> Outcome:
    """The outcome of these items; NONE until each was adjudicated."""
    items = tuple(items)
    if not items or any(item.processed is None for item in items):
        return Outcome.NONE
    amounts = ClaimAmounts.of(items)
    if amounts.net > amounts.presented:
        return Outcome.OVERPAID
    if amounts.denied == amounts.recovered:
        return Outcome.APPROVED
    return Outcome.PARTIALLY_DENIED if amounts.net.cents else Outcome.DENIED


_S = ClaimStatus
_BY_STATUS: Final[Mapping[ClaimStatus, OldStatus]] = {
    **dict.fromkeys((_S.DRAFT, _S.READY, _S.BATCHED, _S.SUBMITTED), OldStatus.PENDING),
    **dict.fromkeys((_S.RETURNED, _S.RECEIVED, _S.IN_ANALYSIS, _S.APPEALED), OldStatus.PROCESSING),
    _S.CANCELED: OldStatus.REJECTED,
}
_BY_OUTCOME: Final[Mapping[Outcome, OldStatus]] = {
    Outcome.NONE: OldStatus.PROCESSING,
    Outcome.APPROVED: OldStatus.APPROVED,
    Outcome.OVERPAID: OldStatus.APPROVED,
    Outcome.PARTIALLY_DENIED: OldStatus.PARTIALLY_APPROVED,
    Outcome.DENIED: OldStatus.REJECTED,
}


def old_status(status: ClaimStatus, outcome: Outcome) -> OldStatus:
    """What the old client calls it: by status until ADJUDICATED, from there on by outcome."""
    return _BY_STATUS.get(status) or _BY_OUTCOME[outcome]


def standings_of(old: OldStatus) -> frozenset[tuple[ClaimStatus, Outcome]]:
    """Every pair of status and outcome that the old client calls so: what a list by its status looks for."""
    return frozenset(
        (status, outcome) for status in ClaimStatus for outcome in Outcome if old_status(status, outcome) is old
    )
