"""What an old client does by setting a status (health.md A): moves along the lifecycles, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.actor import Call
from domain.calendar import day_of
from domain.claims.adjudication import SaidItem
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import OLD_STATUS, InvoiceStatus, OldInvoiceStatus
from domain.claims.outcome import OldStatus, old_status
from domain.claims.ports import Begin
from domain.claims.use_cases.billing_of_claims import billed_claim, billed_invoice, save_billed
from domain.claims.use_cases.claims import Changes, correct, send_at_once, withdraw
from domain.claims.use_cases.loading import changed, save
from domain.clock import Clock
from domain.identity import Ids
from domain.lifecycle import IllegalTransition
from domain.retry import retried

_RECEIVED_WITHOUT: Final = ""
"""The insurer's protocol of a claim that an old client says it has: their form names none."""


@dataclass(frozen=True, slots=True)
class OldStatuses:
    """The use cases of old clients that no single one of ours is. All that change a claim raise ClaimNotFound."""

    begin: Begin
    clock: Clock
    ids: Ids

    @retried
    async def correct_claim(self, call: Call, claim_id: UUID, changes: Changes) -> Claim:
        """Correct a claim; one of the old client's form is submitted again at once, as when it was made.

        Raises as `Claims.update_claim` does; for the old client's form ClaimIsInvalid.
        """
        now = self.clock.now()

        def correct_and_send(claim: Claim) -> None:
            correct(claim, call, changes, at=now)
            if claim.form.is_old:
                send_at_once(claim, at=now)

        return await changed(self.begin, call, claim_id, correct_and_send)

    @retried
    async def move_claim(self, call: Call, claim_id: UUID, wanted: OldStatus) -> Claim:
        """Bring a claim to where an old client wants it; nothing happens where it stands there already.

        Raises IllegalTransition, and as `Claims.cancel_claim` does.
        """
        now = self.clock.now()
        async with self.begin(call) as work:
            batch = await work.claim_batches.of_claim(claim_id)
            billed = await billed_claim(work, call, claim_id)
            claim = billed.claim(claim_id)
            if _standing(claim) is not wanted:
                self._move(claim, batch, wanted, now)
                billed.follow(claim)
            save(work, batch=batch)
            save_billed(work, billed)
            await work.commit(claim)
            return claim

    @retried
    async def move_invoice(self, call: Call, invoice_id: UUID, wanted: OldInvoiceStatus) -> Invoice:
        """Withdraw an invoice, or find it where an old client wants it. Raises InvoiceNotFound, IllegalTransition."""
        now = self.clock.now()
        async with self.begin(call) as work:
            billed, invoice = await billed_invoice(work, call, invoice_id)
            if wanted is OldInvoiceStatus.CANCELED:
                invoice.cancel("", at=now)
            elif wanted is not OLD_STATUS[invoice.status or InvoiceStatus.OPEN]:
                raise _refused(invoice, wanted.value, invoice.allowed_actions)
            save_billed(work, billed)
            await work.commit(invoice)
            return invoice

    def _move(self, claim: Claim, batch: ClaimBatch | None, wanted: OldStatus, at: datetime) -> None:
        moves: dict[OldStatus, Callable[[], object]] = {
            OldStatus.PROCESSING: lambda: _begin_analysis(claim, at),
            OldStatus.APPROVED: lambda: self._approve(claim, at),
            OldStatus.REJECTED: lambda: withdraw(claim, batch, reason="", at=at),
        }
        refused = _refused(claim, wanted.value, claim.allowed_actions)
        if wanted not in moves:
            raise refused
        try:
            moves[wanted]()
        except IllegalTransition:
            raise refused from None

    def _approve(self, claim: Claim, at: datetime) -> None:
        if claim.status is ClaimStatus.RECEIVED:
            claim.analyze(at=at)
        # Nothing is denied, so that there is nothing to appeal.
        said = [SaidItem(number=item.number, processed=item.total, released=item.total) for item in claim.items]
        claim.adjudicate(said, new_id=self.ids.new, appeal_until=day_of(at), on=day_of(at), at=at)


def _begin_analysis(claim: Claim, at: datetime) -> None:
    claim.receive(_RECEIVED_WITHOUT, at=at)
    claim.analyze(at=at)


def _standing(claim: Claim) -> OldStatus:
    return old_status(claim.status or ClaimStatus.DRAFT, claim.outcome)


def _refused(noun: Claim | Invoice, wanted: str, allowed: tuple[str, ...]) -> IllegalTransition:
    status = noun.status.value if noun.status else "absent"
    return IllegalTransition(
        f"{noun.subject} is {status}: it cannot be made {wanted}", metadata={"allowed_actions": ",".join(allowed)}
    )
