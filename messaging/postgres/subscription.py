"""One queue's deliveries from the table, by a holder whose lease says that it lives.

Each message in hand carries its holder, and settling requires it: who was taken for dead settles nothing. A queue with
a single active consumer is itself held in the same way.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import Any, Final

import psycopg

from messaging.broker import BrokerLost, Delivery, Message
from messaging.postgres import statements
from messaging.postgres.session import Row, Session, told

POLL: Final = 0.25
"""Seconds. NOTIFY makes it fast; this poll is what makes it sure."""


class Holding:
    """A holder of messages of one queue: its lease, kept alive in the background, and what it holds."""

    def __init__(self, session: Session, queue: str, *, lease: timedelta, competes: bool) -> None:
        self.session = session
        self.woken = asyncio.Event()
        self.lost: BrokerLost | None = None
        self._queue = queue
        self._left = f"{queue} left"
        self._lease = lease
        self._who = {"queue": queue, "holder": secrets.token_hex(8), "lease": lease, "competes": competes}
        self._active = False
        self._renewed = 0.0

    async def enter(self) -> None:
        """Announce the holder. Raises BrokerLost when the queue is not there."""
        if not await self.say(statements.ENTER):
            raise BrokerLost(f"no queue {self._queue} in the PostgreSQL broker")
        await self.keep()

    async def keep(self) -> None:
        """Renew the lease, try for the queue, and give back what the dead held."""
        alive, active = (await self.say(statements.KEEP))[0]
        if not alive or (self._active and not active):
            raise BrokerLost("the lease ran out: another consumer may hold these messages now")
        if active and not self._active:
            self.woken.set()
        self._active = active
        self._renewed = monotonic()
        await self.say(statements.FORGET_DEAD)
        await self.say(statements.RECLAIM)

    async def watch(self, listener: Session) -> None:
        """Wake at every notice of this queue and every poll, and keep the lease, until something breaks."""
        polled = monotonic()
        try:
            await listener.run(statements.LISTEN)
            while True:
                notices = {each.payload async for each in listener.connection.notifies(timeout=POLL, stop_after=1)}
                if self._left in notices:
                    await self.keep()
                await self._keep_in_time()
                if self._queue in notices or monotonic() - polled >= POLL:
                    self.woken.set()
                    polled = monotonic()
        except psycopg.Error as error:
            self.lose(BrokerLost(f"the PostgreSQL broker: {told(error)}"))
        except BrokerLost as lost:
            self.lose(lost)

    async def _keep_in_time(self) -> None:
        # The active one renews well before its lease ends; those who wait look often, or nobody would take over.
        patience = self._lease.total_seconds() / 3
        if monotonic() - self._renewed >= (patience if self._active else min(patience, 1.0)):
            await self.keep()

    def lose(self, lost: BrokerLost) -> None:
        self.lost = self.lost or lost
        self.woken.set()

    async def say(self, statement: str, **more: Any) -> Sequence[Row]:
        if self.lost is not None:
            raise self.lost
        return await self.session.run(statement, {**self._who, **more})

    async def settle(self, tag: int) -> None:
        if not await self.say(statements.SETTLE, id=tag):
            self.lose(BrokerLost(f"message {tag} is no longer ours: the lease ran out"))
            raise BrokerLost(f"message {tag} is no longer ours: the lease ran out")

    async def leave(self, *, seen: Sequence[int], unseen: Sequence[int]) -> None:
        """Give all back, the seen ones counted, and let the next consumer in at once."""
        with suppress(BrokerLost):
            await self.say(statements.RELEASE, ids=list(unseen))
            await self.say(statements.GIVE_BACK, ids=list(seen))
            await self.say(statements.LEAVE)
            await self.say(statements.WAKE, queues=[self._queue, self._left])


@asynccontextmanager
async def watched(holding: Holding, listener: Session) -> AsyncIterator[None]:
    """Enter, and keep watch in the background meanwhile."""
    await holding.enter()
    watch = asyncio.create_task(holding.watch(listener))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait({watch}, timeout=POLL)


class PostgresSubscription:
    """Deliveries of one holding. After `stop`, iterating ends once all that was already claimed is handed out."""

    def __init__(self, holding: Holding, *, prefetch: int) -> None:
        self._holding = holding
        self._prefetch = prefetch
        self._claimed: deque[Delivery] = deque()
        self._in_hand: set[int] = set()
        self._stopped = False

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        while True:
            if self._holding.lost is not None:
                raise self._holding.lost
            if self._claimed:
                delivery = self._claimed.popleft()
                self._in_hand.add(delivery.tag)
                yield delivery
            elif self._stopped:
                return
            else:
                await self._claim()

    async def _claim(self) -> None:
        """Claim what there is room for, or wait for room or for news."""
        self._holding.woken.clear()
        room = self._prefetch - len(self._in_hand)
        if room > 0:
            rows = await self._holding.say(statements.CLAIM, room=room)
            self._claimed.extend(sorted((delivery(row) for row in rows), key=lambda each: each.tag))
        if not self._claimed:
            await self._holding.woken.wait()

    async def ack(self, delivery: Delivery) -> None:
        await self._holding.settle(delivery.tag)
        self._let_go(delivery)

    async def reject(self, delivery: Delivery) -> None:
        await self._holding.say(statements.GIVE_BACK, ids=[delivery.tag])
        self._let_go(delivery)

    def _let_go(self, delivery: Delivery) -> None:
        self._in_hand.discard(delivery.tag)
        self._holding.woken.set()

    async def stop(self) -> None:
        self._stopped = True
        self._holding.woken.set()

    async def give_back(self) -> None:
        """What was not settled, on the way out."""
        await self._holding.leave(seen=sorted(self._in_hand), unseen=[each.tag for each in self._claimed])


def message(content: Row) -> Message:
    """From the content columns of a statement, in their order there."""
    exchange, routing_key, message_id, content_type, kind, correlation_id, sent_at, headers, body = content
    return Message(
        exchange=exchange,
        routing_key=routing_key,
        message_id=message_id,
        body=body,
        content_type=content_type,
        type=kind,
        correlation_id=correlation_id,
        timestamp=sent_at,
        headers=headers,
    )


def delivery(row: Row) -> Delivery:
    """From a row of CLAIM or READ."""
    tag, deliveries, *content = row
    return Delivery(tag=tag, message=message(tuple(content)), deliveries=deliveries)
