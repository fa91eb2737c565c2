"""The refusals of eligibility; their codes are `acerto.eligibility.v1.ErrorReason`."""

from __future__ import annotations

from domain.errors import DomainError, Kind


class InsurerNotFound(DomainError):
    """There is no such insurer."""

    kind, code = Kind.NOT_FOUND, "INSURER_NOT_FOUND"


class HealthPlanNotFound(DomainError):
    """The insurer has no such plan."""

    kind, code = Kind.NOT_FOUND, "HEALTH_PLAN_NOT_FOUND"


class BeneficiaryNotFound(DomainError):
    """The insurer has no such card."""

    kind, code = Kind.NOT_FOUND, "BENEFICIARY_NOT_FOUND"


class ProviderNotFound(DomainError):
    """There is no such provider."""

    kind, code = Kind.NOT_FOUND, "PROVIDER_NOT_FOUND"


class TussTermNotFound(DomainError):
    """The table has no such code that is valid on that day."""

    kind, code = Kind.NOT_FOUND, "TUSS_TERM_NOT_FOUND"


class PriceAgreementNotFound(DomainError):
    """No price was agreed for that day."""

    kind, code = Kind.NOT_FOUND, "PRICE_AGREEMENT_NOT_FOUND"
