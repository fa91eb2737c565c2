"""What claims and batches do with their collections: looked up first, decided under lock, told once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.actor import Actor, Call
from domain.claims.claim import ClaimForm, ClaimType
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import (
    AmountDiffers,
    ClaimBatchNotFound,
    ClaimBatchNumberTaken,
    ClaimIsInvalid,
    ClaimNotFound,
    ClaimNumberTaken,
    ProviderNotFound,
    WrongCurrency,
)
from domain.claims.events import ClaimSubmitted
from domain.claims.known import Eligibility, Verdict
from domain.claims.use_cases.claims import Changes
from domain.errors import Invalid, Stale
from domain.lifecycle import IllegalTransition
from domain.money import Money
from tests.support.builders import CALL
from tests.support.claim_scene import INSURER, OTHER_PROVIDER, PROVIDER, TODAY, a_form, an_item
from tests.support.clinic import Clinic
from tests.support.fakes import FakeClock

GUEST = Call(actor=Actor(id="guest", providers=frozenset({OTHER_PROVIDER})), causation_id="cause")
INELIGIBLE = Eligibility(verdict=Verdict.INELIGIBLE, reasons=("the card has expired",))
_S = ClaimStatus


def an_old_form(**changes: Any) -> ClaimForm:
    """What the old client sends."""
    item = an_item(table="", code="CONS", description="Consulta")
    form = ClaimForm(type=ClaimType.OTHER, patient_id="p", service_date=TODAY, number="", items=(item,))
    return replace(form, **changes)


async def test_a_draft_may_be_incomplete_and_tells_nobody() -> None:
    clinic = Clinic()
    claim = await clinic.drafted(items=(), insurer_id="", card_number="")
    assert (claim.status, clinic.store.names(), len(claim.form.number)) == (_S.DRAFT, [], 20)


async def test_the_old_clients_claim_is_submitted_as_it_is_made_and_told_once() -> None:
    clinic = Clinic()
    claim = await clinic.claims.create_claim(CALL, an_old_form())
    assert (claim.status, claim.submissions, clinic.store.names()) == (_S.SUBMITTED, 1, ["ClaimSubmitted"])
    assert [entry.action for _, entry in clinic.store.history] == ["create", "ready", "submit"]
    assert clinic.reference.asked == []
    (fact,) = clinic.store.facts
    assert isinstance(fact, ClaimSubmitted)
    assert (fact.patient_id, fact.insurance_id, fact.amount_cents, fact.status) == ("p", None, 10_000, "pending")


@pytest.mark.parametrize("wrong", [{"items": ()}, {"items": (an_item(cents=0),)}])
async def test_an_old_clients_claim_that_is_wrong_is_refused_and_not_kept(wrong: dict[str, Any]) -> None:
    clinic = Clinic()
    with pytest.raises(ClaimIsInvalid):
        await clinic.claims.create_claim(CALL, an_old_form(**wrong))
    assert (clinic.store.claims, clinic.store.facts) == ({}, [])


@pytest.mark.parametrize("more", [{"card_number": "0001"}, {"plan_id": "GOLD"}])
async def test_a_claim_with_a_card_or_a_plan_does_not_pass_by_the_guards_as_another_type(more: dict[str, Any]) -> None:
    clinic = Clinic()
    with pytest.raises(Invalid) as refused:
        await clinic.claims.create_claim(CALL, an_old_form(**more))
    assert [violation.field for violation in refused.value.violations] == ["type"]
    assert (clinic.store.claims, clinic.store.facts) == ({}, [])
    claim = await clinic.claims.create_claim(CALL, an_old_form())
    await clinic.adjudications.return_claim(CALL, claim.id, "unreadable")
    with pytest.raises(Invalid):
        await clinic.claims.update_claim(CALL, claim.id, Changes(form=more))
    guarded = {"type": ClaimType.CONSULTATION, **more}
    assert (await clinic.claims.update_claim(CALL, claim.id, Changes(form=guarded))).status is _S.DRAFT


async def test_a_claim_of_no_type_that_names_a_provider_is_a_draft_and_passes_the_guards_of_what_it_names() -> None:
    clinic = Clinic()
    clinic.reference.verdict, clinic.reference.unknown = INELIGIBLE, {("22", "99999999")}
    claims, items = clinic.claims, (an_item(code="99999999"), an_item(2, table="", code="CONS"))
    form = an_old_form(provider_id=OTHER_PROVIDER, insurer_id=INSURER, items=items)
    claim = await claims.create_claim(GUEST, form)
    assert (claim.status, claim.provider_id, clinic.store.names()) == (_S.DRAFT, OTHER_PROVIDER, [])
    with pytest.raises(ClaimIsInvalid) as refused:
        await claims.ready_claim(GUEST, claim.id)
    assert [(one.field, one.rule) for one in refused.value.violations] == [
        ("items[0].code", "CODE_UNKNOWN"),
        ("patient_id", "INELIGIBLE"),
    ]
    await claims.update_claim(GUEST, claim.id, Changes(form={"items": items[1:]}))
    await claims.ready_claim(GUEST, claim.id, override_reason="pays himself")
    assert (await claims.submit_claim(GUEST, claim.id)).status is _S.SUBMITTED
    (asked, *_) = [one for one in clinic.reference.asked if isinstance(one, dict)]
    assert (asked["provider_id"], asked["patient_id"], asked["card_number"]) == (OTHER_PROVIDER, "p", "")


async def test_an_amount_that_is_not_what_the_items_come_to_is_refused() -> None:
    clinic = Clinic()
    with pytest.raises(AmountDiffers) as refused:
        await clinic.claims.create_claim(CALL, an_old_form(), amount=Money(9_999))
    assert refused.value.metadata == {"amount_cents": "9999", "items_cents": "10000"}
    with pytest.raises(WrongCurrency):
        await clinic.claims.create_claim(CALL, an_old_form(items=(an_item(unit_price=Money(1, "USD")),)))
    await clinic.claims.create_claim(CALL, an_old_form(), amount=Money(10_000))
    claim = await clinic.drafted()
    with pytest.raises(AmountDiffers):
        await clinic.claims.update_claim(CALL, claim.id, Changes(form={"items": (an_item(cents=1),)}, amount=Money(2)))


async def test_a_number_is_unique_for_its_provider() -> None:
    clinic = Clinic()
    await clinic.drafted(number="42")
    await clinic.drafted(number="42", provider_id=OTHER_PROVIDER)
    with pytest.raises(ClaimNumberTaken):
        await clinic.drafted(number="42")
    await clinic.batch(number="7")
    with pytest.raises(ClaimBatchNumberTaken):
        await clinic.batch(number="7")


async def test_another_providers_claims_and_batches_do_not_exist() -> None:
    clinic = Clinic()
    claim, batch = await clinic.drafted(), await clinic.batch()
    tried: list[Callable[[], Awaitable[object]]] = [
        lambda: clinic.claims.update_claim(GUEST, claim.id, Changes()),
        lambda: clinic.claims.validate_claim(GUEST, claim.id),
        lambda: clinic.claims.ready_claim(GUEST, claim.id),
        lambda: clinic.claims.submit_claim(GUEST, claim.id),
        lambda: clinic.claims.cancel_claim(GUEST, claim.id, "mine?"),
        lambda: clinic.adjudications.receive_claim(GUEST, claim.id, "P"),
    ]
    for ask in tried:
        with pytest.raises(ClaimNotFound):
            await ask()
    with pytest.raises(ClaimBatchNotFound):
        await clinic.batches.close_claim_batch(GUEST, batch.id)
    with pytest.raises(ProviderNotFound):
        await clinic.claims.create_claim(GUEST, a_form())
    with pytest.raises(ProviderNotFound):
        await clinic.claims.create_claim(GUEST, an_old_form())
    mine = await clinic.claims.create_claim(GUEST, a_form(provider_id=OTHER_PROVIDER))
    with pytest.raises(ProviderNotFound):
        await clinic.claims.update_claim(GUEST, mine.id, Changes(form={"provider_id": PROVIDER}))


async def test_a_correction_with_an_older_etag_is_refused() -> None:
    clinic = Clinic()
    claim = await clinic.drafted()
    await clinic.claims.update_claim(CALL, claim.id, Changes(form={"plan_id": "SILVER"}, version=claim.version))
    with pytest.raises(Stale):
        await clinic.claims.update_claim(CALL, claim.id, Changes(form={"plan_id": "TIN"}, version=claim.version))


async def test_ready_tells_every_finding_at_once_and_changes_nothing() -> None:
    clinic = Clinic()
    claim = await clinic.drafted(card_number="", plan_id="", items=(an_item(), an_item(2)))
    with pytest.raises(ClaimIsInvalid) as refused:
        await clinic.claims.ready_claim(CALL, claim.id)
    assert [violation.rule for violation in refused.value.violations] == [
        *("CARD_MISSING", "DUPLICATE_ITEM"),
        "PLAN_MISSING",
    ]
    assert refused.value.message == "the claim has 2 errors: CARD_MISSING, DUPLICATE_ITEM"
    assert clinic.status(claim.id) is _S.DRAFT


async def test_validation_asks_for_the_day_of_the_care_and_changes_nothing() -> None:
    clinic = Clinic()
    clinic.reference.unknown = {("22", "10101012")}
    claim = await clinic.drafted()
    seen, findings = await clinic.claims.validate_claim(CALL, claim.id)
    assert ([finding.code for finding in findings], seen.status) == (["CODE_UNKNOWN"], _S.DRAFT)
    assert (("22", "10101012"), TODAY) in clinic.reference.asked
    assert len(clinic.store.history) == 1


async def test_of_all_codes_of_a_claim_one_question_of_each_kind_is_asked() -> None:
    clinic = Clinic()
    items = tuple(an_item(number, code=f"{number:08}") for number in range(1, 501))
    clinic.reference.unknown, clinic.reference.prices = {("22", "00000007")}, {("22", "00000008"): Money(1)}
    clinic.reference.authorized = {("22", "00000009")}
    claim = await clinic.drafted(items=items)
    _, findings = await clinic.claims.validate_claim(CALL, claim.id)
    assert [(finding.code, finding.field) for finding in findings] == [
        ("CODE_UNKNOWN", "items[6].code"),
        ("AUTHORIZATION_MISSING", "authorization_code"),
        ("PRICE_DIFFERS", "items[7].unit_price"),
    ]
    assert len(clinic.reference.asked) == 4, "terms, prices, authorizations and the patient"


async def test_nothing_is_asked_about_the_codes_of_a_claim_that_has_none() -> None:
    clinic = Clinic()
    claim = await clinic.drafted(items=(an_item(table="", code=""),))
    await clinic.claims.validate_claim(CALL, claim.id)
    assert len(clinic.reference.asked) == 1, "the patient alone"


async def test_eligibility_is_asked_on_behalf_of_who_validates() -> None:
    clinic = Clinic()
    claim = await clinic.drafted()
    await clinic.claims.validate_claim(CALL, claim.id)
    await clinic.claims.ready_claim(CALL, claim.id)
    assert clinic.reference.callers == [CALL, CALL]


async def test_who_is_ineligible_needs_a_reason_that_is_kept_in_the_history() -> None:
    clinic = Clinic()
    clinic.reference.verdict = INELIGIBLE
    claim = await clinic.drafted()
    with pytest.raises(ClaimIsInvalid):
        await clinic.claims.ready_claim(CALL, claim.id)
    ready = await clinic.claims.ready_claim(CALL, claim.id, override_reason="renewed by phone")
    assert (ready.status, ready.override_reason) == (_S.READY, "renewed by phone")
    assert clinic.store.history[-1][1].note == "renewed by phone"


async def test_a_claim_that_changed_while_it_was_looked_at_is_looked_at_again() -> None:
    clinic = Clinic()
    claim = await clinic.drafted()
    ask = clinic.reference.terms

    async def corrected_meanwhile(codes: Any, on: Any) -> Any:
        clinic.reference.terms = ask  # type: ignore[method-assign] # only once
        await clinic.claims.update_claim(CALL, claim.id, Changes(form={"card_number": ""}))
        return await ask(codes, on)

    clinic.reference.terms = corrected_meanwhile  # type: ignore[method-assign] # a test's way into the middle
    with pytest.raises(ClaimIsInvalid, match="CARD_MISSING"):
        await clinic.claims.ready_claim(CALL, claim.id)


async def test_what_cannot_be_made_ready_says_what_a_caller_may_do_instead() -> None:
    clinic = Clinic()
    claim = await clinic.adjudicated()
    with pytest.raises(IllegalTransition) as refused:
        await clinic.claims.ready_claim(CALL, claim.id)
    assert refused.value.metadata == {"allowed_actions": "appeal,accept_denials,cancel"}


async def test_submitting_twice_tells_once() -> None:
    clinic = Clinic()
    claim = await clinic.ready()
    for _ in range(2):
        assert (await clinic.claims.submit_claim(CALL, claim.id)).status is _S.SUBMITTED
    assert clinic.store.names() == ["ClaimSubmitted"]


async def test_a_second_claim_for_the_same_care_is_warned_of() -> None:
    clinic = Clinic()
    first = await clinic.ready()
    second = await clinic.drafted()
    _, findings = await clinic.claims.validate_claim(CALL, second.id)
    assert [(one.code, str(first.id) in one.message) for one in findings] == [("DUPLICATE_CLAIM", True)]


async def test_the_day_is_the_one_in_brazil() -> None:
    clinic = Clinic()
    clinic.clock = FakeClock(datetime(2026, 3, 2, 2, 59, tzinfo=UTC))
    claims = replace(clinic.claims, clock=clinic.clock)
    tomorrow = await claims.create_claim(CALL, a_form(service_date=TODAY.replace(day=2)))
    _, findings = await claims.validate_claim(CALL, tomorrow.id)
    assert [finding.code for finding in findings] == ["DATE_IN_FUTURE"], "it is still the first of March there"
    clinic.clock.advance(minutes=1)
    assert (await claims.validate_claim(CALL, tomorrow.id))[1] == ()


async def test_eligibility_is_asked_for_as_many_of_a_code_as_the_claim_has_a_part_of_one_being_one() -> None:
    clinic = Clinic()
    halves = [an_item(number, table="20", quantity=Decimal("1.5"), cents=number) for number in (1, 2)]
    await clinic.ready(items=(*halves, an_item(3, quantity=Decimal(2))))
    (asked,) = [one for one in clinic.reference.asked if isinstance(one, dict)]
    assert asked["procedures"] == {("20", "10101012"): 3, ("22", "10101012"): 2}
