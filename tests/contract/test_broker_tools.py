"""What the operator's tools rely on, of every broker adapter: topology and the dead-letter queue's verbs."""

from __future__ import annotations

import asyncio

import pytest

from messaging.broker import BrokerLost, TopologyConflict
from messaging.topology import Queue
from tests.contract.scenes import Scene, scene, some

URL_FIXTURES = {"rabbitmq": "amqp_url", "postgres": "empty_database_url"}


@pytest.fixture(params=sorted(URL_FIXTURES))
def here(request: pytest.FixtureRequest) -> Scene:
    return scene(request.param, str(request.getfixturevalue(URL_FIXTURES[request.param])))


def states(findings: object) -> set[str]:
    assert isinstance(findings, (list, tuple))
    return {finding.state for finding in findings}


# ------------------------------------------------------------------------------------------------------------ topology


async def test_a_plan_changes_nothing_and_applying_twice_is_applying_once(here: Scene) -> None:
    topology = here.topology()
    assert states(await here.broker.plan(topology)) == {"missing"}
    assert states(await here.broker.plan(topology)) == {"missing"}
    assert states(await here.broker.apply(topology)) == {"made"}
    assert states(await here.broker.apply(topology)) == {"present"}
    assert "missing" not in states(await here.broker.plan(topology))
    await here.broker.verify(topology)
    await here.send(1)
    assert len(await here.bodies(here.queue, count=1)) == 1


async def test_verifying_names_what_is_missing_and_makes_nothing(here: Scene) -> None:
    for _ in range(2):
        with pytest.raises(TopologyConflict, match=here.queue) as missing:
            await here.broker.verify(here.topology())
        assert here.exchange in str(missing.value)
        assert here.graveyard in str(missing.value)


async def test_a_queue_that_is_there_with_other_arguments_is_named_and_left_alone(here: Scene) -> None:
    await here.broker.apply(here.topology(delivery_limit=20))
    await here.send(1)
    other = here.topology(delivery_limit=7)
    findings = await here.broker.plan(other)
    assert [finding.what for finding in findings if finding.state == "conflict"] == [f"queue {here.queue}"]
    with pytest.raises(TopologyConflict, match=here.queue):
        await here.broker.apply(other)
    assert len(await here.bodies(here.queue, count=1)) == 1


async def test_a_conflict_keeps_all_else_from_being_made(here: Scene) -> None:
    await here.broker.apply(here.topology(delivery_limit=20))
    wanted = here.topology(delivery_limit=7)
    more = type(wanted)(wanted.exchanges, (Queue(f"{here.token}-new"), *wanted.queues), wanted.bindings)
    with pytest.raises(TopologyConflict):
        await here.broker.apply(more)
    with pytest.raises(TopologyConflict, match=f"{here.token}-new"):
        await here.broker.verify(more)


async def test_many_may_apply_at_once(here: Scene) -> None:
    await asyncio.gather(*(here.broker.apply(here.topology()) for _ in range(4)))
    await here.broker.verify(here.topology())


def test_a_delivery_limit_needs_somewhere_for_what_exceeds_it() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Queue("q", delivery_limit=20)


# ---------------------------------------------------------------------------------------------------- the dead letters


async def test_a_dead_letter_stays_however_often_it_is_looked_at(here: Scene) -> None:
    await here.broker.apply(here.topology())
    buried = here.message(exchange="", routing_key=here.graveyard)
    assert await here.publish(buried) == [None]
    for _ in range(25):
        assert await here.bodies(here.graveyard, count=1) == [buried.body]


async def test_inspecting_shows_the_first_messages_in_order(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(5)
    first = await here.broker.inspect(here.queue, limit=3)
    assert list(first) == [here.message(n) for n in range(3)]
    assert len(await here.bodies(here.queue, count=5)) == 5


async def test_taking_removes_only_what_was_taken(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(4)
    async with here.broker.taking(here.queue, limit=3) as held:
        assert [message.message_id for message, _ in held] == ["id-0", "id-1", "id-2"]
        await held[1][1]()
    left = await here.bodies(here.queue, count=3)
    assert sorted(left) == [here.message(n).body for n in (0, 2, 3)]


async def test_what_was_taken_stays_taken_when_the_rest_fails(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(2)
    with pytest.raises(ZeroDivisionError):
        await take_one_and_fail(here)
    assert await here.bodies(here.queue, count=1) == [here.message(1).body]


async def take_one_and_fail(here: Scene) -> None:
    async with here.broker.taking(here.queue, limit=2) as held:
        await held[0][1]()
        raise ZeroDivisionError


async def test_messages_that_are_held_reach_nobody_else(here: Scene) -> None:
    await here.broker.apply(here.topology())
    await here.send(2)
    async with (
        here.broker.taking(here.queue, limit=1),
        here.broker.subscription(here.queue, prefetch=5) as subscription,
    ):
        (delivery,) = await some(subscription, 1)
        assert delivery.message.message_id == "id-1"


async def test_a_queue_that_is_not_there_is_named(here: Scene) -> None:
    await here.broker.apply(here.topology())
    with pytest.raises(TopologyConflict, match="absent"):
        await here.broker.inspect("absent", limit=1)
    with pytest.raises(TopologyConflict, match="absent"):
        await here.broker.taking("absent", limit=1).__aenter__()
    with pytest.raises(BrokerLost, match="absent"):
        await here.broker.subscription("absent", prefetch=1).__aenter__()
