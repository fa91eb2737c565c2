"""Migrations on a real PostgreSQL: up, down, up; one schema written twice, and the same; replicas at once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from domain.billing.budget_lifecycle import LIFECYCLE as BUDGET
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.payment_lifecycle import LIFECYCLE as PAYMENT
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.pricing import PriceSource
from domain.billing.provider_notice import NoticeStatus
from domain.billing.queries import EntryKind
from domain.billing.work_order import LIFECYCLE as WORK_ORDER
from domain.billing.work_order import WorkOrderState
from domain.claims.claim import Character, ClaimType
from domain.claims.claim_batch import LIFECYCLE as CLAIM_BATCH
from domain.claims.claim_batch import ClaimBatchStatus
from domain.claims.claim_lifecycle import LIFECYCLE as CLAIM
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.outcome import Outcome
from domain.eligibility.beneficiary import BeneficiaryStatus
from domain.errors import Unavailable
from domain.lifecycle import Lifecycle
from persistence.migrations import downgrade, own, pending, upgrade
from persistence.schema import BUCKETS, metadata

OBJECTS = """
SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public'
UNION SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE nspname = 'public'
"""
LISTED = {
    "ck_beneficiaries_status": BeneficiaryStatus,
    "ck_budgets_status": BudgetStatus,
    "ck_budgets_price_source": PriceSource,
    "ck_payments_status": PaymentStatus,
    "ck_provider_notices_status": NoticeStatus,
    "ck_work_orders_state": WorkOrderState,
    "ck_work_order_log_kind": EntryKind,
    "ck_claim_log_kind": EntryKind,
    "ck_claims_type": ClaimType,
    "ck_claims_outcome": Outcome,
    "ck_claims_character": Character,
    "ck_claims_status": ClaimStatus,
    "ck_claim_batches_type": ClaimType,
    "ck_claim_batches_status": ClaimBatchStatus,
    "ck_invoices_status": InvoiceStatus,
}


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as session:
        return session.execute(statement.encode()).fetchall()


def differences(url: str) -> list[Any]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    options = {"include_name": own, "compare_server_default": True, "compare_type": True}
    with engine.connect() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    return found


def test_what_the_migrations_make_is_what_the_schema_says(database_url: str) -> None:
    assert differences(database_url) == []


def test_the_comparison_sees_a_default_a_type_and_a_column_that_drifted(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("ALTER TABLE outbox ALTER attempts SET DEFAULT 7")
        session.execute("ALTER TABLE budgets ALTER revision TYPE bigint, ADD extra int")
        session.execute("DROP INDEX ix_outbox_blocked")
    seen = str(differences(database_url))
    for drifted in ("modify_default", "modify_type", "remove_column", "ix_outbox_blocked"):
        assert drifted in seen


def test_up_down_and_up_again_leaves_nothing_behind_and_the_same_house(empty_database_url: str) -> None:
    before = rows(empty_database_url, OBJECTS)
    assert before == []
    upgrade(empty_database_url)
    made = sorted(rows(empty_database_url, OBJECTS))
    downgrade(empty_database_url, "base")
    left = {name for (name,) in rows(empty_database_url, OBJECTS)}
    assert {name for name in left if "alembic" not in name} == set()
    upgrade(empty_database_url)
    assert sorted(rows(empty_database_url, OBJECTS)) == made
    assert differences(empty_database_url) == []


def test_what_is_pending_is_told_before_and_not_after(empty_database_url: str) -> None:
    waiting = pending(empty_database_url)
    assert waiting
    assert waiting == sorted(waiting)
    assert rows(empty_database_url, OBJECTS) == [], "asking changes nothing"
    upgrade(empty_database_url)
    assert pending(empty_database_url) == []
    upgrade(empty_database_url)
    assert pending(empty_database_url) == []


def test_replicas_that_start_together_migrate_one_after_the_other(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as replicas:
        list(replicas.map(upgrade, [empty_database_url] * 4))
    assert pending(empty_database_url) == []
    assert rows(empty_database_url, "SELECT count(*) FROM outbox_bucket") == [(BUCKETS,)]


def test_a_migration_that_fails_leaves_nothing(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as session:
        session.execute("CREATE VIEW inbox_message AS SELECT 1 AS in_the_way")
        with pytest.raises(Exception, match="inbox_message"):
            upgrade(empty_database_url)
        session.execute("DROP VIEW inbox_message")
    assert rows(empty_database_url, OBJECTS) == []
    upgrade(empty_database_url)


@pytest.mark.parametrize(("constraint", "values"), LISTED.items(), ids=LISTED.keys())
def test_a_check_lists_exactly_the_values_that_the_domain_has(
    database_url: str, constraint: str, values: type[Enum]
) -> None:
    ((text,),) = rows(
        database_url, f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{constraint}'"
    )
    assert set(re.findall(r"'(\w+)'", text)) == {value.value for value in values}


@pytest.mark.parametrize(
    ("lifecycle", "states"),
    [
        (BUDGET, BudgetStatus),
        (PAYMENT, PaymentStatus),
        (WORK_ORDER, WorkOrderState),
        (CLAIM, ClaimStatus),
        (CLAIM_BATCH, ClaimBatchStatus),
    ],
)
def test_a_lifecycle_knows_no_state_that_the_database_refuses(
    lifecycle: Lifecycle[Any, Any], states: type[Enum]
) -> None:
    assert set(lifecycle.table.values()) <= set(states)
    assert {before for before, _ in (*lifecycle.table, *lifecycle.repeats)} - {None} <= set(states)


def test_the_buckets_of_the_check_and_of_the_locks_are_those_of_the_code(database_url: str) -> None:
    locks = rows(database_url, "SELECT min(bucket), max(bucket), count(*) FROM outbox_bucket")
    assert locks == [(0, BUCKETS - 1, BUCKETS)]
    ((text,),) = rows(
        database_url, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_outbox_bucket'"
    )
    assert re.findall(r"\d+", text) == ["0", str(BUCKETS - 1)]


def test_queue_tables_are_vacuumed_often_and_at_full_speed(database_url: str) -> None:
    for table in ("outbox", "inbox_deferred"):
        ((options,),) = rows(database_url, f"SELECT reloptions FROM pg_class WHERE relname = '{table}'")
        assert {"autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=1000"} <= set(options)
        assert "autovacuum_vacuum_cost_delay=0" in options


def test_the_seeded_prices_are_there(database_url: str) -> None:
    assert ("OIL-CHANGE", 18_000) in rows(database_url, "SELECT code, price_cents FROM service_prices")


def test_a_database_of_a_newer_version_lacks_nothing(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("UPDATE alembic_version SET version_num = '9999'")
    assert pending(database_url) == []


def test_the_newest_revision_is_the_last_files(empty_database_url: str) -> None:
    waiting = pending(empty_database_url)
    upgrade(empty_database_url, waiting[-2])
    assert pending(empty_database_url) == waiting[-1:]


def test_a_migration_waits_for_no_reader(empty_database_url: str) -> None:
    upgrade(empty_database_url, "0008")
    with psycopg.connect(empty_database_url) as reader:
        for table in ("eligibility_checks", "work_order_log", "claims", "invoices"):
            reader.execute(f"SELECT count(*) FROM {table}".encode())
        upgrade(empty_database_url)
    assert pending(empty_database_url) == []


def test_a_migration_gives_up_soon_where_a_table_is_in_use_and_changes_nothing(empty_database_url: str) -> None:
    upgrade(empty_database_url, "0008")
    with psycopg.connect(empty_database_url) as writer:
        writer.execute("LOCK TABLE claims IN ROW EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="in use"):
            upgrade(empty_database_url)
    assert pending(empty_database_url)[0] == "0009"
