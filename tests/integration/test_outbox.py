"""The relay's side of the outbox on a real PostgreSQL: order within a key, blocked heads, locks that die with us."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from domain.errors import Unavailable
from domain.events import Pending, Publication, Refusal
from messaging.codec import encode_json, encode_protobuf
from persistence.session import bucket_of
from persistence.unit_of_work import Units
from tests.support.builders import CALL, a_publication, an_order
from tests.support.house import House, RandomIds, house
from tests.support.waiting import eventually

INSERT = """
INSERT INTO outbox (bucket, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def put(connection: psycopg.AsyncConnection[Any], *publications: Publication, bucket: int | None = None) -> None:
    for each in publications:
        await connection.execute(
            INSERT,
            (
                bucket_of(each.key) if bucket is None else bucket,
                *(each.event_id, each.key, each.key_seq, each.event_type, each.exchange, each.routing_key),
                *(each.content_type, json.dumps(each.headers), each.body),
            ),
        )


async def fill(home: House, *publications: Publication) -> None:
    async with home.sql() as connection:
        await put(connection, *publications)


def ids(*publications: Publication) -> list[Any]:
    return [publication.event_id for publication in publications]


def events(pending: list[Pending]) -> list[Any]:
    return [row.publication.event_id for row in pending]


A1, A2, A3 = (a_publication("a", seq) for seq in (1, 2, 3))
B1, B2 = (a_publication("b", seq) for seq in (1, 2))


async def test_what_is_read_is_what_was_written_in_the_order_of_each_key(home: House) -> None:
    await fill(home, A1, B1, A2, B2, A3)
    async with home.outbox(buckets=64) as outbox, outbox.claim() as claim:
        assert [row.publication for row in claim.pending] == [A1, B1, A2, B2, A3]
        assert {row.attempts for row in claim.pending} == {0}


async def test_what_is_not_settled_stays(home: House) -> None:
    await fill(home, A1)
    for _ in range(2):
        async with home.outbox() as outbox, outbox.claim() as claim:
            assert events([*claim.pending]) == ids(A1)


async def test_what_is_confirmed_moves_to_the_archive_as_it_was(home: House) -> None:
    await fill(home, A1)
    before = await home.rows("SELECT event_id, key, key_seq, headers, body, created_at FROM outbox")
    assert events(await home.publish()) == ids(A1)
    after = await home.rows("SELECT event_id, key, key_seq, headers, body, created_at FROM outbox_archive")
    assert (after, await home.value("SELECT count(*) FROM outbox")) == (before, 0)


async def test_the_partners_view_shows_what_waits_and_what_is_published(home: House) -> None:
    await fill(home, A1)
    look = "SELECT id, event_type, payload, published, published_at, correlation_id FROM outbox_message"
    (waiting,) = await home.rows(look)
    await home.publish()
    (published,) = await home.rows(look)
    assert (waiting["published"], waiting["published_at"], waiting["payload"]) == (False, None, A1.body.decode())
    assert (published["published"], published["correlation_id"]) == (True, "saga")
    assert published["published_at"] is not None


async def test_the_partners_view_can_show_what_is_no_text(home: House) -> None:
    units = Units(home.database, (encode_json, encode_protobuf), RandomIds(), lambda _: None)
    await replace(home.billing, begin=units.begin).create_budget(CALL, an_order(1))
    assert len(await home.rows("SELECT payload FROM outbox_message")) == 2
    await home.publish()
    assert len(await home.rows("SELECT payload FROM outbox_message")) == 2


async def test_a_refused_head_hides_its_successors_and_nobody_elses(home: House) -> None:
    await fill(home, A1, B1, A2, B2)
    async with home.outbox(buckets=64) as outbox:
        async with outbox.claim() as claim:
            await claim.settle([], [(claim.pending[0], Refusal("unroutable", "nobody"))])
        await home.rows("UPDATE outbox SET next_at = next_at + interval '1 hour' WHERE next_at IS NOT NULL")
        async with outbox.claim() as claim:
            assert events([*claim.pending]) == ids(B1, B2)
    (row,) = await home.rows("SELECT attempts, last_error FROM outbox WHERE event_id = %s", A1.event_id)
    assert row == {"attempts": 1, "last_error": "unroutable: nobody"}
    await home.rows("UPDATE outbox SET next_at = clock_timestamp() WHERE next_at IS NOT NULL")
    assert events(await home.publish()) == ids(A1, B1, A2, B2)


async def test_what_no_broker_takes_is_parked_until_somebody_says(home: House) -> None:
    await fill(home, A1, B1)
    await home.publish(ids(A1), final=True)
    await fill(home, A2)
    assert await home.value("SELECT next_at = 'infinity' FROM outbox WHERE event_id = %s", A1.event_id)
    assert events(await home.publish()) == []
    await home.rows("UPDATE outbox SET next_at = NULL")
    assert events(await home.publish()) == ids(A1, A2)


async def test_the_pause_doubles_from_200_ms_to_a_minute_with_a_fifth_of_jitter(home: House) -> None:
    await fill(home, A1)
    pauses = []
    for _ in range(12):
        await home.rows("UPDATE outbox SET next_at = NULL")
        await home.publish(ids(A1))
        pauses.append(float(await home.value("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM outbox")))
    for tries, pause in enumerate(pauses):
        wanted = min(60.0, 0.2 * 2**tries)
        assert 0.8 * wanted - 0.15 < pause < 1.2 * wanted, (tries, pause)


async def test_blocked_buckets_do_not_starve_the_others(home: House) -> None:
    keys = {bucket_of(f"key {n}"): f"key {n}" for n in range(2000)}
    assert len(keys) == 64
    await fill(home, *(a_publication(key, 1) for key in keys.values()))
    good = keys[17]
    await home.rows("UPDATE outbox SET next_at = 'infinity' WHERE key <> %s", good)
    async with home.outbox(buckets=8) as outbox, outbox.claim() as claim:
        assert [row.publication.key for row in claim.pending] == [good]


async def test_a_bucket_at_rest_is_looked_at_again_soon(home: House) -> None:
    await fill(home, A1)
    await home.rows("UPDATE outbox SET next_at = 'infinity'")
    async with home.outbox() as outbox:

        async def look() -> int:
            async with outbox.claim() as claim:
                return len(claim.pending)

        assert await look() == 0
        await home.rows("UPDATE outbox SET next_at = NULL")
        assert await eventually(look, within=2) == 1


async def test_a_lower_id_that_commits_later_is_not_passed_over(home: House) -> None:
    async with home.sql() as slow:
        await put(slow, A1)
        await fill(home, B1)
        assert events(await home.publish()) == ids(B1)
        await slow.commit()
    assert events(await home.publish()) == ids(A1)


async def test_two_relays_never_share_a_bucket(home: House) -> None:
    await fill(home, *(a_publication(f"key {n}", 1) for n in range(300)))
    async with AsyncExitStack() as stack:
        claims = []
        for _ in range(4):
            outbox = await stack.enter_async_context(home.outbox(buckets=20))
            claims.append(await stack.enter_async_context(outbox.claim()))
        buckets = [{row.bucket for row in claim.pending} for claim in claims]
        rows = [row.id for claim in claims for row in claim.pending]
    assert sum(map(len, buckets)) == len(set().union(*buckets)) == 64
    assert len(rows) == len(set(rows)) == 300


async def test_a_row_just_published_by_another_is_not_read_again(home: House) -> None:
    await fill(home, A1)
    for _ in range(20):
        first = asyncio.create_task(home.publish())
        second = asyncio.create_task(home.publish())
        confirmed = [*await first, *await second]
        assert len(confirmed) == 1
        await home.rows("DELETE FROM outbox_archive")
        await fill(home, A1)


async def test_a_killed_claim_gives_its_buckets_back_at_once(home: House) -> None:
    await fill(home, A1)

    async def claim_and_die() -> None:
        async with home.outbox() as outbox, outbox.claim() as claim:
            assert events([*claim.pending]) == ids(A1)
            await home.kill("acerto-relay")
            await claim.settle(claim.pending, [])

    with pytest.raises(Unavailable):
        await claim_and_die()
    assert events(await home.publish()) == ids(A1)


async def test_an_outbox_whose_database_is_away_says_so() -> None:
    async with house("postgresql://nobody@127.0.0.1:1/nothing") as lost:
        with pytest.raises(Unavailable):
            await lost.publish()
