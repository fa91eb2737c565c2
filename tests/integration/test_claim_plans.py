"""How PostgreSQL reads the lists of 100,000 claims, batches and invoices: by an index, in the order of the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.claims.claim_batch import ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.queries import ClaimBatchFilter, ClaimFilter, InvoiceFilter
from persistence.claim_views import ClaimViews
from persistence.connection import Connection
from tests.bench.many_claims import NEWEST, fill
from tests.support.house import house
from tests.support.postgres import Databases

ROWS = 100_000
ANYONE = Actor(id="tester")
PROVIDER, INSURER = "provider-7", "insurer-3"
CLINIC = Actor(id="clinic", providers=frozenset({PROVIDER}))
PLACE = (NEWEST - timedelta(days=20), UUID(int=7))
TODAY = date(2026, 3, 1)
INVOICES = """
INSERT INTO invoices
       (id, provider_id, insurer_id, patient_id, status, gross_cents, paid_cents, open_cents, denied_pending_cents,
        denied_accepted_cents, withheld_cents, currency, due_date, note, correlation_id, settlement_version,
        cancel_reason, created_at, updated_at, facts, version)
SELECT id, provider_id, insurer_id, patient_id, status, 10000, 10000 - open, open, 0, 0, 0, 'BRL',
       created_at::date + 30, '', 'bench', 1, '', created_at, created_at, 1, 1
  FROM (SELECT *, CASE status WHEN 'OPEN' THEN 10000 ELSE 0 END AS open
          FROM (SELECT id, provider_id, insurer_id, patient_id, created_at,
                       CASE WHEN row_number() OVER (ORDER BY created_at) % 20 = 0 THEN 'OPEN'
                            ELSE 'SETTLED' END AS status FROM claims) one) two
"""
BATCHES = """
INSERT INTO claim_batches
       (id, provider_id, number, insurer_id, type, status, claim_ids, correlation_id, created_at, updated_at, facts,
        version)
SELECT id, provider_id, number, insurer_id, type, 'SUBMITTED', '[]', 'bench', created_at, created_at, 1, 1 FROM claims
"""


class Explained(ClaimViews):
    """The views, which keep the plan of what they would read, and read nothing."""

    plan = ""

    async def rows(self, actor: Actor, select: str, *rest: Any, **options: Any) -> list[Any]:
        found = await super().rows(actor, f"EXPLAIN {select}", *rest, **options)
        self.plan = "\n".join(row["QUERY PLAN"] for row in found)
        return []

    async def of_claims(self, actor: Actor = ANYONE, **wanted: Any) -> None:
        await self.claims(actor, ClaimFilter(**wanted), after=PLACE, limit=51)

    async def of_batches(self, actor: Actor = ANYONE, **wanted: Any) -> None:
        await self.claim_batches(actor, ClaimBatchFilter(**wanted), after=PLACE, limit=51)

    async def of_invoices(self, actor: Actor = ANYONE, **wanted: Any) -> None:
        await self.invoices(actor, InvoiceFilter(**wanted), after=PLACE, limit=51)


@pytest.fixture(scope="module")
def full_database_url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        asyncio.run(filled(url))
        yield url


async def filled(url: str) -> None:
    async with await Connection.connect(url, autocommit=True) as connection:
        await fill(connection, ROWS)
        for statement in (INVOICES, BATCHES, "VACUUM ANALYZE invoices, claim_batches"):
            await connection.execute(statement.encode())


@pytest.fixture
async def views(full_database_url: str) -> AsyncIterator[Explained]:
    async with house(full_database_url) as home:
        yield Explained(home.database)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda views: views.of_claims(provider_id=PROVIDER, status=ClaimStatus.SUBMITTED),
            "ix_claims_provider_id_status_created_at_id",
        ),
        (
            lambda views: views.of_claims(CLINIC, status=ClaimStatus.DRAFT),
            "ix_claims_provider_id_status_created_at_id",
        ),
        (lambda views: views.of_batches(insurer_id=INSURER), "ix_claim_batches_insurer_id_created_at_id"),
        (
            lambda views: views.of_batches(insurer_id=INSURER, status=ClaimBatchStatus.SUBMITTED),
            "ix_claim_batches_insurer_id_created_at_id",
        ),
        (
            lambda views: views.of_invoices(provider_id=PROVIDER, status=InvoiceStatus.OPEN),
            "ix_invoices_provider_id_status_created_at_id",
        ),
        (
            lambda views: views.of_invoices(CLINIC, status=InvoiceStatus.OPEN),
            "ix_invoices_provider_id_status_created_at_id",
        ),
    ],
)
async def test_a_page_of_what_is_often_asked_comes_from_its_index_in_its_own_order(
    views: Explained, ask: Callable[[Explained], Awaitable[None]], index: str
) -> None:
    await ask(views)
    assert f"Index Scan Backward using {index}" in views.plan
    assert index in views.plan.splitlines()[1], "nothing is sorted below the limit"
    assert "ROW(created_at, id) <" in views.plan.split("Filter")[0], "and it begins at the page's place"


async def test_of_a_range_of_due_dates_each_day_gives_its_newest_from_the_index_alone(views: Explained) -> None:
    await views.of_invoices(due_from=TODAY - timedelta(days=90), due_before=TODAY - timedelta(days=60))
    newest = "Index Only Scan Backward using ix_invoices_due_date_created_at_id on invoices"
    assert views.plan.count(newest) == 2, "for the last day, and for what is newest of each"
    assert "Index Cond: ((due_date = days.day) AND (ROW(created_at, id) <" in views.plan
    assert "Seq Scan" not in views.plan


async def test_what_is_owed_to_one_provider_is_added_up_from_its_index_alone(views: Explained) -> None:
    await views.aging(CLINIC, as_of=TODAY)
    assert "Index Only Scan using ix_invoices_owed_to_provider" in views.plan
