"""Idempotency at the door: how a write becomes a `Once`, and how a kept answer becomes a reply again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from google.protobuf.message import Message

from domain.once import Once
from server.rpc.methods import Method

Encode = Callable[[Any], Message]
"""A use case's answer as the rpc's response."""


def once_of(method: Method, actor_id: str, key: str, request: Message, encode: Encode) -> Once:
    """The request as the unit of work must see it to answer a repeat as it answered the first time."""
    return Once(
        scope=(actor_id, method.full_name, key),
        fingerprint=_fingerprint(method, request),
        encode=lambda answer: encode(answer).SerializeToString(),
    )


def _fingerprint(method: Method, request: Message) -> bytes:
    content = method.request()
    content.CopyFrom(request)
    if method.has_request_id:
        content.ClearField("request_id")
    return sha256(content.SerializeToString(deterministic=True)).digest()
