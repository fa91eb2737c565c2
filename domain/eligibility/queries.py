"""The questions that eligibility answers without changing anything; `persistence/reference_views.py` answers them.

Reference data is the installation's: permission alone decides who reads it, and no attribute of the actor hides a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.eligibility_check import EligibilityCheck
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm

Place = tuple[str, ...]
"""Where a list goes on: after the row with these texts as its key; dates as in ISO 8601, which sorts as they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficiaryFilter:
    """Which beneficiaries; all that is given must hold."""

    insurer_id: str | None = None
    plan_id: str | None = None
    patient_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TussFilter:
    """Which terms; all that is given must hold. `on`: only rows that are valid on this day."""

    table: str | None = None
    code_prefix: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFilter:
    """Which price agreements; all that is given must hold. `on`: only rows that are valid on this day."""

    insurer_id: str | None = None
    plan_id: str | None = None
    table: str | None = None
    code: str | None = None
    on: date | None = None


class ReferenceQueries(Protocol):
    """Reads. Lists are in the order of their keys, up to `limit` rows that come `after` a place."""

    async def insurer(self, insurer_id: str) -> Insurer | None:
        """One insurer."""
        ...

    async def insurers(self, *, after: Place | None, limit: int) -> list[Insurer]:
        """Insurers by insurer_id."""
        ...

    async def health_plan(self, insurer_id: str, plan_id: str) -> HealthPlan | None:
        """One plan."""
        ...

    async def health_plans(self, insurer_id: str, *, after: Place | None, limit: int) -> list[HealthPlan] | None:
        """The plans of an insurer by plan_id; None when there is no such insurer."""
        ...

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        """Whom a card stands for."""
        ...

    async def beneficiaries(self, wanted: BeneficiaryFilter, *, after: Place | None, limit: int) -> list[Beneficiary]:
        """Beneficiaries by (insurer_id, card_number)."""
        ...

    async def provider(self, provider_id: str) -> Provider | None:
        """One provider."""
        ...

    async def providers(self, *, after: Place | None, limit: int) -> list[Provider]:
        """Providers by provider_id."""
        ...

    async def tuss_term(self, table: str, code: str, on: date) -> TussTerm | None:
        """The term as it is on a day; None when the code is not valid then."""
        ...

    async def tuss_terms(self, wanted: TussFilter, *, after: Place | None, limit: int) -> list[TussTerm]:
        """Rows of terms by (table, code, valid_from)."""
        ...

    async def price_agreement(
        self, insurer_id: str, plan_id: str, table: str, code: str, on: date
    ) -> PriceAgreement | None:
        """The price that holds on a day."""
        ...

    async def price_agreements(self, wanted: PriceFilter, *, after: Place | None, limit: int) -> list[PriceAgreement]:
        """Price agreements by (insurer_id, plan_id, table, code, valid_from)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFilter:
    """Which checks; all that is given must hold."""

    patient_id: str | None = None
    insurer_id: str | None = None
    provider_id: str | None = None


class CheckQueries(Protocol):
    """Reads of the history. A check for another provider than the actor's is left out.

    Each is given as the actor may know it (`EligibilityCheck.as_seen_by`), and found by no other patient than that.
    """

    async def eligibility_checks(
        self, actor: Actor, wanted: CheckFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[EligibilityCheck]:
        """Up to `limit` checks, newest first, that come after (asked_at, id); `skip` leaves out as many first."""
        ...
