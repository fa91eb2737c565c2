"""A task ends, also one that swallows its first cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from domain import cancellation
from domain.cancellation import ended


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    turns: list[str] = []

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        turns.append("swallowed")
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(cancellation.AGAIN * 5):
        await ended([task])
    assert turns == ["swallowed"]
    assert task.cancelled()


async def test_nothing_to_end_ends_at_once() -> None:
    await ended([])
