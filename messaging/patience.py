"""Time limits that hold even when what is awaited answers its cancellation late or never.

`asyncio.timeout` waits for the cancelled call to end; drivers on a dead socket take seconds over that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from messaging.broker import BrokerLost

Answer = TypeVar("Answer")

_ABANDONED: Final[set[asyncio.Future[Any]]] = set()
"""Calls that are ending on their own; the event loop alone would let them be collected."""


async def in_time(seconds: float, what: str, call: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of `call`, or BrokerLost after `seconds`, when it is left to end in the background.

    A call that was cancelled from inside (as aiormq does when its connection goes) is BrokerLost too: only the
    caller's own cancellation comes out as CancelledError.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        abandon(task)
        raise
    if not done:
        abandon(task)
        raise BrokerLost(f"{what}: no answer within {seconds:g} s")
    if task.cancelled():
        raise BrokerLost(f"{what}: the connection was closed")
    return task.result()


def abandon(task: asyncio.Future[Any]) -> None:
    """Cancel a call without waiting for it to end."""
    task.cancel()
    outlive(task)


def outlive(task: asyncio.Future[Any]) -> None:
    """Let a call end after whoever made it; its outcome interests nobody."""
    _ABANDONED.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Future[Any]) -> None:
    _ABANDONED.discard(task)
    if not task.cancelled():
        task.exception()
