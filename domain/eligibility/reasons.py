"""Why a card covers a service or not: every reason there is, with what it does to the verdict. Codes never change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Verdict(Enum):
    """Whether the insurer covers it, as far as anybody here can say."""

    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    UNDETERMINED = "UNDETERMINED"


class ReasonCode(Enum):
    """The reasons, in the order in which they are looked for (health.md C)."""

    INSURER_ID_INVALID = "INSURER_ID_INVALID"
    PROVIDER_ID_INVALID = "PROVIDER_ID_INVALID"
    PROCEDURE_UNKNOWN = "PROCEDURE_UNKNOWN"
    INSURER_UNKNOWN = "INSURER_UNKNOWN"
    INSURER_INACTIVE = "INSURER_INACTIVE"
    PLAN_AMBIGUOUS = "PLAN_AMBIGUOUS"
    PLAN_UNKNOWN = "PLAN_UNKNOWN"
    PLAN_INACTIVE = "PLAN_INACTIVE"
    PLAN_NOT_YET_VALID = "PLAN_NOT_YET_VALID"
    PLAN_ENDED = "PLAN_ENDED"
    BENEFICIARY_UNKNOWN = "BENEFICIARY_UNKNOWN"
    PATIENT_MISMATCH = "PATIENT_MISMATCH"
    PLAN_MISMATCH = "PLAN_MISMATCH"
    CARD_NOT_YET_VALID = "CARD_NOT_YET_VALID"
    CARD_EXPIRED = "CARD_EXPIRED"
    NOT_YET_ENROLLED = "NOT_YET_ENROLLED"
    ENROLLMENT_ENDED = "ENROLLMENT_ENDED"
    BENEFICIARY_SUSPENDED = "BENEFICIARY_SUSPENDED"
    BENEFICIARY_CANCELED = "BENEFICIARY_CANCELED"
    BENEFICIARY_STATUS_UNKNOWN = "BENEFICIARY_STATUS_UNKNOWN"
    WAITING_PERIOD = "WAITING_PERIOD"
    PRE_EXISTING_CONDITION = "PRE_EXISTING_CONDITION"
    DENTAL_ONLY = "DENTAL_ONLY"
    SEGMENT_NOT_COVERED = "SEGMENT_NOT_COVERED"
    PROCEDURE_NOT_COVERED = "PROCEDURE_NOT_COVERED"
    AUTHORIZATION_REQUIRED = "AUTHORIZATION_REQUIRED"
    LIMIT_REACHED = "LIMIT_REACHED"
    OUT_OF_NETWORK = "OUT_OF_NETWORK"
    INSURER_AWAY = "INSURER_AWAY"
    INSURER_SAYS = "INSURER_SAYS"


NOTES: Final = frozenset(
    {
        ReasonCode.PRE_EXISTING_CONDITION,
        ReasonCode.DENTAL_ONLY,
        ReasonCode.AUTHORIZATION_REQUIRED,
        ReasonCode.INSURER_SAYS,
    }
)
"""What one should know, and what does not decide."""
NOT_KNOWN: Final = frozenset(
    {
        ReasonCode.INSURER_ID_INVALID,
        ReasonCode.PROVIDER_ID_INVALID,
        ReasonCode.PROCEDURE_UNKNOWN,
        ReasonCode.INSURER_UNKNOWN,
        ReasonCode.PLAN_AMBIGUOUS,
        ReasonCode.PLAN_UNKNOWN,
        ReasonCode.BENEFICIARY_UNKNOWN,
        ReasonCode.BENEFICIARY_STATUS_UNKNOWN,
        ReasonCode.INSURER_AWAY,
    }
)
"""What leaves the question open. Every other reason is a no."""
MISMATCHES: Final = frozenset({ReasonCode.PATIENT_MISMATCH, ReasonCode.PLAN_MISMATCH})
"""Who, or which plan, was asked about is not who the card is: a no that nobody's word takes back."""
NOT_HELD: Final = frozenset(
    {
        ReasonCode.CARD_NOT_YET_VALID,
        ReasonCode.CARD_EXPIRED,
        ReasonCode.NOT_YET_ENROLLED,
        ReasonCode.ENROLLMENT_ENDED,
        ReasonCode.BENEFICIARY_SUSPENDED,
        ReasonCode.BENEFICIARY_CANCELED,
    }
)
"""The card itself did not hold on the day, whatever the care."""
OTHER_CARE: Final = frozenset({ReasonCode.DENTAL_ONLY, ReasonCode.SEGMENT_NOT_COVERED})
"""The plan is, or may be, of other care than was asked about."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, and a sentence for people that holds codes and days, and nothing about a person."""

    code: ReasonCode
    message: str


def verdict_of(reasons: Iterable[Reason]) -> Verdict:
    """A no if anything says no; open if anything is not known; else a yes."""
    codes = {reason.code for reason in reasons} - NOTES
    if codes - NOT_KNOWN:
        return Verdict.INELIGIBLE
    return Verdict.UNDETERMINED if codes else Verdict.ELIGIBLE
