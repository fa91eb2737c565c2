"""RabbitMQ that restarts, dies, freezes, runs out of memory, refuses what is too large, or drops its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from tests.support.fleet import Fleet, Role
from tests.support.ledger import Ledger, rows
from tests.support.load import fed, grows, ordered, rises
from tests.support.os_service import OSService
from tests.support.outbox_feed import Feed
from tests.support.rabbit_private import Installation, PrivateRabbit
from tests.support.waiting import eventually

_PARKED = """
SELECT event_id::text, next_at = 'infinity', last_error LIKE '%%larger than%%' FROM outbox WHERE attempts > 0
"""


@pytest.fixture(scope="module")
def node(rabbit_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbit]:
    """A node that these tests may do anything to."""
    rabbit = PrivateRabbit(tmp_path_factory.mktemp("rabbit"), rabbit_installation)
    try:
        asyncio.run(rabbit.start())
        yield rabbit
    finally:
        rabbit.close()


@pytest.fixture
def amqp_url(node: PrivateRabbit) -> str:
    """A virtual host of this test's own on that node."""
    name = f"test-{uuid4().hex[:8]}"
    everything = ", ".join(['<<".*">>'] * 3)
    node.control(
        "eval",
        f'rabbit_vhost:add(<<"{name}">>, <<"test">>), rabbit_auth_backend_internal:set_permissions('
        f'<<"guest">>, <<"{name}">>, {everything}, <<"test">>).',
    )
    return f"{node.url}{name}"


@pytest.fixture
async def roles(fleet: Fleet) -> AsyncIterator[list[Role]]:
    """A relay and a consumer; they live through all of it."""
    running = await fleet.running("relay", "consumer")
    yield running
    assert [role.program.code for role in running] == [None] * 2


async def _restart(node: PrivateRabbit, _: list[Role]) -> None:
    await node.restart()


async def _kill(node: PrivateRabbit, _: list[Role]) -> None:
    node.kill()
    await node.start()


async def _freeze(node: PrivateRabbit, roles: list[Role]) -> None:
    """Longer than a wave may take."""
    before = len(roles[0].logged("relay reconnects"))
    node.pause()
    await rises(lambda: len(roles[0].logged("relay reconnects")), before + 1)
    node.resume()


TROUBLES = {"an orderly restart": _restart, "kill -9": _kill, "a freeze": _freeze}


async def test_a_broker_that_restarts_is_killed_or_freezes_under_load_loses_nothing(
    node: PrivateRabbit, roles: list[Role], feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    for trouble in TROUBLES.values():
        async with fed(feed), ordered(partner):
            await grows(partner, 100)
            await trouble(node, roles)
            await grows(partner, 100, within=60)
        await ledger.balances(within=60)


async def test_a_memory_alarm_holds_events_back_and_loses_none(
    node: PrivateRabbit, roles: list[Role], feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await grows_with(feed, partner)
    await asyncio.to_thread(node.control, "set_vm_memory_high_watermark", "0.00001")
    try:
        feed.commit([f"held-{n}" for n in range(20)])
        blocked = "SELECT count(*)::int FROM outbox"
        await eventually(lambda: any(role.logged("relay reconnects") for role in roles), within=20)
        assert rows(ledger.database_url, blocked) == [(20,)]
    finally:
        await asyncio.to_thread(node.control, "set_vm_memory_high_watermark", "0.6")
    await ledger.balances(within=60)


async def grows_with(feed: Feed, partner: OSService) -> None:
    """One round, to see that all is well before."""
    feed.commit(["key-1", "key-2"])
    await eventually(lambda: len(partner.heard) == 2)


async def test_what_is_too_large_for_the_broker_is_parked_and_holds_up_its_own_key_only(
    node: PrivateRabbit, fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    node.control("eval", "application:set_env(rabbit, max_message_size, 65536).")
    await fleet.running("relay", "consumer")
    feed.commit(["large", "small"])
    (oversize,) = feed.commit(["large"], padding=100_000)
    feed.commit(["large", "small"])
    state = (
        "SELECT event_id::text, next_at = 'infinity', last_error LIKE '%%larger than%%' FROM outbox WHERE attempts > 0"
    )
    await eventually(lambda: rows(fleet.database_url, state) == [(oversize, True, True)], within=20)
    await eventually(lambda: len(partner.about("small")) == 2)
    assert [event.content["Number"] for event in partner.about("large")] == [1]
    listed = fleet.verb("outbox", "ls").out
    assert f"{oversize}  Fed" in listed
    assert "parked" in listed
    assert fleet.verb("outbox", "skip", oversize, "--reason", "no broker takes it").code == 0
    await ledger.balances()
    assert [event.content["Number"] for event in partner.about("large")] == [1, 3]
    node.control("eval", "application:set_env(rabbit, max_message_size, 134217728).")


async def test_a_frozen_consumer_whose_messages_went_to_another_settles_nothing_when_it_wakes(
    node: PrivateRabbit, fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    (zombie,) = await fleet.running("consumer", failpoints="consumer.before_commit=pause")
    event_id = await partner.order(os_id := uuid4())
    await eventually(lambda: zombie.program.frozen, within=20, what="the consumer stops with the message in hand")
    await fleet.running("relay", "consumer")
    # What the broker does by itself after a few missed heartbeats.
    await _close_all(node, fleet, "a consumer that does not answer")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await eventually(lambda: rows(fleet.database_url, waits) == [(1,)], within=20, what="another has the message")
    zombie.program.resume()
    await partner.event(os_id)
    await partner.order(other := uuid4())
    await partner.event(other)
    await ledger.balances()
    assert rows(fleet.database_url, "SELECT outcome FROM inbox WHERE message_id = %s", event_id) == [("applied",)]
    assert zombie.program.code is None


async def test_connections_that_are_closed_in_mid_batch_lose_nothing(
    node: PrivateRabbit, fleet: Fleet, roles: list[Role], feed: Feed, ledger: Ledger
) -> None:
    partner = ledger.partner
    async with fed(feed), ordered(partner):
        for turn in (1, 2):
            await grows(partner, 80)
            await _close_all(node, fleet, "a bad day")
            await rises(lambda: min(len(role.logged(f"{role.name} reconnects")) for role in roles), turn)
        await grows(partner, 80)
    await ledger.balances(within=60)


async def _close_all(node: PrivateRabbit, fleet: Fleet, why: str) -> None:
    host = fleet.broker_url.rpartition("/")[2]
    await asyncio.to_thread(node.control, "close_all_connections", "--vhost", host, why)
