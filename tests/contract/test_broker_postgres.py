"""What only the PostgreSQL broker has: leases, fencing, exact keys, text without NUL."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest

from messaging.broker import BrokerLost, TopologyConflict
from messaging.postgres import PostgresBroker
from messaging.topology import Binding, Topology
from tests.contract.scenes import Scene, scene, some
from tests.support.environment import clean_env
from tests.support.processes import Program
from tests.support.waiting import eventually


@pytest.fixture
def here(empty_database_url: str) -> Scene:
    return scene("postgres", empty_database_url)


@pytest.mark.parametrize("alone", [True, False], ids=["single active consumer", "shared queue"])
async def test_a_consumer_frozen_past_its_lease_settles_nothing(here: Scene, tmp_path: Path, *, alone: bool) -> None:
    await here.broker.apply(here.topology(single_active_consumer=alone))
    await here.send(1)
    thawed = tmp_path / "thawed"
    command: list[str | Path] = [sys.executable, "-m", "tests.contract.zombie", here.url, here.queue, thawed]
    with Program(command, env=clean_env(), output=tmp_path / "out") as zombie:
        zombie.wait_for("holds id-0")
        zombie.pause()
        async with here.broker.subscription(here.queue, prefetch=1) as subscription:
            (delivery,) = await some(subscription, 1)
            assert delivery.deliveries == 1
            thawed.touch()
            zombie.resume()
            await eventually(lambda: "refused" in zombie.text())
            assert "settled" not in zombie.text()
            await subscription.ack(delivery)
    assert await here.bodies(here.queue, count=0) == []


async def test_a_killed_consumers_messages_come_again_counted(here: Scene, tmp_path: Path) -> None:
    await here.broker.apply(here.topology(single_active_consumer=True))
    await here.send(1)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.contract.zombie",
        here.url,
        here.queue,
        tmp_path / "never",
    ]
    with Program(command, env=clean_env(), output=tmp_path / "out") as killed:
        killed.wait_for("holds id-0")
        killed.kill()
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        assert delivery.deliveries == 1


async def test_a_consumer_that_leaves_cleanly_hands_over_before_its_lease_ends(here: Scene) -> None:
    patient = PostgresBroker(here.url, lease=600.0)
    await here.broker.apply(here.topology(single_active_consumer=True))
    await here.send(1)
    active = patient.subscription(here.queue, prefetch=1)
    await some(await active.__aenter__(), 1)
    async with patient.subscription(here.queue, prefetch=1) as standby:
        await active.__aexit__(None, None, None)
        (delivery,) = await some(standby, 1)
        assert delivery.deliveries == 1


async def test_what_was_claimed_ahead_and_never_handed_out_is_not_counted(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(3)
    async with here.broker.subscription(here.queue, prefetch=3) as subscription:
        await some(subscription, 1)
    async with here.broker.subscription(here.queue, prefetch=3) as subscription:
        assert [delivery.deliveries for delivery in await some(subscription, 3)] == [1, 0, 0]


async def test_settling_twice_is_refused(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(1)
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        await subscription.ack(delivery)
        with pytest.raises(BrokerLost, match="no longer ours"):
            await subscription.ack(delivery)


@pytest.mark.parametrize("key", ["budget.*", "#"])
async def test_a_binding_that_needs_matching_is_refused_by_name(here: Scene, key: str) -> None:
    plain = here.topology()
    wild = Topology(plain.exchanges, plain.queues, (Binding(here.exchange, key, here.queue),))
    with pytest.raises(TopologyConflict, match="matches routing keys exactly"):
        await here.broker.apply(wild)
    with pytest.raises(TopologyConflict, match="missing"):
        await here.broker.verify(plain)


@pytest.mark.parametrize("change", [{"headers": {"h": "a\0b"}}, {"correlation_id": "\0"}], ids=["header", "property"])
async def test_text_with_a_nul_is_refused_for_good(here: Scene, change: dict[str, object]) -> None:
    await here.broker.apply(here.topology())
    verdicts = await here.publish(here.message(1), here.message(2, **change))
    assert [verdict and verdict.final for verdict in verdicts] == [None, True]


async def test_a_limit_whose_dead_letters_lead_nowhere_keeps_the_message(here: Scene) -> None:
    whole = here.topology(delivery_limit=1)
    await here.broker.apply(Topology(whole.exchanges, whole.queues, whole.bindings[:1]))
    await here.send(1)
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        for earlier in range(4):
            (delivery,) = await some(subscription, 1)
            assert delivery.deliveries == earlier
            await subscription.reject(delivery)


async def test_without_its_schema_every_door_says_what_is_missing(here: Scene) -> None:
    with pytest.raises(BrokerLost, match=r"broker\.consumer"):
        await here.broker.subscription(here.queue, prefetch=1).__aenter__()
    with pytest.raises(BrokerLost, match=r"broker\.\w+"):
        await here.publish(here.message())


async def test_a_consumer_whose_session_is_terminated_hears_of_it(here: Scene) -> None:
    await here.broker.apply(here.topology())
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        async with await psycopg.AsyncConnection.connect(here.url, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(BrokerLost):
            await some(subscription, 1)
