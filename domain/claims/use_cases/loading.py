"""How every use case of claims begins and ends: what it may touch is locked in one order, and what changed is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from domain.actor import Call
from domain.aggregate import Aggregate
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.claim_item import ClaimAmounts, ClaimItem
from domain.claims.errors import AmountDiffers, ClaimBatchNotFound, ClaimNotFound, ProviderNotFound, WrongCurrency
from domain.claims.ports import Begin, ClaimsWork
from domain.claims.use_cases.billing_of_claims import billed_claim, save_billed
from domain.errors import Stale
from domain.money import BRL, Money


async def claim_of(work: ClaimsWork, call: Call, claim_id: UUID) -> Claim:
    """A claim, locked. Raises ClaimNotFound, also for what the actor does not see."""
    claim = await work.claims.get(claim_id)
    if claim is None or not call.actor.serves(claim.provider_id):
        raise ClaimNotFound
    return claim


async def batch_of(work: ClaimsWork, call: Call, claim_batch_id: UUID, version: int | None) -> ClaimBatch:
    """A batch, locked. Raises ClaimBatchNotFound, also for what the actor does not see, and as `must_be_as_read`."""
    batch = await work.claim_batches.get(claim_batch_id)
    if batch is None or not call.actor.serves(batch.provider_id):
        raise ClaimBatchNotFound
    must_be_as_read(batch, version)
    return batch


async def changed(
    begin: Begin, call: Call, claim_id: UUID, change: Callable[[Claim], object], *, version: int | None = None
) -> Claim:
    """One command on one claim, in a unit of its own; its live invoice follows it.

    Raises ClaimNotFound, Stale, and as `change` and `Billed.follow` do.
    """
    async with begin(call) as work:
        billed = await billed_claim(work, call, claim_id)
        claim = billed.claim(claim_id)
        must_be_as_read(claim, version)
        change(claim)
        billed.follow(claim)
        save_billed(work, billed)
        await work.commit(claim)
        return claim


def save(work: ClaimsWork, *claims: Claim, batch: ClaimBatch | None = None) -> None:
    """Have what changed written at commit."""
    if batch is not None and batch.changes:
        work.claim_batches.save(batch)
    for claim in claims:
        if claim.changes:
            work.claims.save(claim)


def must_be_as_read(noun: Aggregate, version: int | None) -> None:
    """Raise Stale for what was changed since the caller read this version of it; None: any will do."""
    if version not in (None, noun.version):
        raise Stale


def must_serve(call: Call, provider_id: str) -> None:
    """Raise ProviderNotFound for a provider outside the actor's own."""
    if not call.actor.serves(provider_id):
        raise ProviderNotFound


def must_come_to(items: Iterable[ClaimItem], amount: Money | None) -> None:
    """Raise WrongCurrency unless all is in BRL, and AmountDiffers for an amount that is not the items' sum."""
    items = tuple(items)
    for money in (*(item.unit_price for item in items), *filter(None, (amount,))):
        if money.currency != BRL:
            raise WrongCurrency(f"claims are in {BRL}, not in {money.currency}")
    presented = ClaimAmounts.of(items).presented
    if amount is not None and amount != presented:
        raise AmountDiffers(metadata={"amount_cents": str(amount.cents), "items_cents": str(presented.cents)})
