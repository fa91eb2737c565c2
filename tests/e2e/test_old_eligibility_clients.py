"""What the clients of the same service asked about eligibility, byte for byte, and what they read, at the HTTP door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.conftest import House
from tests.support.old_http import OldHttp, shaped
from tests.support.waiting import eventually

TEXT_OR_NULL: Final = (str, type(None))
CHECK: Final = {
    "id": UUID,
    "patient_id": str,
    "insurance_id": str,
    "is_eligible": bool,
    "message": str,
    "checked_at": datetime,
    "expires_at": TEXT_OR_NULL,
    "verdict": str,
    "from_cache": bool,
}
INSURER: Final = "999991"
PLAN: Final = f"/v1/insurers/{INSURER}/plans/OLD"


@dataclass(frozen=True)
class OldClient(OldHttp):
    """The client of a small clinic; `patient` is one that no other test has."""

    patient: str

    async def checked(self, insurer: str = INSURER) -> dict[str, Any]:
        body = f'{{"patient_id": "{self.patient}", "insurance_id": "{insurer}"}}'
        return shaped(await self.told(201, "POST", "/eligibility/check", body), CHECK)

    async def enrolled(self) -> None:
        """The patient has a card of a plan that covers ordinary care."""
        await self.told(200, "PUT", f"/v1/insurers/{INSURER}", '{"name": "Sample insurer", "cnpj": "12ABC34501DE35"}')
        plan = '{"name": "Plano", "segments": ["SEGMENT_AMBULATORY", "SEGMENT_HOSPITAL"], "active": true}'
        await self.told(200, "PUT", PLAN, plan)
        card = f"/v1/insurers/{INSURER}/beneficiaries/{uuid4().int % 10**12:012}"
        since = '"enrolled_from": {"year": 2020, "month": 1, "day": 1}'
        await self.told(200, "PUT", card, f'{{"plan_id": "OLD", "patient_id": "{self.patient}", {since}}}')

    async def history(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.told(
            200, "GET", f"/eligibility/history?patient_id={self.patient}{query}"
        )
        return found


@pytest.fixture
async def old(rabbit_house: House) -> AsyncIterator[OldClient]:
    base = f"http://127.0.0.1:{rabbit_house.api.http_port}"
    async with httpx.AsyncClient(base_url=base, timeout=20) as http:
        yield OldClient(http, f"patient-{uuid4()}")


async def test_eligibility_that_is_always_true_is_left_behind(old: OldClient) -> None:
    for insurer in (INSURER, "unimed-01"):
        unknown = await old.checked(insurer)
        assert (unknown["is_eligible"], unknown["verdict"], unknown["expires_at"]) == (False, "UNDETERMINED", None)
        assert unknown["message"].startswith("not determined: ")
        assert (unknown["patient_id"], unknown["insurance_id"]) == (old.patient, insurer)
    await old.enrolled()
    covered = await old.checked()
    assert (covered["is_eligible"], covered["verdict"], covered["message"]) == (True, "ELIGIBLE", "eligible")
    assert datetime.fromisoformat(covered["expires_at"]) > datetime.fromisoformat(covered["checked_at"])


async def test_a_cache_hit_that_skips_the_history_and_fakes_checked_at_is_left_behind(old: OldClient) -> None:
    await old.enrolled()
    first = await old.checked()
    hit = first

    async def kept() -> bool:
        nonlocal hit
        hit = await old.checked()
        return bool(hit["from_cache"])

    await eventually(kept, within=10, what="an answer is kept")
    assert hit["id"] != first["id"]
    told = {each["id"]: each for each in [first]}

    async def written() -> bool:
        told.update({each["id"]: each for each in await old.history()})
        return hit["id"] in told

    await eventually(written, within=10, what="the hit is in the history")
    assert told[hit["id"]] == hit
    assert hit["checked_at"] in {each["checked_at"] for each in told.values() if not each["from_cache"]}


async def test_the_history_is_a_bare_array_of_windows_from_the_newest(old: OldClient) -> None:
    made = [await old.checked(insurer) for insurer in ("a", "b", "a")][::-1]
    assert await old.history() == made
    assert await old.history("&skip=1&limit=1") == made[1:2]
    assert await old.history("&insurance_id=a&limit=100") == [made[0], made[2]]
    assert await old.told(200, "GET", f"/eligibility/history/?patient_id={uuid4()}") == []
    for limit in ("0", "101"):
        assert await old.wrong("GET", f"/eligibility/history?limit={limit}") == ["limit"]


async def test_a_check_names_a_patient_and_an_insurer(old: OldClient) -> None:
    assert await old.wrong("POST", "/eligibility/check/", "{}") == ["patient_id", "insurance_id"]
