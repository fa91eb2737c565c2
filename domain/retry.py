"""The one place where a unit of work that lost a race is run again."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from domain.errors import Kind, Stale

P = ParamSpec("P")
R = TypeVar("R")

TIMES = 3


class Conflict(Stale):
    """Two units of work met on the same rows, and this one lost; running it again sees the winner's work."""

    kind, code = Kind.STALE, "STALE"


def retried(use_case: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Run a use case again, at most TIMES in all, when it lost a race: each run loads and decides afresh."""

    @functools.wraps(use_case)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TIMES - 1):
            try:
                return await use_case(*args, **kwargs)
            except Conflict:
                continue
        return await use_case(*args, **kwargs)

    return run
