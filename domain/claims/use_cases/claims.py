"""Claims on our side: made, corrected, validated, sent, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from domain.actor import Call
from domain.calendar import day_of
from domain.claims.claim import Claim, ClaimForm, ClaimType
from domain.claims.claim_batch import ClaimBatch
from domain.claims.claim_lifecycle import LIFECYCLE, ClaimAction, ClaimStatus
from domain.claims.errors import ClaimIsBatched, ClaimIsInvalid, ClaimNotFound
from domain.claims.known import NOTHING_KNOWN
from domain.claims.numbering import claim_number
from domain.claims.ports import Begin, Reference
from domain.claims.queries import ClaimQueries
from domain.claims.use_cases.billing_of_claims import billed_claim, save_billed
from domain.claims.use_cases.loading import changed, must_be_as_read, must_come_to, must_serve, save
from domain.claims.use_cases.looking_up import known_of
from domain.claims.validation import Finding, errors_of, validate
from domain.clock import Clock
from domain.errors import Invalid, Violation
from domain.identity import Ids
from domain.money import Money
from domain.retry import Conflict, retried


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to correct: `form` has the new values by the names of ClaimForm's fields.

    `amount` is what the caller expects the items to come to; None: anything. `version` None: whatever it is now.
    """

    form: Mapping[str, Any] = field(default_factory=dict)
    amount: Money | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """The use cases of claims until the insurer has them."""

    begin: Begin
    clock: Clock
    ids: Ids
    reference: Reference
    queries: ClaimQueries

    @retried
    async def create_claim(self, call: Call, form: ClaimForm, *, amount: Money | None = None) -> Claim:
        """Make a draft; the old client's form is submitted at once. Without a number it gets one.

        Raises ProviderNotFound, ClaimNumberTaken, AmountDiffers, WrongCurrency, Invalid (of type OTHER with a card or a
        plan); for the old client's form ClaimIsInvalid.
        """
        must_serve(call, form.provider_id)
        _must_be_of_its_type(form)
        must_come_to(form.items, amount)
        claim_id, now = self.ids.new(), self.clock.now()
        form = replace(form, number=form.number or claim_number(claim_id))
        async with self.begin(call) as work:
            correlation_id = call.correlation_id or call.causation_id
            claim = Claim.create(claim_id, form, correlation_id=correlation_id, at=now)
            if form.is_old:
                send_at_once(claim, at=now)
            save(work, claim)
            await work.commit(claim)
            return claim

    @retried
    async def update_claim(self, call: Call, claim_id: UUID, changes: Changes) -> Claim:
        """Correct a claim: it is a draft again.

        Raises ClaimNotFound, Stale, ProviderNotFound, ClaimNumberTaken, AmountDiffers, WrongCurrency, Invalid (one of
        type OTHER would have a card or a plan), and as `Claim.update` does.
        """
        now = self.clock.now()
        correction = partial(correct, call=call, changes=changes, at=now)
        return await changed(self.begin, call, claim_id, correction, version=changes.version)

    async def validate_claim(self, call: Call, claim_id: UUID) -> tuple[Claim, Sequence[Finding]]:
        """A claim as it is now, and everything that is found about it; nothing is changed. Raises ClaimNotFound."""
        claim = await self._seen(call, claim_id)
        return claim, await self._findings(call, claim)

    @retried
    async def ready_claim(
        self, call: Call, claim_id: UUID, *, override_reason: str = "", version: int | None = None
    ) -> Claim:
        """Validate a draft; one without errors may be sent from now on. One that is READY may get another reason.

        Raises ClaimNotFound, Stale, ClaimIsInvalid, and as `Claim.ready` does.
        """
        seen = await self._seen(call, claim_id)
        must_be_as_read(seen, version)
        looked = ClaimAction.READY in LIFECYCLE.allowed(seen.status)
        findings = await self._findings(call, seen, override=bool(override_reason)) if looked else ()

        def ready(claim: Claim) -> None:
            if claim.version != seen.version:
                raise Conflict
            _must_be_valid(findings)
            claim.ready(override_reason=override_reason, at=self.clock.now())

        return await changed(self.begin, call, claim_id, ready)

    @retried
    async def submit_claim(self, call: Call, claim_id: UUID, *, version: int | None = None) -> Claim:
        """Send a claim by itself. Raises ClaimNotFound, Stale, ClaimIsBatched, and as `Claim.submit` does."""

        def submit(claim: Claim) -> None:
            if claim.status is ClaimStatus.BATCHED:
                raise ClaimIsBatched(metadata={"claim_batch_id": str(claim.claim_batch_id)})
            claim.submit(at=self.clock.now())

        return await changed(self.begin, call, claim_id, submit, version=version)

    @retried
    async def cancel_claim(self, call: Call, claim_id: UUID, reason: str, *, version: int | None = None) -> Claim:
        """Withdraw a claim that is not paid; one in a batch leaves it, and so does one in an invoice.

        Raises ClaimNotFound, Stale, and as `Claim.cancel` and `Billed.follow` do: no batch keeps a claim from it.
        """
        now = self.clock.now()
        async with self.begin(call) as work:
            batch = await work.claim_batches.of_claim(claim_id)
            billed = await billed_claim(work, call, claim_id)
            claim = billed.claim(claim_id)
            must_be_as_read(claim, version)
            withdraw(claim, batch, reason=reason, at=now)
            billed.follow(claim)
            save(work, batch=batch)
            save_billed(work, billed)
            await work.commit(claim)
            return claim

    async def _seen(self, call: Call, claim_id: UUID) -> Claim:
        claim = await self.queries.claim(call.actor, claim_id)
        if claim is None:
            raise ClaimNotFound
        return claim

    async def _findings(self, call: Call, claim: Claim, *, override: bool = False) -> Sequence[Finding]:
        known = await known_of(call, claim, self.reference, self.queries)
        return validate(claim.form, known, today=day_of(self.clock.now()), override=override)


def correct(claim: Claim, call: Call, changes: Changes, *, at: datetime) -> None:
    """Correct a claim that was read for it. Raises as `Claims.update_claim` does, but Stale."""
    form = replace(claim.form, **changes.form)
    form = replace(form, number=form.number or claim_number(claim.id))
    must_serve(call, form.provider_id)
    _must_be_of_its_type(form)
    must_come_to(form.items, changes.amount)
    claim.update(form, at=at)


def send_at_once(claim: Claim, *, at: datetime) -> None:
    """Submit a draft of the old client's: nothing but its own form says whether it may be. Raises ClaimIsInvalid."""
    _must_be_valid(validate(claim.form, NOTHING_KNOWN, today=day_of(at)))
    claim.ready(at=at)
    claim.submit(at=at)


def withdraw(claim: Claim, batch: ClaimBatch | None, *, reason: str, at: datetime) -> None:
    """Cancel a claim that was read after its batch. Raises Conflict when it is in another one by now."""
    if claim.status is not ClaimStatus.BATCHED:
        claim.cancel(reason=reason, at=at)
    elif batch is None or batch.id != claim.claim_batch_id:
        raise Conflict
    else:
        batch.cancel_claim(claim, reason=reason, at=at)


def _must_be_of_its_type(form: ClaimForm) -> None:
    """Raise Invalid for a claim of type OTHER with a card or a plan: who has those can say what was done, by its type.

    It may have a provider: a caller of one provider has no other way to make such a claim. Then it is a draft as any
    other, and READY asks about all that it names.
    """
    if form.type is ClaimType.OTHER and (form.card_number or form.plan_id):
        violation = Violation("type", "must not be OTHER for a claim with a card or a plan", "claim.type")
        raise Invalid(f"{violation.field}: {violation.description}", violations=[violation])


def _must_be_valid(findings: Sequence[Finding]) -> None:
    """Raise ClaimIsInvalid with every finding when one of them is an error."""
    if errors := errors_of(findings):
        raise ClaimIsInvalid(
            f"the claim has {len(errors)} {'errors' if len(errors) > 1 else 'error'}: "
            + ", ".join(dict.fromkeys(finding.code for finding in errors)),
            violations=[finding.violation for finding in findings],
        )
