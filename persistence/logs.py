"""The logs that keep every change for good: one table for the keys of each context, all written by the same commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.billing.queries import EntryKind
from persistence.round_trip import Row
from persistence.schema import claim_log, work_order_log
from persistence.statements import Statement, insert_many


class Root(Protocol):
    """An aggregate that is its key's lock and counts the key's facts.

    It has `workshop_id` or `provider_id` too, whichever says whose it is.
    """

    correlation_id: str
    facts: int


@dataclass(frozen=True, slots=True)
class Log:
    """One log's INSERT of many rows, and the column that has the root's id."""

    statement: Statement
    key: str

    def entry(self, key: str, root: Root | None, kind: EntryKind, actor: str) -> Row:
        """A row with nothing in it yet but what it is about and who did it."""
        texts = ("event_type", "event_id", "correlation_id", "causation_id", "subject", "subject_id", "action")
        return {
            self.key: key,
            **whose(root),
            "kind": kind.value,
            "actor": actor,
            **dict.fromkeys((*texts, "before", "after", "note"), ""),
            "body": b"",
            "recorded_at": None,
        }


WORK_ORDERS = Log(Statement(insert_many(work_order_log)), "work_order_id")
CLAIMS = Log(Statement(insert_many(claim_log, [c for c in claim_log.columns if c.identity is None])), "root_id")


def whose(root: Root | None) -> Row:
    """The columns that say whose a row is, as its root says it."""
    return {
        "workshop_id": getattr(root, "workshop_id", None),
        "provider_id": getattr(root, "provider_id", None),
        "customer_id": None,
    }
