"""The relay's rules on an outbox and a broker in memory: waves, refusals, losses, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import Unavailable
from domain.events import Pending, Refusal
from domain.meter import NoMeter
from domain.retry import Conflict
from messaging.broker import BrokerLost, Message
from messaging.relay import POLL, Relay
from tests.support.builders import a_pending
from tests.support.fakes import FakeClock
from tests.support.memory_broker import MemoryBroker
from tests.support.memory_outbox import MemoryOutbox
from tests.support.waiting import eventually

ROWS = (
    *(a_pending(1, "a", 1), a_pending(2, "b", 1), a_pending(3, "a", 2)),
    *(a_pending(4, "c", 1), a_pending(5, "a", 3), a_pending(6, "b", 2)),
)


class Scene:
    """A relay over what is in memory."""

    def __init__(self, *rows: Pending) -> None:
        self.outbox = MemoryOutbox(*rows)
        self.broker = MemoryBroker()
        self.woken = asyncio.Event()
        self.stop = asyncio.Event()
        self.relay = Relay(self.outbox, self.broker, self.woken, NoMeter(), FakeClock())

    async def cycle(self) -> int:
        async with self.broker.publisher() as publisher:
            return await self.relay.cycle(publisher)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.relay.run(self.stop))
        yield task
        self.stop.set()
        await asyncio.wait_for(task, 5)

    def archived(self) -> list[int]:
        return [row.id for row in self.outbox.archive]


def the_refusal_of(message: Message, row: Pending, refusal: Refusal) -> Refusal | None:
    return refusal if message.message_id == str(row.publication.event_id) else None


async def test_a_wave_holds_the_next_event_of_each_key() -> None:
    scene = Scene(*ROWS)
    assert await scene.cycle() == 6
    keys = [[message.body for message in wave] for wave in scene.broker.waves]
    assert keys == [
        [b'{"Key":"a","Seq":1}', b'{"Key":"b","Seq":1}', b'{"Key":"c","Seq":1}'],
        [b'{"Key":"a","Seq":2}', b'{"Key":"b","Seq":2}'],
        [b'{"Key":"a","Seq":3}'],
    ]
    assert (sorted(scene.archived()), scene.outbox.rows) == ([1, 2, 3, 4, 5, 6], [])


async def test_a_refused_head_holds_back_its_own_key_only() -> None:
    scene = Scene(*ROWS)
    scene.broker.fate = lambda message: the_refusal_of(message, ROWS[0], Refusal("unroutable"))
    assert await scene.cycle() == 4
    assert sorted(scene.archived()) == [2, 4, 6]
    assert [row.id for row, _ in scene.outbox.refused] == [1]
    assert [row.id for row in scene.outbox.rows] == [3, 5], "neither sent nor refused: behind their head"


async def test_what_no_broker_can_take_is_told_as_final() -> None:
    scene = Scene(*ROWS)
    final = Refusal("impossible", "a body of 17 MB", final=True)
    scene.broker.fate = lambda message: the_refusal_of(message, ROWS[3], final)
    await scene.cycle()
    assert scene.outbox.refused == [(ROWS[3], final)]


async def test_a_message_has_the_publications_envelope() -> None:
    scene = Scene(ROWS[0])
    await scene.cycle()
    ((message,),) = scene.broker.waves
    publication = ROWS[0].publication
    assert message == Message(
        exchange="acerto.events",
        routing_key="budget-generated",
        message_id=str(publication.event_id),
        body=publication.body,
        content_type="application/json",
        type="BudgetGenerated",
        correlation_id="saga",
        timestamp=1_772_366_400,
        headers=publication.headers,
        mandatory=True,
    )


async def test_an_empty_outbox_publishes_nothing() -> None:
    scene = Scene()
    assert (await scene.cycle(), scene.broker.waves) == (0, [])


async def test_a_lost_broker_settles_nothing() -> None:
    scene = Scene(*ROWS)
    scene.broker.lost = 1
    with pytest.raises(BrokerLost):
        await scene.cycle()
    assert (scene.outbox.archive, scene.outbox.refused, scene.outbox.rows) == ([], [], list(ROWS))


async def test_after_a_lost_broker_everything_is_sent_on_a_new_connection() -> None:
    scene = Scene(*ROWS)
    scene.broker.lost = 2
    async with scene.running():
        await eventually(lambda: not scene.outbox.rows, what="an empty outbox")
    assert scene.broker.connections == 3
    assert sorted(scene.archived()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("failure", [Unavailable(), Conflict()])
async def test_a_database_that_refuses_a_settlement_does_not_end_the_relay(failure: Unavailable | Conflict) -> None:
    scene = Scene(*ROWS)
    scene.outbox.failures = [failure]
    async with scene.running():
        await eventually(lambda: not scene.outbox.rows, what="an empty outbox")
    assert [len(wave) for wave in scene.broker.waves] == [3, 2, 1, 3, 2, 1], "sent again with the same ids"
    assert scene.outbox.openings == 2


async def test_stop_finishes_the_waves_under_way_and_settles_them() -> None:
    scene = Scene(*ROWS)
    first_wave, go_on = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        first_wave.set()
        await go_on.wait()

    scene.broker.before_wave = held
    async with scene.running() as task:
        await asyncio.wait_for(first_wave.wait(), 5)
        scene.stop.set()
        await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        await asyncio.wait_for(task, 5)
    assert (sorted(scene.archived()), scene.outbox.claims) == ([1, 2, 3, 4, 5, 6], 1)


async def test_stop_ends_an_idle_relay_at_once() -> None:
    scene = Scene()
    async with scene.running() as task:
        await eventually(lambda: scene.outbox.claims > 0, what="a first look")
        scene.stop.set()
        await asyncio.wait_for(task, POLL / 2)


async def test_a_wake_up_is_answered_before_the_poll() -> None:
    scene = Scene()
    async with scene.running():
        for turn in range(5):
            seen = scene.outbox.claims
            scene.woken.set()
            await eventually(lambda seen=seen: scene.outbox.claims > seen, within=POLL / 3, every=0.001, what="a look")  # type: ignore[misc]
            assert not scene.woken.is_set(), turn


async def test_a_wake_up_for_what_came_just_after_the_look_is_not_lost() -> None:
    scene = Scene()

    def it_comes() -> None:
        scene.outbox.after_read = None
        scene.outbox.rows.append(ROWS[0])
        scene.woken.set()

    scene.outbox.after_read = it_comes
    async with scene.running():
        await eventually(lambda: scene.archived() == [1], within=POLL / 2, every=0.001, what="the row")


async def test_without_a_wake_up_the_poll_finds_the_work() -> None:
    scene = Scene()
    async with scene.running():
        await eventually(lambda: scene.outbox.claims > 0, what="a first look")
        scene.outbox.rows.append(ROWS[0])
        await eventually(lambda: scene.archived() == [1], what="the row")
