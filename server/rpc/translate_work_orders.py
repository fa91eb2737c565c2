"""Work orders, what happened to them and what the books say of them, onto the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from acerto.billing.v1 import ledger_pb2, work_order_pb2
from domain.billing.queries import EntryKind, LedgerEntry, Timeline, TimelineEntry
from domain.billing.work_order import WorkOrder, WorkOrderAction
from domain.money import Money
from server.rpc.translate import budget_to_wire
from server.rpc.translate_payments import payment_to_wire
from server.rpc.wire import instant_to_wire, money_to_wire

_ENTRY: Final = {k: work_order_pb2.TimelineEntryKind.Value(f"TIMELINE_ENTRY_KIND_{k.name}") for k in EntryKind}
_SAID: Final = (WorkOrder.subject, WorkOrderAction.UPDATE_STATUS.value)
"""What the log calls a saying of UpdateWorkOrderStatus."""


def work_order_to_wire(work_order: WorkOrder) -> work_order_pb2.WorkOrder:
    """A work order as billing knows it."""
    return work_order_pb2.WorkOrder(
        work_order_id=str(work_order.id),
        workshop_id=work_order.workshop_id,
        description=work_order.description,
        create_time=instant_to_wire(work_order.created_at),
        correlation_id=work_order.correlation_id,
        cancel_time=instant_to_wire(work_order.canceled_at) if work_order.canceled_at else None,
        cancel_reason=work_order.cancel_reason,
        status=work_order.status,
    )


def timeline_to_wire(timeline: Timeline) -> work_order_pb2.WorkOrderTimeline:
    """A work order, its budget and payments as they are now, and what happened."""
    return work_order_pb2.WorkOrderTimeline(
        work_order=work_order_to_wire(timeline.work_order),
        budget=budget_to_wire(timeline.budget) if timeline.budget else None,
        payments=map(payment_to_wire, timeline.payments),
        entries=map(entry_to_wire, timeline.entries),
    )


def status_to_wire(entry: TimelineEntry) -> work_order_pb2.WorkOrderStatus:
    """An entry of the timeline as a line of the status log."""
    return work_order_pb2.WorkOrderStatus(
        sequence=entry.sequence,
        time=instant_to_wire(entry.at),
        status=_status_of(entry),
        event_type=entry.event_type,
        actor=entry.actor,
        correlation_id=entry.correlation_id,
        causation_id=entry.causation_id,
    )


def ledger_to_wire(work_order_id: str, balances: Mapping[str, Money]) -> ledger_pb2.Ledger:
    """The balance of each account."""
    return ledger_pb2.Ledger(
        work_order_id=work_order_id,
        balances=[
            ledger_pb2.AccountBalance(account=account, balance=money_to_wire(balance))
            for account, balance in sorted(balances.items())
        ],
    )


def ledger_entry_to_wire(entry: LedgerEntry) -> ledger_pb2.LedgerEntry:
    """One posting."""
    return ledger_pb2.LedgerEntry(
        sequence=entry.sequence,
        transaction_id=str(entry.transaction_id),
        work_order_id=str(entry.work_order_id),
        account=entry.account,
        amount=money_to_wire(entry.amount),
        subject=entry.subject,
        subject_id=entry.subject_id,
        action=entry.action,
        time=instant_to_wire(entry.at),
    )


def _status_of(entry: TimelineEntry) -> str:
    if entry.kind is EntryKind.RECEIVED:
        return entry.event_type
    if (entry.subject, entry.action) == _SAID:
        return entry.after
    return f"{entry.subject.upper()}_{entry.after}"


def entry_to_wire(entry: TimelineEntry) -> work_order_pb2.TimelineEntry:
    return work_order_pb2.TimelineEntry(
        sequence=entry.sequence,
        time=instant_to_wire(entry.at),
        kind=_ENTRY[entry.kind],
        actor=entry.actor,
        event_type=entry.event_type,
        event_id=entry.event_id,
        correlation_id=entry.correlation_id,
        causation_id=entry.causation_id,
        subject=entry.subject,
        subject_id=entry.subject_id,
        action=entry.action,
        from_status=entry.before,
        to_status=entry.after,
        body=entry.body,
        publish_time=instant_to_wire(entry.published_at) if entry.published_at else None,
    )
