"""What a million archived events cost the relay: nothing, if its design holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from psycopg import sql

from persistence.connection import Connection
from tests.bench import seed
from tests.bench.pairs import in_turn
from tests.bench.relay_pair import bench
from tests.bench.report import Section, at_most
from tests.bench.services import Services

KEYS: Final = 1_000
EACH: Final = 8
ROWS: Final = 1_000_000
LARGE: Final = 10_000_000
AT_ONCE: Final = 250_000
HOW: Final = (
    f"the relay drains {KEYS * EACH:,} facts into an archive that is empty and into one with so many rows, all of them "
    "in the partition and the index that it writes to now: the worst case. Cost is time per fact."
)
_ARCHIVED = """
INSERT INTO outbox_archive
       (id, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body, created_at)
SELECT n, gen_random_uuid(), md5(n::text)::uuid::text, 1, event_type, exchange, routing_key, content_type, headers,
       body, clock_timestamp()
  FROM (SELECT * FROM outbox ORDER BY id LIMIT 1) one, generate_series({first}, {last}) n
"""


async def measure(services: Services, rounds: int, *, rows: int = ROWS) -> Section:
    """The pair."""
    facts = seed.facts(KEYS, EACH)
    with services.database() as empty, services.database() as full:
        async with bench(services, empty, facts) as small, bench(services, full, facts) as large:
            await seed.fill(large.connection, facts[:1])
            await _archive(large.connection, rows)
            sides = {"empty": small.by_relay, "full": replace(large, keep_archive=True).by_relay}
            taken = await in_turn(sides, rounds=rounds)
    behind = f"{taken.median('full'):,.0f}/s against {taken.median('empty'):,.0f}/s"
    cost = taken.ratio("empty", "full")
    return Section(
        "Archive", HOW, [at_most(f"Relay cost, {rows // 1_000_000} million archived / none", cost, 1.2, behind)]
    )


async def _archive(connection: Connection, rows: int) -> None:
    await connection.execute("SET statement_timeout = '5min'")
    for first in range(0, rows, AT_ONCE):
        last = min(first + AT_ONCE, rows) - 1
        await connection.execute(sql.SQL(_ARCHIVED).format(first=sql.Literal(first), last=sql.Literal(last)))
    await connection.execute("VACUUM ANALYZE outbox_archive")
    await connection.execute("CHECKPOINT")
