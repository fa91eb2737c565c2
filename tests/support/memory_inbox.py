"""An inbox kept in memory over a FakeStore, for what the consumer does with it: it fails as told, and keeps order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.events import Batch, Received
from tests.support.fakes import FakeStore


@dataclass
class MemoryBatch:
    """One transaction: its effects count from its commit on."""

    inbox: MemoryInbox
    fresh: Sequence[Received] = ()
    repeated: Sequence[Received] = ()
    differing: Sequence[Received] = ()
    behind: Sequence[Received] = ()

    def begin(self, message: Received) -> Callable[[Any], AbstractAsyncContextManager[Any]]:  # noqa: ARG002
        return self.inbox.store.begin

    async def commit(self, outcomes: Mapping[str, str]) -> None:
        if self.inbox.commit_failures:
            raise self.inbox.commit_failures.pop(0)
        self.inbox.applied |= {message.message_id: message for message in self.fresh}
        self.inbox.outcomes |= outcomes
        self.inbox.batches.append([message.message_id for message in self.fresh])
        for message in (*self.fresh, *self.repeated):
            self.inbox.deferred.pop(message.message_id, None)


@dataclass
class MemoryInbox:
    """`failures` are raised by the next transactions, one each; `deferred` is in the order of its due times."""

    store: FakeStore = field(default_factory=FakeStore)
    applied: dict[str, Received] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    deferred: dict[str, tuple[Received, str]] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    put_offs: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    commit_failures: list[Exception] = field(default_factory=list)
    defer_failures: list[Exception] = field(default_factory=list)
    resume_failures: list[Exception] = field(default_factory=list)

    @asynccontextmanager
    async def receive(self, messages: Sequence[Received]) -> AsyncIterator[Batch]:
        if self.failures:
            raise self.failures.pop(0)
        waiting = {message.key for message, _ in self.deferred.values()}
        behind = [message for message in messages if message.key in waiting]
        rest = [message for message in messages if message.key not in waiting]
        repeated = [message for message in rest if message.message_id in self.applied]
        yield MemoryBatch(
            self,
            fresh=[message for message in rest if message.message_id not in self.applied],
            repeated=repeated,
            differing=[message for message in repeated if self.applied[message.message_id].digest != message.digest],
            behind=behind,
        )
        self.deferred |= {message.message_id: (message, "behind") for message in behind}

    @asynccontextmanager
    async def resume(self, consumer: str) -> AsyncIterator[Batch | None]:  # noqa: ARG002
        if self.resume_failures:
            raise self.resume_failures.pop(0)
        heads = {message.key: message for message, _ in reversed(self.deferred.values())}
        due = [message for message in heads.values() if message.message_id not in self.parked]
        if not due:
            yield None
            return
        new = due[0].message_id not in self.applied
        yield MemoryBatch(self, fresh=due[:1] if new else [], repeated=[] if new else due[:1])

    async def defer(self, message: Received, reason: str, *, parked: bool = False) -> None:
        if self.defer_failures:
            raise self.defer_failures.pop(0)
        self.deferred[message.message_id] = (message, reason)
        if parked:
            self.parked.add(message.message_id)

    async def put_off(self, message: Received, reason: str) -> None:
        self.put_offs.append(message.message_id)
        self.deferred[message.message_id] = (message, reason)

    async def drop(self, message: Received) -> None:
        del self.deferred[message.message_id]
