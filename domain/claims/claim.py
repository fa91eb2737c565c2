"""The claim: its rules, and the facts they make (health.md B)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.calendar import day_of
from domain.claims import claim_facts
from domain.claims.adjudication import SaidItem, adjudicated, changed
from domain.claims.claim_item import ClaimAmounts, ClaimItem
from domain.claims.claim_lifecycle import LIFECYCLE, ClaimAction, ClaimStatus, actions_of
from domain.claims.decision import must_follow
from domain.claims.denial import Denial, DenialState
from domain.claims.outcome import Outcome, outcome_of
from domain.events import Fact
from domain.lifecycle import IllegalTransition
from domain.money import Money

_A, _S = ClaimAction, ClaimStatus
_BILLED: Final = frozenset({_S.SUBMITTED, _S.RECEIVED, _S.IN_ANALYSIS, _S.ADJUDICATED, _S.APPEALED})


class ClaimType(Enum):
    """What kind of guia it is. OTHER is none of the standard's: it may leave out what they all have; see `is_old`."""

    CONSULTATION = "CONSULTATION"
    SP_SADT = "SP_SADT"
    HOSPITALIZATION_SUMMARY = "HOSPITALIZATION_SUMMARY"
    FEES = "FEES"
    DENTAL = "DENTAL"
    OTHER = "OTHER"


class Character(Enum):
    """Whether the care could wait (TISS table 23)."""

    ELECTIVE = "ELECTIVE"
    URGENT = "URGENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimForm:
    """What a claim says, in the clinic's words: all that may be corrected until it is submitted.

    Ids are opaque texts and may be empty, as far as validation lets them; `service_date` is a day in America/Sao_Paulo.
    """

    type: ClaimType
    patient_id: str
    service_date: date
    number: str
    provider_id: str = ""
    insurer_id: str = ""
    plan_id: str = ""
    card_number: str = ""
    character: Character = Character.ELECTIVE
    authorization_code: str = ""
    items: tuple[ClaimItem, ...] = ()

    @property
    def is_old(self) -> bool:
        """Whether it is the old client's form, which names nobody to ask, and is sent as it is made (health.md A)."""
        return self.type is ClaimType.OTHER and not (self.provider_id or self.card_number or self.plan_id)


@dataclass(kw_only=True)
class Claim(Aggregate):
    """Guia. `facts` counts every fact ever published for it: the outbox's key_seq.

    `protocol` is the insurer's receipt of the present submission, `submissions` how often it was submitted: once more
    after each RETURNED. `override_reason` is why it was made READY although the patient is not eligible.
    """

    subject: ClassVar[str] = "claim"

    form: ClaimForm
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    status: ClaimStatus | None = None
    claim_batch_id: UUID | None = None
    override_reason: str = ""
    submissions: int = 0
    submitted_at: datetime | None = None
    protocol: str = ""
    return_reason: str = ""
    adjudicated_at: datetime | None = None
    cancel_reason: str = ""
    facts: int = 0

    @classmethod
    def create(cls, claim_id: UUID, form: ClaimForm, *, correlation_id: str, at: datetime) -> Claim:
        """A new draft, however incomplete."""
        claim = cls(id=claim_id, form=form, correlation_id=correlation_id, created_at=at, updated_at=at)
        claim._move(_A.CREATE, at)
        return claim

    def update(self, form: ClaimForm, *, at: datetime) -> bool:
        """Correct it: it is a draft again. Answers False, changing nothing, when it says so already.

        A claim that was RETURNED becomes a draft all the same: it may be sent again as it is. Raises IllegalTransition.
        """
        self._may(_A.UPDATE)
        if form == self.form and self.status is not _S.RETURNED:
            return False
        changed_fields = [f.name for f in fields(ClaimForm) if getattr(form, f.name) != getattr(self.form, f.name)]
        self.form, self.override_reason = form, ""
        self._move(_A.UPDATE, at, note=",".join(changed_fields))
        return True

    def ready(self, *, at: datetime, override_reason: str = "") -> bool:
        """It was validated, and may be sent. Another reason for what is READY takes the place of the one that it had.

        Answers False for a repeat, with the same reason or none. Raises IllegalTransition.
        """
        if self._may(_A.READY):
            self.override_reason = override_reason
            self._move(_A.READY, at, note=override_reason)
            return True
        if override_reason in ("", self.override_reason):
            return False
        self.override_reason, self.updated_at = override_reason, at
        self.record(_A.READY.value, _S.READY.value, _S.READY.value, at=at, note=override_reason)
        return True

    def batch(self, claim_batch_id: UUID, *, at: datetime) -> None:
        """Put it into a batch. Raises IllegalTransition."""
        self._may(_A.BATCH)
        self.claim_batch_id = claim_batch_id
        self._move(_A.BATCH, at, note=str(claim_batch_id))

    def unbatch(self, *, at: datetime) -> None:
        """Take it out of its batch. Raises IllegalTransition."""
        self._may(_A.UNBATCH)
        note, self.claim_batch_id = str(self.claim_batch_id), None
        self._move(_A.UNBATCH, at, note=note)

    def submit(self, *, at: datetime) -> bool:
        """It goes to the insurer; tells ClaimSubmitted, once for each time. Answers False for a repeat.

        Whether it goes alone or with its batch is the use case's to see to. Raises IllegalTransition.
        """
        if not self._may(_A.SUBMIT):
            return False
        self.submissions += 1
        self.submitted_at, self.protocol, self.return_reason = at, "", ""
        self._move(_A.SUBMIT, at, tells=claim_facts.submitted)
        return True

    def receive(self, protocol: str, *, at: datetime) -> bool:
        """The insurer has it. Answers False for a repeat with the same protocol. Raises IllegalTransition."""
        if not self._may(_A.RECEIVE):
            if protocol != self.protocol:
                raise IllegalTransition(
                    "the claim was received under another protocol",
                    metadata={"protocol": self.protocol, "allowed_actions": ",".join(self.allowed_actions)},
                )
            return False
        self.protocol = protocol
        self._move(_A.RECEIVE, at, note=protocol)
        return True

    def return_(self, reason: str, *, at: datetime) -> bool:
        """The insurer refused the message, not the care: correct it and send it again. Answers False for a repeat.

        It is in no batch any more. Raises IllegalTransition.
        """
        if not self._may(_A.RETURN):
            return False
        self.return_reason, self.claim_batch_id = reason, None
        self._move(_A.RETURN, at, note=reason)
        return True

    def analyze(self, *, at: datetime) -> bool:
        """The insurer began its analysis. Answers False for a repeat. Raises IllegalTransition."""
        if not self._may(_A.ANALYZE):
            return False
        self._move(_A.ANALYZE, at)
        return True

    def adjudicate(
        self, said: Sequence[SaidItem], *, new_id: Callable[[], UUID], appeal_until: date, on: date, at: datetime
    ) -> None:
        """Take what the insurer's analysis, of the day `on`, says of each item; tells ClaimAdjudicated.

        `new_id` draws the denials' ids. Raises IllegalTransition, AdjudicationDiffers, Invalid (from before it had it).
        """
        self._may(_A.ADJUDICATE)
        must_follow(on, self.submitted_at and day_of(self.submitted_at), "the submission")
        self._put(adjudicated(self.items, said, new_id=new_id, appeal_until=appeal_until, on=on))
        self.adjudicated_at = at
        self._move(_A.ADJUDICATE, at, note=on.isoformat(), tells=claim_facts.adjudicated)

    def appeal(self, denial_ids: Collection[UUID], justification: str, *, on: date, at: datetime) -> None:
        """Ask the insurer, on the day `on`, to think again about pending denials.

        Raises IllegalTransition, DenialNotFound, DenialNotPending, AppealDeadlinePassed, Invalid (before its decision).
        """
        self._may(_A.APPEAL)
        must_follow(on, self.submitted_at and day_of(self.submitted_at), "the submission")
        self._put(changed(self.items, dict.fromkeys(denial_ids, lambda denial: denial.appeal(justification, on=on))))
        self._move(_A.APPEAL, at, note=f"{on.isoformat()}: {_listed(denial_ids)}")

    def answer_appeal(self, recovered: Mapping[UUID, Money], *, appeal_until: date, on: date, at: datetime) -> None:
        """The insurer's answer, of the day `on`, to appealed denials: what it pays of each after all, maybe nothing.

        When none is left under appeal the claim is ADJUDICATED again, and ClaimAdjudicated tells the new amounts.
        Raises IllegalTransition, DenialNotFound, DenialNotAppealed, RecoveryExceedsDenial, Invalid (before the appeal).
        """
        self._may(_A.ANSWER_APPEAL)
        said = partial(Denial.answer, appeal_until=appeal_until, on=on)
        answers = {denial_id: partial(said, recovered=amount) for denial_id, amount in recovered.items()}
        self._put(changed(self.items, answers))
        note = f"{on.isoformat()}: {_listed(recovered)}"
        if any(denial.state is DenialState.APPEALED for denial in self.denials):
            self._move(_A.ANSWER_PART, at, note=note)
        else:
            self._move(_A.ANSWER_APPEAL, at, note=note, tells=claim_facts.adjudicated)

    def accept_denials(self, denial_ids: Collection[UUID], *, reason: str, at: datetime) -> bool:
        """Write off pending denials, all of them when none is named. Answers False when there is none.

        Raises IllegalTransition, DenialNotFound, DenialNotPending.
        """
        self._may(_A.ACCEPT_DENIALS)
        wanted = denial_ids or [denial.id for denial in self.denials if denial.state is DenialState.PENDING]
        if not wanted:
            return False
        self._put(changed(self.items, dict.fromkeys(wanted, Denial.accept)))
        self._move(_A.ACCEPT_DENIALS, at, note=reason)
        return True

    def settle(self, *, at: datetime) -> bool:
        """Its invoice is settled. Answers False for a repeat, and while a denial pends. Raises IllegalTransition."""
        if not self._may(_A.SETTLE) or not self.settleable:
            return False
        self._move(_A.SETTLE, at)
        return True

    def reopen(self, *, at: datetime) -> bool:
        """The settlement of its invoice was taken back. Answers False for a repeat. Raises IllegalTransition."""
        if not self._may(_A.REOPEN):
            return False
        self._move(_A.REOPEN, at)
        return True

    def cancel(self, *, reason: str, at: datetime) -> bool:
        """Withdraw it; tells ClaimCanceled if it was ever submitted. Answers False for a repeat.

        Raises IllegalTransition (it is paid).
        """
        if not self._may(_A.CANCEL):
            return False
        self.cancel_reason = reason
        if self.status is _S.BATCHED:
            self.claim_batch_id = None
        self._move(_A.CANCEL, at, note=reason, tells=claim_facts.canceled if self.submissions else None)
        return True

    @property
    def key(self) -> str:
        """It is the key itself."""
        return str(self.id)

    @property
    def provider_id(self) -> str:
        """Whose it is; empty for the old client's claims."""
        return self.form.provider_id

    @property
    def items(self) -> tuple[ClaimItem, ...]:
        """Its items, with what the insurer made of them."""
        return self.form.items

    @property
    def denials(self) -> tuple[Denial, ...]:
        """Every denial, in the order of the items."""
        return tuple(denial for item in self.items for denial in item.denials)

    @property
    def amounts(self) -> ClaimAmounts:
        """What its items add up to."""
        return ClaimAmounts.of(self.items)

    @property
    def gross(self) -> Money:
        """What an invoice begins with; see `ClaimItem.gross`."""
        return self.amounts.gross

    @property
    def denied_pending(self) -> Money:
        """What is denied, and neither recovered nor written off."""
        return self.amounts.pending

    @property
    def denied_accepted(self) -> Money:
        """What was written off."""
        return self.amounts.accepted

    @property
    def outcome(self) -> Outcome:
        """What its analysis came to."""
        return outcome_of(self.items)

    @property
    def invoiceable(self) -> bool:
        """Whether it may be billed: the insurer has it, or will, and something of it may be paid."""
        return self.status in _BILLED and self.outcome is not Outcome.DENIED

    @property
    def settleable(self) -> bool:
        """Whether its invoice's settlement would settle it: nothing of it is still in dispute."""
        return self.status is _S.ADJUDICATED and not self.denied_pending.cents

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a caller may do with it now, as verbs."""
        return actions_of(self.status)

    def _may(self, action: ClaimAction) -> bool:
        """Whether the action does anything now. Raises IllegalTransition, naming what a caller may do instead."""
        try:
            return LIFECYCLE.changes(self.status, action)
        except IllegalTransition as refused:
            allowed = ",".join(self.allowed_actions)
            raise IllegalTransition(refused.message, metadata={"allowed_actions": allowed}) from None

    def _put(self, items: tuple[ClaimItem, ...]) -> None:
        self.form = replace(self.form, items=items)

    def _move(
        self, action: ClaimAction, at: datetime, *, note: str = "", tells: Callable[[Any], Fact] | None = None
    ) -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        fact = tells(self) if tells else None
        self.record(action.value, before and before.value, self.status.value, at=at, fact=fact, note=note)


def _listed(denial_ids: Collection[UUID]) -> str:
    return ",".join(map(str, denial_ids))
