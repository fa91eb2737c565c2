"""Waves of messages as one INSERT over the bindings; committed is confirmed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from domain.events import Refusal
from messaging.broker import Message
from messaging.limits import impossible, in_chunks
from messaging.patience import in_time
from messaging.postgres.session import Session
from messaging.postgres.statements import PUBLISH, WAKE

_INSERT: Final = 8 * 1024 * 1024
"""Bytes of bodies in one statement: the protocol's message must stay far under 1 GiB."""

Numbered = Sequence[tuple[int, Message]]


class PostgresPublisher:
    """Publishes over one session. `timeout` in seconds for a whole wave, `max_body` in bytes."""

    def __init__(self, session: Session, *, timeout: float, max_body: int) -> None:
        self._session = session
        self._timeout = timeout
        self._max_body = max_body

    async def publish(self, wave: Sequence[Message]) -> Sequence[Refusal | None]:
        verdicts = [self._impossible(message) for message in wave]
        possible = [(place, wave[place]) for place, verdict in enumerate(verdicts) if verdict is None]
        for place, refusal in await in_time(self._timeout, "publishing", self._insert_all(possible)):
            verdicts[place] = refusal
        return verdicts

    def _impossible(self, message: Message) -> Refusal | None:
        if _holds_nul(message):
            return Refusal("impossible", "text with a NUL character, which PostgreSQL cannot keep", final=True)
        return impossible(message, max_body=self._max_body)

    async def _insert_all(self, possible: Numbered) -> Sequence[tuple[int, Refusal]]:
        refused: list[tuple[int, Refusal]] = []
        queues: set[str] = set()
        for chunk in in_chunks(((len(each[1].body), each) for each in possible), most=_INSERT):
            lost, unbound, reached = (await self._session.run(PUBLISH, _columns(chunk)))[0]
            refused += _refused(chunk, set(lost), set(unbound))
            queues.update(reached)
        if queues:
            # Not in the writing transaction: a NOTIFY there would make commits wait for one another.
            await self._session.run(WAKE, {"queues": sorted(queues)})
        return refused


def _refused(chunk: Numbered, lost: set[int], unbound: set[int]) -> list[tuple[int, Refusal]]:
    refused = []
    for n, (place, message) in enumerate(chunk):
        if n in lost:
            refused.append((place, Refusal("no such exchange", message.exchange)))
        elif n in unbound and message.mandatory:
            refused.append((place, Refusal("unroutable", f"no queue for {message.routing_key}")))
    return refused


def _columns(chunk: Numbered) -> dict[str, Any]:
    messages = [message for _, message in chunk]
    return {
        "exchanges": [message.exchange for message in messages],
        "routing_keys": [message.routing_key for message in messages],
        "message_ids": [message.message_id for message in messages],
        "content_types": [message.content_type for message in messages],
        "types": [message.type for message in messages],
        "correlation_ids": [message.correlation_id for message in messages],
        "timestamps": [message.timestamp for message in messages],
        "headers": [json.dumps(dict(message.headers)) for message in messages],
        "bodies": [message.body for message in messages],
    }


def _holds_nul(message: Message) -> bool:
    own = (getattr(message, each.name) for each in fields(message) if each.type == "str")
    return any("\0" in text for text in (*own, *(f"{name}{value}" for name, value in message.headers.items())))
