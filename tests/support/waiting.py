"""Waiting for a condition with a deadline, so that no test ever sleeps for luck."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

T = TypeVar("T")


@overload
async def eventually(
    look: Callable[[], Awaitable[T]], *, within: float = ..., every: float = ..., what: str = ...
) -> T: ...
@overload
async def eventually(look: Callable[[], T], *, within: float = ..., every: float = ..., what: str = ...) -> T: ...
async def eventually(
    look: Callable[[], T | Awaitable[T]], *, within: float = 10.0, every: float = 0.02, what: str = ""
) -> T:
    """What `look` gives as soon as that is truthy; an AssertionError inside it means "not yet".

    Raises AssertionError after `within` seconds, telling what was seen last. Any other error of `look` passes through.
    """
    deadline = time.monotonic() + within
    while True:
        seen: object
        try:
            seen = look()
            if inspect.isawaitable(seen):
                seen = await seen
        except AssertionError as failure:
            seen = failure
        else:
            if seen:
                return cast("T", seen)
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or look}; last seen: {seen!r}")
        await asyncio.sleep(every)


def soon(look: Callable[[], T], *, within: float = 10.0, every: float = 0.02, what: str = "") -> T:
    """`eventually` for code without an event loop."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or look}; last seen: {seen!r}")
        time.sleep(every)
    return seen
