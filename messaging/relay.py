"""The relay: takes facts from the outbox to the broker, in order per key, however many relays there are.

One cycle claims some buckets, publishes in waves (wave j holds the j-th event of each key), and settles.
A key whose head is refused drops out of the later waves, so a failed head blocks its own key only.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby

from domain.clock import Clock
from domain.errors import DomainError
from domain.events import Claim, Outbox, Pending, Refusal
from domain.failpoints import reach
from domain.meter import Meter
from messaging.broker import Broker, BrokerLost, Publisher
from messaging.envelope import message_of

_log = logging.getLogger(__name__)

POLL = 0.25
"""Seconds between looks when nobody wakes us: the truth, where the wake-up is only a hint."""

SAGAS = {"BudgetGenerated": "acerto_saga_seconds"}
"""Events whose confirm ends a measured stretch: from the moment the fact was made to the broker's confirm."""


class Relay:
    """Runs cycles until it is told to stop. `woken` is set after a commit that left facts in the outbox."""

    def __init__(self, outbox: Outbox, broker: Broker, woken: asyncio.Event, meter: Meter, clock: Clock) -> None:
        self._outbox = outbox
        self._broker = broker
        self._woken = woken
        self._meter = meter
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; the cycle under way is finished. Database and broker may come and go."""
        failures = 0
        while not stop.is_set():
            try:
                async with self._outbox.opened(), self._broker.publisher() as publisher:
                    failures = 0
                    await self._cycles(publisher, stop)
            except (BrokerLost, DomainError) as error:
                # Unavailable, or a Conflict with an operator's statement: neither may end the relay.
                failures += 1
                _log.warning("relay reconnects", extra={"cause": str(error), "failures": failures})
                self._meter.count("acerto_publish_lost_total")
                await _pause(stop, min(5.0, 0.1 * 2 ** min(failures, 6)) * random.uniform(0.5, 1.0))

    async def _cycles(self, publisher: Publisher, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._woken.clear()
            if await self.cycle(publisher) == 0:
                await self._sleep(stop)

    async def _sleep(self, stop: asyncio.Event) -> None:
        stopped, woken = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._woken.wait())
        poll = POLL * random.uniform(0.8, 1.2)
        await asyncio.wait({stopped, woken}, timeout=poll, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        woken.cancel()

    async def cycle(self, publisher: Publisher) -> int:
        """One cycle; answers how many publications it moved. Raises BrokerLost, Unavailable: nothing was settled."""
        async with self._outbox.claim() as claim:
            reach("relay.after_claim")
            if not claim.pending:
                return 0
            confirmed, refused = await self._publish(publisher, claim.pending)
            reach("relay.before_commit")
            await claim.settle(confirmed, refused)
        reach("relay.after_commit")
        self._report(claim, confirmed, refused)
        return len(confirmed) + len(refused)

    async def _publish(
        self, publisher: Publisher, pending: Sequence[Pending]
    ) -> tuple[list[Pending], list[tuple[Pending, Refusal]]]:
        confirmed: list[Pending] = []
        refused: list[tuple[Pending, Refusal]] = []
        queues = _by_key(pending)
        while queues:
            wave = [queue.pop(0) for queue in queues]
            began = time.perf_counter()
            fates = await publisher.publish([message_of(row) for row in wave])
            self._meter.observe("acerto_confirm_seconds", time.perf_counter() - began)
            self._meter.observe("acerto_wave_size", len(wave))
            reach("relay.mid_wave")
            confirmed += [row for row, fate in zip(wave, fates, strict=True) if fate is None]
            refused += [(row, fate) for row, fate in zip(wave, fates, strict=True) if fate is not None]
            queues = [queue for queue, fate in zip(queues, fates, strict=True) if queue and fate is None]
        reach("relay.after_confirms")
        return confirmed, refused

    def _report(self, claim: Claim, confirmed: Sequence[Pending], refused: Sequence[tuple[Pending, Refusal]]) -> None:
        now = self._clock.now()
        self._meter.observe("acerto_cycle_size", len(claim.pending))
        for row in confirmed:
            if name := SAGAS.get(row.publication.event_type):
                began = datetime.fromisoformat(str(row.publication.headers["Timestamp"]))
                self._meter.observe(name, (now - began).total_seconds())
            self._meter.observe("acerto_commit_to_publish_seconds", (now - row.created_at).total_seconds())
        for row, refusal in refused:
            self._meter.count("acerto_publish_refused_total", reason=refusal.reason)
            _log.warning(
                "publication refused",
                extra={
                    "event_id": str(row.publication.event_id),
                    "routing_key": row.publication.routing_key,
                    "reason": refusal.reason,
                    "detail": refusal.detail,
                    "parked": refusal.final,
                    "attempts": row.attempts + 1,
                },
            )


def _by_key(pending: Sequence[Pending]) -> list[list[Pending]]:
    # A stable sort keeps the order inside each key.
    ordered = sorted(pending, key=lambda row: row.publication.key)
    return [list(rows) for _, rows in groupby(ordered, key=lambda row: row.publication.key)]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
