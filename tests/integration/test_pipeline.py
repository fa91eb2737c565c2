"""The pipeline, through a real gRPC server and channel, over the domain's fakes."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2
from domain.actor import Actor
from server.rpc.entrance import Entrance
from tests.support.held import BrokenQueries
from tests.support.served import Refused, Scene, Served, refusal

OS = str(UUID(int=42))
CREATE = pb.CreateBudgetRequest(work_order_id=OS, description="Oil change")
GET = pb.GetBudgetRequest(budget_id=str(UUID(int=1)))
PATH = "/acerto.billing.v1.BillingService/"


async def raw(served: Served, method: str, request: bytes) -> Refused:
    call = served.channel.unary_unary(PATH + method, lambda b: b, lambda b: b)
    return await refusal(call(request))


async def test_a_request_is_served_and_its_id_comes_back() -> None:
    async with Scene().served() as served:
        call = served.billing.CreateBudget(CREATE, metadata=[("x-request-id", "abc-123")])
        budget = await call
        trailing = dict(await call.trailing_metadata())
        assert trailing == {"x-request-id": "abc-123"}
        assert (budget.work_order_id, budget.status) == (OS, budget_pb2.BUDGET_STATUS_DRAFT)
        assert await served.billing.GetBudget(pb.GetBudgetRequest(budget_id=budget.budget_id)) == budget


@pytest.mark.parametrize("garbage", [" ", "x" * 129, "two words"])
async def test_a_request_id_that_is_none_is_replaced(garbage: str) -> None:
    async with Scene().served() as served:
        call = served.billing.CreateBudget(CREATE, metadata=[("x-request-id", garbage)])
        await call
        assert UUID(dict(await call.trailing_metadata())["x-request-id"]) != UUID(int=0)


async def test_what_the_caller_says_about_the_saga_reaches_the_use_case() -> None:
    scene = Scene()
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    said = [("correlation-id", "saga-7"), ("x-request-id", "req-9"), ("traceparent", trace), ("tracestate", "a=b")]
    async with scene.served() as served:
        await served.billing.CreateBudget(CREATE, metadata=said)
    (call,) = scene.store.calls
    assert (call.correlation_id, call.causation_id) == ("saga-7", "req-9")
    assert call.trace == {"traceparent": trace, "tracestate": "a=b"}


async def test_all_violations_come_at_once_with_their_paths() -> None:
    wrong = pb.CreateBudgetRequest(work_order_id="x", request_id="y", description="a\0b")
    wrong.items.add(quantity="0", description="fine", kind=budget_pb2.LINE_ITEM_KIND_PART)
    wrong.amount.units, wrong.amount.nanos, wrong.amount.currency_code = 1, -10_000_000, "BRL"
    async with Scene().served() as served:
        refused = await refusal(served.billing.CreateBudget(wrong))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert sorted(refused.fields) == [
        "amount",
        "description",
        "items[0].quantity",
        "items[0].unit_price",
        "request_id",
        "work_order_id",
    ]


async def test_what_only_translation_can_see_comes_at_once_too() -> None:
    wrong = pb.CreateBudgetRequest(work_order_id=str(UUID(int=0)))
    line = wrong.items.add(kind=budget_pb2.LINE_ITEM_KIND_PART, description="x", quantity="1")
    line.unit_price.units, line.unit_price.currency_code = -1, "BRL"
    async with Scene().served() as served:
        refused = await refusal(served.billing.CreateBudget(wrong))
    assert refused.fields == ["items[0].unit_price", "work_order_id"]


async def test_lines_that_add_up_to_more_than_money_can_hold_are_refused() -> None:
    wrong = pb.CreateBudgetRequest(work_order_id=OS)
    line = wrong.items.add(kind=budget_pb2.LINE_ITEM_KIND_PART, description="x", quantity="999999999")
    line.unit_price.units, line.unit_price.currency_code = 10**9, "BRL"
    async with Scene().served() as served:
        refused = await refusal(served.billing.CreateBudget(wrong))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["items"])


async def test_more_violations_than_a_client_takes_are_cut_and_counted() -> None:
    wrong = pb.CreateBudgetRequest(work_order_id=OS)
    for _ in range(400):
        wrong.items.add()
    async with Scene().served() as served:
        refused = await refusal(served.billing.CreateBudget(wrong))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    last = refused.detail(details_pb2.BadRequest()).field_violations[-1]
    assert last.reason == "truncated"
    assert "more" in last.description


async def test_malformed_bytes_are_the_callers_mistake() -> None:
    async with Scene().served() as served:
        refused = await raw(served, "GetBudget", b"\x0a\xff")
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_an_oversize_message_is_refused_cleanly() -> None:
    async with Scene().served() as served:
        refused = await raw(served, "GetBudget", b"\0" * (4 * 1024 * 1024 + 1))
        assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await served.billing.ListBudgets(pb.ListBudgetsRequest()) == pb.ListBudgetsResponse()


@pytest.mark.parametrize("path", [PATH + "DropTables", "/other.Service/Get", "/grpc.health.v1.Health/Nothing"])
async def test_an_unknown_method_is_unimplemented(path: str) -> None:
    async with Scene().served() as served:
        refused = await refusal(served.channel.unary_unary(path, lambda b: b, lambda b: b)(b""))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")


async def test_a_service_that_the_pipeline_does_not_know_is_not_served_even_if_grpc_has_it() -> None:
    async def anyone(request: bytes, _context: Any) -> bytes:
        return request

    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Entrance(Scene().pipeline)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(anyone)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("back.Door", {"Open": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        refused = await refusal(channel.unary_unary("/back.Door/Open", lambda b: b, lambda b: b)(b""))
    await server.stop(0)
    assert refused.reason == "UNKNOWN_METHOD"


async def test_a_missing_permission_is_refused_before_anything_is_looked_at() -> None:
    scene = Scene(queries=BrokenQueries(AssertionError("looked up")))
    scene.actor = Actor(id="nobody", permissions=frozenset({"budgets.list"}))
    async with scene.served() as served:
        refused = await refusal(served.billing.GetBudget(pb.GetBudgetRequest(budget_id="not even valid")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN")
    assert refused.about == {"permission": "budgets.get"}


async def test_what_lies_outside_the_callers_workshops_is_as_if_absent() -> None:
    scene = Scene()
    async with scene.served() as served:
        budget = await served.billing.CreateBudget(CREATE)
        there = pb.GetBudgetRequest(budget_id=budget.budget_id)
        scene.actor = Actor(id="guest", permissions=scene.actor.permissions, workshops=frozenset({"other"}))
        hidden = await refusal(served.billing.GetBudget(there))
        absent = await refusal(served.billing.GetBudget(pb.GetBudgetRequest(budget_id=str(uuid4()))))
    assert (hidden.code, hidden.reason, hidden.message) == (absent.code, absent.reason, absent.message)
    assert hidden.reason == "BUDGET_NOT_FOUND"


async def test_a_repeated_write_answers_as_the_first_and_says_so() -> None:
    scene = Scene()
    request = pb.CreateBudgetRequest(request_id=str(uuid4()), work_order_id=OS)
    async with scene.served() as served:
        first, again = served.billing.CreateBudget(request), None
        budget = await first
        again = served.billing.CreateBudget(request)
        assert await again == budget
        assert "acerto-replayed" not in dict(await first.trailing_metadata())
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
    assert len(scene.store.facts) == 1


async def test_a_key_in_the_metadata_is_the_same_key_and_another_request_under_it_is_refused() -> None:
    key = str(uuid4())
    async with Scene().served() as served:
        await served.billing.CreateBudget(pb.CreateBudgetRequest(request_id=key.upper(), work_order_id=OS))
        call = served.billing.CreateBudget(
            pb.CreateBudgetRequest(work_order_id=OS), metadata=[("idempotency-key", key)]
        )
        await call
        assert dict(await call.trailing_metadata())["acerto-replayed"] == "true"
        other = pb.CreateBudgetRequest(request_id=key, work_order_id=str(UUID(int=43)))
        refused = await refusal(served.billing.CreateBudget(other))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IDEMPOTENCY_KEY_REUSED")
    assert refused.detail(details_pb2.PreconditionFailure()).violations[0].type == "IDEMPOTENCY_KEY_REUSED"


async def test_a_key_that_cannot_be_one_is_refused_instead_of_dropped() -> None:
    async with Scene().served() as served:
        refused = await refusal(served.billing.CreateBudget(CREATE, metadata=[("idempotency-key", "x" * 200)]))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["idempotency-key"])


async def test_a_failure_of_ours_is_opaque_and_can_be_found_in_the_log() -> None:
    scene = Scene(queries=BrokenQueries(RuntimeError("password=hunter2")))
    async with scene.served() as served:
        refused = await refusal(served.billing.GetBudget(GET, metadata=[("x-request-id", "find-me")]))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "hunter2" not in f"{refused.message}{refused.status}"
    assert refused.about == {"request_id": "find-me"}
    (line,) = scene.log.named("request_failed")
    assert line["request_id"] == "find-me"
    assert "hunter2" in str(line["exc_info"])


async def test_every_request_is_counted_timed_and_logged_with_ids_only() -> None:
    scene = Scene()
    customer = budget_pb2.Customer(name="Maria", email="maria@example.com", document="123.456.789-09")
    async with scene.served() as served:
        await served.billing.CreateBudget(pb.CreateBudgetRequest(work_order_id=OS, customer=customer))
        await refusal(served.billing.CreateBudget(CREATE))
    text = scene.telemetry.exposition().decode()
    rpc = f'rpc="{PATH}CreateBudget"'
    assert f'acerto_requests_total{{code="OK",{rpc}}} 1.0' in text
    assert f'acerto_requests_total{{code="ALREADY_EXISTS",{rpc}}} 1.0' in text
    assert f"acerto_request_seconds_count{{{rpc}}} 2.0" in text
    assert "acerto_requests_in_flight 0.0" in text
    lines = scene.log.named("request")
    assert [(line["code"], line.get("reason")) for line in lines] == [
        ("OK", None),
        ("ALREADY_EXISTS", "BUDGET_ALREADY_EXISTS"),
    ]
    assert all(word not in str(lines) for word in ("Maria", "maria@", "123"))


async def test_lists_come_page_by_page_and_a_token_fits_its_own_list_only() -> None:
    scene = Scene()
    async with scene.served() as served:
        for number in range(1, 6):
            await served.billing.CreateBudget(pb.CreateBudgetRequest(work_order_id=str(UUID(int=number))))
            scene.clock.advance(seconds=1)
        seen: list[str] = []
        token, pages = "", 0
        while pages == 0 or token:
            page = await served.billing.ListBudgets(pb.ListBudgetsRequest(page_size=2, page_token=token))
            seen += [budget.work_order_id for budget in page.budgets]
            token, pages = page.next_page_token, pages + 1
        first = await served.billing.ListBudgets(pb.ListBudgetsRequest(page_size=2))
        other = pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_SENT, page_token=first.next_page_token)
        refused = await refusal(served.billing.ListBudgets(other))
    assert (seen, pages) == ([str(UUID(int=number)) for number in range(5, 0, -1)], 3)
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


async def test_filters_by_customer_find_the_customer_and_contradicting_ones_find_nobody() -> None:
    maria = budget_pb2.Customer(document="123.456.789-09")
    async with Scene().served() as served:
        budget = await served.billing.CreateBudget(pb.CreateBudgetRequest(work_order_id=OS, customer=maria))
        wanted: list[tuple[dict[str, Any], int]] = [
            ({"customer_document": "12345678909"}, 1),
            ({"customer_id": budget.customer.customer_id}, 1),
            ({"customer_id": str(uuid4())}, 0),
            ({"customer_id": str(uuid4()), "customer_document": "12345678909"}, 0),
        ]
        for filters, count in wanted:
            page = await served.billing.ListBudgets(pb.ListBudgetsRequest(**filters))
            assert len(page.budgets) == count, filters
