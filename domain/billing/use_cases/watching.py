"""The timeline of a work order as it grows: what happened, then what happens, each entry once and none left out.

It is read by sequence, and that is enough: the entries of a work order are numbered while its row is locked (or, when
it is new, inserted), and the lock is let go after the commit. So a lower number is never seen after a higher one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

from domain.actor import Actor
from domain.billing.errors import WorkOrderNotFound
from domain.billing.queries import BillingQueries, TimelineEntry
from domain.events import News

PAGE: Final = 100
"""Entries read at once, so that a long timeline is never held whole."""

READERS: Final = 4
"""Watchers that read at the same time: when all are woken at once, the others' requests still get a connection."""


class Timelines:
    """Watches timelines; all watchers of a process share one."""

    def __init__(self, queries: BillingQueries, news: News) -> None:
        self._queries = queries
        self._news = news
        self._reading = asyncio.Semaphore(READERS)

    async def watch(self, actor: Actor, work_order_id: UUID, *, after: int) -> AsyncGenerator[TimelineEntry, None]:
        """Every entry after a sequence number, then each new one as it is committed; it never ends by itself.

        Raises WorkOrderNotFound, and Unavailable when the database goes away.
        """
        with self._news.about(str(work_order_id)) as ear:
            while True:
                entries = await self._after(actor, work_order_id, after)
                for entry in entries:
                    yield entry
                    after = entry.sequence
                if len(entries) < PAGE:
                    await ear.heard()

    async def _after(self, actor: Actor, work_order_id: UUID, after: int) -> Sequence[TimelineEntry]:
        async with self._reading:
            entries = await self._queries.timeline_entries(actor, work_order_id, after=after, limit=PAGE)
        if entries is None:
            raise WorkOrderNotFound
        return entries
