"""The OpenAPI document against a running server: requests made from it, good and bad, and no answer but those it tells.

The players are seeded, and most of what they ask is about budgets and payments that there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from protos.compiler import OPENAPI
from tests.support.fleet import Fleet
from tests.support.postgres import Databases
from tests.support.waiting import soon

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_bytes())
OPERATIONS = {
    told["operationId"]: (path, method)
    for path, item in DOCUMENT["paths"].items()
    for method, told in item.items()
    if not told.get("x-acerto-stream")
}
GAMES = [
    pytest.param(operation_id, mode, id=f"{operation_id}-{mode.value}")
    for operation_id, (path, method) in OPERATIONS.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & DOCUMENT["paths"][path][method].keys()
]
"""Where nothing is asked for, nothing can be asked for badly."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 15
MOST_KNOWN = 4
WORK_ORDER = "00000000-0000-4000-8000-{:012d}"
DEADLINE = "X-Request-Timeout"


@dataclass
class Door:
    """A development server with some work orders; `known` are values that parameters of these names can have."""

    url: str
    session: requests.Session
    client: httpx.Client
    known: dict[str, list[str]] = field(default_factory=dict)
    made: int = 0

    def drafted(self) -> str:
        """The budget of one more work order."""
        self.made += 1
        work_order = WORK_ORDER.format(self.made)
        price = {"currencyCode": "BRL", "units": "100"}
        line = {"kind": "LINE_ITEM_KIND_LABOR", "description": "Oil change", "quantity": "1", "unitPrice": price}
        customer = {"name": "Customer of a test", "email": "customer@example.com"}
        budget = self.post("/v1/budgets", workOrderId=work_order, items=[line], customer=customer)["budgetId"]
        self._keep(workOrderId=work_order, osId=work_order, budgetId=budget)
        return str(budget)

    def sent(self) -> str:
        """One that was offered."""
        budget = self.drafted()
        self.post(f"/v1/budgets/{budget}:send")
        return budget

    def approved(self) -> str:
        """One that was accepted."""
        budget = self.drafted()
        self.post(f"/v1/budgets/{budget}:approve")
        return budget

    def paid(self, status: str, script: str) -> None:
        """One with a payment that came to this status."""
        payment = self.post(f"/v1/budgets/{self.approved()}/payments", sandboxScript=script)["paymentId"]
        self._keep(paymentId=payment, id=payment)
        soon(lambda: self.client.get(f"/v1/payments/{payment}").json()["status"] == f"PAYMENT_STATUS_{status}")

    def post(self, path: str, **request: Any) -> dict[str, Any]:
        """The answer to a request that is in order."""
        answer = self.client.post(path, json=request)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _keep(self, **values: str) -> None:
        for name, value in values.items():
            self.known[name] = [value, *self.known.get(name, [])][:MOST_KNOWN]


@pytest.fixture(scope="module")
def door(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with databases.migrated() as url, Fleet(tmp_path_factory.mktemp("openapi"), database_url=url) as fleet:
        assert fleet.verb("topology", "apply").code == 0
        api, *_ = fleet.started("api", "worker")
        address = f"http://127.0.0.1:{api.http_port}"
        with requests.Session() as session, httpx.Client(base_url=address, timeout=10) as client:
            found = Door(address, session, client)
            found.paid("CONFIRMED", "approve")
            found.paid("PENDING", "")
            yield found


@pytest.mark.parametrize(("operation_id", "mode"), GAMES)
def test_no_answer_of_the_server_is_one_that_the_document_does_not_tell(
    door: Door, operation_id: str, mode: GenerationMode
) -> None:
    path, method = OPERATIONS[operation_id]
    if method != "get":
        for make in (door.drafted, door.approved, door.sent):
            make()
    operation = schemathesis.openapi.from_dict(DOCUMENT)[path][method.upper()]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), draws=st.data())
    def play(case: Case[Any], draws: st.DataObject) -> None:
        _make_real(case, door, draws)
        response = case.call(base_url=door.url, session=door.session)
        case.validate_response(response, checks=CHECKS)

    play()


def _make_real(case: Case[Any], door: Door, draws: st.DataObject) -> None:
    """Have most of the cases ask about what there is, and none ask for more haste than a server can make."""
    if case.headers is not None:
        case.headers.pop(DEADLINE, None)
        if mostly(draws):
            case.headers.pop("If-Match", None)
    for name in [*(case.path_parameters or {})]:
        if name in door.known and mostly(draws):
            case.path_parameters[name] = draws.draw(st.sampled_from(door.known[name]))


def mostly(draws: st.DataObject) -> bool:
    """True two times out of three."""
    return draws.draw(st.integers(0, 2)) > 0


def test_a_stream_is_what_the_document_says_line_by_line(door: Door) -> None:
    path, told = next((path, item["get"]) for path, item in DOCUMENT["paths"].items() if _streams(item))
    content = told["responses"]["200"]["content"]["application/x-ndjson"]
    validator = Draft202012Validator({"components": DOCUMENT["components"], **content["schema"]})
    asked = path.replace("{workOrderId}", door.known["workOrderId"][0])
    answer = httpx.get(door.url + asked, headers={DEADLINE: "1"}, timeout=10)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []
    assert len(lines) > 1
    assert lines[-1]["error"]["reason"] == "DEADLINE_EXCEEDED"


def _streams(item: dict[str, Any]) -> bool:
    return any(told.get("x-acerto-stream") for told in item.values())
