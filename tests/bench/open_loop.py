"""An open loop: so many deeds a second, begun on time whether or not the earlier ones have ended.

And the listener beside it, which says when each event arrived: latencies here are between two processes' clocks.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from tests.bench.pairs import percentile
from tests.bench.queues import PARTNER
from tests.support.environment import ROOT, clean_env

LONGEST: Final = 120.0
"""Seconds that a listener lives at most."""


async def paced(deed: Callable[[int], Awaitable[object]], *, rate: float, seconds: float) -> None:
    """Begin deed 0, 1, 2, .. each at its own moment; returns when all have ended. Raises what a deed raises."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - loop.time())
            group.create_task(_done(deed, number))


async def _done(deed: Callable[[int], Awaitable[object]], number: int) -> None:
    await deed(number)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Callable[[], Awaitable[dict[str, float]]]]:
    """A listener on the partner's queue; what it gives ends it and answers when each work order's event arrived."""
    listener = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.listener", url, PARTNER, str(LONGEST)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=clean_env(),
        cwd=ROOT,
    )
    try:
        if listener.stdout is None or await listener.stdout.readline() != b"listening\n":
            raise RuntimeError("the listener did not begin")

        async def heard() -> dict[str, float]:
            out, _ = await asyncio.wait_for(listener.communicate(b""), 30)
            arrived: dict[str, float] = json.loads(out)
            return arrived

        yield heard
    finally:
        if listener.returncode is None:
            listener.kill()


def waits(began: Mapping[str, float], arrived: Mapping[str, float]) -> tuple[float, float]:
    """The median and the 99th percentile in milliseconds. Raises AssertionError when an event never arrived."""
    missing = began.keys() - arrived.keys()
    if missing:
        raise AssertionError(f"{len(missing)} of {len(began)} events never arrived")
    took = [(arrived[key] - at) * 1000 for key, at in began.items()]
    return percentile(took, 50), percentile(took, 99)
