"""The inbox on a real PostgreSQL: every message has its effect once, in the order of its key, or waits where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from psycopg.errors import LockNotAvailable

from domain.retry import Conflict
from tests.support.builders import CALL, an_order, an_os, received
from tests.support.house import House, house
from tests.support.waiting import eventually


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def test_a_message_has_its_effect_and_a_repeat_has_none(home: House) -> None:
    message = received(1, Valor="10.00")
    first, again = await home.receive(message), await home.receive(message)
    assert (first.fresh, first.repeated) == ([message], [])
    assert (again.fresh, again.repeated, again.differing) == ([], [message], [])
    assert await home.value("SELECT count(*) FROM outbox") == 1
    assert await home.outcomes() == {message.message_id: "applied"}
    assert len(home.wakes) == 1


async def test_an_event_is_caused_by_the_message_and_keeps_its_saga(home: House) -> None:
    message = received(1)
    await home.receive(message)
    headers = await home.value("SELECT headers FROM outbox")
    assert (headers["CausationId"], headers["CorrelationId"]) == (message.message_id, "saga")
    entries = await home.rows("SELECT kind, event_type, event_id, body FROM work_order_log ORDER BY id")
    assert [entry["kind"] for entry in entries] == ["RECEIVED", "CHANGED", "CHANGED"]
    assert (entries[0]["event_id"], entries[0]["body"]) == (message.message_id, message.body)


async def test_a_repeated_id_with_other_content_is_told_and_the_first_counts(home: House) -> None:
    first, other = received(1, Valor="10.00"), received(1, Valor="11.00")
    assert first.message_id == other.message_id
    await home.receive(first)
    again = await home.receive(other)
    assert (again.repeated, again.differing) == ([other], [other])
    assert await home.value("SELECT total_cents FROM budgets") == 1000


async def test_a_twin_in_flight_is_waited_for(home: House) -> None:
    message = received(1)
    async with home.inbox.receive([message]) as batch:
        twin = asyncio.create_task(home.receive(message))
        await eventually(home.waits_for_a_lock, what="the twin to wait")
        assert not twin.done()
        await home.handle(batch)
    assert (await twin).repeated == [message]
    assert await home.value("SELECT count(*) FROM outbox") == 1


async def test_a_twin_whose_first_fails_takes_its_place(home: House) -> None:
    message = received(1)
    async with AsyncExitStack() as first:
        await first.enter_async_context(home.inbox.receive([message]))
        twin = asyncio.create_task(home.receive(message))
        await eventually(home.waits_for_a_lock, what="the twin to wait")
    assert (await twin).fresh == [message]


async def test_a_batch_that_is_rolled_back_leaves_nothing(home: House) -> None:
    messages = [received(os) for os in range(1, 6)]

    async def fail_half_way() -> None:
        async with home.inbox.receive(messages) as batch:
            for each in messages[:3]:
                await home.routes.apply(each, batch.begin(each))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    for table in ("inbox", "work_orders", "budgets", "outbox", "work_order_log", "inbox_deferred"):
        assert await home.value(f"SELECT count(*) FROM {table}") == 0, table
    assert home.wakes == []


_RUNS = """
SELECT split_part(statement, ' ', 3), generic_plans + custom_plans
  FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO %' ORDER BY prepare_time
"""
"""The tables that this session inserted into, in the order of the first time, and how often."""


async def test_a_batch_is_one_transaction_with_one_statement_per_table(home: House) -> None:
    messages = [received(os, Valor="10.00") for os in range(1, 21)]
    async with home.inbox.receive(messages) as batch:
        await home.handle(batch)
        cursor = await batch.work.session.connection.execute(_RUNS)
        executed = await cursor.fetchall()
    tables = ("work_orders", "budgets", "budget_revisions", "work_order_log", "outbox")
    assert executed == [(table, 1) for table in ("inbox", *tables)]
    written = "SELECT count(DISTINCT xmin::text) FROM {0}"
    assert {await home.value(written.format(table)) for table in (*tables, "inbox")} == {1}
    assert await home.value("SELECT count(*) FROM outbox") == 20


async def test_a_batch_locks_its_work_orders_in_the_order_of_their_ids(home: House) -> None:
    for os in (3, 2, 1):
        await home.receive(received(os))
    lock = "SELECT FROM work_orders WHERE id = %s FOR UPDATE NOWAIT"
    async with home.sql() as other:
        await other.execute(lock, [an_os(2)])
        batch = asyncio.create_task(home.receive(*(received(os, event_type="OsCanceled") for os in (3, 2, 1))))
        await eventually(home.waits_for_a_lock, what="the batch to wait for the second")
        await home.rows(lock, an_os(3))
        with pytest.raises(LockNotAvailable):
            await home.rows(lock, an_os(1))
        await other.rollback()
        await batch


async def test_batches_with_the_same_keys_in_another_order_do_not_deadlock(home: House) -> None:
    for turn in range(8):
        oses = range(1, 21)
        created = [received(os, str(turn)) for os in oses]
        canceled = [received(os, str(turn), "OsCanceled") for os in reversed(oses)]
        ended = await asyncio.gather(
            home.receive(*created), home.receive(*canceled), home.receive(*created[::-1]), return_exceptions=True
        )
        assert [each for each in ended if isinstance(each, BaseException) and not isinstance(each, Conflict)] == []
        if turn:
            assert not [each for each in ended if isinstance(each, BaseException)], (
                "all keys exist: nothing to race for"
            )
        for message in (*created, *canceled):
            await home.receive(message)
    assert await home.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    assert set((await home.outcomes()).values()) <= {"applied", "known", "tombstoned", "differs"}


async def test_the_partners_view_shows_what_is_done_and_what_waits(home: House) -> None:
    done, waits = received(1), received(2)
    await home.receive(done)
    await home.inbox.defer(waits, "x")
    rows = await home.rows("SELECT id, processed, outcome, correlation_id FROM inbox_message ORDER BY processed")
    assert [(row["id"], row["processed"], row["outcome"]) for row in rows] == [
        (waits.message_id, False, "deferred"),
        (done.message_id, True, "applied"),
    ]


async def test_a_cancel_before_its_announcement_leaves_a_tombstone_that_holds(home: House) -> None:
    canceled, created = received(1, event_type="OsCanceled", Reason="gone"), received(1)
    await home.receive(canceled)
    await home.receive(created)
    assert await home.outcomes() == {canceled.message_id: "applied", created.message_id: "tombstoned"}
    assert await home.value("SELECT count(*) FROM budgets") == await home.value("SELECT count(*) FROM outbox") == 0


async def test_another_announcement_of_the_same_work_order_changes_nothing(home: House) -> None:
    await home.receive(received(1, Valor="10.00"))
    same, other = received(1, "same", Valor="10.00"), received(1, "other", Valor="99.00")
    await home.receive(same)
    await home.receive(other)
    known = await home.outcomes()
    assert (known[same.message_id], known[other.message_id]) == ("known", "differs")
    assert await home.value("SELECT total_cents FROM budgets") == 1000
    assert await home.value("SELECT count(*) FROM outbox") == 1


async def test_a_message_about_a_budget_made_by_hand_joins_its_saga(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))
    await home.receive(received(1, event_type="OsCanceled"))
    sequence = "SELECT array_agg(event_type ORDER BY key_seq) FROM outbox WHERE key = %s"
    assert await home.value(sequence, str(an_os(1))) == ["BudgetGenerated", "BudgetCanceled"]
