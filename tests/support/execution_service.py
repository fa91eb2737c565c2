"""ExecutionService as it meets us: it begins a repair when a payment is confirmed, and knows nothing but the wire.

It reads as billing.md A says it does, and keeps what it would refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from domain.cancellation import ended
from tests.support.os_service import LOST, Event, Line


@dataclass
class ExecutionService:
    """Repairs by work order; a work order that is canceled stops being repaired."""

    line: Line
    repairs: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[ExecutionService]:
        """Listen while the block runs."""
        ear = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            await ended({ear})

    async def _listen(self) -> None:
        while True:
            with suppress(*LOST):
                await self.line.listen("execution-events", self._hear)
            await asyncio.sleep(0.1)

    def _hear(self, event: Event) -> None:
        if problem := refusal_of(event):
            self.refused.append(problem)
            return
        if event.event_id in self._known:
            return
        self._known.add(event.event_id)
        told = self.repairs if event.headers["EventType"] == "PaymentConfirmed" else self.stopped
        told.append(event.os_id)


def refusal_of(event: Event) -> str:
    """Why ExecutionService would not take an event; nothing when it would."""
    missing = [name for name in ("EventType", "CorrelationId", "EventId") if not event.headers.get(name)]
    if missing:
        return f"no header {', '.join(missing)}"
    if event.headers["EventType"] != "PaymentConfirmed":
        return ""
    content = event.content
    if not isinstance(content.get("OsId"), str):
        return "OsId is no text"
    if not isinstance(content.get("PaymentId") or content.get("ProviderPaymentId"), str):
        return "PaymentId is no text"
    if isinstance(content.get("Amount"), bool) or not isinstance(content.get("Amount"), int | float):
        return "Amount is no number"
    return "" if isinstance(content.get("Status"), int | str) else "Status is neither a number nor text"
