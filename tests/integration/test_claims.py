"""Claims and batches on a real PostgreSQL: kept whole, one winner and one event, and rules that no row can break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.actor import Actor
from domain.calendar import day_of
from domain.claims.claim import Character, Claim, ClaimType
from domain.claims.claim_batch import ClaimBatch, ClaimBatchForm, ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import ClaimBatchNumberTaken, ClaimNumberTaken
from domain.claims.use_cases.claims import Changes
from domain.errors import Invalid
from domain.lifecycle import IllegalTransition
from domain.money import Money
from domain.once import Once, Replayed
from tests.support.builders import CALL
from tests.support.claim_scene import INSURER, OTHER_PROVIDER, PROVIDER, a_form, an_item, said
from tests.support.house import House, RealClock, house

ANYONE = Actor(id="tester")
SEQUENCES = "SELECT key, array_agg(key_seq ORDER BY id) AS seqs, array_agg(event_type ORDER BY id) AS types FROM outbox"
_S = ClaimStatus


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def drafted(home: House, **form: Any) -> Claim:
    return await home.claims.create_claim(CALL, a_form(**{"number": "", **form}))


async def ready(home: House, **form: Any) -> Claim:
    return await home.claims.ready_claim(CALL, (await drafted(home, **form)).id)


async def submitted(home: House) -> Claim:
    return await home.claims.submit_claim(CALL, (await ready(home)).id)


async def a_batch(home: House, number: str = "") -> ClaimBatch:
    form = ClaimBatchForm(number=number, provider_id=PROVIDER, insurer_id=INSURER, type=ClaimType.CONSULTATION)
    return await home.batches.create_claim_batch(CALL, form)


async def filled(home: House, claims: int) -> ClaimBatch:
    batch = await a_batch(home)
    for _ in range(claims):
        batch = await home.batches.add_claim_to_batch(CALL, batch.id, (await ready(home)).id)
    return batch


async def adjudicated(home: House) -> Claim:
    claim = await submitted(home)
    await home.adjudications.receive_claim(CALL, claim.id, "P-1")
    await home.adjudications.start_claim_analysis(CALL, claim.id)
    return await home.adjudications.adjudicate_claim(CALL, claim.id, [said()])


async def stored(home: House, claim_id: UUID) -> Claim:
    claim = await home.claim_views.claim(ANYONE, claim_id)
    assert claim is not None
    return claim


async def told(home: House) -> list[str]:
    return [row["event_type"] for row in await home.rows("SELECT event_type FROM outbox ORDER BY id")]


async def test_a_claim_is_read_as_it_was_made(home: House) -> None:
    items = (
        an_item(quantity=Decimal("2.0000")),
        an_item(2, code="X", table="19", quantity=Decimal("0.5"), factor=Decimal("0.7"), unit_price=Money(105)),
    )
    made = await drafted(
        home,
        items=items,
        character=Character.URGENT,
        authorization_code="A-1",
        card_number="000 ção",
        type=ClaimType.FEES,
    )
    assert await stored(home, made.id) == replace(made, changes=[])
    assert (await home.rows("SELECT presented_cents FROM claims"))[0]["presented_cents"] == 20_037


async def test_what_became_of_its_denials_is_read_as_it_was_written(home: House) -> None:
    claim = await adjudicated(home)
    first, second = claim.denials
    await home.adjudications.appeal_claim(CALL, claim.id, [first.id, second.id], "necessário")
    await home.adjudications.answer_claim_appeal(CALL, claim.id, {first.id: Money(1), second.id: second.amount})
    last = await home.adjudications.accept_denials(CALL, claim.id, [], "right")
    assert await stored(home, claim.id) == replace(last, changes=[])
    (row,) = await home.rows("SELECT * FROM claims")
    assert (
        row["outcome"],
        row["denied_cents"],
        row["recovered_cents"],
        row["pending_cents"],
        row["accepted_cents"],
    ) == (
        *("PARTIALLY_DENIED", 4_000),
        *(1_001, 0, 2_999),
    )


async def test_a_denial_that_was_appealed_before_the_day_was_kept_takes_an_answer_of_any_day(home: House) -> None:
    claim = await adjudicated(home)
    first, second = claim.denials
    await home.adjudications.appeal_claim(CALL, claim.id, [first.id, second.id], "necessário")
    await home.rows("UPDATE claims SET items = items #- '{0,denials,0,appealed_on}'")
    answer = home.adjudications.answer_claim_appeal
    before = day_of(RealClock().now()) - timedelta(days=1)
    with pytest.raises(Invalid):
        await answer(CALL, claim.id, {second.id: Money(1)}, on=before)
    answered = await answer(CALL, claim.id, {first.id: Money(1)}, on=before)
    assert (answered.denials[0].appealed_on, answered.denials[0].recovered) == (None, Money(1))


async def test_a_denial_whose_day_was_not_kept_is_appealed_on_any_day_since_its_claim_was_submitted(
    home: House,
) -> None:
    claim = await adjudicated(home)
    first, second = claim.denials
    await home.rows("UPDATE claims SET items = items #- '{0,denials,0,decided_on}'")
    await home.rows("UPDATE claims SET submitted_at = submitted_at - interval '2 days'")
    appeal, before = home.adjudications.appeal_claim, day_of(RealClock().now()) - timedelta(days=1)
    for denial, day in ((second, before), (first, before - timedelta(days=2))):
        with pytest.raises(Invalid):
            await appeal(CALL, claim.id, [denial.id], "necessário", on=day)
    appealed = await appeal(CALL, claim.id, [first.id], "necessário", on=before)
    assert [(denial.appealed_on, denial.decided_on) for denial in appealed.denials] == [
        (before, None),
        (None, second.decided_on),
    ]


async def test_another_reason_for_a_ready_claim_is_written_beside_the_first(home: House) -> None:
    claim = await ready(home)
    for reason in ("renovada", "renovada", "", "está aqui"):
        await home.claims.ready_claim(CALL, claim.id, override_reason=reason)
    found = await stored(home, claim.id)
    entries = await home.claim_views.claim_history(ANYONE, claim.id, after=None, limit=9)
    assert (found.status, found.override_reason) == (ClaimStatus.READY, "está aqui")
    assert [entry.note for entry in entries or ()] == ["", "", "renovada", "está aqui"]


async def test_a_batch_is_read_as_it_was_made_and_sent_whole(home: House) -> None:
    batch = await filled(home, 3)
    assert await home.claim_views.claim_batch(ANYONE, batch.id) == replace(batch, changes=[])
    await home.batches.close_claim_batch(CALL, batch.id)
    sent = await home.batches.submit_claim_batch(CALL, batch.id)
    assert await home.claim_views.claim_batch(ANYONE, batch.id) == replace(sent, changes=[])
    assert {(await stored(home, one)).status for one in sent.claim_ids} == {_S.SUBMITTED}
    assert await told(home) == ["ClaimSubmitted"] * 3


async def test_every_change_is_in_the_history_with_its_actor_and_why(home: House) -> None:
    claim = await submitted(home)
    await home.adjudications.return_claim(CALL, claim.id, "no such card")
    entries = await home.claim_views.claim_history(ANYONE, claim.id, after=None, limit=10)
    assert entries
    assert [(entry.action, entry.before, entry.after, entry.note) for entry in entries] == [
        ("create", "", "DRAFT", ""),
        ("ready", "DRAFT", "READY", ""),
        ("submit", "READY", "SUBMITTED", ""),
        ("return", "SUBMITTED", "RETURNED", "no such card"),
    ]
    assert {entry.actor for entry in entries} == {"tester"}
    assert [entry.event_type for entry in entries] == ["", "", "ClaimSubmitted", ""]
    after = await home.claim_views.claim_history(ANYONE, claim.id, after=entries[1].sequence, limit=1)
    assert after == [entries[2]]
    assert await home.claim_views.claim_history(ANYONE, uuid4(), after=None, limit=1) is None
    with pytest.raises(psycopg.errors.RestrictViolation):
        await home.rows("DELETE FROM claim_log")


async def test_two_submits_at_once_have_one_winner_and_one_event(home: House) -> None:
    claim = await ready(home)
    answers = await asyncio.gather(*(home.claims.submit_claim(CALL, claim.id) for _ in range(20)))
    assert {(answer.status, answer.submissions) for answer in answers} == {(_S.SUBMITTED, 1)}
    assert await told(home) == ["ClaimSubmitted"]


async def test_twenty_corrections_at_once_come_one_after_the_other_and_none_is_lost(home: House) -> None:
    claim = await drafted(home)
    changes = [Changes(form={"card_number": f"card {number}"}) for number in range(20)]
    await asyncio.gather(*(home.claims.update_claim(CALL, claim.id, change) for change in changes))
    entries = await home.claim_views.claim_history(ANYONE, claim.id, after=None, limit=99)
    assert entries
    assert (len(entries), (await stored(home, claim.id)).version) == (21, 21)


@pytest.mark.parametrize("attempt", range(5))
async def test_submit_against_cancel_ends_canceled_and_tells_what_happened(home: House, attempt: int) -> None:
    claim = await ready(home)
    tasks = [home.claims.submit_claim(CALL, claim.id), home.claims.cancel_claim(CALL, claim.id, "gone")]
    answers = await asyncio.gather(*(tasks if attempt % 2 else reversed(tasks)), return_exceptions=True)
    assert (await stored(home, claim.id)).status is _S.CANCELED
    refused = [answer for answer in answers if isinstance(answer, IllegalTransition)]
    assert await told(home) == ([] if refused else ["ClaimSubmitted", "ClaimCanceled"])


async def test_every_claims_facts_are_counted_without_a_gap(home: House) -> None:
    batch = await filled(home, 3)
    await home.batches.close_claim_batch(CALL, batch.id)
    await asyncio.gather(*(home.batches.submit_claim_batch(CALL, batch.id) for _ in range(4)))
    await asyncio.gather(*(home.claims.cancel_claim(CALL, one, "gone") for one in batch.claim_ids for _ in range(2)))
    rows = await home.rows(f"{SEQUENCES} GROUP BY key")
    assert {UUID(row["key"]) for row in rows} == set(batch.claim_ids)
    assert {(*row["seqs"], *row["types"]) for row in rows} == {(1, 2, "ClaimSubmitted", "ClaimCanceled")}


async def test_closing_a_batch_against_leaving_it_never_loses_a_claim(home: House) -> None:
    for _ in range(5):
        batch = await filled(home, 2)
        leaving = batch.claim_ids[0]
        _, closed = await asyncio.gather(
            home.claims.cancel_claim(CALL, leaving, "gone"),
            home.batches.close_claim_batch(CALL, batch.id),
        )
        kept = await home.claim_views.claim_batch(ANYONE, batch.id)
        assert kept
        # What was closed first was opened again by the claim that left.
        opened = leaving in closed.claim_ids
        assert kept.status is (ClaimBatchStatus.OPEN if opened else ClaimBatchStatus.CLOSED)
        assert (kept.claim_ids, (await stored(home, leaving)).status) == (batch.claim_ids[1:], _S.CANCELED)


async def test_two_batches_for_one_claim_have_one_winner(home: House) -> None:
    claim = await ready(home)
    batches = [await a_batch(home) for _ in range(4)]
    answers = await asyncio.gather(
        *(home.batches.add_claim_to_batch(CALL, batch.id, claim.id) for batch in batches), return_exceptions=True
    )
    assert Counter(type(answer) for answer in answers) == {ClaimBatch: 1, IllegalTransition: 3}
    (winner,) = (answer for answer in answers if isinstance(answer, ClaimBatch))
    assert (await stored(home, claim.id)).claim_batch_id == winner.id


async def test_a_number_is_unique_for_its_provider_whoever_is_faster(home: House) -> None:
    answers = await asyncio.gather(*(drafted(home, number="42") for _ in range(5)), return_exceptions=True)
    assert Counter(type(answer) for answer in answers) == {Claim: 1, ClaimNumberTaken: 4}
    await drafted(home, number="42", provider_id=OTHER_PROVIDER)
    other = await drafted(home, number="43")
    with pytest.raises(ClaimNumberTaken):
        await home.claims.update_claim(CALL, other.id, Changes(form={"number": "42"}))
    await a_batch(home, "7")
    with pytest.raises(ClaimBatchNumberTaken):
        await a_batch(home, "7")


async def test_a_repeat_by_its_key_answers_the_same_and_tells_nothing(home: House) -> None:
    claim = await ready(home)
    once = Once(("tester", "SubmitClaim", "k"), b"f", lambda answer: str(answer.version).encode())
    call = replace(CALL, once=once)
    first = await home.claims.submit_claim(call, claim.id)
    await home.claims.cancel_claim(CALL, claim.id, "gone")
    with pytest.raises(Replayed) as replayed:
        await home.claims.submit_claim(call, claim.id)
    assert replayed.value.reply == str(first.version).encode()
    assert await told(home) == ["ClaimSubmitted", "ClaimCanceled"]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("released_cents = released_cents + 1", "ck_claims_money"),
        ("accepted_cents = accepted_cents + 1", "ck_claims_denied"),
        ("gross_cents = presented_cents - 1", "ck_claims_money"),
        ("status = 'BATCHED'", "ck_claims_batched"),
    ],
)
async def test_no_row_can_break_what_the_amounts_promise(home: House, change: str, constraint: str) -> None:
    await adjudicated(home)
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        await home.rows(f"UPDATE claims SET {change}")
