"""The consumer on a broker and an inbox in memory: what is acked, when, and what happens to what kills or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.billing.ports import Begin
from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Billing
from domain.errors import Unavailable
from domain.events import Refusal
from domain.meter import NoMeter
from domain.money import Money
from domain.retry import Conflict
from messaging.broker import Message
from messaging.consumer import POISON, PREFETCH, SUSPECT, Consumer
from messaging.dead_letters import DeadLetters
from messaging.effects import Effects
from messaging.envelope import ATTEMPTS, DETAIL, FROM_ROUTING_KEY, REASON
from messaging.limits import MAX_BODY, impossible
from messaging.routes import Routes
from tests.support.builders import QUEUE, a_delivery, a_message, an_event_id, an_os, received
from tests.support.fakes import FakeClock, FakeIds
from tests.support.memory_broker import MemoryBroker
from tests.support.memory_inbox import MemoryInbox
from tests.support.waiting import eventually


def os_created(os: int) -> Message:
    return a_message({"OsId": str(an_os(os))}, headers={"EventId": an_event_id(str(os))})


class Scene:
    """A consumer over what is in memory."""

    def __init__(self, *queue: Message) -> None:
        self.inbox = MemoryInbox()
        self.broker = MemoryBroker(*queue)
        self.stop = asyncio.Event()
        self.ids = FakeIds()
        self.consumer = Consumer(QUEUE, self.broker, self._effects, NoMeter())

    def _effects(self, dead_letters: DeadLetters) -> Effects:
        return Effects(self.inbox, Routes(self._billing, "main"), dead_letters, NoMeter())

    def _billing(self, begin: Begin) -> Billing:
        return Billing(begin, FakeClock(), self.ids, BillingRules(default_amount=Money(10_000)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.consumer.run(self.stop))
        try:
            yield task
        finally:
            self.stop.set()
            await asyncio.wait_for(task, 10)

    async def acked(self, count: int) -> None:
        await eventually(lambda: len(self.broker.acked) == count, what=f"{count} acks")

    def reasons(self) -> list[object]:
        return [letter.headers[REASON] for letter in self.broker.published]


async def test_every_message_takes_effect_once_and_is_acked() -> None:
    scene = Scene(*(os_created(1 + n % 40) for n in range(100)))
    async with scene.running():
        await scene.acked(100)
    assert (len(scene.inbox.store.facts), len(scene.inbox.applied)) == (40, 40)
    assert scene.broker.published == []


async def test_a_message_is_acked_after_its_commit_only() -> None:
    scene = Scene(os_created(1))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        reached.set()
        await go_on.wait()

    scene.inbox.store.before_commit = lambda: asyncio.ensure_future(held())
    async with scene.running():
        await asyncio.wait_for(reached.wait(), 5)
        assert scene.broker.acked == []
        go_on.set()
        await scene.acked(1)


async def test_an_unusable_message_is_acked_when_its_dead_letter_is_confirmed() -> None:
    bad = a_message(b"nonsense", routing_key="os-canceled")
    scene = Scene(bad, os_created(1))
    async with scene.running():
        await scene.acked(2)
    (letter,) = scene.broker.published
    assert (letter.body, letter.headers[REASON], letter.headers[ATTEMPTS]) == (b"nonsense", "json", 1)
    assert letter.headers[FROM_ROUTING_KEY] == "os-canceled"
    assert letter.headers[DETAIL]


async def test_a_message_whose_dead_letter_is_refused_is_not_acked_until_one_is_taken() -> None:
    scene = Scene(a_message(b"nonsense"))
    scene.broker.fate = lambda _: Refusal("unroutable")
    async with scene.running():
        await eventually(lambda: len(scene.broker.waves) >= 2, what="a second try")
        assert scene.broker.acked == []
        scene.broker.fate = lambda _: None
        await scene.acked(1)


@pytest.mark.parametrize(
    "message",
    [
        a_message(b"x", headers={"EventType": "OsCreated", **{f"h{n}": "x" * 1000 for n in range(119)}}),
        a_message(b"x", headers={"EventType": "OsCreated", "name" * 40: "x"}),
        a_message(b"x", message_id="é" * 128),
    ],
    ids=["headers", "header name", "message id"],
)
async def test_what_is_too_much_for_a_dead_letters_envelope_is_left_out_and_the_body_kept(message: Message) -> None:
    scene = Scene(message)
    scene.broker.fate = impossible
    async with scene.running():
        await scene.acked(1)
    (letter,) = scene.broker.published
    assert (letter.body, letter.headers[REASON]) == (b"x", "json")
    assert scene.broker.prefetches.count(1) == 1, "no connection was lost over it"


async def test_a_body_that_the_broker_itself_delivered_can_be_a_dead_letter() -> None:
    assert len(b" " * MAX_BODY) == MAX_BODY
    scene = Scene(a_message(b" " * MAX_BODY))
    scene.broker.fate = impossible
    async with scene.running():
        await scene.acked(1)
    assert scene.reasons() == ["oversize"]


async def test_messages_are_first_taken_alone_and_many_at_once_when_they_are_not_suspect() -> None:
    scene = Scene(*(os_created(n) for n in range(1, 10)))
    async with scene.running():
        await scene.acked(9)
    assert scene.broker.prefetches[:2] == [1, PREFETCH]


async def test_a_suspect_is_left_until_nothing_else_is_in_hand_and_then_taken_alone() -> None:
    scene = Scene(*(os_created(n) for n in range(1, 5)))
    scene.broker.deliver(a_delivery(os_created(5), deliveries=SUSPECT), os_created(6))
    async with scene.running():
        await scene.acked(6)
    assert [an_event_id("5")] in scene.inbox.batches
    assert scene.broker.prefetches[:3] == [1, PREFETCH, 1]


async def test_poison_is_parked_and_acked_and_its_key_waits_behind_it() -> None:
    scene = Scene()
    scene.broker.deliver(a_delivery(os_created(5), deliveries=POISON))
    behind = a_message({"OsId": str(an_os(5))}, routing_key="os-canceled")
    async with scene.running():
        await scene.acked(1)
        scene.broker.deliver(behind, os_created(6))
        await scene.acked(3)
    assert scene.inbox.parked == {an_event_id("5")}
    assert "delivered 5 times" in scene.inbox.deferred[an_event_id("5")][1]
    assert (len(scene.inbox.deferred), list(scene.inbox.applied)) == (2, [an_event_id("6")])


async def test_unusable_poison_is_buried_like_any_other() -> None:
    scene = Scene()
    scene.broker.deliver(a_delivery(a_message(b"nonsense"), deliveries=POISON))
    async with scene.running():
        await scene.acked(1)
    assert (scene.reasons(), scene.inbox.deferred) == (["json"], {})


async def test_while_the_database_is_away_messages_are_held_and_taken_when_it_is_back() -> None:
    scene = Scene(*(os_created(n) for n in range(1, 4)))
    scene.inbox.failures = [Unavailable() for _ in range(3)]
    scene.inbox.defer_failures = [Unavailable()]
    async with scene.running():
        await scene.acked(3)
    assert (len(scene.inbox.applied), scene.inbox.deferred) == (3, {})


@pytest.mark.parametrize("failure", [Unavailable(), Conflict(), RuntimeError("passing")])
async def test_a_failed_look_for_deferred_messages_is_not_the_last(failure: Exception) -> None:
    scene = Scene()
    message = received(1)
    await scene.inbox.defer(message, "later")
    scene.inbox.resume_failures = [failure]
    async with scene.running():
        await eventually(lambda: message.message_id in scene.inbox.applied, what="the deferred message")


async def test_a_deferral_that_loses_a_race_does_not_end_the_consumer() -> None:
    scene = Scene(os_created(1), os_created(2))
    scene.inbox.failures = [RuntimeError("bug") for _ in range(3)]
    scene.inbox.defer_failures = [Conflict()]
    async with scene.running():
        await scene.acked(2)
    assert len(scene.inbox.applied) == 2


async def test_stop_finishes_what_is_in_hand_and_leaves_the_rest_to_the_broker() -> None:
    scene = Scene(os_created(1))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        reached.set()
        await go_on.wait()

    async with scene.running() as task:
        await scene.acked(1)
        scene.inbox.store.before_commit = lambda: asyncio.ensure_future(held())
        scene.broker.deliver(os_created(2), os_created(3))
        await asyncio.wait_for(reached.wait(), 5)
        scene.stop.set()
        await asyncio.sleep(0.01)
        assert not task.done()
        scene.broker.deliver(os_created(4))
        go_on.set()
        await asyncio.wait_for(task, 5)
    assert len(scene.broker.acked) == len(scene.inbox.applied) >= 2
    assert [each.message for each in scene.broker.queue][-1] == os_created(4)


async def test_stop_ends_an_idle_consumer_at_once() -> None:
    scene = Scene()
    async with scene.running() as task:
        await eventually(lambda: bool(scene.broker.prefetches), what="a subscription")
        scene.stop.set()
        await asyncio.wait_for(task, 1)
