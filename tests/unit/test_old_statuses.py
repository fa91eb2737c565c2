"""What an old client does by setting a status, from everywhere to everywhere: one unit, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain.claims.claim import ClaimType
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import AmountDiffers, ClaimIsInvalid, ClaimNotFound, InvoiceNotFound
from domain.claims.invoice_lifecycle import OLD_STATUS, InvoiceStatus, OldInvoiceStatus
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.outcome import OldStatus, Outcome
from domain.claims.use_cases.claims import Changes
from domain.claims.use_cases.invoices import Invoices, Receipt
from domain.claims.use_cases.old_statuses import OldStatuses
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.builders import CALL
from tests.support.claim_scene import CLAIM, PROVIDER, a_claim, an_item
from tests.support.clinic import Clinic
from tests.support.fakes import SpreadIds

_S = ClaimStatus
UNPAID = [status for status in ClaimStatus if status not in (_S.SETTLED, _S.CANCELED)]
MOVES: dict[tuple[ClaimStatus, OldStatus], ClaimStatus] = {
    (_S.SUBMITTED, OldStatus.PROCESSING): _S.IN_ANALYSIS,
    (_S.RECEIVED, OldStatus.APPROVED): _S.ADJUDICATED,
    (_S.IN_ANALYSIS, OldStatus.APPROVED): _S.ADJUDICATED,
    **{(status, OldStatus.REJECTED): _S.CANCELED for status in UNPAID},
}
STAYS = {
    *((status, OldStatus.PENDING) for status in (_S.DRAFT, _S.READY, _S.BATCHED, _S.SUBMITTED)),
    *((status, OldStatus.PROCESSING) for status in (_S.RETURNED, _S.RECEIVED, _S.IN_ANALYSIS, _S.APPEALED)),
    *((status, OldStatus.PARTIALLY_APPROVED) for status in (_S.ADJUDICATED, _S.SETTLED)),
    (_S.CANCELED, OldStatus.REJECTED),
}
"""Those that the scenes are in: what is adjudicated there was denied in part."""


class Office(Clinic):
    """A clinic with an old client."""

    def __init__(self) -> None:
        super().__init__()
        ids = SpreadIds()
        self.old = OldStatuses(self.store.begin, self.clock, ids)
        self.invoices = Invoices(self.store.begin, self.clock, ids)

    async def claimed(self) -> UUID:
        """A claim in the old client's form."""
        form = a_claim(type=ClaimType.OTHER, provider_id="", card_number="", plan_id="").form
        return (await self.claims.create_claim(CALL, form)).id

    async def billed(self) -> UUID:
        return (await self.invoices.create_invoice(CALL, InvoiceOrder(claim_ids=(await self.claimed(),)))).id


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_correction_sends_the_old_clients_form_again_and_leaves_a_draft_of_what_names_a_provider(
    office: Office,
) -> None:
    old = await office.claimed()
    form = replace(office.store.claims[old].form, provider_id=PROVIDER, number="")
    named = (await office.claims.create_claim(CALL, form)).id
    await office.claims.ready_claim(CALL, named)
    await office.claims.submit_claim(CALL, named)
    for claim_id, after in ((old, ClaimStatus.SUBMITTED), (named, ClaimStatus.DRAFT)):
        await office.adjudications.return_claim(CALL, claim_id, "unreadable")
        corrected = await office.old.correct_claim(CALL, claim_id, Changes(form={"patient_id": "patient-2"}))
        assert corrected.status is after


@pytest.mark.parametrize("wanted", OldStatus)
@pytest.mark.parametrize("status", ClaimStatus)
async def test_every_status_goes_where_the_table_says_stays_or_is_refused(
    office: Office, status: ClaimStatus, wanted: OldStatus
) -> None:
    before = a_claim(status)
    if status is ClaimStatus.BATCHED:
        batch = await office.filled(1)
        (before,) = (office.store.claims[claim_id] for claim_id in batch.claim_ids)
    office.store.claims[before.id] = before
    after = MOVES.get((status, wanted))
    if after or (status, wanted) in STAYS:
        moved = await office.old.move_claim(CALL, before.id, wanted)
        assert moved.status is (after or status)
        assert (moved.version == before.version) == (after is None)
    else:
        with pytest.raises(IllegalTransition) as refused:
            await office.old.move_claim(CALL, before.id, wanted)
        assert refused.value.metadata == {"allowed_actions": ",".join(before.allowed_actions)}
        assert office.store.claims[before.id] == before


async def test_approved_is_all_of_it_from_where_it_is_looked_at(office: Office) -> None:
    claim_id = await office.claimed()
    with pytest.raises(IllegalTransition):
        await office.old.move_claim(CALL, claim_id, OldStatus.APPROVED)
    await office.old.move_claim(CALL, claim_id, OldStatus.PROCESSING)
    claim = await office.old.move_claim(CALL, claim_id, OldStatus.APPROVED)
    assert (claim.outcome, claim.amounts.released, claim.denials) == (Outcome.APPROVED, Money(10_000), ())
    assert office.store.names() == ["ClaimSubmitted", "ClaimAdjudicated"]


async def test_a_claim_that_leaves_its_batch_leaves_it_in_the_same_unit(office: Office) -> None:
    batch = await office.filled(2)
    gone = batch.claim_ids[0]
    await office.old.move_claim(CALL, gone, OldStatus.REJECTED)
    assert office.store.claim_batches[batch.id].claim_ids == batch.claim_ids[1:]


async def test_a_claim_that_is_withdrawn_takes_its_invoice_with_it(office: Office) -> None:
    invoice_id = await office.billed()
    (claim_id,) = office.store.invoices[invoice_id].claim_ids
    await office.old.move_claim(CALL, claim_id, OldStatus.REJECTED)
    assert office.store.invoices[invoice_id].status is InvoiceStatus.CANCELED


async def test_what_is_corrected_is_sent_again_or_stays_as_it_was(office: Office) -> None:
    claim_id = await office.claimed()
    right = Changes(form={"items": (an_item(cents=500),)}, amount=Money(500))
    with pytest.raises(IllegalTransition):
        await office.old.correct_claim(CALL, claim_id, right)
    await office.adjudications.return_claim(CALL, claim_id, "no such code")
    returned = office.store.claims[claim_id]
    with pytest.raises(AmountDiffers):
        await office.old.correct_claim(CALL, claim_id, Changes(form=right.form, amount=Money(501)))
    with pytest.raises(ClaimIsInvalid):
        await office.old.correct_claim(CALL, claim_id, Changes(form={"items": ()}))
    assert office.store.claims[claim_id] == returned, "nothing of it was kept"
    sent = await office.old.correct_claim(CALL, claim_id, right)
    assert (sent.status, sent.submissions, sent.gross) == (ClaimStatus.SUBMITTED, 2, Money(500))


async def test_a_claim_of_another_type_is_corrected_and_not_sent(office: Office) -> None:
    claim = await office.ready()
    corrected = await office.old.correct_claim(CALL, claim.id, Changes(form={"patient_id": "another"}))
    assert corrected.status is ClaimStatus.DRAFT


@pytest.mark.parametrize("wanted", OldInvoiceStatus)
@pytest.mark.parametrize("status", [InvoiceStatus.OPEN, InvoiceStatus.SETTLED, InvoiceStatus.CANCELED])
async def test_an_invoice_is_canceled_or_is_where_it_is(
    office: Office, status: InvoiceStatus, wanted: OldInvoiceStatus
) -> None:
    invoice_id = await office.billed()
    if status is InvoiceStatus.SETTLED:
        await office.invoices.settle_invoice(CALL, invoice_id, Receipt())
    elif status is InvoiceStatus.CANCELED:
        await office.invoices.cancel_invoice(CALL, invoice_id, "")
    told = office.store.names()
    if wanted is OLD_STATUS[status]:
        assert (await office.old.move_invoice(CALL, invoice_id, wanted)).status is status
    elif (status, wanted) == (InvoiceStatus.OPEN, OldInvoiceStatus.CANCELED):
        assert (await office.old.move_invoice(CALL, invoice_id, wanted)).status is InvoiceStatus.CANCELED
    else:
        with pytest.raises(IllegalTransition):
            await office.old.move_invoice(CALL, invoice_id, wanted)
    assert office.store.names() == told


def test_every_status_of_an_invoice_has_an_old_word() -> None:
    assert {status.name: old.value for status, old in OLD_STATUS.items()} == {
        "OPEN": "pending",
        "PARTIALLY_DENIED": "pending",
        "PARTIALLY_SETTLED": "pending",
        "SETTLED": "settled",
        "CANCELED": "canceled",
    }
    assert set(OLD_STATUS) == set(InvoiceStatus)


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    with pytest.raises(ClaimNotFound):
        await office.old.move_claim(CALL, CLAIM, OldStatus.PENDING)
    with pytest.raises(InvoiceNotFound):
        await office.old.move_invoice(CALL, CLAIM, OldInvoiceStatus.PENDING)
