"""What is only ever added to, nobody changes, deletes or empties: not by any statement, not by any program."""

from __future__ import annotations

import psycopg
import pytest

from persistence.migrations import downgrade, upgrade

TABLES = ("budget_revisions", "claim_log", "eligibility_checks", "ledger_entries", "settlements", "work_order_log")
DEEDS = ("UPDATE {} SET provider_id = 'x'", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE claims, {} CASCADE")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_table_that_is_added_to_refuses_everything_else(database_url: str, table: str, deed: str) -> None:
    with (
        psycopg.connect(database_url, autocommit=True) as session,
        pytest.raises(psycopg.errors.RestrictViolation, match=f"^{table} is append-only"),
    ):
        session.execute(deed.format(table).encode())


def test_the_way_down_takes_the_guards_that_it_brought_and_leaves_those_before(empty_database_url: str) -> None:
    guards = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgfoid = 'append_only'::regproc"
    with psycopg.connect(empty_database_url, autocommit=True) as session:
        upgrade(empty_database_url, "0009")
        before = set(session.execute(guards.encode()).fetchall())
        upgrade(empty_database_url, "0010")
        after = set(session.execute(guards.encode()).fetchall())
        downgrade(empty_database_url, "0009")
        assert before < after
        assert set(session.execute(guards.encode()).fetchall()) == before
