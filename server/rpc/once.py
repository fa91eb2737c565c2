"""Idempotency at the door: how a write becomes a `Once`, and how a kept answer becomes a reply again."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from domain.actor import Call
from domain.once import Once
from server.rpc.methods import Method

A = TypeVar("A")
R = TypeVar("R", bound=Message)

Encode = Callable[[Any], Message]
"""A use case's answer as the rpc's response."""


def once_of(method: Method, actor_id: str, key: str, request: Message, encode: Encode) -> Once:
    """The request as the unit of work must see it to answer a repeat as it answered the first time."""
    return Once(
        scope=(actor_id, method.full_name, key),
        fingerprint=_fingerprint(method, request),
        encode=_Keeping(encode),
    )


def response_to(call: Call, encode: Callable[[A], R], answer: A) -> R:
    """A write's answer as its response: the very one that was kept for a repeat, if one was."""
    keeping = call.once and call.once.encode
    if isinstance(keeping, _Keeping) and keeping.answer is answer:
        return cast("R", keeping.response)
    return encode(answer)


class _Keeping:
    """Turns an answer into the bytes to keep, and remembers its response, so that it is not made a second time."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self.answer: object = self
        self.response: Message | None = None

    def __call__(self, answer: object) -> bytes:
        self.answer, self.response = answer, self._encode(answer)
        return self.response.SerializeToString()


def _fingerprint(method: Method, request: Message) -> bytes:
    content = method.request()
    content.CopyFrom(request)
    if method.has_request_id:
        content.ClearField("request_id")
    return sha256(content.SerializeToString(deterministic=True)).digest()
