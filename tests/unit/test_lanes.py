"""Lanes: one key's messages one after the other, different keys side by side, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence

import pytest

from domain.meter import NoMeter
from messaging.lanes import BATCH, TURNS, Lanes, Waiting, take
from tests.support.builders import a_delivery, a_message, received
from tests.support.waiting import eventually


def waiting(os: int, name: str = "") -> Waiting:
    return Waiting(a_delivery(a_message()), received(os, name))


class Settled:
    """Notes each batch; waits while `gate` is closed, fails for the work orders in `bad`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.bad: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = 0
        self.most = 0
        self.overlaps: list[str] = []
        self._keys: set[str] = set()

    async def __call__(self, batch: Sequence[Waiting]) -> None:
        keys = [each.message.key for each in batch]
        self.overlaps += [key for key in keys if key in self._keys]
        self._keys |= set(keys)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        await asyncio.sleep(0)
        self.running -= 1
        self._keys -= set(keys)
        if self.bad & set(keys):
            raise RuntimeError("bad message")
        self.batches.append([each.message.message_id for each in batch])


async def test_messages_of_one_key_are_settled_in_order_and_never_together() -> None:
    settled = Settled()
    lanes = Lanes(settled, NoMeter())
    sent: dict[str, list[str]] = defaultdict(list)
    for n in range(400):
        each = waiting(1 + n % 23, str(n))
        sent[each.message.key].append(each.message.message_id)
        lanes.put(each)
        if n % 7 == 0:
            await asyncio.sleep(0)
    await lanes.drain()
    done = [message_id for batch in settled.batches for message_id in batch]
    assert settled.overlaps == []
    assert len(done) == 400
    for ids in sent.values():
        assert [message_id for message_id in done if message_id in set(ids)] == ids


async def test_different_keys_are_settled_side_by_side() -> None:
    settled = Settled()
    settled.gate.clear()
    lanes = Lanes(settled, NoMeter())
    for n in range(100):
        lanes.put(waiting(1 + n))
    await eventually(lambda: settled.running == TURNS, what="lanes that run at once")
    settled.gate.set()
    await lanes.drain()


def test_a_batch_ends_before_a_key_or_an_id_comes_twice() -> None:
    one, two, one_again, three = waiting(1), waiting(2), waiting(1, "again"), waiting(3)
    lane = deque([one, two, one_again, three])
    assert take(lane) == [one, two]
    assert take(lane) == [one_again, three]


def test_a_repeated_delivery_is_not_in_the_batch_of_the_first() -> None:
    lane = deque([waiting(1), waiting(1)])
    assert len(take(lane)) == 1


def test_a_batch_has_its_most() -> None:
    lane = deque(waiting(1 + n) for n in range(BATCH + 5))
    assert (len(take(lane)), len(lane)) == (BATCH, 5)


async def test_a_message_that_comes_just_as_its_lane_runs_empty_is_settled_too() -> None:
    settled = Settled()
    lanes = Lanes(settled, NoMeter())
    for turns in range(12):
        lanes.put(waiting(1, f"first {turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        lanes.put(waiting(1, f"second {turns}"))
        done = 2 * (turns + 1)
        await eventually(lambda done=done: sum(map(len, settled.batches)) == done, within=2, what=f"{done} settled")  # type: ignore[misc]


async def test_drain_waits_for_a_message_that_came_just_as_its_lane_ran_empty() -> None:
    for turns in range(12):
        settled = Settled()
        lanes = Lanes(settled, NoMeter())
        lanes.put(waiting(1, "first"))
        for _ in range(turns):
            await asyncio.sleep(0)
        lanes.put(waiting(1, "second"))
        await lanes.drain()
        assert sum(map(len, settled.batches)) == 2, f"after {turns} turns of the loop"


async def test_the_first_failure_empties_the_lanes_and_is_raised_by_put_and_drain() -> None:
    settled = Settled()
    bad = waiting(1)
    settled.bad = {bad.message.key}
    lanes = Lanes(settled, NoMeter())
    lanes.put(bad)
    lanes.put(waiting(1, "behind it"))
    await asyncio.wait_for(lanes.failed.wait(), 2)
    with pytest.raises(RuntimeError, match="bad message"):
        lanes.put(waiting(2))
    with pytest.raises(RuntimeError, match="bad message"):
        await lanes.drain()
    assert settled.batches == []


async def test_cancel_stops_what_runs_and_drops_what_waits() -> None:
    settled = Settled()
    settled.gate.clear()
    lanes = Lanes(settled, NoMeter())
    for n in range(5):
        lanes.put(waiting(1, str(n)))
    await eventually(lambda: settled.running == 1, what="a lane that runs")
    await lanes.cancel()
    settled.gate.set()
    await lanes.drain()
    assert settled.batches == []
