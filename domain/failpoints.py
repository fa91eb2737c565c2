"""Named places where a fault test may stop the world; in a running service they do nothing.

Only `server/wiring.py` arms them, and never in production.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

NAMES: Final = frozenset(
    {
        "unit.before_commit",
        "unit.after_commit",
        "relay.after_claim",
        "relay.mid_wave",
        "relay.after_confirms",
        "relay.before_commit",
        "relay.after_commit",
        "consumer.after_receive",
        "consumer.before_commit",
        "consumer.after_commit",
        "consumer.after_ack",
        "worker.after_claim",
        "worker.before_settle",
        "load.before_commit",
    }
)

_armed: dict[str, Callable[[], None]] = {}


def arm(name: str, act: Callable[[], None]) -> None:
    """Call `act` each time the place is reached. Raises ValueError for a name that is not in NAMES."""
    if name not in NAMES:
        raise ValueError(f"there is no failpoint {name!r}; there are {', '.join(sorted(NAMES))}")
    _armed[name] = act


def reach(name: str) -> None:
    """Say that a place was reached."""
    if act := _armed.get(name):
        act()
