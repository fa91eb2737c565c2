"""The consumer: takes deliveries, gives them their effect by the inbox, and tells the broker only then.

A message that was handed out three times without an answer is taken alone, with nothing else in hand, so that only
its own count grows if it kills us again; at five it is parked (messaging.md, Consumer and inbox).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from domain.cancellation import ended
from domain.errors import DomainError
from domain.failpoints import reach
from domain.meter import Meter
from messaging.broker import Broker, BrokerLost, Delivery, Subscription
from messaging.dead_letters import DeadLetters
from messaging.effects import Effects
from messaging.lanes import Lanes, Waiting
from messaging.reader import Unusable, read

_log = logging.getLogger(__name__)

PREFETCH: Final = 512
SUSPECT: Final = 3
"""From this many unanswered deliveries on a message is taken alone."""
POISON: Final = 5
"""From this many on it is not taken at all."""
POLL: Final = 0.25
"""Seconds between looks for deferred messages that are due."""


class Consumer:
    """Consumes one queue until it is told to stop. `effects` makes the way messages are applied, per connection."""

    def __init__(self, queue: str, broker: Broker, effects: Callable[[DeadLetters], Effects], meter: Meter) -> None:
        self._queue = queue
        self._broker = broker
        self._effects = effects
        self._meter = meter

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; what is in hand then is finished. The broker may come and go."""
        failures, alone = 0, True
        while not stop.is_set():
            try:
                alone = await self._session(stop, alone=alone)
                failures = 0
            except (BrokerLost, DomainError) as error:
                failures, alone = failures + 1, True
                _log.warning("consumer reconnects", extra={"cause": str(error), "failures": failures})
                with suppress(TimeoutError):
                    await asyncio.wait_for(
                        stop.wait(), min(5.0, 0.1 * 2 ** min(failures, 6)) * random.uniform(0.5, 1.0)
                    )

    async def _session(self, stop: asyncio.Event, *, alone: bool) -> bool:
        """One connection's time; answers whether the next must take its messages alone."""
        prefetch = 1 if alone else PREFETCH
        async with (
            self._broker.subscription(self._queue, prefetch=prefetch) as subscription,
            self._broker.publisher() as publisher,
        ):
            session = _Session(
                self._queue, subscription, DeadLetters(publisher, self._meter), self._effects, self._meter
            )
            background = [
                asyncio.create_task(_stop_at(stop, subscription)),
                asyncio.create_task(_stop_at(session.lanes.failed, subscription)),
                asyncio.create_task(session.resume()),
            ]
            try:
                return await (session.one_by_one() if alone else session.side_by_side())
            finally:
                session.ending = True
                await ended(background)
                await session.lanes.cancel()


class _Session:
    """What one connection's deliveries go through."""

    def __init__(
        self,
        queue: str,
        subscription: Subscription,
        dead_letters: DeadLetters,
        effects: Callable[[DeadLetters], Effects],
        meter: Meter,
    ) -> None:
        self._queue = queue
        self._subscription = subscription
        self._dead_letters = dead_letters
        self._effects = effects(dead_letters)
        self.lanes = Lanes(self._settle, meter)
        self.ending = False

    async def one_by_one(self) -> bool:
        """Take deliveries singly while they are suspect; the first that is not ends it."""
        async for delivery in self._subscription:
            if delivery.deliveries < SUSPECT:
                await self._subscription.stop()
            waiting = await self._read(delivery)
            if waiting is None:
                continue
            if delivery.deliveries >= POISON:
                await self._effects.park(waiting.message, f"delivered {delivery.deliveries} times without an answer")
                await self._subscription.ack(delivery)
            else:
                await self._settle([waiting])
        return False

    async def side_by_side(self) -> bool:
        """Take many at once; a suspect ends it, and is left to be delivered again, alone."""
        suspected = False
        async for delivery in self._subscription:
            if delivery.deliveries >= SUSPECT:
                if not suspected:
                    await self._subscription.stop()
                suspected = True
                continue
            waiting = await self._read(delivery)
            if waiting is not None:
                self.lanes.put(waiting)
        await self.lanes.drain()
        return suspected

    async def resume(self) -> None:
        """Apply deferred messages as they fall due, until `ending`."""
        while not self.ending:
            try:
                if await self._effects.resume(self._queue):
                    continue
            except (DomainError, BrokerLost) as error:
                _log.info("deferred messages wait", extra={"cause": str(error)})
            except Exception:  # noqa: BLE001 -- one bad row must not keep all deferred messages waiting
                _log.exception("a deferred message could not be taken up")
            await asyncio.sleep(POLL * random.uniform(0.8, 1.2))

    async def _read(self, delivery: Delivery) -> Waiting | None:
        try:
            return Waiting(delivery, read(delivery.message, self._queue))
        except Unusable as unusable:
            await self._dead_letters.send(delivery.message, unusable.reason, unusable.detail)
        except Exception as error:  # noqa: BLE001 -- a message must never end the consumer
            _log.exception("the reader failed on a message")
            await self._dead_letters.send(delivery.message, "reader_failed", type(error).__name__)
        await self._subscription.ack(delivery)
        return None

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        await self._effects.apply([waiting.message for waiting in batch])
        for waiting in batch:
            await self._subscription.ack(waiting.delivery)
        reach("consumer.after_ack")


async def _stop_at(event: asyncio.Event, subscription: Subscription) -> None:
    await event.wait()
    with suppress(BrokerLost):
        await subscription.stop()
