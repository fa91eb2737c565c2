"""Mercado Pago's bad days: nobody can say whether it was done, and the same key makes it done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from domain.billing.charge import ChargeStatus, GivebackStatus, ProviderAmbiguous, ProviderRefused
from server.providers.breaker import Breaker, Circuit, CircuitOpen
from server.providers.mercadopago.client import MOST_BYTES, Ask, MercadoPagoClient
from tests.contract.mercadopago_scene import KINDS, TIME_LIMIT, ProviderScene, provider_scene
from tests.support.mercadopago_faults import Fault, FaultKind
from tests.support.ports import free_port
from tests.support.waiting import eventually

BAD_DAYS = {
    **{f"{status} before": Fault(FaultKind.STATUS, status=status) for status in (401, 403, 408, 423, 424, 425, 429)},
    **{f"{status} before": Fault(FaultKind.STATUS, status=status) for status in (302, 500, 502, 503, 504)},
    "503 after": Fault(FaultKind.STATUS, status=503, acted=True),
    "silence before": Fault(FaultKind.SILENCE),
    "silence after": Fault(FaultKind.SILENCE, acted=True),
    "a cut before": Fault(FaultKind.CUT),
    "a cut after": Fault(FaultKind.CUT, acted=True),
    "garbage before": Fault(FaultKind.GARBAGE),
    "garbage after": Fault(FaultKind.GARBAGE, acted=True),
    "a drip before": Fault(FaultKind.DRIP),
    "half a body after": Fault(FaultKind.TRUNCATED, acted=True),
}


@pytest.fixture(params=KINDS)
async def here(request: pytest.FixtureRequest) -> AsyncIterator[ProviderScene]:
    async with provider_scene(str(request.param)) as made:
        yield made


def stands(breaker: Breaker) -> Circuit:
    return breaker.circuit


async def test_after_each_bad_day_the_same_key_makes_one_charge(here: ProviderScene) -> None:
    for number, (name, fault) in enumerate(BAD_DAYS.items(), start=1):
        asked = here.a_charge()
        here.creations_fail(fault)
        with pytest.raises(ProviderAmbiguous):
            await here.provider.create(asked)
        found = await here.provider.find(asked.reference)
        assert (found is not None) == fault.acted, name
        made = await here.provider.create(asked)
        assert found is None or found.id == made.id, name
        assert len(here.fake.books.charges) == number, name
    assert here.fake.faults.left == 0


async def test_after_each_bad_day_the_same_key_gives_back_once(here: ProviderScene) -> None:
    charge = await here.a_paid_charge(100 * len(BAD_DAYS))
    for number, (name, fault) in enumerate(BAD_DAYS.items(), start=1):
        key = uuid4()
        here.refunds_fail(fault)
        with pytest.raises(ProviderAmbiguous):
            await here.refund(charge, 100, key=key)
        assert (await here.refund(charge, 100, key=key)).status is GivebackStatus.DONE, name
        assert here.fake.books.given_back == 100 * number, name
    assert (await here.seen(charge)).status is ChargeStatus.REFUNDED
    assert here.fake.faults.left == 0


async def test_no_question_is_answered_by_a_bad_day(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    elsewhere = Fault(FaultKind.STATUS, status=400)
    for fault in (*BAD_DAYS.values(), elsewhere):
        here.fake.faults.next("GET", made.id, fault)
        with pytest.raises(ProviderAmbiguous):
            await here.provider.get(made.id)
        here.fake.faults.next("GET", "/search" if here.kind == "payments" else "/orders", fault)
        with pytest.raises(ProviderAmbiguous):
            await here.provider.find(here.a_charge().reference)
    assert here.fake.faults.left == 0


async def test_how_long_to_wait_is_passed_on_when_it_is_told_in_seconds(here: ProviderScene) -> None:
    waits = []
    for told in ("7", "999999", "Wed, 21 Oct 2026 07:28:00 GMT", ""):
        here.creations_fail(Fault(FaultKind.STATUS, status=429, retry_after=told))
        with pytest.raises(ProviderAmbiguous) as ambiguous:
            await here.provider.create(here.a_charge())
        waits.append(ambiguous.value.retry_after)
    assert waits == [7.0, 3600.0, None, None]


async def test_a_refund_in_process_that_cannot_be_looked_at_is_asked_for_again(here: ProviderScene) -> None:
    charge, key = await here.a_paid_charge(), uuid4()
    here.fake.books.refunds_become = "in_process"
    given = await here.refund(charge, 100, key=key)
    here.fake.faults.next("GET", given.id if here.kind == "payments" else charge.id, Fault(FaultKind.CUT))
    with pytest.raises(ProviderAmbiguous):
        await here.refund(charge, 100, key=key)
    assert await here.refund(charge, 100, key=key) == given
    assert all(heard.headers["x-render-in-process-refunds"] == "true" for heard in here.fake.heard)


@pytest.mark.parametrize("kind", KINDS)
async def test_credentials_that_are_refused_are_no_refusal_of_the_charge_and_are_never_told(kind: str) -> None:
    async with provider_scene(kind, token="APP_USR-wrong-and-secret") as here:
        asked = here.a_charge()
        with pytest.raises(ProviderAmbiguous, match="401") as making:
            await here.provider.create(asked)
        with pytest.raises(ProviderAmbiguous, match="401"):
            await here.provider.find(asked.reference)
        assert "wrong-and-secret" not in repr(making.value) + repr(vars(here.provider))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_provider_that_stays_away_is_left_alone_and_then_asked_once(kind: str) -> None:
    breaker = Breaker(failures=3, pause=0.3)
    async with provider_scene(kind, breaker=breaker) as here:
        asked = here.a_charge()
        here.creations_fail(*[Fault(FaultKind.STATUS, status=503)] * 4)
        for _ in range(3):
            with pytest.raises(ProviderAmbiguous):
                await here.provider.create(asked)
        with pytest.raises(CircuitOpen) as alone:
            await here.provider.create(asked)
        assert alone.value.retry_after is not None
        assert 0 < alone.value.retry_after <= 0.3
        assert len(here.fake.heard) == 3

        await eventually(lambda: stands(breaker) is Circuit.HALF_OPEN)
        with pytest.raises(ProviderAmbiguous, match="503"):
            await here.provider.create(asked)
        assert stands(breaker) is Circuit.OPEN

        await eventually(lambda: stands(breaker) is Circuit.HALF_OPEN)
        assert (await here.provider.create(asked)).status is ChargeStatus.PENDING
        assert stands(breaker) is Circuit.CLOSED
        assert len(here.fake.books.charges) == 1


async def test_only_one_call_finds_out_whether_it_is_back_and_a_canceled_one_found_out_nothing() -> None:
    breaker = Breaker(failures=1, pause=0.1)
    async with provider_scene("payments", breaker=breaker) as here:
        here.fake.faults.next("GET", "/1", Fault(FaultKind.STATUS, status=500), Fault(FaultKind.SILENCE))
        with pytest.raises(ProviderAmbiguous):
            await here.provider.get("1")
        await eventually(lambda: stands(breaker) is Circuit.HALF_OPEN)
        probe = asyncio.create_task(here.provider.get("1"))
        await eventually(lambda: here.fake.faults.left == 0)
        with pytest.raises(CircuitOpen):
            await here.provider.get("1")
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert stands(breaker) is Circuit.HALF_OPEN
        assert await here.provider.get("1") is None
        assert stands(breaker) is Circuit.CLOSED


async def test_refusals_and_locks_are_answers_and_do_not_open_the_circuit() -> None:
    breaker = Breaker(failures=2)
    async with provider_scene("payments", breaker=breaker) as here:
        away, locked = Fault(FaultKind.STATUS, status=503), Fault(FaultKind.STATUS, status=423)
        here.fake.faults.next("GET", "/1", away, locked, away, locked)
        for _ in range(4):
            with pytest.raises(ProviderAmbiguous):
                await here.provider.get("1")
        assert await here.provider.get("1") is None
        assert stands(breaker) is Circuit.CLOSED


async def test_a_400_that_is_a_failure_of_theirs_or_a_repeat_too_soon_says_nothing(here: ProviderScene) -> None:
    asked = here.a_charge()
    for code in (2001, 2004, 2007):
        here.creations_fail(Fault(FaultKind.STATUS, status=400, code=code))
        with pytest.raises(ProviderAmbiguous, match=str(code)):
            await here.provider.create(asked)
    here.creations_fail(Fault(FaultKind.STATUS, status=400, code=2034))
    with pytest.raises(ProviderRefused) as refused:
        await here.provider.create(asked)
    assert refused.value.reason == "error_2034"


async def test_an_answer_that_drips_in_has_no_more_time_than_any_other() -> None:
    async with provider_scene("payments") as here:
        here.fake.faults.next("GET", "/1", Fault(FaultKind.DRIP))
        began = asyncio.get_running_loop().time()
        with pytest.raises(ProviderAmbiguous, match="no answer within"):
            await here.provider.get("1")
        assert asyncio.get_running_loop().time() - began < 5 * TIME_LIMIT


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async with provider_scene("payments") as here:
        with pytest.raises(ProviderAmbiguous, match="bytes"):
            await here.provider.create(here.a_charge(description="x" * MOST_BYTES))


async def test_an_answer_that_is_no_charge_says_nothing(here: ProviderScene) -> None:
    made = await here.a_paid_charge()
    here.fake.books.charges[made.id].captured = -5
    with pytest.raises(ProviderAmbiguous, match="amount"):
        await here.provider.get(made.id)


async def test_nobody_listening_says_nothing() -> None:
    async with MercadoPagoClient(SecretStr("t"), base_url=f"http://127.0.0.1:{free_port()}", time_limit=1) as alone:
        with pytest.raises(ProviderAmbiguous, match="ConnectError"):
            await alone.ask(Ask(method="GET", path="/v1/payments/1"))
