"""Requests that are answered by a stream. Each stream is made in a task of its own, so that the caller's leaving, the
deadline and the end of the server all end it alike, whatever its transport is waiting for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import Final

from google.protobuf.message import Message

from domain.cancellation import ended
from domain.errors import Unavailable
from domain.tracing import Tracer
from server.rpc.admission import Admission
from server.rpc.errors import Refusal
from server.rpc.reception import Incoming, Reception, Route
from server.rpc.visit import Visit

_COME_BACK_SECONDS: Final = 1.0


class Streams:
    """The open streams: at most as many as their admission has places, and none once they were ended."""

    def __init__(self, reception: Reception, admission: Admission, tracer: Tracer) -> None:
        self._reception = reception
        self._admission = admission
        self._tracer = tracer
        self._open: set[asyncio.Task[None] | None] = set()
        self._ending = False

    async def stream(
        self, visit: Visit, route: Route, request: Incoming, left: float | None
    ) -> AsyncGenerator[Message | Refusal, None]:
        """The messages, and the refusal that it ends in, if it does. Closing it ends the stream."""
        began = perf_counter()
        belt = _Belt()
        work = partial(self._serve, visit, route, request, belt)
        making = asyncio.create_task(self._reception.outcome(visit, self._admission, left, work))
        making.add_done_callback(lambda _: belt.stop())
        try:
            while (message := await belt.take()) is not None:
                yield message
        finally:
            await ended([making] if not making.done() else [])
            outcome = self._reception.seen_out(visit, making.result(), began)
        if outcome is not None:
            yield outcome

    def end(self) -> None:
        """End every stream now and refuse new ones: the server stops, and callers shall go on at another."""
        self._ending = True
        for task in self._open:
            if task:
                task.cancel()

    async def _serve(self, visit: Visit, route: Route, request: Incoming, belt: _Belt) -> None:
        task = asyncio.current_task()
        self._open.add(task)
        try:
            self._refuse_when_ending()
            with self._tracer.span(visit.method.full_name, parent=visit.trace) as visit.trace:
                await self._make(visit, route, request, belt)
        except asyncio.CancelledError:
            self._refuse_when_ending()
            raise
        finally:
            self._open.discard(task)

    async def _make(self, visit: Visit, route: Route, request: Incoming, belt: _Belt) -> None:
        message, actor = await self._reception.let_in(visit, request)
        async with aclosing(route.serve(message, visit.call(actor))) as messages:
            async for each in messages:
                await belt.put(each)

    def _refuse_when_ending(self) -> None:
        if self._ending:
            raise Unavailable("this server stops; another one goes on", retry_after=_COME_BACK_SECONDS)


class _Belt:
    """Carries messages, one at a time, from the task that makes them to who sends them, and no faster than that."""

    def __init__(self) -> None:
        self._message: Message | None = None
        self._stopped = False
        self._loaded = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()

    async def put(self, message: Message) -> None:
        """Load a message as soon as the one before was taken."""
        await self._free.wait()
        self._free.clear()
        self._message = message
        self._loaded.set()

    async def take(self) -> Message | None:
        """The next message; None when the belt has stopped and is empty."""
        await self._loaded.wait()
        message, self._message = self._message, None
        if not self._stopped:
            self._loaded.clear()
        self._free.set()
        return message

    def stop(self) -> None:
        """Nothing more comes."""
        self._stopped = True
        self._loaded.set()
