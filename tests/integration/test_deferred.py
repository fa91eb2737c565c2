"""Deferred messages on a real PostgreSQL: they wait in the order of their key, however often somebody looks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from messaging.reader import read
from tests.support.builders import QUEUE, a_message, received
from tests.support.house import House, house

DEFERRED = "SELECT message_id, attempts, last_error, next_at = 'infinity' AS parked FROM inbox_deferred ORDER BY id"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def make_due(home: House) -> None:
    await home.rows("UPDATE inbox_deferred SET next_at = clock_timestamp() WHERE next_at < 'infinity'")


async def test_a_deferred_message_waits_and_later_ones_of_its_key_wait_behind_it(home: House) -> None:
    first, second, other = received(1), received(1, event_type="OsCanceled"), received(2)
    await home.inbox.defer(first, "RuntimeError")
    batch = await home.receive(second, other)
    assert (batch.behind, batch.fresh) == ([second], [other])
    assert await home.outcomes() == {other.message_id: "applied"}
    assert await home.resume() == [], "none is due yet"
    await make_due(home)
    assert [await home.resume(), await home.resume(), await home.resume()] == [
        [first.message_id],
        [second.message_id],
        [],
    ]
    assert await home.value("SELECT array_agg(event_type ORDER BY key_seq) FROM outbox WHERE key = %s", first.key) == [
        "BudgetGenerated",
        "BudgetCanceled",
    ]


async def test_a_deferred_message_comes_back_as_it_was(home: House) -> None:
    message = read(
        a_message(
            {"OsId": 7, "Valor": 12.30, "Description": "x\0\ud800", "Items": [{"Kind": "PART"}]},
            headers={"EventId": "e", "CausationId": "c", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"},
        ),
        QUEUE,
    )
    await home.inbox.defer(message, "later")
    await make_due(home)
    async with home.inbox.resume(QUEUE) as batch:
        assert batch
        assert batch.fresh == [message]


async def test_only_the_head_of_a_key_is_resumed_by_however_many(home: House) -> None:
    first, second = received(1), received(1, event_type="OsCanceled")
    await home.inbox.defer(first, "x")
    await home.inbox.defer(second, "x")
    await make_due(home)
    async with home.inbox.resume(QUEUE) as batch:
        assert batch
        async with home.inbox.resume(QUEUE) as another:
            assert another is None
        await home.handle(batch)
    assert await home.resume() == [second.message_id]


async def test_a_resumed_message_that_fails_again_is_put_off_longer_each_time(home: House) -> None:
    message = received(1)
    await home.inbox.defer(message, "first")
    pauses = []
    for _ in range(11):
        await home.inbox.put_off(message, "again")
        pauses.append(await home.value("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM inbox_deferred"))
    (row,) = await home.rows(DEFERRED)
    assert (row["attempts"], row["last_error"]) == (11, "again")
    assert [round(float(pause)) for pause in pauses] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_a_parked_message_is_never_due_and_holds_its_key(home: House) -> None:
    first, second = received(1), received(1, event_type="OsCanceled")
    await home.inbox.defer(first, "it kills", parked=True)
    assert (await home.receive(second)).behind == [second]
    await make_due(home)
    assert await home.resume() == []
    rows = await home.rows(DEFERRED)
    assert [row["parked"] for row in rows] == [True, False]


async def test_a_message_deferred_twice_waits_once(home: House) -> None:
    message = received(1)
    await home.inbox.defer(message, "first")
    await home.inbox.defer(message, "again")
    assert (await home.receive(message)).behind == [message]
    assert len(await home.rows(DEFERRED)) == 1


async def test_a_dropped_message_lets_its_key_go_on(home: House) -> None:
    first, second = received(1), received(1, "second")
    await home.inbox.defer(first, "x")
    await home.inbox.drop(first)
    assert (await home.receive(second)).fresh == [second]


async def test_a_deferred_message_that_took_effect_already_only_leaves_the_queue(home: House) -> None:
    message = received(1)
    await home.receive(message)
    await home.inbox.defer(message, "x")
    await make_due(home)
    assert await home.resume() == [message.message_id]
    assert (await home.rows(DEFERRED), await home.value("SELECT count(*) FROM outbox")) == ([], 1)
