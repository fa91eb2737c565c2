"""Facts straight into an outbox, many to a key: how relays get the long lines that few use cases make as yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import uuid4
from zlib import crc32

import psycopg

_INSERT = """
INSERT INTO outbox (bucket, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body)
VALUES (%s, %s, %s, %s, %s, 'acerto.events', %s, 'application/json', %s, %s)
"""


class Feed:
    """Writes publications as a unit of work's commit does: numbered per key, in one transaction, ids ascending."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._numbers: dict[str, int] = {}

    def commit(self, keys: Sequence[str], *, routing_key: str = "budget-generated", padding: int = 0) -> list[str]:
        """One transaction with one fact of each key; a key may come more than once. Answers the event ids."""
        made = [self._row(key, routing_key, padding) for key in keys]
        with psycopg.connect(self._database_url, connect_timeout=5) as session, session.cursor() as cursor:
            cursor.executemany(_INSERT, made)
        return [str(row[1]) for row in made]

    def _row(self, key: str, routing_key: str, padding: int) -> tuple[object, ...]:
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        event_id = uuid4()
        body = json.dumps({"OsId": key, "Number": number, **({"Padding": "x" * padding} if padding else {})})
        headers = {"EventType": "Fed", "EventId": str(event_id), "Timestamp": "2026-03-01T12:00:00.000Z"}
        bucket = crc32(key.encode()) % 64
        return bucket, event_id, key, number, "Fed", routing_key, json.dumps(headers), body.encode()
