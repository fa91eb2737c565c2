"""Where a budget can stand, and what may be done to it there (billing.md B.1)."""

from __future__ import annotations

from enum import Enum

from domain.lifecycle import Lifecycle


class BudgetStatus(Enum):
    """Where a budget stands in its life."""

    DRAFT = "DRAFT"
    SENT = "SENT"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class BudgetAction(Enum):
    """What can be done to a budget."""

    GENERATE = "generate"
    UPDATE = "update"
    SEND = "send"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    REVISE = "revise"
    CANCEL = "cancel"


_S, _A = BudgetStatus, BudgetAction

LIFECYCLE = Lifecycle[BudgetStatus, BudgetAction](
    "budget",
    {
        (None, _A.GENERATE): _S.DRAFT,
        (_S.DRAFT, _A.UPDATE): _S.DRAFT,
        (_S.DRAFT, _A.SEND): _S.SENT,
        (_S.DRAFT, _A.APPROVE): _S.APPROVED,
        (_S.SENT, _A.APPROVE): _S.APPROVED,
        (_S.DRAFT, _A.REJECT): _S.REJECTED,
        (_S.SENT, _A.REJECT): _S.REJECTED,
        (_S.SENT, _A.EXPIRE): _S.EXPIRED,
        (_S.SENT, _A.REVISE): _S.DRAFT,
        (_S.REJECTED, _A.REVISE): _S.DRAFT,
        (_S.EXPIRED, _A.REVISE): _S.DRAFT,
        (_S.APPROVED, _A.REVISE): _S.DRAFT,
        (_S.DRAFT, _A.CANCEL): _S.CANCELED,
        (_S.SENT, _A.CANCEL): _S.CANCELED,
        (_S.APPROVED, _A.CANCEL): _S.CANCELED,
    },
    repeats=[
        (_S.SENT, _A.SEND),
        (_S.APPROVED, _A.APPROVE),
        (_S.REJECTED, _A.REJECT),
        (_S.CANCELED, _A.CANCEL),
        (_S.REJECTED, _A.CANCEL),
        (_S.EXPIRED, _A.CANCEL),
    ],
)
"""B1-B12: a cancel withdraws what is alive and leaves what is over as it is."""
