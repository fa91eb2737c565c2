"""A partner's queue that is not there: its events wait by themselves and go out by themselves, others do not wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from tests.support.fleet import Fleet
from tests.support.ledger import Ledger, rows
from tests.support.os_service import OSService, declare_own_queue
from tests.support.outbox_feed import Feed
from tests.support.waiting import eventually

_REFUSED = "SELECT count(DISTINCT key)::int FROM outbox WHERE attempts > 0 AND last_error LIKE 'unroutable%%'"


@pytest.fixture
def fleet(tmp_path: Path, database_url: str, amqp_url: str) -> Iterator[Fleet]:
    """Outside development, where nobody but the partner declares the partner's queue."""
    with Fleet(tmp_path / "fleet", database_url=database_url, broker_url=amqp_url, env="test") as started:
        assert started.verb("topology", "apply").code == 0
        yield started


async def test_events_wait_for_an_absent_binding_and_other_keys_do_not(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await declare_own_queue(fleet.broker_url, "payment-pending")
    await fleet.running("relay")
    for _ in range(3):
        feed.commit(["blocked-1", "blocked-2"])
        feed.commit(["free-1", "free-2"], routing_key="payment-pending")
    await eventually(lambda: len(partner.heard) == 6, what="the bound ones arrive")
    await eventually(lambda: rows(fleet.database_url, _REFUSED) == [(2,)], what="both heads back off")
    feed.commit(["blocked-1"])
    feed.commit(["free-1"] * 3, routing_key="payment-pending")
    await eventually(lambda: len(partner.heard) == 9, what="the bound ones still arrive")
    assert {event.os_id for event in partner.heard} == {"free-1", "free-2"}
    await declare_own_queue(fleet.broker_url, "budget-generated")
    await ledger.balances()
    assert [event.content["Number"] for event in partner.about("blocked-1")] == [1, 2, 3, 4]


async def test_a_queue_that_is_deleted_and_made_again_gets_what_was_meant_for_it(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await declare_own_queue(fleet.broker_url)
    await fleet.running("relay")
    feed.commit(["key-1", "key-2"])
    await eventually(lambda: len(partner.heard) == 2)
    async with await aio_pika.connect(fleet.broker_url) as connection:
        await (await connection.channel()).queue_delete("os-events")
    feed.commit(["key-1", "key-2", "key-1"])
    await eventually(lambda: rows(fleet.database_url, _REFUSED) == [(2,)], what="both heads back off")
    await declare_own_queue(fleet.broker_url)
    await ledger.balances()


async def test_an_exchange_that_is_deleted_and_made_again_gets_what_was_meant_for_it(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await declare_own_queue(fleet.broker_url)
    await fleet.running("relay")
    feed.commit(["key-1", "key-2"])
    await eventually(lambda: len(partner.heard) == 2)
    async with await aio_pika.connect(fleet.broker_url) as connection:
        await (await connection.channel()).exchange_delete("acerto.events")
    feed.commit(["key-1", "key-2", "key-1"])
    refused = "SELECT count(*)::int FROM outbox WHERE attempts > 0 AND last_error LIKE 'no such exchange%%'"
    await eventually(lambda: rows(fleet.database_url, refused) == [(2,)], what="both heads back off")
    assert fleet.verb("topology", "apply").code == 0
    await declare_own_queue(fleet.broker_url)
    await ledger.balances()
