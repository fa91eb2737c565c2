"""A batch: the claims that go to one insurer together (health.md B and D)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.claims.claim import Claim, ClaimType
from domain.claims.errors import ClaimBatchIsEmpty, ClaimBatchIsFrozen, ClaimBatchIsFull, ClaimDoesNotFit
from domain.lifecycle import Lifecycle

MOST: Final = 100
"""Claims of one batch (TISS, lote de guias)."""


class ClaimBatchStatus(Enum):
    """Whether what is in a batch may still change, and whether it was sent."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    SUBMITTED = "SUBMITTED"


class ClaimBatchAction(Enum):
    """What can be done to a batch."""

    CREATE = "create"
    ADD_CLAIM = "add_claim"
    REMOVE_CLAIM = "remove_claim"
    CLOSE = "close"
    SUBMIT = "submit"


_S, _A = ClaimBatchStatus, ClaimBatchAction

LIFECYCLE = Lifecycle[ClaimBatchStatus, ClaimBatchAction](
    "claim batch",
    {
        (None, _A.CREATE): _S.OPEN,
        (_S.OPEN, _A.ADD_CLAIM): _S.OPEN,
        (_S.OPEN, _A.REMOVE_CLAIM): _S.OPEN,
        (_S.OPEN, _A.CLOSE): _S.CLOSED,
        (_S.CLOSED, _A.REMOVE_CLAIM): _S.OPEN,
        (_S.CLOSED, _A.SUBMIT): _S.SUBMITTED,
    },
    repeats=[(_S.CLOSED, _A.CLOSE), (_S.SUBMITTED, _A.SUBMIT)],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimBatchForm:
    """What a batch is for: one provider, one insurer, one type of claim."""

    number: str
    provider_id: str
    insurer_id: str
    type: ClaimType


@dataclass(kw_only=True)
class ClaimBatch(Aggregate):
    """Lote. `claim_ids` are its claims in the order they were put in, at most MOST. It is a lock root of its own."""

    subject: ClassVar[str] = "claim_batch"

    form: ClaimBatchForm
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    status: ClaimBatchStatus | None = None
    claim_ids: tuple[UUID, ...] = ()
    submitted_at: datetime | None = None
    facts: int = 0

    @classmethod
    def create(cls, claim_batch_id: UUID, form: ClaimBatchForm, *, correlation_id: str, at: datetime) -> ClaimBatch:
        """An empty one."""
        batch = cls(id=claim_batch_id, form=form, correlation_id=correlation_id, created_at=at, updated_at=at)
        batch._move(_A.CREATE, at)
        return batch

    def add(self, claim: Claim, *, at: datetime) -> bool:
        """Put a READY claim in. Answers False when it is in already.

        Raises ClaimBatchIsFrozen, ClaimBatchIsFull, ClaimDoesNotFit, IllegalTransition.
        """
        if self.status is not _S.OPEN:
            raise self._frozen()
        if claim.id in self.claim_ids:
            return False
        ours = (self.form.provider_id, self.form.insurer_id, self.form.type)
        if (claim.provider_id, claim.form.insurer_id, claim.form.type) != ours:
            raise ClaimDoesNotFit(metadata={"claim_id": str(claim.id)})
        if len(self.claim_ids) >= MOST:
            raise ClaimBatchIsFull(metadata={"limit": str(MOST)})
        claim.batch(self.id, at=at)
        self.claim_ids = (*self.claim_ids, claim.id)
        self._move(_A.ADD_CLAIM, at, note=str(claim.id))
        return True

    def remove(self, claim: Claim, *, at: datetime) -> bool:
        """Take a claim out; it is READY again, and a closed batch OPEN. Answers False when it is not in.

        Raises ClaimBatchIsFrozen (it was sent).
        """
        if self.status is _S.SUBMITTED:
            raise self._frozen()
        if claim.id not in self.claim_ids:
            return False
        claim.unbatch(at=at)
        self._without(claim, at)
        return True

    def cancel_claim(self, claim: Claim, *, reason: str, at: datetime) -> None:
        """Cancel a BATCHED claim of it, and so take it out as `remove` does.

        A batch that was sent has none: its claims were submitted with it, and are canceled by themselves.
        """
        claim.cancel(reason=reason, at=at)
        self._without(claim, at)

    def close(self, *, at: datetime) -> bool:
        """Freeze it, to be sent; taking a claim out opens it again. Answers False for a repeat.

        Raises ClaimBatchIsEmpty, IllegalTransition.
        """
        if not LIFECYCLE.changes(self.status, _A.CLOSE):
            return False
        if not self.claim_ids:
            raise ClaimBatchIsEmpty
        self._move(_A.CLOSE, at)
        return True

    def submit(self, claims: list[Claim], *, at: datetime) -> bool:
        """Send it: each of its claims is submitted. `claims` are all of them. Answers False for a repeat.

        Raises IllegalTransition (it is not closed).
        """
        if not LIFECYCLE.changes(self.status, _A.SUBMIT):
            return False
        for claim in claims:
            claim.submit(at=at)
        self.submitted_at = at
        self._move(_A.SUBMIT, at)
        return True

    @property
    def key(self) -> str:
        """It is the key itself."""
        return str(self.id)

    @property
    def provider_id(self) -> str:
        """Whose it is."""
        return self.form.provider_id

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What may be done with it now, as verbs."""
        return tuple(action.value for action in LIFECYCLE.allowed(self.status))

    def _without(self, claim: Claim, at: datetime) -> None:
        self.claim_ids = tuple(one for one in self.claim_ids if one != claim.id)
        self._move(_A.REMOVE_CLAIM, at, note=str(claim.id))

    def _frozen(self) -> ClaimBatchIsFrozen:
        return ClaimBatchIsFrozen(metadata={"claim_batch_id": str(self.id)})

    def _move(self, action: ClaimBatchAction, at: datetime, *, note: str = "") -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        self.record(action.value, before and before.value, self.status.value, at=at, note=note)
