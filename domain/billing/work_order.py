"""The work order as billing knows it: the lock root, the counter and the tombstone of one saga."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain.aggregate import Aggregate, Change
from domain.lifecycle import Lifecycle


class WorkOrderState(Enum):
    """Whether the saga may still go on."""

    OPEN = "OPEN"
    CANCELED = "CANCELED"


class WorkOrderAction(Enum):
    """What can be done to a work order."""

    OPEN = "open"
    CANCEL = "cancel"


LIFECYCLE = Lifecycle[WorkOrderState, WorkOrderAction](
    "work order",
    {
        (None, WorkOrderAction.OPEN): WorkOrderState.OPEN,
        (None, WorkOrderAction.CANCEL): WorkOrderState.CANCELED,
        (WorkOrderState.OPEN, WorkOrderAction.CANCEL): WorkOrderState.CANCELED,
        (WorkOrderState.CANCELED, WorkOrderAction.CANCEL): WorkOrderState.CANCELED,
    },
)
"""A cancel may come before the work order is announced: it leaves a tombstone (billing.md B, R3)."""


@dataclass(kw_only=True)
class WorkOrder(Aggregate):
    """Ordem de serviço. `facts` counts every fact ever published for it: the outbox's key_seq."""

    workshop_id: str
    correlation_id: str
    description: str = ""
    created_at: datetime
    state: WorkOrderState | None = None
    canceled_at: datetime | None = None
    cancel_reason: str = ""
    facts: int = 0

    @property
    def canceled(self) -> bool:
        """Whether the tombstone is set."""
        return self.state is WorkOrderState.CANCELED

    def open(self, *, at: datetime) -> None:
        """It was announced, or entered by hand."""
        self._move(WorkOrderAction.OPEN, at)

    def cancel(self, *, reason: str, at: datetime) -> bool:
        """Set the tombstone; a repeat changes nothing. Answers whether it was set now."""
        if LIFECYCLE.next(self.state, WorkOrderAction.CANCEL) is self.state:
            return False
        self.canceled_at, self.cancel_reason = at, reason
        self._move(WorkOrderAction.CANCEL, at)
        return True

    def _move(self, action: WorkOrderAction, at: datetime) -> None:
        before, self.state = self.state, LIFECYCLE.next(self.state, action)
        self.record(
            Change(
                key=str(self.id),
                subject="work_order",
                subject_id=self.id,
                action=action.value,
                before=before.value if before else None,
                after=self.state.value,
                at=at,
            )
        )
