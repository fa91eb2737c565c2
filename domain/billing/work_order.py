"""The work order as billing knows it: the lock root, the counter and the tombstone of one saga."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain.aggregate import Aggregate
from domain.lifecycle import Lifecycle


class WorkOrderState(Enum):
    """Whether the saga may still go on."""

    OPEN = "OPEN"
    CANCELED = "CANCELED"


class WorkOrderAction(Enum):
    """What can be done to a work order."""

    OPEN = "open"
    CANCEL = "cancel"
    UPDATE_STATUS = "update_status"


LIFECYCLE = Lifecycle[WorkOrderState, WorkOrderAction](
    "work order",
    {
        (None, WorkOrderAction.OPEN): WorkOrderState.OPEN,
        (None, WorkOrderAction.CANCEL): WorkOrderState.CANCELED,
        (WorkOrderState.OPEN, WorkOrderAction.CANCEL): WorkOrderState.CANCELED,
        (WorkOrderState.OPEN, WorkOrderAction.UPDATE_STATUS): WorkOrderState.OPEN,
        (WorkOrderState.CANCELED, WorkOrderAction.UPDATE_STATUS): WorkOrderState.CANCELED,
    },
    repeats=[(WorkOrderState.CANCELED, WorkOrderAction.CANCEL)],
)
"""A cancel may come before the work order is announced: it leaves a tombstone (billing.md B, R3)."""


@dataclass(kw_only=True)
class WorkOrder(Aggregate):
    """Ordem de serviço. `facts` counts every fact ever published for it: the outbox's key_seq.

    `status` is what OSService, or a person, last said of the repair, in their words; billing decides nothing by it.
    """

    subject = "work_order"

    workshop_id: str
    correlation_id: str
    description: str = ""
    created_at: datetime
    state: WorkOrderState | None = None
    canceled_at: datetime | None = None
    cancel_reason: str = ""
    status: str = ""
    facts: int = 0

    @property
    def key(self) -> str:
        """It is the key itself."""
        return str(self.id)

    @property
    def canceled(self) -> bool:
        """Whether the tombstone is set."""
        return self.state is WorkOrderState.CANCELED

    def open(self, *, at: datetime) -> None:
        """It was announced, or entered by hand."""
        self._move(WorkOrderAction.OPEN, at)

    def cancel(self, *, reason: str, at: datetime) -> bool:
        """Set the tombstone; a repeat changes nothing. Answers whether it was set now."""
        if not LIFECYCLE.changes(self.state, WorkOrderAction.CANCEL):
            return False
        self.canceled_at, self.cancel_reason = at, reason
        self._move(WorkOrderAction.CANCEL, at)
        return True

    def update_status(self, status: str, *, at: datetime, event_type: str = "") -> None:
        """Keep what is said of the repair; every saying is a line of the log, a repeated one too.

        `event_type` is the event that, as the caller says, it follows from.
        """
        LIFECYCLE.next(self.state, WorkOrderAction.UPDATE_STATUS)
        before, self.status = self.status, status
        self.record(WorkOrderAction.UPDATE_STATUS.value, before or None, status, at=at, event_type=event_type)

    def _move(self, action: WorkOrderAction, at: datetime) -> None:
        before, self.state = self.state, LIFECYCLE.next(self.state, action)
        self.record(action.value, before.value if before else None, self.state.value, at=at)
