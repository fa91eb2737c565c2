"""A unit of work: explicit commit, implicit rollback. Each context's `ports.py` adds its own collections."""

from __future__ import annotations

from typing import Protocol


class UnitOfWork(Protocol):
    """One transaction of one task, without a network call inside it.

    Leaving it by an exception rolls back; leaving it otherwise without a commit raises.
    """

    async def commit(self, answer: object = None) -> None:
        """Write what was saved, the facts it recorded and the reply to keep, all or nothing.

        Raises Stale when somebody else changed a saved aggregate first.
        """
        ...
