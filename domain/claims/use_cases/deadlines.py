"""Until when an insurer lets what it denied be appealed: asked before the unit of work, never inside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.actor import Call
from domain.claims.errors import ClaimNotFound
from domain.claims.ports import Reference
from domain.claims.queries import ClaimQueries
from domain.claims.rules import ClaimRules


@dataclass(frozen=True, slots=True)
class AppealDeadlines:
    """The insurer's own term, or the installation's for an insurer that nobody entered."""

    rules: ClaimRules
    reference: Reference
    queries: ClaimQueries

    async def after(self, call: Call, claim_id: UUID, day: date) -> date:
        """The last day to appeal what is said of a claim on a day. Raises ClaimNotFound, Unavailable."""
        claim = await self.queries.claim(call.actor, claim_id)
        if claim is None:
            raise ClaimNotFound
        days = await self.reference.appeal_days(claim.form.insurer_id)
        return self.rules.appeal_until(day, days)
