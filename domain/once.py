"""A repeated request must answer as the first did: what the pipeline hands to a unit of work to make it so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Once:
    """One idempotent request: whose key it is, what was asked, and how its answer is kept.

    `scope` is (actor, rpc, key); `fingerprint` the SHA-256 of the request without its key; `encode` turns the
    use case's answer into the bytes that a replay will send.
    """

    scope: tuple[str, str, str]
    fingerprint: bytes
    encode: Callable[[Any], bytes]


class Replayed(Exception):
    """The same request was answered before; `reply` holds the stored bytes."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        super().__init__("answered before")
