"""What clients of the OficinaCardozo BillingService sent, byte for byte, and what they read, at the HTTP door."""

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

NUMBER: Final = (int, float)
ORCAMENTO: Final = {
    "id": UUID,
    "osId": UUID,
    "valor": NUMBER,
    "emailCliente": str,
    "status": int,
    "correlationId": UUID,
    "causationId": UUID,
    "criadoEm": datetime,
    "atualizadoEm": datetime,
}
STARTED: Final = {
    "id": UUID,
    "osId": UUID,
    "orcamentoId": UUID,
    "valor": NUMBER,
    "status": str,
    "providerPaymentId": (str, type(None)),
    "criadoEm": datetime,
}
PAGAMENTO: Final = {
    "id": UUID,
    "osId": UUID,
    "orcamentoId": UUID,
    "valor": NUMBER,
    "metodo": str,
    "status": int,
    "providerPaymentId": (str, type(None)),
    "correlationId": UUID,
    "causationId": UUID,
    "criadoEm": datetime,
    "atualizadoEm": datetime,
}
STATUS_OS: Final = {
    "id": int,
    "osId": UUID,
    "novoStatus": str,
    "eventType": (str, type(None)),
    "correlationId": UUID,
    "causationId": UUID,
    "atualizadoEm": datetime,
}
SAGA: Final = "d3f4c5a6-1b2c-4d5e-8f70-123456789abc"


@dataclass(frozen=True)
class OldClient(OldHttp):
    """The client of the workshops' service."""

    async def served(self, method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
        """The answer, which must be 200 and JSON."""
        read: dict[str, Any] = await self.told(200, method, path, body, **headers)
        return read

    async def offered(self, os_id: str, valor: str = "1000.00") -> dict[str, Any]:
        return await self.served("POST", "/api/billing/orcamento", orcamento(os_id, valor))

    async def approved(self, os_id: str) -> dict[str, Any]:
        await self.offered(os_id)
        return await self.served("POST", f"/api/billing/budgets/{os_id}/approve")


@pytest.fixture
async def old(rabbit_house: House) -> AsyncIterator[OldClient]:
    base = f"http://127.0.0.1:{rabbit_house.api.http_port}"
    async with httpx.AsyncClient(base_url=base, timeout=20) as http:
        yield OldClient(http)


@pytest.fixture
def os_id() -> str:
    return str(uuid4())


def orcamento(os_id: str, valor: str = "1000.00") -> str:
    return (
        f'{{"osId": "{os_id}", "valor": {valor}, "emailCliente": "cliente@example.com",'
        f' "correlationId": "{SAGA}", "causationId": null}}'
    )


@pytest.mark.parametrize("path", ["/api/billing/orcamento", "/orcamento", "/api/billing/budgets"])
async def test_a_budget_is_generated_and_sent(old: OldClient, os_id: str, path: str) -> None:
    made = shaped(await old.served("POST", path, orcamento(os_id, "1234.56")), ORCAMENTO)
    assert (made["osId"], made["valor"], made["emailCliente"]) == (os_id, 1234.56, "cliente@example.com")
    assert (made["status"], made["correlationId"]) == (1, SAGA)


async def test_the_checklists_line_works_with_the_fields_that_nobody_read(old: OldClient, os_id: str) -> None:
    body = f"""{{
    "osId": "{os_id}",
    "cliente": "Cliente Teste",
    "valor": 1000.00,
    "descricao": "Serviço de teste"
  }}"""
    made = shaped(await old.served("POST", "/api/billing/orcamento", body), ORCAMENTO)
    assert (made["valor"], made["emailCliente"], made["status"]) == (1000, "", 1)


async def test_the_older_examples_number_names_a_work_order(old: OldClient) -> None:
    number = uuid4().int % 10**12 or 1
    body = f'{{"ordemServicoId": {number}, "valor": 100.00, "emailCliente": "test@example.com"}}'
    made = shaped(await old.served("POST", "/api/billing/orcamento", body), ORCAMENTO)
    assert made["osId"] == f"00000000-0000-0000-0000-{number:012}"
    assert (await old.served("GET", f"/billing/budgets/{number}"))["budget"] == made


async def test_a_number_written_as_text_is_read_as_one(old: OldClient, os_id: str) -> None:
    assert (await old.offered(os_id, '"1500.10"'))["valor"] == 1500.1


async def test_the_header_names_the_saga_where_the_body_does_not(old: OldClient, os_id: str) -> None:
    body = f'{{"osId": "{os_id}", "valor": 1500.00, "emailCliente": "cliente@example.com"}}'
    answer = await old.send("POST", "/api/billing/budgets", body, Correlation_Id=SAGA)
    assert shaped(answer.json(), ORCAMENTO)["correlationId"] == SAGA
    assert answer.headers["correlation-id"] == SAGA


@pytest.mark.parametrize("path", ["/billing/budgets", "/budgets", "/api/billing/budgets"])
async def test_a_budget_is_read_by_its_work_order_and_by_its_id(old: OldClient, os_id: str, path: str) -> None:
    made = await old.offered(os_id)
    for name in (os_id, made["id"]):
        found = await old.served("GET", f"{path}/{name}")
        assert found.keys() == {"osId", "budget"}
        assert (found["osId"], shaped(found["budget"], ORCAMENTO)) == (os_id, made)
    missing = await old.send("GET", f"{path}/{uuid4()}")
    assert (missing.status_code, missing.json()["reason"]) == (404, "BUDGET_NOT_FOUND")


@pytest.mark.parametrize("path", ["/api/billing/budgets", "/billing/budgets"])
@pytest.mark.parametrize("body", [None, "", "{}", f'{{"correlationId": "{SAGA}", "causationId": null}}'])
async def test_a_budget_is_approved_with_a_body_or_without(
    old: OldClient, os_id: str, path: str, body: str | None
) -> None:
    made = await old.offered(os_id)
    approved = shaped(await old.served("POST", f"{path}/{os_id}/approve", body), ORCAMENTO)
    assert approved == made | {"status": 2, "atualizadoEm": approved["atualizadoEm"]}
    assert approved["atualizadoEm"] > made["atualizadoEm"]


@pytest.mark.parametrize("path", ["/api/billing/payments", "/billing/payments"])
@pytest.mark.parametrize("body", [None, f'{{"correlationId": "{SAGA}", "causationId": "{SAGA}"}}'])
async def test_a_payment_is_started_and_its_provider_named_moments_later(
    old: OldClient, os_id: str, path: str, body: str | None
) -> None:
    budget = await old.approved(os_id)
    begun = shaped(await old.served("POST", f"{path}/{os_id}/start", body), STARTED)
    assert (begun["osId"], begun["orcamentoId"], begun["valor"], begun["status"]) == (
        os_id,
        budget["id"],
        1000,
        "Pendente",
    )

    async def named() -> bool:
        found = shaped(await old.served("GET", f"/api/billing/pagamento/{begun['id']}"), PAGAMENTO)
        return bool(found["providerPaymentId"])

    await eventually(named, within=20)


@pytest.mark.parametrize("path", ["/pagamento", "/api/billing/pagamento"])
async def test_a_payment_is_made_and_read_in_the_old_shape(old: OldClient, os_id: str, path: str) -> None:
    budget = await old.approved(os_id)
    body = (
        f'{{"osId": "{os_id}", "orcamentoId": "{budget["id"]}", "valor": 1000.00, "metodo": "PIX",'
        f' "correlationId": "{SAGA}", "causationId": null}}'
    )
    made = shaped(await old.served("POST", path, body), PAGAMENTO)
    assert (made["valor"], made["metodo"], made["status"]) == (1000, "PIX", 0)
    for read in ("/api/billing/pagamento", "/pagamento"):
        found = shaped(await old.served("GET", f"{read}/{made['id']}"), PAGAMENTO)
        assert found["id"] == made["id"]
    assert (await old.send("GET", f"/api/billing/pagamento/{uuid4()}")).status_code == 404


async def test_a_status_of_the_work_order_is_kept(old: OldClient, os_id: str) -> None:
    await old.offered(os_id)
    bare = f'{{"osId": "{os_id}", "novoStatus": "EM_EXECUCAO"}}'
    said = shaped(await old.served("PUT", "/api/billing/status-os", bare), STATUS_OS)
    assert (said["osId"], said["novoStatus"], said["eventType"]) == (os_id, "EM_EXECUCAO", None)
    whole = (
        f'{{"osId": "{os_id}", "novoStatus": "CONCLUIDA", "eventType": "ExecutionFinished",'
        f' "correlationId": "{SAGA}", "causationId": "{SAGA}"}}'
    )
    again = shaped(await old.served("PUT", "/api/billing/status-os", whole), STATUS_OS)
    assert (again["eventType"], again["causationId"]) == ("ExecutionFinished", SAGA)


async def test_a_repeat_with_the_same_key_gets_the_same_answer(old: OldClient, os_id: str) -> None:
    key = str(uuid4())
    first = await old.served("POST", "/orcamento", orcamento(os_id), Idempotency_Key=key)
    assert await old.served("POST", "/orcamento", orcamento(os_id), Idempotency_Key=key) == first
    again = await old.send("POST", "/orcamento", orcamento(os_id))
    assert (again.status_code, again.json()["reason"]) == (409, "BUDGET_ALREADY_EXISTS")


async def test_what_the_old_service_answered_with_400_is_400(old: OldClient, os_id: str) -> None:
    await old.offered(os_id)
    early = await old.send("POST", f"/api/billing/payments/{os_id}/start")
    assert (early.status_code, early.json()["reason"]) == (400, "BUDGET_NOT_APPROVED")
    for valor in ("10.005", "-1", "1e20"):
        refused = await old.send("POST", "/orcamento", orcamento(str(uuid4()), valor))
        assert refused.status_code == 400
        assert [violation["field"] for violation in refused.json()["violations"]] == ["valor"]


@pytest.mark.parametrize("name", ["OsId", "desconto"])
async def test_a_name_that_is_not_in_the_contract_is_refused(old: OldClient, os_id: str, name: str) -> None:
    body = orcamento(os_id).replace("{", f'{{"{name}": "{os_id}", ')
    assert (await old.send("POST", "/orcamento", body)).status_code == 400
    assert (await old.send("GET", f"/budgets/{os_id}")).status_code == 404
