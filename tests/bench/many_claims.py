"""A million claims of three years, as the database itself can make them: in half a minute, the same ones every time.

The newest are still drafts and the oldest are settled, as in any clinic, so that a status lies in a part of the time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from psycopg import sql

from persistence.claim_items import item_to_json
from persistence.connection import Connection
from tests.support.claim_scene import an_item

ROWS: Final = 1_000_000
PATIENTS: Final = 1_000
INSURERS: Final = 20
NEWEST: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
APART: Final = 94.608
"""Seconds from one claim to the one before it: a million of them are three years."""

_INSERT: Final = f"""
INSERT INTO claims
       (id, provider_id, number, type, status, outcome, patient_id, card_number, insurer_id, plan_id, service_date,
        character, authorization_code, items, presented_cents, gross_cents, processed_cents, released_cents,
        denied_cents, recovered_cents, pending_cents, accepted_cents, currency, override_reason, submissions,
        submitted_at, protocol, return_reason, adjudicated_at, cancel_reason, correlation_id, created_at, updated_at,
        facts, version)
SELECT gen_random_uuid(), 'provider-' || h %% 50, 'G-' || n, 'CONSULTATION', status,
       CASE WHEN status IN ('SETTLED', 'ADJUDICATED', 'APPEALED')
            THEN (ARRAY['APPROVED', 'PARTIALLY_DENIED', 'DENIED', 'APPROVED'])[1 + h / 11 %% 4] ELSE 'NONE' END,
       'patient-' || h %% {PATIENTS}, lpad((h %% {PATIENTS})::text, 17, '0'), 'insurer-' || h / 7 %% {INSURERS}, 'GOLD',
       (at - (h / 13 %% 31) * interval '1 day')::date, 'ELECTIVE', '',
       %(items)s::jsonb,
       10000, 10000, 0, 0, 0, 0, 0, 0, 'BRL', '', 1, at, '', '', NULL, '', 'bench', at, at, 1, 1
  FROM (SELECT n, abs(hashint4(n)) AS h, %(newest)s::timestamptz - n * {APART} * interval '1 second' AS at,
               CASE WHEN n %% 50 = 0 THEN 'CANCELED' WHEN n < 10000 THEN 'DRAFT' WHEN n < 80000 THEN 'SUBMITTED'
                    WHEN n %% 3 = 0 AND n < 300000 THEN 'APPEALED' WHEN n < 200000 THEN 'ADJUDICATED'
                    ELSE 'SETTLED' END AS status
          FROM generate_series(%(rows)s::int - 1, 0, -1) n) one
"""
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
 WHERE indrelid = 'claims'::regclass AND NOT indisunique
"""


async def fill(connection: Connection, rows: int = ROWS) -> None:
    """The claims, with fresh statistics. The table is not logged from here on, which no read can tell."""
    await connection.execute("SET statement_timeout = '5min'; SET maintenance_work_mem = '256MB'")
    await connection.execute("ALTER TABLE claims SET UNLOGGED")
    indexes = await (await connection.execute(_INDEXES)).fetchall()
    for name, _ in indexes:
        await connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    await connection.execute(_INSERT, {"newest": NEWEST, "rows": rows, "items": json.dumps([item_to_json(an_item())])})
    for _, definition in indexes:
        await connection.execute(definition)
    await connection.execute("VACUUM ANALYZE claims")
