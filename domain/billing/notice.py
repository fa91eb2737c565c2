"""What a payment provider tells us unasked: that something happened to a charge, never what is true of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification whose signature was good; the charge is asked for before anything is believed (billing.md D.3).

    `event_id` is the same for every delivery of one event. `topic` is the provider's word for what `resource_id` names,
    and may be one that nobody here knows. `live` False: a test's. `body` is kept as it came, for people.
    """

    provider: str
    event_id: str
    topic: str
    resource_id: str
    live: bool
    body: bytes
