"""Who acts, and on whose behalf a unit of work runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.once import Once


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: a person, a service, or the system itself (messages and timers).

    `workshops` limits what the actor sees of billing, `providers` (CNES numbers) what it sees of health; None means
    no limit.
    """

    id: str
    permissions: frozenset[str] = frozenset()
    workshops: frozenset[str] | None = None
    providers: frozenset[str] | None = None

    def sees(self, workshop_id: str) -> bool:
        """Whether a resource of this workshop exists for the actor at all."""
        return self.workshops is None or workshop_id in self.workshops

    def serves(self, provider_id: str) -> bool:
        """Whether a resource of this health provider exists for the actor at all."""
        return self.providers is None or provider_id in self.providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, message or timer on its way through a use case.

    `causation_id` is the id, as its sender wrote it, of the event or command that causes what follows;
    `correlation_id` names the saga as the caller knows it (None: the work order's own); `trace` holds W3C trace
    headers to hand on.
    """

    actor: Actor
    causation_id: str
    correlation_id: str | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    once: Once | None = None
