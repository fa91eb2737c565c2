"""Money going back by either of Mercado Pago's APIs: once for each key, whoever else gives back at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from domain.billing.charge import ChargeStatus, GivebackStatus, ProviderAmbiguous, ProviderRefused
from domain.money import Money
from tests.contract.mercadopago_scene import KINDS, ProviderScene, provider_scene
from tests.support.mercadopago_faults import Fault, FaultKind

DEAF = Fault(FaultKind.DEAF)
A_400_THAT_SAYS_NOTHING = Fault(FaultKind.STATUS, status=400)


@pytest.fixture(params=KINDS)
async def here(request: pytest.FixtureRequest) -> AsyncIterator[ProviderScene]:
    async with provider_scene(str(request.param)) as made:
        yield made


async def test_all_of_a_charge_goes_back_once_for_its_key(here: ProviderScene) -> None:
    charge, key = await here.a_paid_charge(), uuid4()
    first, again = [await here.refund(charge, key=key) for _ in range(2)]
    assert first == again
    assert (first.status, first.amount) == (GivebackStatus.DONE, charge.amount)
    assert [refund.cents for refund in here.fake.books.refunds] == [12345]
    seen = await here.seen(charge)
    assert (seen.status, seen.refunded, seen.givebacks) == (ChargeStatus.REFUNDED, charge.amount, (first,))


async def test_a_whole_refund_names_no_amount_and_a_part_names_it_exactly(here: ProviderScene) -> None:
    whole, part = await here.a_paid_charge(), await here.a_paid_charge()
    await here.refund(whole)
    await here.refund(part, 3010)
    bodies = [heard.body for heard in here.fake.heard if "/refund" in heard.path]
    if here.kind == "payments":
        assert bodies == [b"{}", b'{"amount":30.10}']
    else:
        paid = here.fake.books.charges[part.id].transaction_id
        assert bodies == [b"", f'{{"transactions":[{{"id":"{paid}","amount":"30.10"}}]}}'.encode()]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_three_thirds_of_a_charge_are_all_of_it(here: ProviderScene, newest_first: bool) -> None:
    here.fake.books.newest_first = newest_first
    charge = await here.a_paid_charge(10000)
    given = [await here.refund(charge, cents) for cents in (3334, 3333, 3333)]
    assert len({one.id for one in given}) == 3
    assert [one.amount.cents for one in given] == [3334, 3333, 3333]
    seen = await here.seen(charge)
    assert (seen.status, seen.refunded, set(seen.givebacks)) == (ChargeStatus.REFUNDED, Money(10000), set(given))


async def test_a_part_that_went_back_leaves_the_charge_approved_and_is_told(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    given = await here.refund(charge, 45)
    seen = await here.seen(charge)
    assert (seen.status, seen.detail) == (ChargeStatus.APPROVED, "partially_refunded")
    assert (seen.amount, seen.refunded, seen.givebacks) == (charge.amount, Money(45), (given,))


@pytest.mark.parametrize(("approved", "ends"), [(True, GivebackStatus.DONE), (False, GivebackStatus.REJECTED)])
async def test_a_refund_in_process_is_asked_for_by_its_key_until_it_ends(
    here: ProviderScene, approved: bool, ends: GivebackStatus
) -> None:
    charge, key = await here.a_paid_charge(), uuid4()
    here.fake.books.refunds_become = "in_process"
    waiting = [await here.refund(charge, 1000, key=key) for _ in range(2)]
    assert {one.status for one in waiting} == {GivebackStatus.IN_PROCESS}
    assert (await here.seen(charge)).refunded == Money(0)
    here.fake.books.settle_refunds(charge.id, approved=approved)
    ended = await here.refund(charge, 1000, key=key)
    assert (ended.id, ended.status) == (waiting[0].id, ends)
    assert here.fake.books.given_back == (1000 if approved else 0)


async def test_a_rejected_refund_is_no_refund_and_a_new_key_tries_anew(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    here.fake.books.refunds_become = "rejected"
    assert (await here.refund(charge)).status is GivebackStatus.REJECTED
    assert (await here.seen(charge)).status is ChargeStatus.APPROVED
    here.fake.books.refunds_become = "approved"
    assert (await here.refund(charge)).status is GivebackStatus.DONE
    assert here.fake.books.given_back == 12345


async def test_a_refund_without_balance_or_too_late_is_refused(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    here.fake.books.has_balance = False
    with pytest.raises(ProviderRefused) as poor:
        await here.refund(charge)
    here.fake.books.has_balance = True
    here.fake.time.advance(days=181)
    with pytest.raises(ProviderRefused) as late:
        await here.refund(charge)
    reasons = [poor.value.reason, late.value.reason]
    assert reasons == (["error_2031", "error_2024"] if here.kind == "payments" else ["cannot_refund_order"] * 2)
    assert here.fake.books.given_back == 0


async def test_more_than_is_there_is_refused(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    await here.refund(charge, 12000)
    with pytest.raises(ProviderRefused) as refused:
        await here.refund(charge, 346)
    assert refused.value.reason == ("error_4040" if here.kind == "payments" else "refund_amount_exceeds")
    assert here.fake.books.given_back == 12000


async def test_a_charge_that_nobody_paid_is_not_given_back(here: ProviderScene) -> None:
    charge = await here.provider.create(here.a_charge())
    with pytest.raises(ProviderRefused):
        await here.refund(charge)


async def test_what_the_panel_gave_back_in_one_does_for_our_refund_of_all(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    by_hand = here.fake.books.refund_in_panel(charge.id)
    given = await here.refund(charge)
    assert (given.id, given.status, given.amount) == (by_hand.id, GivebackStatus.DONE, charge.amount)
    assert here.fake.books.given_back == 12345


async def test_what_the_panel_gave_back_in_parts_is_not_taken_for_ours(here: ProviderScene) -> None:
    charge = await here.a_paid_charge()
    for cents in (5000, 7345):
        here.fake.books.refund_in_panel(charge.id, cents)
    with pytest.raises(ProviderRefused):
        await here.refund(charge)
    assert (await here.seen(charge)).refunded == charge.amount


async def test_an_earlier_refund_of_the_same_amount_is_not_taken_for_one_that_was_refused(here: ProviderScene) -> None:
    charge = await here.a_paid_charge(10000)
    await here.refund(charge, 3333)
    here.fake.books.has_balance = False
    with pytest.raises(ProviderRefused):
        await here.refund(charge, 3333)
    here.refunds_fail(A_400_THAT_SAYS_NOTHING)
    with pytest.raises(ProviderAmbiguous):
        await here.refund(charge, 3333)
    assert here.fake.books.given_back == 3333


async def test_a_400_that_says_nothing_is_no_refusal_until_the_refunds_were_read(here: ProviderScene) -> None:
    charge, key = await here.a_paid_charge(), uuid4()
    here.refunds_fail(A_400_THAT_SAYS_NOTHING)
    with pytest.raises(ProviderAmbiguous):
        await here.refund(charge, key=key)
    here.refunds_fail(Fault(FaultKind.STATUS, status=400, acted=True))
    assert (await here.refund(charge, key=key)).status is GivebackStatus.DONE
    assert [refund.cents for refund in here.fake.books.refunds] == [12345]


async def test_a_refund_that_hangs_and_is_answered_400_is_found_in_process() -> None:
    async with provider_scene("payments") as here:
        charge, key = await here.a_paid_charge(), uuid4()
        here.fake.books.refunds_become = "in_process"
        here.refunds_fail(DEAF, DEAF)
        hanging = [await here.refund(charge, 2000, key=key) for _ in range(3)]
        assert {one.status for one in hanging} == {GivebackStatus.IN_PROCESS}
        here.fake.books.settle_refunds(charge.id, approved=True)
        done = await here.refund(charge, 2000, key=key)
        assert (done.id, done.status) == (hanging[0].id, GivebackStatus.DONE)
        assert here.fake.books.given_back == 2000


async def test_an_order_gives_back_one_refund_at_a_time_and_says_which_is_under_way() -> None:
    async with provider_scene("orders") as here:
        charge = await here.a_paid_charge()
        here.fake.books.refunds_become = "in_process"
        by_hand = here.fake.books.refund_in_panel(charge.id, 4000)
        with pytest.raises(ProviderAmbiguous):
            await here.refund(charge, 1000)
        assert (await here.refund(charge, 4000)).id == by_hand.id
        assert len(here.fake.books.refunds) == 1


@pytest.mark.parametrize("newest_first", [True, False])
async def test_of_the_refunds_that_an_order_lists_the_new_one_is_ours(newest_first: bool) -> None:
    async with provider_scene("orders") as here:
        here.fake.books.newest_first = newest_first
        charge, keys = await here.a_paid_charge(10000), [uuid4(), uuid4()]
        first, second = [await here.refund(charge, 1000, key=key) for key in keys]
        assert first.id != second.id
        here.fake.books.refund_in_panel(charge.id, 1000)
        again = [await here.refund(charge, 1000, key=key) for key in keys]
        assert [one.id for one in again] == [first.id, second.id]
        assert here.fake.books.given_back == 3000


async def test_nothing_is_given_back_of_what_is_not_there(here: ProviderScene) -> None:
    for stranger in ("ORD01ZZZ", "99999999999", "no id"):
        with pytest.raises(ProviderAmbiguous):
            await here.provider.refund(stranger, uuid4(), Money(1), whole=True)
