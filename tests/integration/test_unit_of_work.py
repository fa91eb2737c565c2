"""Units of work on a real PostgreSQL: all or nothing, one key one lock one counter, and every refusal understood."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from domain.billing.budget import Budget
from domain.billing.errors import BudgetAlreadyExists
from domain.billing.pricing import price
from domain.billing.use_cases.budgets import Cancellation
from domain.billing.work_order import WorkOrder
from domain.errors import IdempotencyKeyReused, Invalid, RequestInProgress, Unavailable
from domain.once import Once, Replayed
from domain.retry import Conflict
from messaging.codec import encode_json, encode_protobuf
from persistence.errors import RACES, Uncommitted
from persistence.schema import metadata
from persistence.unit_of_work import Unit, Units
from tests.support.builders import AT, CALL, an_order, an_os
from tests.support.house import House, RandomIds, house
from tests.support.waiting import eventually

SEQUENCES = "SELECT key, array_agg(key_seq ORDER BY id) AS seqs FROM outbox GROUP BY key"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


def once(key: str = "k", fingerprint: bytes = b"f") -> Once:
    return Once(("tester", "CreateBudget", key), fingerprint, lambda budget: str(budget.id).encode())


async def counts(home: House) -> Counter[str]:
    tables = ("work_orders", "budgets", "budget_revisions", "work_order_log", "outbox", "replies")
    return Counter({table: await home.value(f"SELECT count(*) FROM {table}") for table in tables})


async def save_a_budget(work: Unit) -> None:
    work_order = WorkOrder(id=an_os(1), workshop_id="main", correlation_id="saga", created_at=AT)
    work_order.open(at=AT)
    order = an_order(1)
    work.work_orders.save(work_order)
    work.budgets.save(Budget.generate(an_os(9), order, price(order, None, None), at=AT))


async def test_a_commit_keeps_state_log_and_outbox_together(home: House) -> None:
    budget = await home.billing.create_budget(CALL, an_order(1))
    assert await counts(home) == Counter(work_orders=1, budgets=1, budget_revisions=1, work_order_log=2, outbox=1)
    (row,) = await home.rows("SELECT key, key_seq, headers, convert_from(body, 'UTF8') AS body FROM outbox")
    assert (row["key"], row["key_seq"], row["headers"]["AggregateId"]) == (str(an_os(1)), 1, str(budget.id))
    assert row["headers"]["CausationId"] == "cause"
    assert '"Amount":123.45,' in row["body"]
    assert len(home.wakes) == 1


async def test_leaving_by_an_exception_keeps_nothing_and_wakes_nobody(home: House) -> None:

    async def fail_before_the_commit() -> None:
        async with home.units.begin(CALL) as work:
            await save_a_budget(work)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_before_the_commit()
    assert await counts(home) == Counter(dict.fromkeys(await counts(home), 0))
    assert home.wakes == []


async def test_a_forgotten_commit_is_a_mistake_that_raises(home: House) -> None:

    async def forget() -> None:
        async with home.units.begin(CALL) as work:
            await save_a_budget(work)

    with pytest.raises(Uncommitted):
        await forget()
    assert set((await counts(home)).values()) == {0}


async def test_a_failed_outbox_row_takes_the_state_with_it(home: House) -> None:
    def too_large(fact: object, stamp: object) -> object:
        return replace(encode_json(fact, stamp), body=b"x" * 1_100_000)  # type: ignore[arg-type]

    units = Units(home.database, (too_large,), RandomIds(), lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="ck_outbox_body"):
        await replace(home.billing, begin=units.begin).create_budget(CALL, an_order(1))
    assert set((await counts(home)).values()) == {0}


async def test_a_hundred_at_once_make_one_budget_and_one_event(home: House) -> None:
    answers = await asyncio.gather(
        *(home.billing.create_budget(CALL, an_order(1)) for _ in range(100)), return_exceptions=True
    )
    assert Counter(type(answer).__name__ for answer in answers) == {"Budget": 1, "BudgetAlreadyExists": 99}
    assert (await counts(home))["budgets"] == (await counts(home))["outbox"] == 1
    refused = [answer for answer in answers if isinstance(answer, BudgetAlreadyExists)]
    assert {refusal.metadata["budget_id"] for refusal in refused} == {str(await home.value("SELECT id FROM budgets"))}


async def test_every_keys_facts_are_counted_without_a_gap_under_concurrency(home: House) -> None:
    async def life(os: int) -> None:
        cancellation = Cancellation(work_order_id=an_os(os), workshop_id="main", reason="gone")
        await asyncio.gather(
            *(home.billing.generate_budget(CALL, an_order(os)) for _ in range(3)),
            *(home.billing.cancel_work_order(CALL, cancellation) for _ in range(3)),
        )

    await asyncio.gather(*(life(os) for os in range(1, 21)))
    for row in await home.rows(SEQUENCES):
        assert row["seqs"] in ([1], [1, 2]), row
    facts = await home.rows(
        "SELECT w.facts, (SELECT count(*) FROM outbox o WHERE o.key = w.id::text) AS sent FROM work_orders w"
    )
    assert len(facts) == 20
    assert all(row["facts"] == row["sent"] for row in facts)


async def test_every_encoding_of_a_fact_has_its_own_place_in_the_order(home: House) -> None:
    units = Units(home.database, (encode_json, encode_protobuf), RandomIds(), lambda _: None)
    await replace(home.billing, begin=units.begin).create_budget(CALL, an_order(1))
    (row,) = await home.rows(SEQUENCES)
    assert row["seqs"] == [1, 2]
    assert await home.value("SELECT facts FROM work_orders") == 2
    assert await home.value("SELECT count(DISTINCT event_id) FROM outbox") == 2
    assert await home.value("SELECT count(*) FROM outbox_message") == 2


async def test_a_work_order_is_locked_from_its_reading_to_the_end_of_the_unit(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))

    async def look() -> None:
        async with home.units.begin(CALL) as work:
            await work.work_orders.get(an_os(1))
            await work.commit()

    async with home.units.begin(CALL) as first:
        await first.work_orders.get(an_os(1))
        second = asyncio.create_task(look())
        await eventually(home.waits_for_a_lock, what="the second unit to wait")
        await first.commit()
    await second


async def test_a_row_that_moved_on_is_a_conflict_and_running_again_resolves_it(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))

    async def come_too_late() -> None:
        async with home.units.begin(CALL) as work:
            await work.work_orders.get(an_os(1))
            budget = await work.budgets.of_work_order(an_os(1))
            assert budget
            await home.rows("UPDATE budgets SET version = version + 1")
            budget.cancel(reason="late", at=budget.created_at)
            work.budgets.save(budget)
            await work.commit()

    with pytest.raises(Conflict):
        await come_too_late()
    assert (await counts(home))["outbox"] == 1
    cancellation = Cancellation(work_order_id=an_os(1), workshop_id="main", reason="gone")
    await home.billing.cancel_work_order(CALL, cancellation)
    assert await home.value("SELECT status FROM budgets") == "CANCELED"


async def test_the_same_request_again_gets_the_first_answer_and_does_nothing(home: House) -> None:
    call = replace(CALL, once=once())
    budget = await home.billing.create_budget(call, an_order(1))
    with pytest.raises(Replayed) as replayed:
        await home.billing.create_budget(call, an_order(1))
    assert replayed.value.reply == str(budget.id).encode()
    assert (await counts(home))["outbox"] == 1


async def test_another_request_under_the_same_key_is_refused(home: House) -> None:
    await home.billing.create_budget(replace(CALL, once=once()), an_order(1))
    with pytest.raises(IdempotencyKeyReused):
        await home.billing.create_budget(replace(CALL, once=once(fingerprint=b"g")), an_order(2))


async def test_the_same_request_while_the_first_still_runs_is_told_so(home: House) -> None:
    call = replace(CALL, once=once())
    async with home.units.begin(call) as first:
        with pytest.raises(RequestInProgress):
            await home.billing.create_budget(call, an_order(1))
        await home.billing.create_budget(replace(CALL, once=once("other")), an_order(2))
        first.committed = True  # it leaves without an answer, as one that failed does
    await home.billing.create_budget(call, an_order(1))


async def test_a_refused_request_keeps_no_answer(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))
    call = replace(CALL, once=once())
    for _ in range(2):
        with pytest.raises(BudgetAlreadyExists):
            await home.billing.create_budget(call, an_order(1))
    assert (await counts(home))["replies"] == 0


async def test_the_races_that_are_known_are_constraints_that_exist(home: House) -> None:
    names = await home.rows("SELECT conname AS name FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
    assert {row["name"] for row in names} >= RACES


def test_every_constraint_and_index_has_a_name_of_its_own() -> None:
    named = [each for table in metadata.tables.values() for each in (*table.constraints, *table.indexes)]
    names = [getattr(each, "name", None) for each in named]
    assert None not in names
    assert len(set(names)) == len(names)


async def test_a_statement_that_takes_too_long_means_unavailable(database_url: str) -> None:
    async with house(database_url, statement_timeout=0.2) as hasty, hasty.sql() as other:
        await hasty.billing.create_budget(CALL, an_order(1))
        await other.execute("SELECT FROM work_orders FOR UPDATE")
        cancellation = Cancellation(work_order_id=an_os(1), workshop_id="main", reason="gone")
        with pytest.raises(Unavailable):
            await hasty.billing.cancel_work_order(CALL, cancellation)
        await other.rollback()
        await hasty.billing.cancel_work_order(CALL, cancellation)


async def test_text_that_the_database_cannot_keep_is_invalid(home: House) -> None:
    with pytest.raises(Invalid):
        await home.billing.create_budget(CALL, an_order(1, description="a\0b"))


async def test_a_database_that_is_away_means_unavailable() -> None:
    async with house("postgresql://nobody@127.0.0.1:1/nothing") as lost:
        with pytest.raises(Unavailable):
            await lost.billing.create_budget(CALL, an_order(1))


async def test_a_killed_connection_means_unavailable_until_the_pool_has_live_ones(home: House) -> None:

    async def be_killed() -> None:
        async with home.units.begin(CALL) as work:
            await work.work_orders.get(an_os(1))
            await home.kill("acerto-writes")
            await work.work_orders.get(an_os(2))

    with pytest.raises(Unavailable):
        await be_killed()

    async def again() -> Budget | None:
        with suppress(Unavailable):
            return await home.billing.create_budget(CALL, an_order(1))
        return None

    assert await eventually(again, what="a live connection")


async def test_a_write_whose_statements_the_server_forgot_is_done_on_another_connection(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))
    async with home.database.writes.connection() as connection:
        await connection.execute("DEALLOCATE ALL")
    await home.billing.cancel_work_order(CALL, Cancellation(work_order_id=an_os(1), workshop_id="main", reason="gone"))
    assert await home.value("SELECT status FROM budgets") == "CANCELED"


async def test_a_process_with_a_thousand_open_files_still_writes(home: House) -> None:
    files = [os.dup(0) for _ in range(1100)]
    try:
        async with house(home.database.url) as busy:
            await busy.billing.create_budget(CALL, an_order(7))
            await busy.billing.create_budget(CALL, an_order(8))
    finally:
        for file in files:
            os.close(file)


async def test_a_write_does_not_notice_that_its_idle_connection_was_ended(home: House) -> None:
    await home.billing.create_budget(CALL, an_order(1))
    sessions = "FROM pg_stat_activity WHERE application_name = 'acerto-writes' AND datname = current_database()"
    idle = [row["pid"] for row in await home.rows(f"SELECT pid {sessions}")]
    assert idle
    await home.kill("acerto-writes")

    async def ended() -> bool:
        return not await home.value(f"SELECT count(*) {sessions} AND pid = ANY (%s)", idle)

    await eventually(ended, what="the idle sessions end")
    assert (await home.billing.create_budget(CALL, an_order(2))).revision == 1
