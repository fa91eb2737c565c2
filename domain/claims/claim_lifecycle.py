"""Where a claim can stand, and what may be done to it there (health.md B)."""

from __future__ import annotations

from enum import Enum
from itertools import product
from typing import Final

from domain.lifecycle import Lifecycle


class ClaimStatus(Enum):
    """Where a claim stands in its life. What its analysis came to is its `Outcome`, a field of its own."""

    DRAFT = "DRAFT"
    READY = "READY"
    BATCHED = "BATCHED"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    RECEIVED = "RECEIVED"
    IN_ANALYSIS = "IN_ANALYSIS"
    ADJUDICATED = "ADJUDICATED"
    APPEALED = "APPEALED"
    SETTLED = "SETTLED"
    CANCELED = "CANCELED"


class ClaimAction(Enum):
    """What can be done to a claim."""

    CREATE = "create"
    UPDATE = "update"
    READY = "ready"
    BATCH = "batch"
    UNBATCH = "unbatch"
    SUBMIT = "submit"
    RECEIVE = "receive"
    RETURN = "return"
    ANALYZE = "analyze"
    ADJUDICATE = "adjudicate"
    APPEAL = "appeal"
    ANSWER_APPEAL = "answer_appeal"
    ANSWER_PART = "answer_part"
    ACCEPT_DENIALS = "accept_denials"
    SETTLE = "settle"
    REOPEN = "reopen"
    CANCEL = "cancel"


_S, _A = ClaimStatus, ClaimAction

_UNPAID = (
    *(_S.DRAFT, _S.READY, _S.BATCHED, _S.SUBMITTED, _S.RETURNED),
    *(_S.RECEIVED, _S.IN_ANALYSIS, _S.ADJUDICATED, _S.APPEALED),
)

LIFECYCLE = Lifecycle[ClaimStatus, ClaimAction](
    "claim",
    {
        (None, _A.CREATE): _S.DRAFT,
        **{(before, _A.UPDATE): _S.DRAFT for before in (_S.DRAFT, _S.READY, _S.RETURNED)},
        (_S.DRAFT, _A.READY): _S.READY,
        (_S.READY, _A.BATCH): _S.BATCHED,
        (_S.BATCHED, _A.UNBATCH): _S.READY,
        (_S.READY, _A.SUBMIT): _S.SUBMITTED,
        (_S.BATCHED, _A.SUBMIT): _S.SUBMITTED,
        (_S.SUBMITTED, _A.RECEIVE): _S.RECEIVED,
        (_S.SUBMITTED, _A.RETURN): _S.RETURNED,
        (_S.RECEIVED, _A.ANALYZE): _S.IN_ANALYSIS,
        (_S.IN_ANALYSIS, _A.ADJUDICATE): _S.ADJUDICATED,
        (_S.ADJUDICATED, _A.APPEAL): _S.APPEALED,
        (_S.APPEALED, _A.APPEAL): _S.APPEALED,
        (_S.APPEALED, _A.ANSWER_PART): _S.APPEALED,
        (_S.APPEALED, _A.ANSWER_APPEAL): _S.ADJUDICATED,
        (_S.ADJUDICATED, _A.ACCEPT_DENIALS): _S.ADJUDICATED,
        (_S.APPEALED, _A.ACCEPT_DENIALS): _S.APPEALED,
        (_S.ADJUDICATED, _A.SETTLE): _S.SETTLED,
        (_S.SETTLED, _A.REOPEN): _S.ADJUDICATED,
        **dict.fromkeys(product(_UNPAID, (_A.CANCEL,)), _S.CANCELED),
    },
    repeats=[
        (_S.READY, _A.READY),
        (_S.SUBMITTED, _A.SUBMIT),
        (_S.RECEIVED, _A.RECEIVE),
        (_S.RETURNED, _A.RETURN),
        (_S.IN_ANALYSIS, _A.ANALYZE),
        (_S.SETTLED, _A.SETTLE),
        (_S.ADJUDICATED, _A.REOPEN),
        (_S.CANCELED, _A.CANCEL),
    ],
)
"""Some denials may be appealed, or accepted, while others are under appeal: an insurer answers each in its own time."""

_OURS: Final = (_A.ANSWER_PART, _A.SETTLE, _A.REOPEN)
"""What no caller asks for: it follows from an answer to an appeal, or from what is done to the claim's invoice."""


def actions_of(status: ClaimStatus | None) -> tuple[str, ...]:
    """What a caller may do with a claim of this status, as verbs."""
    return tuple(action.value for action in LIFECYCLE.allowed(status) if action not in _OURS)
