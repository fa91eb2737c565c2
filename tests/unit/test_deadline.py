"""The deadline of one request: it cuts off what takes longer, and leaves alone what does not."""

from __future__ import annotations

import asyncio

import pytest

from server.rpc.deadline import Deadline


async def test_work_that_takes_longer_is_cut_off_and_the_task_goes_on() -> None:
    deadline = Deadline(0.01)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    assert deadline.passed()
    assert not deadline.left_by_caller()
    await asyncio.sleep(0)


async def test_a_deadline_that_was_closed_leaves_the_task_alone() -> None:
    deadline = Deadline(0.01)
    deadline.close()
    await asyncio.sleep(0.05)
    assert not deadline.expired


async def test_somebody_elses_cancellation_is_not_the_deadlines() -> None:
    made = asyncio.Event()
    seen: list[tuple[bool, bool]] = []

    async def work() -> None:
        deadline = Deadline(100)
        made.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append((deadline.passed(), deadline.left_by_caller()))
        finally:
            deadline.close()

    task = asyncio.create_task(work())
    await made.wait()
    task.cancel()
    await task
    assert seen == [(False, True)]
