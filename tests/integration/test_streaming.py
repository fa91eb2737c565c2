"""A stream as a door that is not gRPC enters it: the pipeline's own method, closed, left, slow, and from many tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import work_order_pb2
from domain.actor import Actor, Call
from domain.tracing import TraceHeaders
from server.rpc.errors import Refusal
from server.rpc.journal import Journal
from server.rpc.methods import methods_of
from server.rpc.pipeline import Limits, Pipeline
from server.rpc.visit import Metadata, Peer
from server.telemetry import Telemetry
from tests.support.fakes import FakeIds
from tests.support.served import PERMISSIONS, SERVICES, KeptLog
from tests.support.waiting import eventually

WATCH = methods_of(SERVICES)["/acerto.billing.v1.BillingService/WatchWorkOrder"]
REQUEST = pb.WatchWorkOrderRequest(work_order_id=str(UUID(int=42)))


class Spans:
    """Counts the spans that are open, and hands out one traceparent."""

    def __init__(self) -> None:
        self.open = 0

    @contextmanager
    def span(self, _name: str, *, parent: TraceHeaders, links: Iterable[TraceHeaders] = ()) -> Iterator[TraceHeaders]:
        self.open += 1
        try:
            yield {"traceparent": "handed on", **parent, **dict.fromkeys(map(str, links), "")}
        finally:
            self.open -= 1


class Scene:
    """A pipeline with one rpc, which counts: `made` is the last number, `ended` says that its generator was closed."""

    def __init__(self, last: int = 10**9, **limits: Any) -> None:
        self.log, self.spans, self.telemetry = KeptLog(), Spans(), Telemetry()
        self.made, self.ended = 0, False
        self.calls: list[Call] = []
        self._last = last
        self.pipeline = Pipeline(
            identify=self._identify,
            ids=FakeIds(),
            journal=Journal(self.telemetry, self.log),
            limits=Limits(**limits),
            tracer=self.spans,
        )
        self.pipeline.add(WATCH, SimpleNamespace(WatchWorkOrder=self._count))

    def stream(
        self, time_left: float | None = None, metadata: Metadata | None = None
    ) -> AsyncGenerator[Message | Refusal, None]:
        return self.pipeline.stream(WATCH, REQUEST, metadata or {}, time_left=time_left, peer=lambda: "test")

    async def _count(self, _request: Any, call: Call) -> AsyncGenerator[Message, None]:
        self.calls.append(call)
        try:
            for number in range(1, self._last + 1):
                self.made = number
                yield work_order_pb2.TimelineEntry(sequence=number)
            if self._last == 0:
                await asyncio.Event().wait()
        finally:
            # Cleaning up takes a few turns of the loop: whoever does not wait for it goes on too early.
            for _ in range(10):
                await asyncio.sleep(0)
            self.ended = True

    async def _identify(self, _metadata: Metadata, _peer: Peer) -> Actor:
        return Actor(id="tester", permissions=PERMISSIONS)

    def codes(self) -> list[object]:
        return [line["code"] for line in self.log.lines]

    def open(self) -> bool:
        return b"acerto_streams_open 0.0" not in self.telemetry.exposition() or self.spans.open > 0


async def test_a_stream_that_comes_to_its_end_is_ok() -> None:
    scene = Scene(last=3)
    assert [outcome async for outcome in scene.stream()] == [
        work_order_pb2.TimelineEntry(sequence=number) for number in (1, 2, 3)
    ]
    assert (scene.codes(), scene.ended, scene.open()) == (["OK"], True, False)


async def test_a_stream_that_is_closed_ends_its_servicer_before_closing_returns() -> None:
    scene = Scene()
    async with aclosing(scene.stream()) as stream:
        await anext(stream)
        assert scene.open()
    assert (scene.codes(), scene.ended, scene.open()) == (["CANCELLED"], True, False)


async def test_whoever_waits_for_a_stream_and_is_cancelled_ends_it() -> None:
    scene = Scene(last=0)
    waiting: asyncio.Task[Any] = asyncio.ensure_future(anext(scene.stream()))
    await eventually(lambda: scene.calls)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (waiting.cancelled(), scene.codes(), scene.ended, scene.open()) == (True, ["CANCELLED"], True, False)


async def test_each_message_may_be_asked_for_by_a_task_of_its_own() -> None:
    scene = Scene(last=3)
    stream, outcomes = scene.stream(time_left=10), []
    while (outcome := await asyncio.create_task(anext(stream, None))) is not None:
        outcomes.append(outcome)
    assert (len(outcomes), scene.codes(), scene.open()) == (3, ["OK"], False)


async def test_a_caller_that_is_slow_keeps_the_servicer_from_running_ahead() -> None:
    scene = Scene(last=1000)
    async with aclosing(scene.stream()) as stream:
        await anext(stream)
        for _ in range(50):
            await asyncio.sleep(0)
        assert scene.made <= 3
        assert [outcome async for outcome in stream][-1] == work_order_pb2.TimelineEntry(sequence=1000)


async def test_a_deadline_and_the_servers_end_are_the_last_thing_said() -> None:
    late, stopped = Scene(last=0), Scene(last=0)
    for scene, left, reason in ((late, 0.05, "DEADLINE_EXCEEDED"), (stopped, None, "UNAVAILABLE")):
        if left is None:
            asyncio.get_running_loop().call_later(0.05, scene.pipeline.end_streams)
        (refusal,) = [outcome async for outcome in scene.stream(left, {"x-request-id": "abc"})]
        assert isinstance(refusal, Refusal)
        assert (refusal.reason, refusal.metadata) == (reason, (("x-request-id", "abc"),))
        assert (scene.codes(), scene.ended, scene.open()) == ([reason], True, False)


async def test_the_servers_end_frees_the_place_of_a_caller_that_takes_nothing() -> None:
    scene = Scene(last=1000)
    async with aclosing(scene.stream()) as stream:
        await anext(stream)
        scene.pipeline.end_streams()
        await eventually(lambda: not scene.open())
        *_, last = [outcome async for outcome in stream]
    assert isinstance(last, Refusal)
    assert (last.reason, scene.made <= 3) == ("UNAVAILABLE", True)


async def test_too_little_time_is_refused_before_anything_begins() -> None:
    scene = Scene()
    (refusal,) = [outcome async for outcome in scene.stream(0.019)]
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, scene.calls) == ("DEADLINE_EXCEEDED", [])


async def test_what_the_caller_says_about_the_saga_reaches_the_servicer() -> None:
    scene = Scene(last=1)
    said = {"x-request-id": "req-9", "correlation-id": "saga-7"}
    assert len([outcome async for outcome in scene.stream(None, said)]) == 1
    (call,) = scene.calls
    assert (call.actor.id, call.causation_id, call.correlation_id) == ("tester", "req-9", "saga-7")
    assert call.trace == {"traceparent": "handed on"}
