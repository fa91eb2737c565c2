"""Facts, and the ports by which they leave and enter: what two rooms share without knowing each other.

persistence implements Outbox and Inbox, messaging implements Encode and drives both, wiring hands each to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened to an aggregate and that others may be told; a subclass per event.

    `key` is what order is kept by (the work order, the claim, the invoice), `aggregate_version` the aggregate's own
    counter after the change.
    """

    source: ClassVar[str]
    """CloudEvents source, such as acerto/billing."""

    aggregate_id: UUID
    aggregate_version: int

    @property
    def key(self) -> str:
        """The key that the fact keeps its order by."""
        raise TypeError(f"{type(self).__name__} does not say its key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a unit of work adds to a fact at commit: its identity, its place in the key's order, its causes."""

    event_id: UUID
    key_seq: int
    occurred_at: datetime
    correlation_id: str
    causation_id: str
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A fact ready for the broker: one outbox row, one publish, the same bytes every time it is repeated."""

    event_id: UUID
    key: str
    key_seq: int
    event_type: str
    exchange: str
    routing_key: str
    content_type: str
    headers: Mapping[str, str | int]
    body: bytes


Encode = Callable[[Fact, Stamp], Publication]
"""Turns a fact into its publication; pure, and raises only for a fact that has no contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A publication waiting in the outbox, as one relay cycle read it."""

    bucket: int
    id: int
    attempts: int
    created_at: datetime
    publication: Publication


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the broker did not take a publication. `final`: no broker ever will, so it waits for an operator."""

    reason: str
    detail: str = ""
    final: bool = False


class Claim(Protocol):
    """Some buckets of the outbox, locked by one relay for one cycle."""

    pending: Sequence[Pending]
    """In the order they must leave; keys whose head is blocked are left out."""

    async def settle(self, confirmed: Sequence[Pending], refused: Sequence[tuple[Pending, Refusal]]) -> None:
        """Archive what was confirmed, put off or park what was refused, and commit. Not called: all stays as it was."""
        ...


class Outbox(Protocol):
    """The relay's side of the outbox."""

    def opened(self) -> AbstractAsyncContextManager[object]:
        """The connection that claims are made on, for as long as it lasts. Raises Unavailable."""
        ...

    def claim(self) -> AbstractAsyncContextManager[Claim]:
        """Lock some buckets that have work and read them; leaving without settling changes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A readable message from a partner, before anything was done about it.

    `content` has the event's fields by their PascalCase names; `digest` is the SHA-256 of type, key and content: the
    same id with another digest is somebody's mistake. `causation_id` is what the message says caused it, or empty.
    """

    consumer: str
    message_id: str
    event_type: str
    key: str
    correlation_id: str
    causation_id: str
    content: Mapping[str, Any]
    body: bytes
    digest: bytes
    trace: Mapping[str, str] = field(default_factory=dict)


class Batch(Protocol):
    """Some messages, at most one per key, inside one transaction that has already noted them in the inbox."""

    fresh: Sequence[Received]
    """Those that were never applied, and whose key nothing is deferred for: the ones to handle."""
    repeated: Sequence[Received]
    """Those that were applied before."""
    differing: Sequence[Received]
    """Those of `repeated` whose content is not what was applied then."""
    behind: Sequence[Received]
    """Those that must wait behind a deferred message of their key; they are deferred with this transaction."""

    def begin(self, message: Received) -> Callable[[Any], AbstractAsyncContextManager[Any]]:
        """A `begin` for the use cases that this message calls: their units join this transaction."""
        ...

    async def commit(self, outcomes: Mapping[str, str]) -> None:
        """Write everything and commit; `outcomes` has one for each fresh message id. Raises Conflict, Unavailable."""
        ...


class Inbox(Protocol):
    """The consumer's side of the inbox. A context manager left without its commit changes nothing."""

    def receive(self, messages: Sequence[Received]) -> AbstractAsyncContextManager[Batch]:
        """Begin a transaction for new deliveries; waits for a twin that is in flight elsewhere."""
        ...

    def resume(self, consumer: str) -> AbstractAsyncContextManager[Batch | None]:
        """Begin a transaction for the oldest due deferred message of some key; None when none is due."""
        ...

    async def defer(self, message: Received, reason: str, *, parked: bool = False) -> None:
        """Keep a message for later, behind whatever its key waits for; parked: until an operator says."""
        ...

    async def put_off(self, message: Received, reason: str) -> None:
        """A resumed message failed again: try later still."""
        ...

    async def drop(self, message: Received) -> None:
        """A deferred message was dead-lettered: keep it no longer."""
        ...


@dataclass(frozen=True, slots=True)
class Left:
    """What a commit left behind: whether there is `work` for a relay or a worker, and the `keys` whose logs grew.

    `scopes` are those of reference data whose generations moved.
    """

    work: bool = False
    keys: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.work or bool(self.keys) or bool(self.scopes)


Wake = Callable[[Left], None]
"""Called after a commit that left something; must not block and must not fail."""


class Ear(Protocol):
    """Listens for one key, from the moment it was got."""

    async def heard(self) -> None:
        """Wait until something may have happened to the key since the last time this was asked.

        It also comes back when nothing did: every few seconds, since what was told can get lost.
        """
        ...


class News(Protocol):
    """Tells that something may have happened to a key, whichever process did it; what it was must be read."""

    def about(self, key: str) -> AbstractContextManager[Ear]:
        """An ear for a key; get it before the first reading, so that nothing falls in between."""
        ...
