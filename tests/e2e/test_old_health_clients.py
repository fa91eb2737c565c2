"""What clients of the Faturamento & Convênios service sent, byte for byte, and what they read, at the HTTP door.

What that service did wrong is left behind: each defect of health.md A that no test of a rule names has a test here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.conftest import House
from tests.support.old_http import OldHttp, shaped

NUMBER: Final = (int, float)
TEXT_OR_NULL: Final = (str, type(None))
CLAIM: Final = {
    "id": UUID,
    "patient_id": str,
    "insurance_id": TEXT_OR_NULL,
    "amount": NUMBER,
    "currency": str,
    "status": str,
    "items": list,
    "created_at": datetime,
    "updated_at": datetime,
}
ITEM: Final = {"description": str, "code": TEXT_OR_NULL, "value": NUMBER, "quantity": NUMBER}
INVOICE: Final = {
    "id": UUID,
    "claim_id": TEXT_OR_NULL,
    "claim_ids": list,
    "patient_id": TEXT_OR_NULL,
    "amount": NUMBER,
    "currency": str,
    "status": str,
    "settled_at": TEXT_OR_NULL,
    "created_at": datetime,
    "updated_at": datetime,
}
ONE_ITEM: Final = '{"description": "Consulta", "value": 150.50}'


def claim_of(patient: str, items: str = f"[{ONE_ITEM}]", more: str = "") -> str:
    return f'{{"patient_id": "{patient}", "items": {items}{more}}}'


@dataclass(frozen=True)
class OldClient(OldHttp):
    """The client of a small clinic; `patient` is one that no other test has."""

    patient: str

    async def claimed(self, items: str = f"[{ONE_ITEM}]") -> dict[str, Any]:
        return shaped(await self.told(201, "POST", "/claims/", claim_of(self.patient, items)), CLAIM)

    async def moved(self, claim: dict[str, Any], *statuses: str) -> dict[str, Any]:
        for status in statuses:
            claim = await self.told(200, "PATCH", f"/claims/{claim['id']}", f'{{"status": "{status}"}}')
        return shaped(claim, CLAIM)

    async def billed(self, claim: dict[str, Any] | None = None) -> dict[str, Any]:
        claim = claim or await self.claimed()
        return shaped(await self.told(201, "POST", "/invoices/", f'{{"claim_id": "{claim["id"]}"}}'), INVOICE)

    async def events(self, nouns: str, thing: dict[str, Any]) -> list[str]:
        """What others were told of it, by its history."""
        entries = (await self.told(200, "GET", f"/v1/{nouns}/{thing['id']}/history"))["entries"]
        return [entry["eventType"] for entry in entries if entry["eventType"]]


@pytest.fixture
async def old(rabbit_house: House) -> AsyncIterator[OldClient]:
    base = f"http://127.0.0.1:{rabbit_house.api.http_port}"
    async with httpx.AsyncClient(base_url=base, timeout=20) as http:
        yield OldClient(http, f"patient-{uuid4()}")


async def test_a_claim_is_made_in_the_old_words_and_submitted_at_once(old: OldClient) -> None:
    body = f"""{{
  "patient_id": "{old.patient}",
  "insurance_id": "unimed-01",
  "amount": 331.3,
  "currency": "BRL",
  "items": [
    {{"description": "Consulta", "code": "10101012", "value": 150.50, "quantity": 2}},
    {{"description": "Curativo", "value": 20.20, "quantity": 1.5}}
  ]
}}"""
    made = shaped(await old.told(201, "POST", "/claims/", body), CLAIM)
    assert (made["patient_id"], made["insurance_id"]) == (old.patient, "unimed-01")
    assert (made["amount"], made["currency"], made["status"]) == (331.3, "BRL", "pending")
    assert [shaped(item, ITEM) for item in made["items"]] == [
        {"description": "Consulta", "code": "10101012", "value": 150.5, "quantity": 2},
        {"description": "Curativo", "code": None, "value": 20.2, "quantity": 1.5},
    ]
    assert await old.events("claims", made) == ["ClaimSubmitted"]
    for path in (f"/claims/{made['id']}", f"/claims/{made['id']}/"):
        assert await old.told(200, "GET", path) == made


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_path_may_end_in_a_slash(old: OldClient, slash: str) -> None:
    made = await old.told(201, "POST", f"/claims{slash}", claim_of(old.patient))
    assert (made["insurance_id"], made["items"][0]["quantity"]) == (None, 1)
    assert await old.told(200, "GET", f"/claims{slash}?patient_id={old.patient}") == [made]
    invoice = await old.told(201, "POST", f"/invoices{slash}", f'{{"claim_ids": ["{made["id"]}"]}}')
    assert await old.told(200, "GET", f"/invoices{slash}?patient_id={old.patient}") == [invoice]
    assert (await old.told(201, "POST", f"/invoices/{invoice['id']}/settle{slash}"))["status"] == "settled"


async def test_a_claim_goes_along_the_workflow_by_its_status(old: OldClient) -> None:
    claim = await old.claimed()
    assert (await old.moved(claim, "pending"))["updated_at"] == claim["updated_at"], "nothing happened"
    assert (await old.moved(claim, "processing"))["status"] == "processing"
    approved = await old.moved(claim, "processing", "approved", "approved")
    assert approved == claim | {"status": "approved", "updated_at": approved["updated_at"]}
    assert await old.events("claims", claim) == ["ClaimSubmitted", "ClaimAdjudicated"]
    other = await old.claimed()
    assert (await old.moved(other, "canceled", "rejected"))["status"] == "rejected"
    assert await old.events("claims", other) == ["ClaimSubmitted", "ClaimCanceled"]


async def test_any_status_to_any_status_is_left_behind(old: OldClient) -> None:
    claim = await old.claimed()
    early = await old.refused(400, "PATCH", f"/claims/{claim['id']}", '{"status": "approved"}')
    assert (early["reason"], early["metadata"]) == (
        "ILLEGAL_TRANSITION",
        {"allowed_actions": "receive,return,cancel"},
    )
    await old.moved(claim, "processing", "approved")
    for status in ("pending", "processing"):
        refused = await old.refused(400, "PATCH", f"/claims/{claim['id']}", f'{{"status": "{status}"}}')
        assert refused["reason"] == "ILLEGAL_TRANSITION"
    invoice = await old.billed(claim)
    settled = await old.refused(400, "PATCH", f"/invoices/{invoice['id']}", '{"status": "settled"}')
    assert settled["metadata"] == {"allowed_actions": "update,settle,cancel"}
    await old.told(201, "POST", f"/invoices/{invoice['id']}/settle")
    for status in ("pending", "canceled"):
        refused = await old.refused(400, "PATCH", f"/invoices/{invoice['id']}", f'{{"status": "{status}"}}')
        assert refused["reason"] == "ILLEGAL_TRANSITION"
    assert (await old.refused(400, "PATCH", f"/claims/{claim['id']}", '{"status": "rejected"}'))["reason"] == (
        "ILLEGAL_TRANSITION"
    ), "it is paid"


async def test_contents_and_status_are_not_changed_in_one_call(old: OldClient) -> None:
    claim = await old.claimed()
    both = f'{{"status": "processing", "items": [{ONE_ITEM}]}}'
    assert await old.wrong("PATCH", f"/claims/{claim['id']}", both) == ["status"]
    assert await old.told(200, "PATCH", f"/claims/{claim['id']}", "{}") == claim
    submitted = await old.refused(400, "PATCH", f"/claims/{claim['id']}", '{"insurance_id": "other"}')
    assert submitted["reason"] == "ILLEGAL_TRANSITION"


async def test_a_returned_claim_is_corrected_and_so_sent_again(old: OldClient) -> None:
    claim = await old.claimed()
    await old.told(200, "POST", f"/v1/claims/{claim['id']}:return", '{"reason": "no such code"}')
    assert (await old.told(200, "GET", f"/claims/{claim['id']}"))["status"] == "processing"
    right = '{"items": [{"description": "Consulta", "code": "1", "value": 99.9}], "amount": 99.9}'
    sent = shaped(await old.told(200, "PATCH", f"/claims/{claim['id']}", right), CLAIM)
    assert (sent["status"], sent["amount"], sent["items"][0]["code"]) == ("pending", 99.9, "1")
    assert await old.events("claims", claim) == ["ClaimSubmitted", "ClaimSubmitted"]


async def test_an_invoice_is_made_and_settled_in_the_old_words(old: OldClient) -> None:
    claim = await old.claimed()
    body = f"""{{
  "claim_id": "{claim["id"]}",
  "patient_id": "{old.patient}",
  "amount": 150.50,
  "currency": "BRL"
}}"""
    made = shaped(await old.told(201, "POST", "/invoices/", body), INVOICE)
    assert (made["claim_id"], made["claim_ids"], made["patient_id"]) == (claim["id"], [claim["id"]], old.patient)
    assert (made["amount"], made["status"], made["settled_at"]) == (150.5, "pending", None)
    assert await old.told(200, "GET", f"/invoices/{made['id']}") == made
    settled = shaped(await old.told(201, "POST", f"/invoices/{made['id']}/settle"), INVOICE)
    assert datetime.fromisoformat(settled["settled_at"]) == datetime.fromisoformat(settled["updated_at"])
    assert settled == made | {
        "status": "settled",
        "settled_at": settled["settled_at"],
        "updated_at": settled["updated_at"],
    }


async def test_a_patient_is_billed_without_a_claim(old: OldClient) -> None:
    made = await old.told(201, "POST", "/invoices/", f'{{"patient_id": "{old.patient}", "amount": 80}}')
    assert (made["claim_id"], made["claim_ids"], made["amount"]) == (None, [], 80)
    assert await old.wrong("POST", "/invoices/", '{"amount": 80}') == ["patient_id"]
    canceled = await old.told(200, "PATCH", f"/invoices/{made['id']}", '{"status": "canceled"}')
    assert (canceled["status"], canceled["settled_at"]) == ("canceled", None)


async def test_a_settle_that_emits_twice_is_left_behind_at_the_door_too(old: OldClient) -> None:
    invoice = await old.billed()
    first = await old.told(201, "POST", f"/invoices/{invoice['id']}/settle", "{}")
    assert await old.told(201, "POST", f"/invoices/{invoice['id']}/settle") == first
    assert await old.told(200, "PATCH", f"/invoices/{invoice['id']}", '{"status": "settled"}') == first
    assert await old.events("invoices", invoice) == ["InvoiceCreated", "InvoiceSettled"]


async def test_a_canceled_invoice_settled_is_left_behind_at_the_door_too(old: OldClient) -> None:
    claim = await old.claimed()
    invoice = await old.billed(claim)
    canceled = await old.told(200, "PATCH", f"/invoices/{invoice['id']}", '{"status": "canceled"}')
    assert (canceled["status"], canceled["claim_id"]) == ("canceled", claim["id"])
    refused = await old.refused(400, "POST", f"/invoices/{invoice['id']}/settle")
    assert (refused["reason"], refused["metadata"]) == ("ILLEGAL_TRANSITION", {"allowed_actions": ""})
    assert (await old.billed(claim))["status"] == "pending", "the claim is free again"


async def test_an_invoice_for_a_claim_that_does_not_exist_was_denied_or_is_another_patients_is_left_behind(
    old: OldClient,
) -> None:
    missing = await old.refused(404, "POST", "/invoices/", f'{{"claim_id": "{uuid4()}"}}')
    assert missing["reason"] == "CLAIM_NOT_FOUND"
    claim = await old.claimed()
    other = await old.refused(400, "POST", "/invoices/", f'{{"claim_id": "{claim["id"]}", "patient_id": "another"}}')
    assert other["reason"] == "INVOICE_PARTY_MISMATCH"
    await old.billed(claim)
    twice = await old.refused(409, "POST", "/invoices/", f'{{"claim_id": "{claim["id"]}"}}')
    assert twice["reason"] == "CLAIM_ALREADY_INVOICED", "one claim invoiced twice is left behind"
    rejected = await old.moved(await old.claimed(), "rejected")
    refused = await old.refused(400, "POST", "/invoices/", f'{{"claim_id": "{rejected["id"]}"}}')
    assert refused["reason"] == "CLAIM_NOT_INVOICEABLE"


@pytest.mark.parametrize("path", ["/claims", "/invoices"])
async def test_a_404_answered_as_500_is_left_behind(old: OldClient, path: str) -> None:
    for method, body in (("GET", None), ("PATCH", '{"status": "canceled"}')):
        assert (await old.refused(404, method, f"{path}/{uuid4()}", body))["reason"].endswith("_NOT_FOUND")
    assert await old.wrong("GET", f"{path}/a1b2c3") == ["id"]
    assert (await old.refused(404, "POST", f"/invoices/{uuid4()}/settle"))["reason"] == "INVOICE_NOT_FOUND"


@pytest.mark.parametrize("value", ["-1", "-0.01", '"NaN"', '"Infinity"', '"-Infinity"', "10.005", "0.001", "1e15"])
async def test_negative_nan_infinite_and_three_decimal_amounts_accepted_is_left_behind(
    old: OldClient, value: str
) -> None:
    item = f'[{{"description": "x", "value": {value}}}]'
    assert await old.wrong("POST", "/claims/", claim_of(old.patient, item)) == ["items[0].value"]
    amount = f', "amount": {value}'
    assert await old.wrong("POST", "/claims/", claim_of(old.patient, more=amount)) == ["amount"]
    bill = f'{{"patient_id": "{old.patient}", "amount": {value}}}'
    assert await old.wrong("POST", "/invoices/", bill) == ["amount"]
    assert await old.told(200, "GET", f"/claims/?patient_id={old.patient}") == []


async def test_zero_quantities_accepted_is_left_behind(old: OldClient) -> None:
    for quantity in ("0", "-1", '"NaN"', "0.00001"):
        item = f'[{{"description": "x", "value": 1, "quantity": {quantity}}}]'
        assert await old.wrong("POST", "/claims/", claim_of(old.patient, item)) == ["items[0].quantity"]
    assert await old.wrong("POST", "/claims/", claim_of(old.patient, '[{"description": "x"}]')) == ["items[0].value"]


async def test_empty_items_accepted_is_left_behind(old: OldClient) -> None:
    assert await old.wrong("POST", "/claims/", claim_of(old.patient, "[]")) == ["items"]
    assert await old.wrong("POST", "/claims/", f'{{"patient_id": "{old.patient}"}}') == ["items"]


async def test_euros_accepted_is_left_behind(old: OldClient) -> None:
    for path, body in (("/claims/", claim_of(old.patient)), ("/invoices/", f'{{"patient_id": "{old.patient}"}}')):
        euros = body.replace('{"patient_id"', '{"currency": "EUROS", "patient_id"', 1)
        assert await old.wrong("POST", path, euros) == ["currency"]
        eur = await old.refused(400, "POST", path, euros.replace("EUROS", "EUR"))
        assert eur["reason"] == "WRONG_CURRENCY"


async def test_an_amount_unrelated_to_its_items_is_left_behind(old: OldClient) -> None:
    wrong = await old.refused(400, "POST", "/claims/", claim_of(old.patient, more=', "amount": 150.51'))
    assert (wrong["reason"], wrong["metadata"]) == ("AMOUNT_DIFFERS", {"amount_cents": "15051", "items_cents": "15050"})


async def test_24_bit_ids_are_left_behind(old: OldClient) -> None:
    ids = {UUID((await old.claimed())["id"]) for _ in range(3)}
    assert {each.version for each in ids} == {7}
    assert len(ids) == 3


async def test_lists_without_an_order_are_left_behind_and_windows_are_cut_from_the_newest(old: OldClient) -> None:
    made = [await old.claimed() for _ in range(4)][::-1]
    mine = f"patient_id={old.patient}"
    assert await old.told(200, "GET", f"/claims/?{mine}") == made
    assert await old.told(200, "GET", f"/claims/?{mine}&skip=1&limit=2") == made[1:3]
    assert await old.told(200, "GET", f"/claims/?{mine}&skip=4&limit=1000") == []
    bills = [await old.billed(claim) for claim in made]
    assert await old.told(200, "GET", f"/invoices/?{mine}&skip=0&limit=3") == bills[:0:-1]
    for path in ("/claims/", "/invoices/"):
        for limit in ("0", "1001", "-1"):
            assert await old.wrong("GET", f"{path}?limit={limit}") == ["limit"]
        assert await old.wrong("GET", f"{path}?skip=-1") == ["skip"]


async def test_lists_are_filtered_as_before(old: OldClient) -> None:
    pending, processing = await old.claimed(), await old.moved(await old.claimed(), "processing")
    mine = f"/claims/?patient_id={old.patient}"
    assert await old.told(200, "GET", f"{mine}&status=pending") == [pending]
    assert await old.told(200, "GET", f"{mine}&status=processing") == [processing]
    assert await old.wrong("GET", f"{mine}&status=paid") == ["status"]
    made = pending["created_at"]
    assert await old.told(200, "GET", f"{mine}&start_date={made}&end_date={made}") == [pending]
    far = (datetime.now(UTC) + timedelta(days=2)).date()
    assert await old.told(200, "GET", f"{mine}&start_date=2026-01-01&end_date={far}") == [processing, pending]
    assert await old.told(200, "GET", f"{mine}&start_date={far}") == []
    assert await old.told(200, "GET", f"{mine}&end_date=2020-12-31T23:59:59") == []
    assert await old.wrong("GET", f"{mine}&start_date=soon&end_date=9999-12-31") == ["start_date", "end_date"]
    invoice, canceled = await old.billed(pending), await old.billed(processing)
    canceled = await old.told(200, "PATCH", f"/invoices/{canceled['id']}", '{"status": "canceled"}')
    bills = f"/invoices/?patient_id={old.patient}"
    assert await old.told(200, "GET", f"{bills}&status=pending") == [invoice]
    assert await old.told(200, "GET", f"{bills}&status=canceled") == [canceled]
    assert await old.told(200, "GET", f"/invoices/?claim_id={pending['id']}") == [invoice]


async def test_a_repeat_with_the_same_key_gets_the_same_answer(old: OldClient) -> None:
    key = str(uuid4())
    first = await old.told(201, "POST", "/claims/", claim_of(old.patient), Idempotency_Key=key)
    assert await old.told(201, "POST", "/claims/", claim_of(old.patient), Idempotency_Key=key) == first
    assert await old.told(200, "GET", f"/claims/?patient_id={old.patient}") == [first]
