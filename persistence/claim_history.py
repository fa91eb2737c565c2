"""What the log of claims keeps, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.claims.queries import HistoryEntry


def history_from_row(row: Mapping[str, Any]) -> HistoryEntry:
    """One change of a claim, a batch or an invoice."""
    return HistoryEntry(
        sequence=row["id"],
        at=row["recorded_at"],
        actor=row["actor"],
        action=row["action"],
        before=row["before"],
        after=row["after"],
        note=row["note"],
        event_type=row["event_type"],
        event_id=row["event_id"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        subject=row["subject"],
        subject_id=row["subject_id"],
    )
