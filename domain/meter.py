"""Metrics from the inside go through this port, so that no inner room knows a metrics library.

Names and meanings of every metric are listed in `server/telemetry.py`.
"""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Takes measurements."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put one value (seconds, or a size) into a histogram."""
        ...

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        ...


class NoMeter:
    """Takes every measurement and keeps none: for tests and tools."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Forget it."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Forget it."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Forget it."""
