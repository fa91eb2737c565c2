"""Effects: together when all goes well, alone when not, later when not now, and never lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from domain.actor import Call
from domain.billing.ports import Begin
from domain.billing.pricing import Order
from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Billing, Outcome
from domain.errors import Invalid, Unavailable
from domain.events import Received
from domain.meter import NoMeter
from domain.money import Money
from domain.retry import Conflict
from messaging.broker import BrokerLost
from messaging.dead_letters import DeadLetters
from messaging.effects import PAUSES, Effects
from messaging.envelope import FROM_EXCHANGE, FROM_ROUTING_KEY, REASON
from messaging.reader import Unusable
from messaging.routes import Routes
from tests.support.builders import received
from tests.support.fakes import FakeClock, FakeIds
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.memory_inbox import MemoryInbox


@dataclass(frozen=True, slots=True)
class TroubledBilling(Billing):
    """Billing that fails for some work orders first, with what `troubles` lists for each."""

    troubles: dict[str, list[Exception]] = field(default_factory=dict)

    async def generate_budget(self, call: Call, order: Order) -> Outcome:
        if waiting := self.troubles.get(str(order.work_order_id)):
            raise waiting.pop(0)
        return await super(TroubledBilling, self).generate_budget(call, order)


class Scene:
    """Effects over what is in memory; `troubles` are raised by the use case, per work order, one each."""

    def __init__(self) -> None:
        self.inbox = MemoryInbox()
        self.broker = MemoryBroker()
        self.troubles: dict[str, list[Exception]] = {}
        letters = DeadLetters(MemoryPublisher(self.broker), NoMeter())
        self.effects = Effects(self.inbox, Routes(self._billing, "main"), letters, NoMeter())

    def _billing(self, begin: Begin) -> Billing:
        return TroubledBilling(begin, FakeClock(), FakeIds(), BillingRules(default_amount=Money(10_000)), self.troubles)

    def trouble(self, message: Received, *errors: Exception) -> None:
        self.troubles[message.key] = list(errors)

    def reasons(self) -> list[object]:
        return [letter.headers[REASON] for letter in self.broker.published]


async def test_messages_of_different_keys_take_effect_in_one_transaction() -> None:
    scene = Scene()
    messages = [received(os) for os in (1, 2, 3)]
    await scene.effects.apply(messages)
    assert scene.inbox.batches == [[message.message_id for message in messages]]
    assert Counter(scene.inbox.outcomes.values()) == {"applied": 3}


async def test_a_repeated_message_has_no_second_effect() -> None:
    scene = Scene()
    await scene.effects.apply([received(1)])
    await scene.effects.apply([received(1)])
    assert len(scene.inbox.store.facts) == 1


@pytest.mark.parametrize("error", [RuntimeError("bug"), Unusable("bad_field", "Valor"), Conflict(), Unavailable()])
async def test_a_failing_message_does_no_harm_to_the_others_of_its_batch(error: Exception) -> None:
    scene = Scene()
    messages = [received(os) for os in (1, 2, 3)]
    scene.trouble(messages[1], error, *[error] * len(PAUSES), error)
    await scene.effects.apply(messages)
    good = {messages[0].message_id, messages[2].message_id}
    assert good <= scene.inbox.applied.keys()
    assert len(scene.inbox.store.facts) >= 2


async def test_a_passing_failure_is_tried_again_and_then_applied() -> None:
    scene = Scene()
    message = received(1)
    scene.trouble(message, *[RuntimeError("passing")] * len(PAUSES))
    await scene.effects.apply([message])
    assert (list(scene.inbox.applied), scene.inbox.deferred) == ([message.message_id], {})


async def test_a_failure_that_does_not_pass_defers_the_message_with_its_reason() -> None:
    scene = Scene()
    message = received(1)
    scene.trouble(message, *[RuntimeError("bug")] * 10)
    await scene.effects.apply([message])
    assert scene.inbox.deferred == {message.message_id: (message, "RuntimeError")}
    assert scene.broker.published == []


async def test_later_messages_of_a_deferred_key_wait_behind_it() -> None:
    scene = Scene()
    first, second = received(1), received(1, event_type="OsCanceled")
    scene.trouble(first, *[RuntimeError("bug")] * (len(PAUSES) + 1))
    await scene.effects.apply([first])
    await scene.effects.apply([second, received(2)])
    assert list(scene.inbox.deferred) == [first.message_id, second.message_id]
    assert await scene.effects.resume("billing-events")
    assert await scene.effects.resume("billing-events")
    assert not await scene.effects.resume("billing-events")
    assert [type(fact).__name__ for fact in scene.inbox.store.facts] == [
        "BudgetGenerated",
        "BudgetGenerated",
        "BudgetCanceled",
    ]


@pytest.mark.parametrize(
    ("error", "reason"), [(Unusable("bad_field", "Valor: not a number"), "bad_field"), (Invalid(), "invalid_request")]
)
async def test_a_refusal_for_good_makes_a_dead_letter_with_the_reason(error: Exception, reason: str) -> None:
    scene = Scene()
    message = received(1)
    scene.trouble(message, error)
    await scene.effects.apply([message])
    (letter,) = scene.broker.published
    assert (letter.body, letter.message_id) == (message.body, message.message_id)
    assert (letter.headers[REASON], letter.headers[FROM_EXCHANGE], letter.headers[FROM_ROUTING_KEY]) == (
        reason,
        "os.events",
        "os-created",
    )
    assert (scene.inbox.applied, scene.inbox.deferred) == ({}, {})


async def test_a_dead_letter_that_is_not_certain_is_told_to_the_caller() -> None:
    scene = Scene()
    scene.broker.lost = 1
    message = received(1)
    scene.trouble(message, Unusable("bad_field", "Valor"))
    with pytest.raises(BrokerLost):
        await scene.effects.apply([message])


async def test_while_the_database_is_away_a_message_is_held_and_neither_deferred_nor_buried() -> None:
    scene = Scene()
    message = received(1)
    scene.inbox.failures = [Unavailable() for _ in range(len(PAUSES) + 1)]
    scene.inbox.defer_failures = [Unavailable()]
    await scene.effects.apply([message])
    assert (list(scene.inbox.applied), scene.inbox.deferred) == ([message.message_id], {})
    assert scene.broker.published == []


async def test_a_lost_race_is_run_again() -> None:
    scene = Scene()
    scene.inbox.commit_failures = [Conflict()]
    await scene.effects.apply([received(1)])
    assert len(scene.inbox.applied) == 1


async def test_a_deferred_message_that_fails_again_is_put_off() -> None:
    scene = Scene()
    message = received(1)
    await scene.inbox.defer(message, "first")
    scene.trouble(message, RuntimeError("still"))
    assert await scene.effects.resume("billing-events")
    assert (scene.inbox.put_offs, list(scene.inbox.deferred)) == ([message.message_id], [message.message_id])


async def test_a_deferred_message_that_is_refused_for_good_is_buried_and_lets_its_key_go_on() -> None:
    scene = Scene()
    message = received(1)
    await scene.inbox.defer(message, "first")
    scene.trouble(message, Unusable("bad_field", "Valor"))
    assert await scene.effects.resume("billing-events")
    assert (scene.reasons(), scene.inbox.deferred) == (["bad_field"], {})


async def test_a_deferred_message_stays_until_its_dead_letter_is_certain() -> None:
    scene = Scene()
    message = received(1)
    await scene.inbox.defer(message, "first")
    scene.trouble(message, Unusable("bad_field", "Valor"))
    scene.broker.lost = 1
    with pytest.raises(BrokerLost):
        await scene.effects.resume("billing-events")
    assert list(scene.inbox.deferred) == [message.message_id]


async def test_a_parked_message_waits_for_an_operator_with_its_reason() -> None:
    scene = Scene()
    message = received(1)
    await scene.effects.park(message, "delivered 5 times without an answer")
    assert scene.inbox.deferred[message.message_id][1] == "delivered 5 times without an answer"
    assert not await scene.effects.resume("billing-events")
