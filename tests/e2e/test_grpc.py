"""BillingService through its gRPC door: a client with nothing but the stubs, and one with nothing at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.type.money_pb2 import Money
from grpc_health.v1 import health_pb2, health_pb2_grpc

from acerto.billing.v1 import billing_service_pb2 as api
from acerto.billing.v1 import budget_pb2, service_price_pb2, work_order_pb2
from tests.e2e.conftest import House
from tests.support.environment import clean_env
from tests.support.fleet import Fleet
from tests.support.ledger import rows
from tests.support.os_service import OSService
from tests.support.served import refusal
from tests.support.waiting import eventually

SERVICE = "acerto.billing.v1.BillingService"
SERVICES = (SERVICE, "acerto.claims.v1.ClaimService", "acerto.eligibility.v1.EligibilityService")
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def _order(**changes: Any) -> api.CreateBudgetRequest:
    fields: dict[str, Any] = {
        "work_order_id": str(uuid4()),
        "description": "Suspensão dianteira",
        "customer": budget_pb2.Customer(name="Rui", email="rui@example.com", document=uuid4().hex[:20]),
        "items": [
            budget_pb2.LineItem(
                kind=budget_pb2.LINE_ITEM_KIND_PART,
                description="Amortecedor",
                quantity="2",
                unit_price=Money(currency_code="BRL", units=310, nanos=450_000_000),
            ),
            budget_pb2.LineItem(
                kind=budget_pb2.LINE_ITEM_KIND_DISCOUNT,
                description="Cliente antigo",
                quantity="1",
                unit_price=Money(currency_code="BRL", units=20),
            ),
        ],
    }
    return api.CreateBudgetRequest(**{**fields, **changes})


async def test_a_budget_made_by_hand_is_read_back_and_told_to_osservice(
    rabbit_house: House, rabbit_partner: OSService, billing: Any
) -> None:
    order = _order()
    made = await billing.CreateBudget(order)
    assert (made.total.units, made.total.nanos, made.total.currency_code) == (600, 900_000_000, "BRL")
    assert (made.status, made.revision) == (budget_pb2.BUDGET_STATUS_DRAFT, 1)
    assert await billing.GetBudget(api.GetBudgetRequest(budget_id=made.budget_id)) == made
    by_order = api.GetBudgetByWorkOrderRequest(work_order_id=order.work_order_id)
    assert await billing.GetBudgetByWorkOrder(by_order) == made
    told = await rabbit_partner.event(order.work_order_id)
    assert (told.content["BudgetId"], told.content["Amount"]) == (made.budget_id, 600.9)


async def test_a_repeat_gets_the_first_answer_and_makes_no_second_budget(
    rabbit_house: House, rabbit_partner: OSService, billing: Any
) -> None:
    order = _order(request_id=str(uuid4()))
    first = await billing.CreateBudget(order)
    repeat = billing.CreateBudget(order)
    assert await repeat == first
    assert dict(await repeat.trailing_metadata())["acerto-replayed"] == "true"
    await rabbit_partner.event(order.work_order_id)
    count = "SELECT count(*) FROM outbox_message WHERE payload LIKE %s"
    assert rows(rabbit_house.database_url, count, f"%{order.work_order_id}%") == [(1,)]
    order.description = "something else"
    assert (await refusal(billing.CreateBudget(order))).reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_key_in_the_metadata_makes_a_repeat_safe_too(billing: Any) -> None:
    order, metadata = _order(), (("idempotency-key", str(uuid4())),)
    first = await billing.CreateBudget(order, metadata=metadata)
    assert await billing.CreateBudget(order, metadata=metadata) == first


async def test_without_a_key_a_second_budget_of_a_work_order_is_refused_by_name(billing: Any) -> None:
    order = _order()
    made = await billing.CreateBudget(order)
    refused = await refusal(billing.CreateBudget(order))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "BUDGET_ALREADY_EXISTS")
    assert refused.about == {"budget_id": made.budget_id}


async def test_an_invalid_request_is_told_all_that_is_wrong_with_it(billing: Any) -> None:
    line = budget_pb2.LineItem(quantity="-1")
    refused = await refusal(billing.CreateBudget(api.CreateBudgetRequest(work_order_id="7", items=[line])))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {"work_order_id", "items[0].kind", "items[0].description", "items[0].quantity", "items[0].unit_price"} <= {
        *refused.fields
    }


async def test_pages_bring_every_budget_of_a_customer_once_newest_first(billing: Any) -> None:
    document = uuid4().hex[:20]
    customer = budget_pb2.Customer(name="Rui", document=document)
    made = [(await billing.CreateBudget(_order(customer=customer))).budget_id for _ in range(7)]
    request, found = api.ListBudgetsRequest(page_size=3, customer_document=document), []
    while True:
        page = await billing.ListBudgets(request)
        found += [[budget.budget_id for budget in page.budgets]]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [len(page) for page in found] == [3, 3, 1]
    assert [one for page in found for one in page] == made[::-1]
    request.page_token = f"{page.next_page_token}tampered"
    assert (await refusal(billing.ListBudgets(request))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_price_that_is_set_prices_the_next_order(rabbit_partner: OSService, billing: Any) -> None:
    code = f"SVC-{uuid4().hex[:8]}"
    price = service_price_pb2.ServicePrice(
        code=code, description="Serviço raro", price=Money(currency_code="BRL", units=987, nanos=650_000_000)
    )
    await billing.UpsertServicePrice(api.UpsertServicePriceRequest(service_price=price))
    listed = await billing.ListServicePrices(api.ListServicePricesRequest(page_size=1000))
    assert code in {one.code for one in listed.service_prices}
    await rabbit_partner.order(os_id := str(uuid4()), ServiceCode=code)
    assert (await rabbit_partner.event(os_id)).content["AmountCents"] == 98_765


async def test_the_timeline_tells_the_saga_from_the_order_to_the_confirmed_event(
    rabbit_partner: OSService, billing: Any
) -> None:
    event_id = await rabbit_partner.order(os_id := str(uuid4()), Valor=10)
    told = await rabbit_partner.event(os_id)

    async def published() -> work_order_pb2.WorkOrderTimeline:
        found: work_order_pb2.WorkOrderTimeline = await billing.GetWorkOrderTimeline(
            api.GetWorkOrderTimelineRequest(work_order_id=os_id)
        )
        assert found.entries[-1].HasField("publish_time")
        return found

    timeline = await eventually(published)
    received, *_, generated = timeline.entries
    assert (received.kind, received.event_type) == (work_order_pb2.TIMELINE_ENTRY_KIND_RECEIVED, "OsCreated")
    assert (received.event_id, received.actor) == (event_id, "system:billing-events")
    assert (generated.event_type, generated.event_id) == ("BudgetGenerated", told.event_id)
    assert (generated.causation_id, generated.correlation_id) == (event_id, f"saga-{os_id}")
    assert generated.body == told.body.decode()
    assert generated.publish_time.ToNanoseconds() >= generated.time.ToNanoseconds() > 0
    assert timeline.budget.budget_id == told.content["BudgetId"]


async def test_what_nobody_ever_heard_of_is_not_found(billing: Any) -> None:
    missing = str(uuid4())
    calls = [
        billing.GetBudget(api.GetBudgetRequest(budget_id=missing)),
        billing.GetBudgetByWorkOrder(api.GetBudgetByWorkOrderRequest(work_order_id=missing)),
        billing.GetWorkOrderTimeline(api.GetWorkOrderTimelineRequest(work_order_id=missing)),
    ]
    assert {(await refusal(call)).code for call in calls} == {grpc.StatusCode.NOT_FOUND}


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_says_serving_for_the_server_and_for_each_service(rabbit_house: House, service: str) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{rabbit_house.api.grpc_port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == _SERVING
        unknown = health.Check(health_pb2.HealthCheckRequest(service="acerto.nothing"))
        assert (await refusal(unknown)).code is grpc.StatusCode.NOT_FOUND


async def test_who_watches_health_hears_of_the_end_before_it_comes(folder: Path, database_url: str) -> None:
    with Fleet(folder, database_url=database_url) as fleet:
        (role,) = await fleet.running("api")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{role.grpc_port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
            heard = aiter(watch)
            first = await anext(heard)
            if first.status != _SERVING:  # the server was ready a moment before it told its watchers
                first = await anext(heard)
            assert first.status == _SERVING
            role.program.interrupt()
            assert (await anext(heard)).status == _NOT_SERVING
            assert await role.died() == 0


def test_a_client_without_any_contract_talks_by_reflection(rabbit_house: House) -> None:
    address = f"http://127.0.0.1:{rabbit_house.api.grpc_port}"
    listed = _buf_curl(address, "--list-services")
    assert {*SERVICES, "grpc.health.v1.Health"} <= set(listed.split())
    request = {"workOrderId": str(uuid4()), "amount": {"currencyCode": "BRL", "units": "55"}}
    made = json.loads(_buf_curl(f"{address}/{SERVICE}/CreateBudget", "-d", json.dumps(request)))
    assert (made["workOrderId"], made["total"]["units"]) == (request["workOrderId"], "55")
    asked = json.dumps({"budgetId": made["budgetId"]})
    assert json.loads(_buf_curl(f"{address}/{SERVICE}/GetBudget", "-d", asked)) == made
    _, claims, eligibility = SERVICES
    item = {"description": "Consulta", "quantity": "1", "unitPrice": {"currencyCode": "BRL", "units": "90"}}
    claim = json.loads(
        _buf_curl(f"{address}/{claims}/CreateClaim", "-d", json.dumps({"patientId": "p", "items": [item]}))
    )
    assert (claim["status"], claim["amount"]["units"]) == ("CLAIM_STATUS_SUBMITTED", "90")
    asked = json.dumps({"insurerId": "999999", "cardNumber": "0"})
    check = json.loads(_buf_curl(f"{address}/{eligibility}/CheckEligibility", "-d", asked))
    assert check["verdict"] == "VERDICT_UNDETERMINED"


def _buf_curl(url: str, *more: str) -> str:
    buf = Path(sys.executable).with_name("buf")
    command: list[str | Path] = [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *more, url]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)
