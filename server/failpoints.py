"""Arms failpoints from text, for fault tests: `relay.mid_wave=kill`, `relay.after_claim=pause@3`.

`kill` is SIGKILL to this process, `pause` SIGSTOP; `@3`: at the third time only. Refused in production.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count

from domain import failpoints

_SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP}


class BadFailpoint(Exception):
    """A failpoint cannot be armed; the text says why."""


def arm(text: str, environment: str) -> None:
    """Arm a comma-separated list. Raises BadFailpoint."""
    if text and environment == "production":
        raise BadFailpoint("ACERTO_FAILPOINTS: refused when ACERTO_ENV is production")
    for item in filter(None, text.split(",")):
        name, _, act = item.partition("=")
        kind, _, turn = act.partition("@")
        if kind not in _SIGNALS or not (turn or "1").isdecimal():
            raise BadFailpoint(f"ACERTO_FAILPOINTS: {item!r} is not name=kill or name=pause, with @n or without")
        try:
            failpoints.arm(name, _at(int(turn or "1"), _SIGNALS[kind]))
        except ValueError as error:
            raise BadFailpoint(f"ACERTO_FAILPOINTS: {error}") from error


def _at(turn: int, number: signal.Signals) -> Callable[[], None]:
    turns = count(1)

    def act() -> None:
        if next(turns) == turn:
            os.kill(os.getpid(), number)

    return act
