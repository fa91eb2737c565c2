"""Counters that a test reads."""

from __future__ import annotations

from server.telemetry import Telemetry


def counted(telemetry: Telemetry, name: str, **labels: str) -> float:
    """What a counter or gauge stands at; 0 when it never counted."""
    return telemetry.registry.get_sample_value(name, labels) or 0.0
