"""Claims on the insurer's side: received or returned, analyzed, appealed, answered, accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.actor import Call
from domain.calendar import day_of
from domain.claims.adjudication import SaidItem
from domain.claims.claim import Claim
from domain.claims.decision import day_said
from domain.claims.ports import Begin
from domain.claims.use_cases.deadlines import AppealDeadlines
from domain.claims.use_cases.loading import changed
from domain.clock import Clock
from domain.identity import Ids
from domain.money import Money
from domain.retry import retried


@dataclass(frozen=True, slots=True)
class Adjudications:
    """The use cases of claims that an insurer has. All raise ClaimNotFound, and Stale where a `version` is said."""

    begin: Begin
    clock: Clock
    ids: Ids
    deadlines: AppealDeadlines

    @retried
    async def receive_claim(self, call: Call, claim_id: UUID, protocol: str, *, version: int | None = None) -> Claim:
        """The insurer has it, under its protocol. Raises as `Claim.receive` does."""
        now = self.clock.now()
        return await changed(self.begin, call, claim_id, lambda claim: claim.receive(protocol, at=now), version=version)

    @retried
    async def return_claim(self, call: Call, claim_id: UUID, reason: str, *, version: int | None = None) -> Claim:
        """The insurer refused the message; correct it and send it again. Raises as `Claim.return_` does."""
        now = self.clock.now()
        return await changed(self.begin, call, claim_id, lambda claim: claim.return_(reason, at=now), version=version)

    @retried
    async def start_claim_analysis(self, call: Call, claim_id: UUID, *, version: int | None = None) -> Claim:
        """The insurer began its analysis. Raises as `Claim.analyze` does."""
        now = self.clock.now()
        return await changed(self.begin, call, claim_id, lambda claim: claim.analyze(at=now), version=version)

    @retried
    async def adjudicate_claim(
        self,
        call: Call,
        claim_id: UUID,
        said: Sequence[SaidItem],
        *,
        on: date | None = None,
        version: int | None = None,
    ) -> Claim:
        """The insurer's analysis is here, of the day `on`; None: of today.

        Raises as `Claim.adjudicate` and `day_said` do.
        """
        now = self.clock.now()
        day = day_said(on, today=day_of(now))
        until = await self.deadlines.after(call, claim_id, day)

        def adjudicate(claim: Claim) -> None:
            claim.adjudicate(said, new_id=self.ids.new, appeal_until=until, on=day, at=now)

        return await changed(self.begin, call, claim_id, adjudicate, version=version)

    @retried
    async def appeal_claim(
        self,
        call: Call,
        claim_id: UUID,
        denial_ids: Collection[UUID],
        justification: str,
        *,
        on: date | None = None,
        version: int | None = None,
    ) -> Claim:
        """Ask the insurer on the day `on` to think again about some denials; None: today.

        Raises as `Claim.appeal` and `day_said` do.
        """
        now = self.clock.now()
        day = day_said(on, today=day_of(now))

        def appeal(claim: Claim) -> None:
            claim.appeal(denial_ids, justification, on=day, at=now)

        return await changed(self.begin, call, claim_id, appeal, version=version)

    @retried
    async def answer_claim_appeal(
        self,
        call: Call,
        claim_id: UUID,
        recovered: Mapping[UUID, Money],
        *,
        on: date | None = None,
        version: int | None = None,
    ) -> Claim:
        """The insurer's answer to some appealed denials, of the day `on`; None: of today.

        Raises as `Claim.answer_appeal` and `day_said` do.
        """
        now = self.clock.now()
        day = day_said(on, today=day_of(now))
        until = await self.deadlines.after(call, claim_id, day)

        def answer(claim: Claim) -> None:
            claim.answer_appeal(recovered, appeal_until=until, on=day, at=now)

        return await changed(self.begin, call, claim_id, answer, version=version)

    @retried
    async def accept_denials(
        self, call: Call, claim_id: UUID, denial_ids: Collection[UUID], reason: str, *, version: int | None = None
    ) -> Claim:
        """Write off pending denials, all of them when none is named. Raises as `Claim.accept_denials` does."""
        now = self.clock.now()

        def accept(claim: Claim) -> None:
            claim.accept_denials(denial_ids, reason=reason, at=now)

        return await changed(self.begin, call, claim_id, accept, version=version)
