"""Gives each message its effect, once: together when all goes well, alone when not, later when not now.

When `apply` returns, every message is settled for good: applied, known already, deferred or dead-lettered.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Final

from domain.errors import DomainError, Kind, Unavailable
from domain.events import Batch, Inbox, Received
from domain.failpoints import reach
from domain.meter import Meter
from messaging.dead_letters import DeadLetters
from messaging.reader import Unusable
from messaging.routes import Routes

_log = logging.getLogger(__name__)

PAUSES: Final = (0.05, 0.2)
"""Seconds between the tries of one message, before it is deferred."""

_PASSING: Final = frozenset({Kind.STALE, Kind.UNAVAILABLE, Kind.EXHAUSTED})
"""Refusals that another try may not meet; any other is for good, and its message is dead-lettered."""


class Effects:
    """Applies messages through the inbox."""

    def __init__(self, inbox: Inbox, routes: Routes, dead_letters: DeadLetters, meter: Meter) -> None:
        self._inbox = inbox
        self._routes = routes
        self._dead_letters = dead_letters
        self._meter = meter

    async def apply(self, messages: Sequence[Received]) -> None:
        """Apply messages with different keys. Raises BrokerLost when a dead letter cannot be sent."""
        if len(messages) > 1 and await self._together(messages):
            return
        for message in messages:
            await self._alone(message)

    async def resume(self, consumer: str) -> bool:
        """Apply the oldest deferred message that is due; answers whether there was one. Raises as `apply` does."""
        message: Received | None = None
        try:
            async with self._inbox.resume(consumer) as batch:
                if batch is None:
                    return False
                message = next(iter((*batch.fresh, *batch.repeated)))
                await self._handle(batch)
        except Exception as error:
            if message is None:
                raise
            await self._resumed_in_vain(message, error)
        return True

    async def _resumed_in_vain(self, message: Received, error: Exception) -> None:
        reason = _for_good(error)
        if reason is None:
            _log.warning("deferred message failed again", extra=_told(message), exc_info=error)
            await self._inbox.put_off(message, _named(error))
            return
        await self._dead_letters.send_received(message, *reason)
        await self._inbox.drop(message)

    async def park(self, message: Received, why: str) -> None:
        """Keep a message until an operator says: it killed whoever took it."""
        _log.error("message parked", extra=_told(message) | {"why": why})
        await self._inbox.defer(message, why, parked=True)

    async def _together(self, messages: Sequence[Received]) -> bool:
        try:
            await self._in_one(messages)
        except Exception as error:  # noqa: BLE001 -- whatever it is, each message is now tried alone, where it is told
            _log.info("batch undone", extra={"messages": len(messages), "cause": _named(error)})
            return False
        return True

    async def _alone(self, message: Received) -> None:
        failures = 0
        while True:
            try:
                return await self._once(message, last=failures >= len(PAUSES))
            except Unavailable:
                # The database is away: hold what is in hand and take no more; the broker keeps the rest.
                await asyncio.sleep(min(5.0, 0.1 * 2 ** min(failures, 6)) * random.uniform(0.5, 1.0))
            except _Again:
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)] * random.uniform(0.5, 1.0))
            failures += 1

    async def _once(self, message: Received, *, last: bool) -> None:
        try:
            await self._in_one([message])
        except Exception as error:  # noqa: BLE001 -- whatever it is, the message is kept, and the reason told
            await self._failed(message, error, last=last)

    async def _in_one(self, messages: Sequence[Received]) -> None:
        async with self._inbox.receive(messages) as batch:
            reach("consumer.after_receive")
            await self._handle(batch)

    async def _failed(self, message: Received, error: Exception, *, last: bool) -> None:
        reason = _for_good(error)
        if reason is not None:
            await self._dead_letters.send_received(message, *reason)
        elif last:
            _log.warning("message deferred", extra=_told(message), exc_info=error)
            await self._inbox.defer(message, _named(error))
            self._count(message, "deferred")
        elif isinstance(error, Unavailable):
            raise error
        else:
            raise _Again from error

    async def _handle(self, batch: Batch) -> None:
        outcomes: dict[str, str] = {}
        for message in batch.fresh:
            outcome = await self._routes.apply(message, batch.begin(message))
            outcomes[message.message_id] = outcome.value
        reach("consumer.before_commit")
        await batch.commit(outcomes)
        reach("consumer.after_commit")
        self._report(batch, outcomes)

    def _report(self, batch: Batch, outcomes: Mapping[str, str]) -> None:
        for message in batch.fresh:
            self._count(message, outcomes[message.message_id])
        for message in batch.behind:
            self._count(message, "behind")
        for message in batch.repeated:
            self._count(message, "duplicate")
            self._meter.count("acerto_duplicates_total")
        for message in batch.differing:
            self._meter.count("acerto_digest_conflicts_total")
            _log.error("a message id came back with other content; the first one counts", extra=_told(message))

    def _count(self, message: Received, outcome: str) -> None:
        self._meter.count("acerto_messages_total", event_type=message.event_type, outcome=outcome)


class _Again(Exception):
    """Try once more."""


def _for_good(error: Exception) -> tuple[str, str] | None:
    """Why a message can never be applied, or None when it may be."""
    if isinstance(error, Unusable):
        return error.reason, error.detail
    if isinstance(error, DomainError) and error.kind not in _PASSING:
        return error.code.lower(), error.message
    return None


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error.code}" if isinstance(error, DomainError) else type(error).__name__


def _told(message: Received) -> dict[str, str]:
    return {"message_id": message.message_id, "event_type": message.event_type, "key": message.key}
