"""Reference data on a real database, by both doors: what is set is read, day by day, and its generations move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from google.type.date_pb2 import Date

from acerto.eligibility.v1 import beneficiary_pb2
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from domain.eligibility.errors import HealthPlanNotFound
from domain.eligibility.generations import TUSS, card_scope, insurer_scope, patient_scope, plan_scope
from domain.eligibility.use_cases.reference import ReferenceData
from persistence.reference_views import ReferenceViews
from tests.support import equivalence_reference as wanted
from tests.support.builders import CALL
from tests.support.equivalence_reference import CODE, DAY
from tests.support.house import House, house
from tests.support.http import client_of, fields_in, http_of, problem_in
from tests.support.journey import brl, cents
from tests.support.reference import CARD, INSURER, PATIENT, PLAN, PROVIDER, a_beneficiary, a_plan, a_price, an_insurer
from tests.support.served import Scene, refusal


@dataclass
class Office:
    """Who enters reference data: a gRPC stub, and the rooms behind the door."""

    home: House
    scene: Scene
    stub: Any

    async def set(self, *requests: Message) -> list[Any]:
        rpcs = [getattr(self.stub, type(request).__name__.removesuffix("Request")) for request in requests]
        return [await rpc(request) for rpc, request in zip(rpcs, requests, strict=True)]

    async def all(self) -> None:
        """One of everything."""
        await self.set(wanted.insurer(), wanted.health_plan(), wanted.beneficiary(), wanted.provider())
        await self.set(wanted.tuss_term(), wanted.price_agreement())

    async def generations(self) -> dict[str, int]:
        rows = await self.home.rows("SELECT scope, generation FROM generations")
        return {row["scope"]: row["generation"] for row in rows}

    async def price(self, on: Date) -> int:
        key = {"insurer_id": INSURER, "plan_id": PLAN, "table": "22", "code": CODE}
        found = await self.stub.GetPriceAgreement(pb.GetPriceAgreementRequest(on=on, **key))
        return cents(found.price)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with house(database_url) as home:
        scene = Scene(begin=home.units.begin, queries=home.views, reference=ReferenceViews(home.database))
        async with scene.served() as served:
            yield Office(home, scene, served.eligibility)


def day(text: str) -> Date:
    read = date.fromisoformat(text)
    return Date(year=read.year, month=read.month, day=read.day)


async def test_what_was_set_is_read_as_it_was_set(office: Office) -> None:
    await office.all()
    insurer, plan, beneficiary, provider = await office.set(
        wanted.insurer(name="Outro nome", active=False, check_url="https://example.com/check"),
        wanted.health_plan(active=None),
        wanted.beneficiary(status=beneficiary_pb2.BENEFICIARY_STATUS_SUSPENDED, pre_existing_until=DAY),
        wanted.provider(cnpj=wanted.CNPJ),
    )
    stub = office.stub
    assert await stub.GetInsurer(pb.GetInsurerRequest(insurer_id=INSURER)) == insurer
    assert (insurer.active, insurer.appeal_days) == (False, 30)
    assert await stub.GetHealthPlan(pb.GetHealthPlanRequest(insurer_id=INSURER, plan_id=PLAN)) == plan
    assert (plan.active, plan.waiting.other_days, plan.coverage[0].yearly_limit) == (True, 180, 2)
    key = {"insurer_id": INSURER, "card_number": CARD}
    assert await stub.GetBeneficiary(pb.GetBeneficiaryRequest(**key)) == beneficiary
    assert (beneficiary.enrolled_from, beneficiary.pre_existing_until) == (wanted.NEW_YEAR, DAY)
    assert await stub.GetProvider(pb.GetProviderRequest(provider_id=PROVIDER)) == provider


async def test_http_takes_the_key_from_the_path_and_the_rest_from_the_body(office: Office) -> None:
    await office.all()
    body = {"planId": PLAN, "patientId": "p", "enrolledFrom": {"year": 2026, "month": 1, "day": 1}}
    async with client_of(http_of(office.scene)) as client:
        path = f"/v1/insurers/{INSURER}/beneficiaries"
        put = await client.put(f"{path}/00%2F7", json=body)
        assert put.status_code == 200, put.text
        listed = await client.get(f"{path}?patientId=p")
        read = await client.get(f"/v1/tuss-terms/22/{CODE}?on.year=2026&on.month=3&on.day=1")
        unknown = await client.get(f"{path}/7")
    assert listed.json() == {"beneficiaries": [put.json()], "nextPageToken": ""}
    assert (put.json()["cardNumber"], put.json()["status"]) == ("00/7", "BENEFICIARY_STATUS_ACTIVE")
    assert read.json()["code"] == CODE
    problem_in(unknown, 404, "BENEFICIARY_NOT_FOUND")


async def test_everything_that_a_law_or_a_check_digit_forbids_is_named_by_its_path(office: Office) -> None:
    await office.all()
    body = {"name": "x", "segments": ["SEGMENT_OBSTETRICS"], "network": [PROVIDER]}
    coverage = {"coverage": [{"table": "20"}, {"table": "20", "prefix": ""}]}
    async with client_of(http_of(office.scene)) as client:
        plan = await client.put(f"/v1/insurers/{INSURER}/plans/X", json=body | coverage)
        longer = await client.put(
            f"/v1/insurers/{INSURER}/plans/X", json=body | {"waiting": {"birthDays": 301, "urgentHours": 25}}
        )
        insurer = await client.put("/v1/insurers/326305", json={"name": "x", "cnpj": "12ABC34501DE36"})
    assert fields_in(plan) == ["health_plan.segments", "health_plan.coverage[0]", "health_plan.coverage[1]"]
    assert fields_in(longer) == ["health_plan.waiting.urgent_hours", "health_plan.waiting.birth_days"]
    assert fields_in(insurer) == ["insurer.cnpj"]


async def test_the_row_of_a_code_that_began_last_governs_even_when_it_has_ended(office: Office) -> None:
    await office.set(
        wanted.tuss_term(description="Old"),
        wanted.tuss_term(description="New", valid_from=day("2025-07-01"), valid_to=day("2025-12-31")),
    )

    def asked(on: str) -> Any:
        return office.stub.GetTussTerm(pb.GetTussTermRequest(table="22", code=CODE, on=day(on)))

    found = [(await asked(on)).description for on in ("2025-01-01", "2025-06-30", "2025-07-01", "2025-12-31")]
    assert found == ["Old", "Old", "New", "New"]
    for on in ("2024-12-31", "2026-01-01"):
        assert (await refusal(asked(on))).reason == "TUSS_TERM_NOT_FOUND"
    governing = await office.stub.ListTussTerms(pb.ListTussTermsRequest(on=day("2025-08-01")))
    assert [term.description for term in governing.tuss_terms] == ["New"]
    assert len((await office.stub.ListTussTerms(pb.ListTussTermsRequest())).tuss_terms) == 2


async def test_without_a_day_a_term_is_read_as_of_today_in_brazil(office: Office) -> None:
    assert office.scene.clock.now().isoformat() == "2026-03-01T12:00:00+00:00"
    office.scene.clock.advance(hours=14)  # 2 March in UTC, and still the first in São Paulo
    await office.set(wanted.tuss_term(valid_to=DAY))
    asked = pb.GetTussTermRequest(table="22", code=CODE)
    assert (await office.stub.GetTussTerm(asked)).code == CODE
    office.scene.clock.advance(hours=1)
    assert (await refusal(office.stub.GetTussTerm(asked))).reason == "TUSS_TERM_NOT_FOUND"


async def test_a_price_for_a_month_stands_before_the_one_that_it_interrupts(office: Office) -> None:
    await office.all()
    march = wanted.price_agreement(price=brl(1), valid_from=day("2026-03-01"), valid_to=day("2026-03-31"))
    await office.set(march)
    prices = [await office.price(day(on)) for on in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01")]
    assert prices == [12_345, 1, 1, 12_345]
    listed = await office.stub.ListPriceAgreements(pb.ListPriceAgreementsRequest(on=DAY))
    assert [cents(one.price) for one in listed.price_agreements] == [1]


async def test_pages_miss_and_repeat_nothing(office: Office) -> None:
    await office.all()
    starts = [day(f"2025-0{month}-01") for month in range(2, 8)]
    await office.set(*(wanted.price_agreement(valid_from=start) for start in starts))
    await office.set(*(wanted.health_plan(plan_id=f"plan {number}") for number in range(6)))
    await office.set(*(wanted.beneficiary(card_number=f"{number:03}") for number in range(6)))

    async def listed(rpc: str, request: Any, field: str) -> list[Any]:
        found: list[Any] = []
        while True:
            page = await getattr(office.stub, rpc)(request)
            found += getattr(page, field)
            if not page.next_page_token:
                return found
            assert len(getattr(page, field)) == 3
            request.page_token = page.next_page_token

    prices = await listed("ListPriceAgreements", pb.ListPriceAgreementsRequest(page_size=3), "price_agreements")
    assert [one.valid_from.month for one in prices] == [1, 2, 3, 4, 5, 6, 7]
    plans = await listed("ListHealthPlans", pb.ListHealthPlansRequest(insurer_id=INSURER, page_size=3), "health_plans")
    assert {one.plan_id for one in plans} == {PLAN, *(f"plan {number}" for number in range(6))}
    assert len(plans) == 7
    cards = await listed("ListBeneficiaries", pb.ListBeneficiariesRequest(page_size=3), "beneficiaries")
    assert [one.card_number for one in cards] == sorted([*(f"{number:03}" for number in range(6)), CARD])


async def test_terms_are_found_by_the_beginning_of_their_codes(office: Office) -> None:
    codes = ["99000011", "9900001100", "99100011", "98999999"]
    await office.set(*(wanted.tuss_term(code=code) for code in codes))
    for prefix, expected in (("99", 3), ("990", 2), ("99000011", 2), ("9900001100", 1), ("1", 0), ("", 4)):
        found = await office.stub.ListTussTerms(pb.ListTussTermsRequest(table="22", code_prefix=prefix))
        assert len(found.tuss_terms) == expected, prefix


async def test_each_change_moves_the_generations_of_what_answers_depend_on(office: Office) -> None:
    await office.all()
    scopes = [insurer_scope(INSURER), plan_scope(INSURER, PLAN), card_scope(INSURER, CARD), patient_scope(PATIENT)]
    assert await office.generations() == dict.fromkeys([*scopes, TUSS], 1)
    await office.set(wanted.insurer(), wanted.provider(), wanted.price_agreement(), wanted.tuss_term())
    assert await office.generations() == dict.fromkeys(scopes[1:], 1) | {insurer_scope(INSURER): 2, TUSS: 2}
    assert [left.scopes for left in office.home.wakes][-2:] == [{insurer_scope(INSURER)}, {TUSS}]


async def test_a_card_that_goes_to_another_patient_moves_both_of_them(office: Office) -> None:
    await office.all()
    await office.set(wanted.beneficiary(patient_id="another"))
    moved = await office.generations()
    assert (moved[patient_scope(PATIENT)], moved[patient_scope("another")]) == (2, 1)
    assert moved[card_scope(INSURER, CARD)] == 2


async def test_what_is_refused_or_repeated_moves_nothing(office: Office) -> None:
    key = str(uuid4())
    request = wanted.insurer()
    request.request_id = key
    first, again = await office.set(request, request)
    assert first == again
    assert (await refusal(office.stub.UpsertBeneficiary(wanted.beneficiary()))).reason == "HEALTH_PLAN_NOT_FOUND"
    assert await office.generations() == {insurer_scope(INSURER): 1}


async def test_of_two_who_enter_one_card_at_once_the_second_moves_the_firsts_patient_too(office: Office) -> None:
    reference = ReferenceData(office.home.units.begin)
    await reference.upsert_insurer(CALL, an_insurer())
    await reference.upsert_health_plan(CALL, a_plan())
    for number in range(10):
        card = f"{number:03}"
        first, second = (a_beneficiary(card_number=card, patient_id=f"{number}-{name}") for name in "ab")
        await asyncio.gather(reference.upsert_beneficiary(CALL, first), reference.upsert_beneficiary(CALL, second))
        moved = await office.generations()
        stored = await office.home.value("SELECT patient_id FROM beneficiaries WHERE card_number = %s", card)
        other = ({f"{number}-a", f"{number}-b"} - {stored}).pop()
        assert moved[card_scope(INSURER, card)] == 2
        assert (moved[patient_scope(stored)], moved[patient_scope(other)]) == (1, 2)


async def test_nothing_is_agreed_for_a_plan_that_is_not_there(office: Office) -> None:
    reference = ReferenceData(office.home.units.begin)
    with pytest.raises(HealthPlanNotFound):
        await reference.upsert_price_agreement(CALL, a_price())


async def test_nothing_of_a_person_is_kept_but_the_clinics_own_id(office: Office) -> None:
    asked = "SELECT column_name FROM information_schema.columns WHERE table_name = 'beneficiaries'"
    columns = await office.home.rows(asked)
    assert {row["column_name"] for row in columns} == {
        *("insurer_id", "card_number", "plan_id", "patient_id", "enrolled_from", "enrolled_to", "valid_from"),
        *("valid_to", "status", "pre_existing_until", "updated_at"),
    }
