"""The old BillingService's requests and answers through the real gRPC door, on PostgreSQL, as the JSON they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf import json_format

from acerto.billing.v1 import billing_service_pb2 as new
from acerto.billing.v1 import compatibility_service_pb2 as pb
from domain.actor import Actor
from domain.billing.charge import ChargeStatus, PixOffer, Snapshot
from domain.billing.rules import BillingRules
from tests.support.builders import AT, CALL, an_os
from tests.support.house import House, house
from tests.support.served import PERMISSIONS, Refused, Scene, Served, refusal

OS = str(an_os(1))
SAGA, CAUSE, LATER = (f"0190a1b2-0000-7000-8000-00000000000{digit}" for digit in "123")
MADE = AT.isoformat().replace("+00:00", "Z")
ORCAMENTO = {
    "osId": OS,
    "valor": 1234.5,
    "emailCliente": "cliente@example.com",
    "correlationId": SAGA,
    "causationId": CAUSE,
}


@dataclass
class OldClient:
    """Sends JSON and reads JSON; `home` is what is stored, `scene` what the server is made of."""

    scene: Scene
    home: House
    served: Served

    async def ask(self, rpc: str, **body: Any) -> dict[str, Any]:
        """The answer, with all that an old client finds in it."""
        answer = await self.call(rpc, body)
        read: dict[str, Any] = json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)
        return read

    async def refused(self, rpc: str, **body: Any) -> Refused:
        return await refusal(self.call(rpc, body))

    async def offered(self, **changes: Any) -> dict[str, Any]:
        return await self.ask("CreateOrcamento", **ORCAMENTO | changes)

    async def approved(self) -> dict[str, Any]:
        await self.offered()
        return await self.ask("ApproveOrcamento", osId=OS)

    async def told(self, payment_id: str, status: ChargeStatus) -> None:
        """The provider says where a charge stands."""
        stored = await self.home.views.payment(self.scene.actor, UUID(payment_id))
        assert stored is not None
        self.scene.clock.advance(seconds=1)
        seen = Snapshot(
            id="123456",
            reference=payment_id,
            status=status,
            detail="",
            amount=stored.amount,
            refunded=stored.reversed,
            updated_at=self.scene.clock.now(),
            pix=PixOffer(code="pix"),
        )
        await self.scene.payments.observe(CALL, UUID(payment_id), seen)

    async def facts(self) -> list[str]:
        rows = await self.home.rows("SELECT event_type FROM outbox ORDER BY key_seq")
        return [row["event_type"] for row in rows]

    def call(self, rpc: str, body: dict[str, Any]) -> Any:
        request = json_format.ParseDict(body, getattr(pb, f"{rpc}Request")())
        return getattr(self.served.old, rpc)(request)


@pytest.fixture
async def old(database_url: str) -> AsyncIterator[OldClient]:
    async with house(database_url) as home:
        scene = Scene(begin=home.units.begin, queries=home.views, rules=BillingRules())
        async with scene.served() as served:
            yield OldClient(scene, home, served)


async def test_a_budget_is_made_and_offered_at_once_and_shown_as_the_old_one(old: OldClient) -> None:
    made = await old.offered()
    assert UUID(made["id"]).int
    assert made == {
        "id": made["id"],
        "osId": OS,
        "valor": 1234.5,
        "emailCliente": "cliente@example.com",
        "status": 1,
        "correlationId": SAGA,
        "causationId": CAUSE,
        "criadoEm": MADE,
        "atualizadoEm": MADE,
    }
    assert await old.facts() == ["BudgetGenerated", "BudgetSent"]
    assert await old.home.value("SELECT correlation_id FROM work_orders") == SAGA


@pytest.mark.parametrize("nobody", [{"emailCliente": None}, {"valor": 0}])
async def test_without_a_price_or_anybody_to_offer_it_to_it_stays_a_draft(old: OldClient, nobody: Any) -> None:
    assert (await old.offered(**nobody))["status"] == 0
    assert await old.facts() == ["BudgetGenerated"]


async def test_a_name_is_enough_to_offer_a_budget_to(old: OldClient) -> None:
    made = await old.offered(emailCliente=None, cliente="Cliente Teste", descricao="Serviço de teste")
    assert (made["status"], made["emailCliente"]) == (1, "")
    budget = await old.home.views.budget(old.scene.actor, UUID(made["id"]))
    assert budget is not None
    assert (budget.customer.name, budget.description) == ("Cliente Teste", "Serviço de teste")


async def test_without_ids_in_the_body_the_call_names_the_saga_and_the_cause(old: OldClient) -> None:
    request = json_format.ParseDict(
        {"osId": OS, "valor": 1, "emailCliente": "a@example.com"}, pb.CreateOrcamentoRequest()
    )
    metadata = (("correlation-id", "saga-of-the-call"), ("x-request-id", "the-call"))
    made = await old.served.old.CreateOrcamento(request, metadata=metadata)
    assert (made.correlation_id, made.causation_id) == ("saga-of-the-call", "the-call")
    request.os_id = str(an_os(2))
    made = await old.served.old.CreateOrcamento(request, metadata=metadata[1:])
    assert (made.correlation_id, made.causation_id) == ("the-call", "the-call")
    assert (await old.ask("GetOrcamento", osId="2"))["budget"]["correlationId"] == "the-call"


async def test_a_second_budget_of_a_work_order_is_refused(old: OldClient) -> None:
    made = await old.offered()
    again = await old.refused("CreateOrcamento", **ORCAMENTO)
    assert (again.code, again.reason) == (grpc.StatusCode.ALREADY_EXISTS, "BUDGET_ALREADY_EXISTS")
    assert again.about == {"budget_id": made["id"]}


@pytest.mark.parametrize("valor", [10.005, -1, "NaN", "Infinity", 1e12])
async def test_what_is_no_amount_in_centavos_is_refused_by_name(old: OldClient, valor: Any) -> None:
    for rpc in ("CreateOrcamento", "CreatePagamento"):
        refused = await old.refused(rpc, osId=OS, valor=valor)
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert set(refused.fields) == {"valor"}


async def test_a_budget_is_found_by_its_work_order_and_by_its_own_id(old: OldClient) -> None:
    made = await old.offered()
    for name in (OS, "1", made["id"]):
        assert await old.ask("GetOrcamento", osId=name) == {"osId": OS, "budget": made}
    for rpc in ("GetOrcamento", "ApproveOrcamento", "StartPagamento", "CreatePagamento"):
        missing = await old.refused(rpc, osId=str(uuid4()))
        assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "BUDGET_NOT_FOUND")
        assert (await old.refused(rpc, osId="nonsense")).fields == ["os_id"]


async def test_an_approval_answers_the_same_budget_with_status_2(old: OldClient) -> None:
    made = await old.offered()
    old.scene.clock.advance(seconds=90)
    approved = await old.ask("ApproveOrcamento", osId=OS, correlationId=LATER, causationId=LATER)
    assert approved == made | {"status": 2, "atualizadoEm": "2026-03-01T12:01:30Z"}
    assert await old.ask("ApproveOrcamento", osId=OS) == approved
    caused = "SELECT causation_id, correlation_id FROM work_order_log WHERE action = 'approve'"
    assert await old.home.rows(caused) == [{"causation_id": LATER, "correlation_id": SAGA}]


async def test_a_payment_is_begun_and_read_until_its_money_is_here(old: OldClient) -> None:
    budget = await old.approved()
    begun = await old.ask("StartPagamento", osId=OS, causationId=LATER)
    assert begun == {
        "id": begun["id"],
        "osId": OS,
        "orcamentoId": budget["id"],
        "valor": 1234.5,
        "status": "Pendente",
        "providerPaymentId": None,
        "criadoEm": MADE,
    }
    shown = {
        "id": begun["id"],
        "osId": OS,
        "orcamentoId": budget["id"],
        "valor": 1234.5,
        "metodo": "PIX",
        "status": 0,
        "providerPaymentId": None,
        "correlationId": SAGA,
        "causationId": LATER,
        "criadoEm": MADE,
        "atualizadoEm": MADE,
    }
    assert await old.ask("GetPagamento", id=begun["id"]) == shown
    await old.told(begun["id"], ChargeStatus.PENDING)
    pending = await old.ask("GetPagamento", id=begun["id"])
    assert pending == shown | {"providerPaymentId": "123456", "atualizadoEm": "2026-03-01T12:00:01Z"}
    await old.told(begun["id"], ChargeStatus.APPROVED)
    assert (await old.ask("GetPagamento", id=begun["id"]))["status"] == 1
    assert (await old.refused("GetPagamento", id=str(uuid4()))).reason == "PAYMENT_NOT_FOUND"


async def test_pagamento_collects_the_whole_total_by_pix_and_nothing_else(old: OldClient) -> None:
    await old.offered()
    assert (await old.refused("CreatePagamento", osId=OS)).reason == "BUDGET_NOT_APPROVED"
    budget = await old.ask("ApproveOrcamento", osId=OS)
    for amount in (1234.51, 0):
        wrong = await old.refused("CreatePagamento", osId=OS, valor=amount)
        assert (wrong.code, wrong.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "WRONG_AMOUNT")
    assert (await old.refused("CreatePagamento", osId=OS, metodo="BOLETO")).fields == ["metodo"]
    assert (await old.refused("CreatePagamento", osId=OS, orcamentoId=SAGA)).reason == "BUDGET_NOT_FOUND"
    asked = {"osId": OS, "orcamentoId": budget["id"], "valor": 1234.5, "metodo": "pix", "causationId": LATER}
    made = await old.ask("CreatePagamento", **asked)
    assert (made["valor"], made["metodo"], made["status"], made["causationId"]) == (1234.5, "PIX", 0, LATER)
    assert await old.ask("GetPagamento", id=made["id"]) == made
    assert (await old.refused("CreatePagamento", **asked)).reason == "PAYMENT_ALREADY_OPEN"


async def test_a_status_is_kept_with_the_event_that_it_follows_from(old: OldClient) -> None:
    assert (await old.refused("UpdateStatusOs", osId=OS, novoStatus="X")).reason == "WORK_ORDER_NOT_FOUND"
    await old.offered()
    said = await old.ask("UpdateStatusOs", osId="1", novoStatus="EM_EXECUCAO", eventType="ExecutionStarted")
    again = await old.ask("UpdateStatusOs", osId=OS, novoStatus="PRONTA", causationId=LATER)
    assert said == {
        "id": said["id"],
        "osId": OS,
        "novoStatus": "EM_EXECUCAO",
        "eventType": "ExecutionStarted",
        "correlationId": SAGA,
        "causationId": said["causationId"],
        "atualizadoEm": MADE,
    }
    assert again | {"id": 0} == said | {"id": 0, "novoStatus": "PRONTA", "eventType": None, "causationId": LATER}
    assert again["id"] > said["id"]
    listed = await old.served.billing.ListWorkOrderStatuses(new.ListWorkOrderStatusesRequest(work_order_id=OS))
    told = [(line.status, line.event_type, line.causation_id) for line in listed.statuses][-2:]
    assert told == [("EM_EXECUCAO", "ExecutionStarted", said["causationId"]), ("PRONTA", "", LATER)]


async def test_a_repeat_of_each_write_gets_the_first_answer_to_the_last_field(old: OldClient) -> None:
    writes: list[tuple[str, dict[str, Any]]] = [
        ("CreateOrcamento", ORCAMENTO),
        ("ApproveOrcamento", {"osId": OS}),
        ("StartPagamento", {"osId": OS}),
        ("UpdateStatusOs", {"osId": OS, "novoStatus": "X", "eventType": "Y"}),
        ("CreateOrcamento", ORCAMENTO | {"osId": str(an_os(2)), "correlationId": None, "causationId": None}),
    ]
    for rpc, written in writes:
        body = written | {"requestId": str(uuid4())}
        first = await old.ask(rpc, **body)
        repeat = old.call(rpc, body)
        again = json_format.MessageToDict(await repeat, always_print_fields_with_no_presence=True)
        assert again == first
        assert dict(await repeat.trailing_metadata())["acerto-replayed"] == "true"
        old.scene.clock.advance(seconds=1)
    await old.ask("ApproveOrcamento", osId="2")
    body = {"osId": "2", "requestId": str(uuid4())}
    assert await old.ask("CreatePagamento", **body) == await old.ask("CreatePagamento", **body)


async def test_what_lies_outside_a_callers_workshops_is_absent_here_too(old: OldClient) -> None:
    await old.approved()
    payment = await old.ask("StartPagamento", osId=OS)
    old.scene.actor = Actor(id="elsewhere", permissions=PERMISSIONS, workshops=frozenset({"other"}))
    for rpc in ("GetOrcamento", "ApproveOrcamento", "StartPagamento", "CreatePagamento"):
        assert (await old.refused(rpc, osId=OS)).reason == "BUDGET_NOT_FOUND"
    assert (await old.refused("GetPagamento", id=payment["id"])).reason == "PAYMENT_NOT_FOUND"
    assert (await old.refused("UpdateStatusOs", osId=OS, novoStatus="X")).reason == "WORK_ORDER_NOT_FOUND"
    assert (await old.refused("CreateOrcamento", **ORCAMENTO)).reason == "WORKSHOP_NOT_FOUND"


async def test_each_old_rpc_needs_the_permission_of_what_it_does(old: OldClient) -> None:
    old.scene.actor = Actor(id="guest", permissions=PERMISSIONS - {"budgets.create"})
    refused = await old.refused("CreateOrcamento", **ORCAMENTO)
    assert (refused.code, refused.about) == (grpc.StatusCode.PERMISSION_DENIED, {"permission": "budgets.create"})
