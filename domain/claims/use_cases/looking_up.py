"""What is asked about a claim outside its own tables, before its validation and outside any unit of work."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import ceil

from domain.actor import Call
from domain.claims.claim import Character, Claim, ClaimForm
from domain.claims.known import NOTHING_KNOWN, Code, Eligibility, Known
from domain.claims.ports import Reference
from domain.claims.queries import ClaimQueries


async def known_of(call: Call, claim: Claim, reference: Reference, queries: ClaimQueries) -> Known:
    """Everything that validation asks for, on behalf of a call. Raises Unavailable."""
    form = claim.form
    if form.is_old:
        return NOTHING_KNOWN
    codes = tuple(dict.fromkeys((item.table, item.code) for item in form.items if item.table and item.code))
    coded = await _of_codes(form, codes, reference) if codes else NOTHING_KNOWN
    return replace(
        coded,
        eligibility=await _eligibility(call, form, reference),
        twins=tuple(await queries.twins(claim)) if codes else (),
    )


async def _of_codes(form: ClaimForm, codes: tuple[Code, ...], reference: Reference) -> Known:
    """What is known of its codes, by one question of each kind."""
    terms = await reference.terms(codes, form.service_date)
    if not (form.insurer_id and form.plan_id):
        return Known(terms=terms)
    return Known(
        terms=terms,
        prices=await reference.agreed_prices(form.insurer_id, form.plan_id, codes, form.service_date),
        authorized=await reference.need_authorization(form.insurer_id, form.plan_id, codes),
    )


async def _eligibility(call: Call, form: ClaimForm, reference: Reference) -> Eligibility | None:
    if not (form.insurer_id and (form.card_number or form.patient_id)):
        return None
    return await reference.eligibility(
        call,
        insurer_id=form.insurer_id,
        plan_id=form.plan_id,
        card_number=form.card_number,
        patient_id=form.patient_id,
        on=form.service_date,
        provider_id=form.provider_id,
        procedures=_counted(form),
        urgent=form.character is Character.URGENT,
    )


def _counted(form: ClaimForm) -> dict[Code, int]:
    """How many of each code are asked for, in whole numbers: a part of one is one."""
    asked: dict[Code, Decimal] = {}
    for item in form.items:
        if item.table and item.code:
            asked[item.table, item.code] = asked.get((item.table, item.code), Decimal()) + item.quantity
    return {code: ceil(quantity) for code, quantity in asked.items()}
