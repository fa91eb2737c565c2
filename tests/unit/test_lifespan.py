"""What runs together starts together, and ends in order."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

import pytest

from server.lifespan import Part, PartFailed, serve
from tests.support.waiting import eventually


class Diary:
    """Parts that write down what they do."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def part(self, name: str, *, takes: float = 0.0) -> Part:
        return Part(name, partial(self._live, name, takes))

    async def _live(self, name: str, takes: float, stop: asyncio.Event) -> None:
        self.entries.append(f"{name} runs")
        try:
            await stop.wait()
            await asyncio.sleep(takes)
            self.entries.append(f"{name} ended")
        except asyncio.CancelledError:
            self.entries.append(f"{name} cut off")
            raise


async def fails(_: asyncio.Event) -> None:
    raise RuntimeError("lost the broker")


def hang_up(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_parts_one_by_one_the_last_one_first(number: signal.Signals) -> None:
    diary = Diary()
    serving = asyncio.create_task(
        serve(
            [diary.part("http"), diary.part("grpc", takes=0.05)],
            grace=10,
            stopping=lambda: diary.entries.append("not ready"),
        )
    )
    await eventually(lambda: len(diary.entries) == 2)
    hang_up(number)
    await asyncio.wait_for(serving, 10)
    assert diary.entries == ["http runs", "grpc runs", "not ready", "grpc ended", "http ended"]


async def test_a_second_signal_ends_everything_at_once() -> None:
    diary = Diary()
    serving = asyncio.create_task(serve([diary.part("http"), diary.part("grpc", takes=1000)], grace=1000))
    await eventually(lambda: len(diary.entries) == 2)
    hang_up(signal.SIGTERM)
    await asyncio.sleep(0)
    hang_up(signal.SIGTERM)
    await asyncio.wait_for(serving, 10)
    assert "grpc cut off" in diary.entries


async def test_a_part_that_takes_longer_than_the_grace_is_cut_off() -> None:
    diary = Diary()
    serving = asyncio.create_task(serve([diary.part("slow", takes=1000)], grace=0.05))
    await eventually(lambda: diary.entries)
    hang_up(signal.SIGINT)
    await asyncio.wait_for(serving, 10)
    assert diary.entries == ["slow runs", "slow cut off"]


async def test_a_part_that_fails_stops_the_others_and_is_named() -> None:
    diary = Diary()
    with pytest.raises(PartFailed, match="relay") as failed:
        await serve([diary.part("http"), Part("relay", fails)], grace=10)
    assert "lost the broker" in str(failed.value.__cause__)
    assert diary.entries == ["http runs", "http ended"]


async def test_a_part_that_just_ends_is_a_failure_too() -> None:
    async def gives_up(_: asyncio.Event) -> None:
        """Returns at once."""

    with pytest.raises(PartFailed, match="consumer"):
        await serve([Part("consumer", gives_up)], grace=10)
