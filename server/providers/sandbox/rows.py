"""What the sandbox's file holds, as seen and changed inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.billing.charge import ChargeStatus, GivebackStatus
from domain.money import Money
from server.providers.sandbox.deeds import due
from server.providers.sandbox.record import Record, Refund, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One change of a charge, to be told `copies` times still. `attempts` counts the requests made, this one too."""

    number: int
    event_id: int
    charge_id: str
    action: str
    live: bool
    created: int
    copies: int
    attempts: int


class Rows:
    """What the file holds, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def by_id(self, charge_id: str) -> Record | None:
        """The charge with this id."""
        return self._record("SELECT * FROM charges WHERE id = ?", charge_id)

    def by_key(self, key: UUID) -> Record | None:
        """The charge that was asked for with this key."""
        return self._record("SELECT * FROM charges WHERE key = ?", str(key))

    def by_reference(self, reference: UUID) -> Record | None:
        """The charge that was made for this payment, the last one of several."""
        query = "SELECT * FROM charges WHERE reference = ? ORDER BY created DESC, rowid DESC LIMIT 1"
        return self._record(query, str(reference))

    def charges_due(self, now: int, limit: int) -> list[Record]:
        """Charges to which something has happened by itself, the longest due first."""
        query = "SELECT * FROM charges WHERE due <= ? ORDER BY due LIMIT ?"
        return [self._read(row) for row in self._connection.execute(query, (now, limit)).fetchall()]

    def keep(self, changes: Sequence[Record]) -> None:
        """Write a charge as it is after these changes, and have each of them told."""
        if not changes:
            return
        self._write(changes[-1])
        for record in changes:
            new = record.updated == record.created
            self._connection.execute(
                "INSERT INTO notifications (event_id, charge_id, action, live, created, copies, attempts, due) "
                "VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
                (
                    number(record.id, str(record.updated)),
                    record.id,
                    "payment.created" if new else "payment.updated",
                    record.live,
                    record.updated,
                    record.plan.copies,
                ),
            )

    def garbage(self, key: UUID) -> int:
        """How often requests with this key were answered with garbage, this time included."""
        query = "INSERT INTO garbage VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1"
        self._connection.execute(query, (str(key),))
        (times,) = self._connection.execute("SELECT times FROM garbage WHERE key = ?", (str(key),)).fetchone()
        return int(times)

    def untold(self, charge_id: str) -> bool:
        """Whether something about the charge waits to be told."""
        return self._any("SELECT EXISTS (SELECT 1 FROM notifications WHERE charge_id = ?)", charge_id)

    def any_charge_due(self, now: int) -> bool:
        """Whether something has happened to a charge by itself."""
        return self._any("SELECT EXISTS (SELECT 1 FROM charges WHERE due <= ?)", now)

    def any_notification_due(self, now: int) -> bool:
        """Whether something is to be told now."""
        return self._any("SELECT EXISTS (SELECT 1 FROM notifications WHERE due <= ?)", now)

    def claim(self, now: int, *, until: int, limit: int) -> list[Notification]:
        """Take some notifications that are due; one that is not settled by `until` is anybody's again."""
        query = "SELECT * FROM notifications WHERE due <= ? ORDER BY due, number LIMIT ?"
        rows = self._connection.execute(query, (now, limit)).fetchall()
        claim = "UPDATE notifications SET due = ?, attempts = attempts + 1 WHERE number = ?"
        self._connection.executemany(claim, [(until, row["number"]) for row in rows])
        return [
            Notification(
                number=row["number"],
                event_id=row["event_id"],
                charge_id=row["charge_id"],
                action=row["action"],
                live=bool(row["live"]),
                created=row["created"],
                copies=row["copies"],
                attempts=row["attempts"] + 1,
            )
            for row in rows
        ]

    def told(self, one: Notification, now: int) -> None:
        """One copy was taken: it is forgotten after the last, and the next is due at once."""
        self._connection.execute(
            "UPDATE notifications SET copies = copies - 1, due = ? WHERE number = ?", (now, one.number)
        )
        self._connection.execute("DELETE FROM notifications WHERE copies <= 0 AND number = ?", (one.number,))

    def tell_again(self, one: Notification, due: int) -> None:
        """It was not taken."""
        self._connection.execute("UPDATE notifications SET due = ? WHERE number = ?", (due, one.number))

    def _any(self, query: str, given: str | int) -> bool:
        return bool(self._connection.execute(query, (given,)).fetchone()[0])

    def _record(self, query: str, *given: str) -> Record | None:
        row = self._connection.execute(query, given).fetchone()
        return self._read(row) if row else None

    def _read(self, row: sqlite3.Row) -> Record:
        currency = row["currency"]
        query = "SELECT * FROM refunds WHERE charge_id = ? ORDER BY place"
        refunds = self._connection.execute(query, (row["id"],)).fetchall()
        return Record(
            id=row["id"],
            key=UUID(row["key"]),
            reference=UUID(row["reference"]),
            amount=Money(row["cents"], currency),
            script=row["script"],
            live=bool(row["live"]),
            pix=row["pix"],
            created=row["created"],
            expires=row["expires"],
            updated=row["updated"],
            status=ChargeStatus(row["status"]),
            detail=row["detail"],
            paid=None if row["paid"] is None else Money(row["paid"], currency),
            approved=row["approved"],
            disputed=row["disputed"],
            refunds=tuple(_refund(refund, currency) for refund in refunds),
        )

    def _write(self, record: Record) -> None:
        state = {
            "updated": record.updated,
            "status": record.status.value,
            "detail": record.detail,
            "paid": record.paid.cents if record.paid else None,
            "approved": record.approved,
            "disputed": record.disputed,
            "due": due(record),
        }
        born = {
            "id": record.id,
            "key": str(record.key),
            "reference": str(record.reference),
            "currency": record.amount.currency,
            "cents": record.amount.cents,
            "script": record.script,
            "live": record.live,
            "pix": record.pix,
            "created": record.created,
            "expires": record.expires,
        }
        self._upsert("charges", born, state, "id")
        for place, refund in enumerate(record.refunds):
            state = {"status": refund.status.value, "detail": refund.detail, "due": refund.due}
            asked = {"charge_id": record.id, "key": str(refund.key), "place": place, "id": refund.id}
            asked |= {"cents": refund.amount.cents, "ends": refund.ends.value}
            self._upsert("refunds", asked, state, "charge_id, key")

    def _upsert(self, table: str, born: dict[str, Any], state: dict[str, Any], key: str) -> None:
        """Write a row; of one that is there only its state is changed."""
        every = born | state
        self._connection.execute(
            f"INSERT INTO {table} ({', '.join(every)}) VALUES ({', '.join(f':{name}' for name in every)}) "  # noqa: S608 -- names of ours
            f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = :{name}' for name in state)}",
            every,
        )


def _refund(row: sqlite3.Row, currency: str) -> Refund:
    return Refund(
        key=UUID(row["key"]),
        id=row["id"],
        amount=Money(row["cents"], currency),
        status=GivebackStatus(row["status"]),
        detail=row["detail"],
        ends=GivebackStatus(row["ends"]),
        due=row["due"],
    )
