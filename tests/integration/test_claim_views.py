"""The lists of claims on a real PostgreSQL: filters, pages that miss and repeat nothing, what is outside is absent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.claims.claim import Claim, ClaimForm, ClaimType
from domain.claims.claim_batch import ClaimBatchForm, ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.outcome import OldStatus, Outcome
from domain.claims.queries import ClaimBatchFilter, ClaimFilter
from tests.support.builders import AT, CALL
from tests.support.claim_scene import INSURER, OTHER_PROVIDER, PROVIDER, TODAY, a_form, an_item, said
from tests.support.house import House, house

ANYONE = Actor(id="tester")
GUEST = Actor(id="guest", providers=frozenset({OTHER_PROVIDER}))
NOBODY = Actor(id="nobody", providers=frozenset())


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def make(home: House, **form: Any) -> Claim:
    return await home.claims.create_claim(CALL, a_form(**{"number": "", **form}))


async def an_old_claim(home: House) -> Claim:
    form = ClaimForm(type=ClaimType.OTHER, patient_id="old", service_date=TODAY, number="", items=(an_item(),))
    return await home.claims.create_claim(CALL, form)


async def denied(home: House) -> Claim:
    claim = await an_old_claim(home)
    await home.adjudications.receive_claim(CALL, claim.id, "P-1")
    await home.adjudications.start_claim_analysis(CALL, claim.id)
    return await home.adjudications.adjudicate_claim(CALL, claim.id, [said(released=0, denied=(10_000,))])


async def found(home: House, wanted: ClaimFilter, actor: Actor = ANYONE) -> set[UUID]:
    return {claim.id for claim in await home.claim_views.claims(actor, wanted, after=None, limit=100)}


async def test_claims_are_found_by_each_filter_and_by_all_together(home: House) -> None:
    plain = await make(home)
    other = await make(
        home,
        patient_id="patient-2",
        insurer_id="000701",
        provider_id=OTHER_PROVIDER,
        service_date=TODAY - timedelta(days=9),
    )
    canceled = await home.claims.cancel_claim(CALL, (await make(home)).id, "gone")
    lost = await denied(home)
    everything = {plain.id, other.id, canceled.id, lost.id}
    assert await found(home, ClaimFilter()) == everything
    assert await found(home, ClaimFilter(patient_id="patient-2")) == {other.id}
    assert await found(home, ClaimFilter(insurer_id="000701")) == {other.id}
    assert await found(home, ClaimFilter(provider_id=OTHER_PROVIDER)) == {other.id}
    assert await found(home, ClaimFilter(status=ClaimStatus.CANCELED)) == {canceled.id}
    assert await found(home, ClaimFilter(outcome=Outcome.DENIED)) == {lost.id}
    assert await found(home, ClaimFilter(outcome=Outcome.NONE)) == everything - {lost.id}
    assert await found(home, ClaimFilter(service_from=TODAY)) == everything - {other.id}
    assert await found(home, ClaimFilter(service_until=TODAY - timedelta(days=9))) == {other.id}
    assert await found(home, ClaimFilter(service_until=TODAY - timedelta(days=10))) == set()
    assert await found(home, ClaimFilter(old_status=OldStatus.PENDING)) == {plain.id, other.id}
    assert await found(home, ClaimFilter(old_status=OldStatus.REJECTED)) == {canceled.id, lost.id}
    assert await found(home, ClaimFilter(old_status=OldStatus.APPROVED)) == set()
    both = ClaimFilter(patient_id="patient-1", status=ClaimStatus.DRAFT, provider_id=PROVIDER)
    assert await found(home, both) == {plain.id}


async def test_claims_are_found_by_when_they_were_made(home: House) -> None:
    claims = [await make(home) for _ in range(3)]
    for day, claim in enumerate(claims):
        await date(home, claim, AT + timedelta(days=day))
    assert await found(home, ClaimFilter(created_from=AT + timedelta(days=1))) == {claims[1].id, claims[2].id}
    assert await found(home, ClaimFilter(created_before=AT + timedelta(days=1))) == {claims[0].id}


async def date(home: House, claim: Claim, at: datetime) -> None:
    await home.rows("UPDATE claims SET created_at = %s WHERE id = %s", at, claim.id)


async def test_another_providers_claims_and_those_of_nobody_are_absent(home: House) -> None:
    mine, other, old = await make(home, provider_id=OTHER_PROVIDER), await make(home), await an_old_claim(home)
    assert await found(home, ClaimFilter(), GUEST) == {mine.id}
    assert await found(home, ClaimFilter(provider_id=PROVIDER), GUEST) == set()
    assert await found(home, ClaimFilter(), NOBODY) == set()
    assert await home.claim_views.claim(GUEST, mine.id) is not None
    for absent in (other, old):
        assert await home.claim_views.claim(GUEST, absent.id) is None
        assert await home.claim_views.claim_history(GUEST, absent.id, after=None, limit=9) is None


async def test_pages_walk_everything_once_while_more_comes_in(home: House) -> None:
    before = {(await make(home)).id for _ in range(25)}
    await home.rows("UPDATE claims SET created_at = %s + (number LIKE '%%7')::int * interval '1 s'", AT)
    seen: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while page := await home.claim_views.claims(ANYONE, ClaimFilter(), after=after, limit=4):
        seen += [claim.id for claim in page]
        after = (page[-1].created_at, page[-1].id)
        await make(home)
    assert (set(seen), len(seen)) == (before, 25)


async def test_pages_of_a_range_of_days_are_newest_first_whatever_day_each_claim_is_of(home: House) -> None:
    days = [TODAY - timedelta(days=number % 5) for number in range(20)]
    claims = [await make(home, service_date=day) for day in days]
    for number, claim in enumerate(claims):
        await date(home, claim, AT + timedelta(minutes=number * 7 % 20))
    await home.claims.cancel_claim(CALL, claims[6].id, "gone")
    wanted = ClaimFilter(service_from=days[3], service_until=days[1], status=ClaimStatus.DRAFT)
    meant = [number for number in range(20) if number % 5 in {1, 2, 3} and number != 6]
    meant.sort(key=lambda number: -(number * 7 % 20))
    expected = [claims[number].id for number in meant]
    seen: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while page := await home.claim_views.claims(ANYONE, wanted, after=after, limit=3):
        seen += [claim.id for claim in page]
        after = (page[-1].created_at, page[-1].id)
    assert seen == expected
    skipped = await home.claim_views.claims(ANYONE, wanted, after=None, limit=4, skip=5)
    assert [claim.id for claim in skipped] == expected[5:9]
    scoped = await home.claim_views.claims(
        Actor(id="mine", providers=frozenset({PROVIDER})), wanted, after=None, limit=9
    )
    assert [claim.id for claim in scoped] == expected[:9]


async def test_the_old_clients_pages_skip_by_number(home: House) -> None:
    for _ in range(5):
        await make(home)
    everything = await home.claim_views.claims(ANYONE, ClaimFilter(), after=None, limit=9)
    assert await home.claim_views.claims(ANYONE, ClaimFilter(), after=None, limit=2, skip=3) == everything[3:]


async def test_a_twin_is_for_the_same_care_and_neither_a_draft_nor_canceled(home: House) -> None:
    items = (an_item(), an_item(2, code="10101039"))
    claim = await make(home, items=items)
    twin = await make(home, items=tuple(reversed(items)))
    assert await home.claim_views.twins(claim) == []
    await home.claims.ready_claim(CALL, twin.id)
    assert await home.claim_views.twins(claim) == [twin.id]
    for differs in ({"patient_id": "patient-2"}, {"service_date": TODAY - timedelta(days=1)}, {"items": items[:1]}):
        await home.claims.ready_claim(CALL, (await make(home, **{"items": items, **differs})).id)
    assert await home.claim_views.twins(claim) == [twin.id]
    await home.claims.cancel_claim(CALL, twin.id, "gone")
    assert await home.claim_views.twins(claim) == []


async def test_batches_are_found_by_each_filter(home: House) -> None:
    def form(**changes: Any) -> ClaimBatchForm:
        wanted = {"number": "", "provider_id": PROVIDER, "insurer_id": INSURER, "type": ClaimType.CONSULTATION}
        return ClaimBatchForm(**{**wanted, **changes})

    async def ids(actor: Actor = ANYONE, **wanted: Any) -> set[UUID]:
        rows = await home.claim_views.claim_batches(actor, ClaimBatchFilter(**wanted), after=None, limit=9)
        return {batch.id for batch in rows}

    plain = await home.batches.create_claim_batch(CALL, form())
    other = await home.batches.create_claim_batch(
        CALL, form(provider_id=OTHER_PROVIDER, insurer_id="000701", type=ClaimType.FEES)
    )
    assert await ids() == {plain.id, other.id}
    assert await ids(provider_id=PROVIDER) == await ids(type=ClaimType.CONSULTATION) == {plain.id}
    assert await ids(insurer_id="000701") == await ids(GUEST) == {other.id}
    assert await ids(status=ClaimBatchStatus.CLOSED) == set()
    assert await home.claim_views.claim_batch(GUEST, plain.id) is None


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("true", "ix_claims_created_at_id"),
        ("status = 'SUBMITTED'", "ix_claims_status_created_at_id"),
        ("outcome = 'DENIED'", "ix_claims_outcome_created_at_id"),
        ("patient_id = 'p'", "ix_claims_patient_id_created_at_id"),
        ("insurer_id = 'i'", "ix_claims_insurer_id_created_at_id"),
        ("provider_id = 'v'", "ix_claims_provider_id_created_at_id"),
    ],
)
async def test_a_page_is_read_from_an_index_in_its_own_order(home: House, condition: str, index: str) -> None:
    page = (
        f"EXPLAIN SELECT * FROM claims WHERE {condition} AND (created_at, id) < (now(), gen_random_uuid())"
        " ORDER BY created_at DESC, id DESC LIMIT 51"
    )
    async with home.sql() as connection:
        await connection.execute("SET enable_seqscan = off")
        await connection.execute("SET enable_bitmapscan = off")
        cursor = await connection.execute(page.encode())
        plan = "\n".join(row[0] for row in await cursor.fetchall())
    assert f"Index Scan Backward using {index}" in plan
    assert "Sort" not in plan
    assert "Index Cond: (" in plan
