"""What an insurer will not pay of an item: nothing of it is lost before somebody says so (health.md B)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Final
from uuid import UUID

from domain.claims.decision import must_follow
from domain.claims.errors import AppealDeadlinePassed, DenialNotAppealed, DenialNotPending, RecoveryExceedsDenial
from domain.money import Money

_NOTHING: Final = Money(0)


class DenialState(Enum):
    """What is being done about a denial."""

    PENDING = "PENDING"
    APPEALED = "APPEALED"
    RECOVERED = "RECOVERED"
    ACCEPTED = "ACCEPTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Glosa: one amount above zero that the insurer took off an item, with its code (TISS table 38) and reason.

    recovered + accepted + pending = amount. `round` counts its appeals; the next one may come until `appeal_until`,
    that day included. `decided_on` is the day of what the insurer last said of it; None: it was before that was kept.
    `justification` is what the last appeal said, `appealed_on` its day: None as well, or when there was none.
    """

    id: UUID
    code: str
    reason: str
    amount: Money
    appeal_until: date
    round: int = 0
    state: DenialState = DenialState.PENDING
    recovered: Money = _NOTHING
    accepted: Money = _NOTHING
    justification: str = ""
    appealed_on: date | None = None
    decided_on: date | None = None

    @property
    def pending(self) -> Money:
        """What is neither recovered nor written off: it may still come."""
        return self.amount - self.recovered - self.accepted

    def appeal(self, justification: str, *, on: date) -> Denial:
        """Ask the insurer on the day `on` to think again, once in each round.

        Raises DenialNotPending, AppealDeadlinePassed, Invalid (of a day before the insurer's decision).
        """
        self._must_be_pending()
        must_follow(on, self.decided_on, "the decision")
        if on > self.appeal_until:
            raise AppealDeadlinePassed(
                metadata={"denial_id": str(self.id), "appeal_until": self.appeal_until.isoformat()}
            )
        number = self.round + 1
        return replace(self, state=DenialState.APPEALED, round=number, justification=justification, appealed_on=on)

    def answer(self, recovered: Money, *, appeal_until: date, on: date) -> Denial:
        """The insurer's answer of the day `on`: what it pays after all, 0 to `pending`; the rest is pending again.

        Raises DenialNotAppealed, RecoveryExceedsDenial, Invalid (of a day before the appeal).
        """
        if self.state is not DenialState.APPEALED:
            raise DenialNotAppealed(metadata={"denial_id": str(self.id)})
        must_follow(on, self.appealed_on, "the appeal")
        if not 0 <= recovered.cents <= self.pending.cents:
            raise RecoveryExceedsDenial(metadata={"denial_id": str(self.id), "pending_cents": str(self.pending.cents)})
        state = DenialState.RECOVERED if recovered == self.pending else DenialState.PENDING
        recovered += self.recovered
        return replace(self, state=state, recovered=recovered, appeal_until=appeal_until, decided_on=on)

    def accept(self) -> Denial:
        """Write off what is pending. Raises DenialNotPending."""
        self._must_be_pending()
        return replace(self, state=DenialState.ACCEPTED, accepted=self.accepted + self.pending)

    def _must_be_pending(self) -> None:
        if self.state is not DenialState.PENDING:
            raise DenialNotPending(metadata={"denial_id": str(self.id), "state": self.state.value})
