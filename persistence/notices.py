"""What providers told, as rows; a provider's event is noted in the inbox first, so that it is told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from persistence.connection import Connection
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import inbox, provider_notices
from persistence.session import Session, Write
from persistence.statements import Statement, insert_many, rows_of

_NOTE = Statement(insert_many(inbox) + " ON CONFLICT (consumer, message_id) DO NOTHING")
_INSERT = Statement(insert_many(provider_notices) + " ON CONFLICT (provider, event_id) DO NOTHING")
_UPDATE = Statement("""
UPDATE provider_notices SET status = k.status, reason = k.reason, payment_id = k.payment_id, settled_at = k.settled_at
  FROM json_to_recordset($1::json)
       AS k(id uuid, status text, reason text, payment_id uuid, settled_at timestamptz)
 WHERE provider_notices.id = k.id
""")


def notice_to_row(notice: ProviderNotice) -> Row:
    """The row of a notice."""
    return {
        "id": notice.id,
        "provider": notice.provider,
        "event_id": notice.event_id,
        "topic": notice.topic,
        "charge_id": notice.charge_id,
        "body": notice.body,
        "received_at": notice.received_at,
        "status": notice.status.value,
        "reason": notice.reason,
        "payment_id": notice.payment_id,
        "settled_at": notice.settled_at,
    }


def notice_from_row(row: Mapping[str, Any]) -> ProviderNotice:
    """The notice of a row."""
    return ProviderNotice(
        id=row["id"],
        provider=row["provider"],
        event_id=row["event_id"],
        topic=row["topic"],
        charge_id=row["charge_id"],
        body=row["body"],
        received_at=row["received_at"],
        status=NoticeStatus(row["status"]),
        reason=row["reason"],
        payment_id=row["payment_id"],
        settled_at=row["settled_at"],
    )


class SqlNotices:
    """Notices in a unit of work."""

    def __init__(self, connection: Connection, session: Session) -> None:
        self._connection = connection
        self._session = session
        self._saved: dict[UUID, ProviderNotice] = {}

    async def add(self, notice: ProviderNotice) -> bool:
        """Keep a new one, and have done what is due about it; False for an event that was told before."""
        if not await self._inserted(_NOTE, _inbox_row(notice)):
            return False
        new = await self._inserted(_INSERT, notice_to_row(notice))
        if new and notice.due is not None:
            self._session.schedule(notice.id, notice.due, causation_id=notice.event_id)
        return new

    async def _inserted(self, statement: Statement, row: Row) -> bool:
        (done,) = await round_trip(self._connection, [Asked(statement, (rows_of([row]),))])
        return done.touched > 0

    def save(self, notice: ProviderNotice) -> None:
        """Have what became of it written at commit."""
        self._saved[notice.id] = notice

    def writes(self) -> Iterable[Write]:
        """Only what changes of a notice."""
        names = ("id", "status", "reason", "payment_id", "settled_at")
        rows = [notice_to_row(notice) for notice in self._saved.values()]
        yield Write(_UPDATE, [{name: row[name] for name in names} for row in rows], checked=True)


def _inbox_row(notice: ProviderNotice) -> Row:
    return {
        "consumer": notice.provider,
        "message_id": notice.event_id,
        "event_type": notice.topic,
        "key": notice.charge_id,
        "key_seq": None,
        "correlation_id": "",
        "causation_id": "",
        "digest": sha256(notice.body).digest(),
        "outcome": "kept",
    }
