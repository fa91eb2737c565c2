"""What the relay, the consumer and the tools rely on, of every broker adapter."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from messaging.broker import BrokerLost
from messaging.limits import MAX_BODY
from tests.contract.scenes import PATIENCE, Scene, scene, silent, some
from tests.support.proxy import Proxy

URL_FIXTURES = {"rabbitmq": "amqp_url", "postgres": "empty_database_url"}


@pytest.fixture(params=sorted(URL_FIXTURES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue(URL_FIXTURES[kind]))


@pytest.fixture
def here(kind: str, url: str) -> Scene:
    return scene(kind, url)


# ---------------------------------------------------------------------------------------------------------- publishing


async def test_a_message_arrives_byte_for_byte_with_its_headers_and_properties(here: Scene) -> None:
    await here.broker.apply(here.topology())
    sent = here.message(
        body=bytes(range(256)),
        content_type="application/octet-stream",
        type="BudgetGenerated",
        correlation_id="c-ção",
        timestamp=1_750_000_000,
        headers={"EventId": "e-1", "AggregateVersion": 7, "Big": -(2**63), "Text": "ação", "Empty": ""},
    )
    assert await here.publish(sent) == [None]
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        assert delivery.message == sent
        assert delivery.deliveries == 0


async def test_an_empty_message_arrives_empty(here: Scene) -> None:
    await here.broker.apply(here.topology())
    sent = here.message(body=b"", content_type="", message_id="")
    assert await here.publish(sent) == [None]
    assert list(await here.broker.inspect(here.queue, limit=5)) == [sent]


async def test_a_message_that_no_queue_gets_is_refused_and_the_rest_of_its_wave_is_not(here: Scene) -> None:
    await here.broker.apply(here.topology())
    verdicts = await here.publish(here.message(1), here.message(2, routing_key="nobody"), here.message(3))
    assert [verdict and (verdict.reason, verdict.final) for verdict in verdicts] == [None, ("unroutable", False), None]
    assert await here.bodies(here.queue, count=2) == [here.message(1).body, here.message(3).body]


async def test_a_message_that_nobody_must_get_is_taken_without_a_queue(here: Scene) -> None:
    await here.broker.apply(here.topology())
    assert await here.publish(here.message(routing_key="nobody", mandatory=False)) == [None]


async def test_every_unroutable_message_without_an_id_is_refused(here: Scene) -> None:
    await here.broker.apply(here.topology())
    lost = here.message(message_id="", routing_key="nobody")
    verdicts = await here.publish(lost, here.message(1), lost, replace(lost, routing_key="made"))
    assert [verdict and verdict.reason for verdict in verdicts] == ["unroutable", None, "unroutable", None]


async def test_an_exchange_that_is_not_there_is_named_and_the_rest_of_the_wave_arrives_in_order(here: Scene) -> None:
    await here.broker.apply(here.topology())
    wave = [here.message(n, exchange="absent" if n % 3 == 1 else here.exchange) for n in range(9)]
    verdicts = await here.publish(*wave)
    assert [verdict and verdict.reason for verdict in verdicts] == [None, "no such exchange", None] * 3
    assert "absent" in verdicts[1].detail
    expected = [message.body for message in wave if message.exchange == here.exchange]
    assert await here.bodies(here.queue, count=6) == expected


async def test_five_hundred_messages_of_one_wave_arrive_in_order(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(500)
    async with here.broker.subscription(here.queue, prefetch=50) as subscription:
        came = []
        for _ in range(500):
            (delivery,) = await some(subscription, 1)
            came.append(delivery.message.message_id)
            await subscription.ack(delivery)
    assert came == [f"id-{n}" for n in range(500)]


async def test_the_exchange_without_a_name_leads_to_a_queue_by_its_name(here: Scene) -> None:
    await here.broker.apply(here.topology())
    direct = here.message(exchange="", routing_key=here.queue)
    verdicts = await here.publish(direct, replace(direct, message_id="other", routing_key="no-such-queue"))
    assert [verdict and verdict.reason for verdict in verdicts] == [None, "unroutable"]
    assert await here.bodies(here.queue, count=1) == [direct.body]


@pytest.mark.parametrize(
    "change",
    [
        {"routing_key": "k" * 256},
        {"routing_key": "ã" * 128},
        {"correlation_id": "c" * 256},
        {"body": b"x" * (MAX_BODY + 1)},
        {"headers": {"n": 2**63}},
        {"headers": {"n": 1.5}},
        {"headers": {"n" * 129: "name"}},
        {"headers": {"long": "x" * 130_000}},
        {"headers": {"half": "\ud800"}},
        {"timestamp": -1},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_no_broker_can_take_is_refused_for_good_and_harms_nobody_else(
    here: Scene, change: dict[str, object]
) -> None:
    await here.broker.apply(here.topology())
    verdicts = await here.publish(here.message(1), here.message(2, **change), here.message(3))
    assert [verdict and verdict.final for verdict in verdicts] == [None, True, None]
    assert await here.bodies(here.queue, count=2) == [here.message(1).body, here.message(3).body]


async def test_a_publisher_goes_on_after_refusals(here: Scene) -> None:
    await here.broker.apply(here.topology())
    async with here.broker.publisher() as publisher:
        assert await publisher.publish([]) == []
        for n in range(3):
            (refusal,) = await publisher.publish([here.message(n, exchange="absent")])
            assert refusal is not None
            assert await publisher.publish([here.message(n)]) == [None]
    assert len(await here.bodies(here.queue, count=3)) == 3


# ---------------------------------------------------------------------------------------------------------- deliveries


async def test_a_message_whose_consumer_went_away_without_an_answer_comes_again_counted(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(1)
    for earlier in range(3):
        async with here.broker.subscription(here.queue, prefetch=5) as subscription:
            (delivery,) = await some(subscription, 1)
            assert delivery.deliveries == earlier


async def test_a_rejected_message_comes_again_counted(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(1)
    async with here.broker.subscription(here.queue, prefetch=5) as subscription:
        for earlier in range(4):
            (delivery,) = await some(subscription, 1)
            assert delivery.deliveries == earlier
            await subscription.reject(delivery)


async def test_an_acknowledged_message_is_gone(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(2)
    async with here.broker.subscription(here.queue, prefetch=5) as subscription:
        first, _ = await some(subscription, 2)
        await subscription.ack(first)
    assert await here.bodies(here.queue, count=1) == [here.message(1).body]


async def test_what_was_settled_just_before_leaving_stays_settled(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(25)
    async with here.broker.subscription(here.queue, prefetch=25) as subscription:
        for delivery in await some(subscription, 25):
            await subscription.ack(delivery)
    assert await here.bodies(here.queue, count=0) == []


async def test_a_count_that_a_partner_wrote_into_its_headers_is_not_believed(here: Scene) -> None:
    await here.broker.apply(here.topology())
    assert await here.publish(here.message(headers={"x-delivery-count": 19})) == [None]
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        assert delivery.deliveries == 0


async def test_no_more_than_the_prefetch_is_in_hand(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(5)
    async with here.broker.subscription(here.queue, prefetch=2) as subscription:
        first, second = await some(subscription, 2)
        assert await silent(subscription)
        await subscription.ack(second)
        (third,) = await some(subscription, 1)
        assert [each.message.message_id for each in (first, third)] == ["id-0", "id-2"]


async def test_a_single_active_consumer_is_alone_until_it_leaves(here: Scene) -> None:
    await here.broker.apply(here.topology(single_active_consumer=True))
    await here.send(4)
    async with here.broker.subscription(here.queue, prefetch=1) as standby_after:
        (first,) = await some(standby_after, 1)
        async with here.broker.subscription(here.queue, prefetch=5) as waiting:
            assert await silent(waiting)
            await standby_after.ack(first)
            await some(standby_after, 1)
            assert await silent(waiting)


async def test_a_standby_takes_over_when_the_active_consumer_leaves(here: Scene) -> None:
    await here.broker.apply(here.topology(single_active_consumer=True))
    await here.send(2)
    active = here.broker.subscription(here.queue, prefetch=1)
    (first,) = await some(await active.__aenter__(), 1)
    async with here.broker.subscription(here.queue, prefetch=5) as standby:
        assert await silent(standby)
        await active.__aexit__(None, None, None)
        taken = {delivery.message.message_id: delivery.deliveries for delivery in await some(standby, 2)}
        assert taken == {first.message.message_id: 1, "id-1": 0}


async def test_consumers_that_share_a_queue_never_hold_the_same_message(here: Scene) -> None:
    await here.broker.apply(here.topology(single_active_consumer=False))
    await here.send(40)
    queue = here.broker.subscription
    async with queue(here.queue, prefetch=10) as one, queue(here.queue, prefetch=10) as other:
        held = await asyncio.gather(some(one, 10), some(other, 10))
        assert len({delivery.message.message_id for hand in held for delivery in hand}) == 20


async def test_a_message_over_its_delivery_limit_moves_to_the_dead_letters_with_its_reason(here: Scene) -> None:
    await here.broker.apply(here.topology(delivery_limit=2))
    sent = here.message(headers={"EventId": "e-1"}, correlation_id="c-1")
    assert await here.publish(sent) == [None]
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        for _ in range(3):
            (delivery,) = await some(subscription, 1)
            await subscription.reject(delivery)
        async with here.broker.subscription(here.graveyard, prefetch=1) as graveyard:
            (dead,) = await some(graveyard, 1)
            await graveyard.ack(dead)
    headers = dead.message.headers
    assert (dead.message.body, dead.message.message_id, dead.message.correlation_id) == (sent.body, "id-0", "c-1")
    assert headers["EventId"] == "e-1"
    assert headers["x-first-death-reason"] == "delivery_limit"
    assert headers["x-first-death-queue"] == here.queue
    assert headers["x-first-death-exchange"] == here.exchange
    assert '"made"' in str(headers["x-death"])


async def test_a_message_over_its_limit_moves_though_nobody_comes_for_it(here: Scene) -> None:
    await here.broker.apply(here.topology(delivery_limit=0))
    await here.send(1)
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        await some(subscription, 1)
    assert await here.bodies(here.graveyard, count=1) == [here.message(0).body]
    assert await here.bodies(here.queue, count=0) == []


async def test_a_stopped_subscription_takes_nothing_new_and_settles_what_is_in_hand(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(4)
    async with here.broker.subscription(here.queue, prefetch=2) as subscription:
        (first,) = await some(subscription, 1)
        await subscription.stop()
        async with asyncio.timeout(PATIENCE):
            rest = [delivery async for delivery in subscription]
        assert len(rest) <= 1
        for delivery in (first, *rest):
            await subscription.ack(delivery)
    assert len(await here.bodies(here.queue, count=3 - len(rest))) == 3 - len(rest)


# ------------------------------------------------------------------------------------------------ a broker that is away


async def test_settling_after_the_connection_is_gone_raises(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(1)
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
    with pytest.raises(BrokerLost):
        await subscription.ack(delivery)
    with pytest.raises(BrokerLost):
        await subscription.reject(delivery)


async def test_a_broker_that_is_away_is_told_quickly(kind: str, url: str) -> None:
    nowhere = scene(kind, Proxy(url).url)
    started = time.monotonic()
    for door in (nowhere.broker.publisher(), nowhere.broker.subscription("any", prefetch=1)):
        with pytest.raises(BrokerLost):
            await door.__aenter__()
    with pytest.raises(BrokerLost):
        await nowhere.broker.ping()
    assert time.monotonic() - started < PATIENCE


async def test_a_cut_connection_ends_the_deliveries_and_the_publishing(kind: str, url: str) -> None:
    async with Proxy(url).running() as proxy:
        there = scene(kind, proxy.url)
        await there.broker.ping()
        await there.broker.apply(there.topology())
        async with there.broker.publisher() as publisher:
            proxy.reset_all()
            with pytest.raises(BrokerLost):
                await publisher.publish([there.message()])
        async with there.broker.subscription(there.queue, prefetch=1) as subscription:
            proxy.reset_all()
            with pytest.raises(BrokerLost):
                await some(subscription, 1)


async def test_a_silent_connection_ends_a_publish_in_its_time(kind: str, url: str) -> None:
    async with Proxy(url).running() as proxy:
        there = scene(kind, proxy.url, publish_timeout=1.0)
        await there.broker.apply(there.topology())
        async with there.broker.publisher() as publisher:
            assert await publisher.publish([there.message(1)]) == [None]
            proxy.faults.blackhole = True
            started = time.monotonic()
            with pytest.raises(BrokerLost):
                await publisher.publish([there.message(2)])
            assert time.monotonic() - started < PATIENCE
            proxy.reset_all()


async def test_a_silent_connection_ends_the_deliveries(kind: str, url: str) -> None:
    soon: dict[str, dict[str, Any]] = {"rabbitmq": {"heartbeat": 1}, "postgres": {"publish_timeout": 1.0}}
    async with Proxy(url).running() as proxy:
        there = scene(kind, proxy.url, **soon[kind])
        await there.broker.apply(there.topology())
        async with there.broker.subscription(there.queue, prefetch=1) as subscription:
            proxy.faults.blackhole = True
            with pytest.raises(BrokerLost):
                await some(subscription, 1)
            proxy.reset_all()
