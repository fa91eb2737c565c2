"""Ending tasks for sure: a cancellation that comes just as a wait ends can be swallowed (`asyncio.wait_for` before
Python 3.12 does it, and so does every library that calls it), and a loop would go on for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN: Final = 2.0
"""Seconds for a task to end before it is cancelled once more."""


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until each has ended; what they raise is left in them."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN)
