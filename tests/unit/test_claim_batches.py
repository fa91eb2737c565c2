"""Batches: what they take, when they are frozen, and that all of one goes or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from domain.actor import Call
from domain.claims.claim import ClaimType
from domain.claims.claim_batch import LIFECYCLE, MOST, ClaimBatch, ClaimBatchAction, ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import (
    ClaimBatchIsEmpty,
    ClaimBatchIsFrozen,
    ClaimBatchIsFull,
    ClaimDoesNotFit,
    ClaimIsBatched,
)
from domain.claims.use_cases.claims import Changes
from domain.lifecycle import IllegalTransition
from tests.support.builders import CALL
from tests.support.claim_scene import OTHER_PROVIDER
from tests.support.clinic import Clinic
from tests.support.fakes_claims import FakeClaimsWork

_S = ClaimStatus
_B, _A = ClaimBatchStatus, ClaimBatchAction
AFTER = {
    (None, _A.CREATE): _B.OPEN,
    (_B.OPEN, _A.ADD_CLAIM): _B.OPEN,
    (_B.OPEN, _A.REMOVE_CLAIM): _B.OPEN,
    (_B.OPEN, _A.CLOSE): _B.CLOSED,
    (_B.CLOSED, _A.REMOVE_CLAIM): _B.OPEN,
    (_B.CLOSED, _A.SUBMIT): _B.SUBMITTED,
}
REPEATS = {(_B.CLOSED, _A.CLOSE), (_B.SUBMITTED, _A.SUBMIT)}


@pytest.mark.parametrize("status", [None, *ClaimBatchStatus])
@pytest.mark.parametrize("action", ClaimBatchAction)
def test_every_action_in_every_state_of_a_batch_goes_where_the_table_says(
    status: ClaimBatchStatus | None, action: ClaimBatchAction
) -> None:
    if (status, action) in REPEATS:
        assert not LIFECYCLE.changes(status, action)
    elif after := AFTER.get((status, action)):
        assert LIFECYCLE.next(status, action) is after
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.changes(status, action)


async def test_a_batch_is_filled_frozen_and_sent_with_all_its_claims() -> None:
    clinic = Clinic()
    batch = await clinic.filled(2)
    one, two = batch.claim_ids
    assert clinic.status(one) is _S.BATCHED
    with pytest.raises(ClaimIsBatched) as refused:
        await clinic.claims.submit_claim(CALL, one)
    assert refused.value.metadata == {"claim_batch_id": str(batch.id)}
    with pytest.raises(IllegalTransition):
        await clinic.batches.submit_claim_batch(CALL, batch.id)
    await clinic.batches.close_claim_batch(CALL, batch.id)
    for _ in range(2):
        sent = await clinic.batches.submit_claim_batch(CALL, batch.id)
        assert (sent.status, clinic.status(one), clinic.status(two)) == (
            ClaimBatchStatus.SUBMITTED,
            _S.SUBMITTED,
            _S.SUBMITTED,
        )
    assert clinic.store.names() == ["ClaimSubmitted", "ClaimSubmitted"]


async def test_what_a_batch_takes_and_what_it_does_not() -> None:
    clinic = Clinic()
    batch = await clinic.batch()
    with pytest.raises(ClaimBatchIsEmpty):
        await clinic.batches.close_claim_batch(CALL, batch.id)
    for other in ({"insurer_id": "000701"}, {"provider_id": OTHER_PROVIDER}, {"type": ClaimType.FEES}):
        stranger = await clinic.ready(**other)
        with pytest.raises(ClaimDoesNotFit):
            await clinic.batches.add_claim_to_batch(CALL, batch.id, stranger.id)
    draft = await clinic.drafted()
    with pytest.raises(IllegalTransition):
        await clinic.batches.add_claim_to_batch(CALL, batch.id, draft.id)
    claim = await clinic.ready()
    for _ in range(2):
        batch = await clinic.batches.add_claim_to_batch(CALL, batch.id, claim.id)
        assert batch.claim_ids == (claim.id,)
    other_batch = await clinic.batch()
    with pytest.raises(IllegalTransition):
        await clinic.batches.add_claim_to_batch(CALL, other_batch.id, claim.id)


async def test_a_batch_has_at_most_a_hundred_claims() -> None:
    clinic = Clinic()
    batch = await clinic.filled(MOST)
    one_more = await clinic.ready()
    with pytest.raises(ClaimBatchIsFull):
        await clinic.batches.add_claim_to_batch(CALL, batch.id, one_more.id)
    assert clinic.status(one_more.id) is _S.READY


async def test_a_claim_leaves_a_batch_that_was_not_sent_and_a_closed_one_is_open_again() -> None:
    clinic = Clinic()
    batch = await clinic.filled(3)
    one, two, three = batch.claim_ids
    for _ in range(2):
        batch = await clinic.batches.remove_claim_from_batch(CALL, batch.id, one)
        assert batch.claim_ids == (two, three)
    assert clinic.status(one) is _S.READY
    canceled = await clinic.claims.cancel_claim(CALL, two, "a mistake")
    assert (canceled.status, canceled.claim_batch_id) == (_S.CANCELED, None)
    assert clinic.store.claim_batches[batch.id].claim_ids == (three,)
    await clinic.batches.close_claim_batch(CALL, batch.id)
    with pytest.raises(ClaimBatchIsFrozen):
        await clinic.batches.add_claim_to_batch(CALL, batch.id, one)
    opened = await clinic.batches.remove_claim_from_batch(CALL, batch.id, three)
    assert (opened.status, opened.claim_ids, clinic.status(three)) == (_B.OPEN, (), _S.READY)
    await clinic.batches.add_claim_to_batch(CALL, batch.id, one)
    await clinic.batches.close_claim_batch(CALL, batch.id)
    assert (await clinic.claims.cancel_claim(CALL, one, "a mistake")).status is _S.CANCELED
    assert clinic.store.claim_batches[batch.id].status is _B.OPEN
    assert clinic.store.names() == [], "none of them was ever submitted"


async def test_a_claim_that_was_returned_from_a_batch_can_go_into_another() -> None:
    clinic = Clinic()
    batch = await clinic.filled(1)
    (claim_id,) = batch.claim_ids
    await clinic.batches.close_claim_batch(CALL, batch.id)
    await clinic.batches.submit_claim_batch(CALL, batch.id)
    returned = await clinic.adjudications.return_claim(CALL, claim_id, "no such card")
    assert (returned.status, returned.claim_batch_id, returned.return_reason) == (_S.RETURNED, None, "no such card")
    await clinic.claims.update_claim(CALL, claim_id, Changes(form={"card_number": "0002"}))
    await clinic.claims.ready_claim(CALL, claim_id)
    other = await clinic.batches.add_claim_to_batch(CALL, (await clinic.batch()).id, claim_id)
    assert other.claim_ids == (claim_id,)


async def test_a_submitted_claim_remembers_its_batch_when_it_is_canceled() -> None:
    clinic = Clinic()
    batch = await clinic.filled(1)
    await clinic.batches.close_claim_batch(CALL, batch.id)
    await clinic.batches.submit_claim_batch(CALL, batch.id)
    with pytest.raises(ClaimBatchIsFrozen):
        await clinic.batches.remove_claim_from_batch(CALL, batch.id, batch.claim_ids[0])
    canceled = await clinic.claims.cancel_claim(CALL, batch.claim_ids[0], "a mistake")
    assert canceled.claim_batch_id == batch.id
    assert clinic.store.names() == ["ClaimSubmitted", "ClaimCanceled"]


@pytest.mark.parametrize("status", ClaimBatchStatus)
async def test_no_batch_keeps_a_claim_from_being_canceled(status: ClaimBatchStatus) -> None:
    clinic = Clinic()
    batch = await clinic.filled(2)
    if status is not _B.OPEN:
        await clinic.batches.close_claim_batch(CALL, batch.id)
    if status is _B.SUBMITTED:
        await clinic.batches.submit_claim_batch(CALL, batch.id)
    canceled = await clinic.claims.cancel_claim(CALL, batch.claim_ids[0], "a mistake")
    left = clinic.store.claim_batches[batch.id]
    assert (canceled.status, canceled.id in left.claim_ids) == (_S.CANCELED, status is _B.SUBMITTED)
    assert left.status is (_B.SUBMITTED if status is _B.SUBMITTED else _B.OPEN)


async def test_a_claim_that_moved_to_another_batch_meanwhile_leaves_that_one() -> None:
    clinic = Clinic()
    old, new = await clinic.filled(1), await clinic.batch()
    (claim_id,) = old.claim_ids
    looks = 0

    @asynccontextmanager
    async def begin(call: Call) -> AsyncIterator[FakeClaimsWork]:
        nonlocal looks
        looks += 1
        async with clinic.store.begin(call) as work:
            if looks == 1:

                async def before_it_moved(claim_id: UUID) -> ClaimBatch | None:
                    assert claim_id in old.claim_ids
                    return await work.claim_batches.get(old.id)

                work.claim_batches.of_claim = before_it_moved  # type: ignore[method-assign] # what a race would see
            yield work

    await clinic.batches.remove_claim_from_batch(CALL, old.id, claim_id)
    await clinic.batches.add_claim_to_batch(CALL, new.id, claim_id)
    canceled = await replace(clinic.claims, begin=begin).cancel_claim(CALL, claim_id, "gone")
    assert (canceled.status, looks) == (_S.CANCELED, 2)
    assert clinic.store.claim_batches[new.id].claim_ids == ()
