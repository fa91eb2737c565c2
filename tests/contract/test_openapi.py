"""server/gateway/openapi.json against the contracts and the server: valid, whole, and exact about what can happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from aiopenapi3 import OpenAPI
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry, Resource

from protos.compiler import OPENAPI, PROTOS
from protos.openapi import reasons as reasons_
from protos.openapi.contracts import contracts_in
from protos.openapi.reasons import reasons_of
from server.gateway.router import Found
from server.gateway.rules import Rule, rules_of
from server.gateway.transcoder import router_of
from server.rpc.errors import TABLE
from server.rpc.validation import validate as validated
from server.wiring.doors import methods

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_bytes())
CONTRACTS = contracts_in(PROTOS)
ROUTER = router_of(rules_of(methods().values()))
METHODS = ("delete", "get", "head", "options", "patch", "post", "put", "trace")
NO_RPC = {"GetHealth", "GetLiveness", "GetReadiness", "GetMetrics", "GetOpenApi", "ReceiveProviderNotice"}

Operation = tuple[str, str, dict[str, Any]]


def operations() -> list[Operation]:
    """Every operation of the document with its method and its path."""
    return [
        (method, path, item[method]) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
    ]


def of_rpcs() -> list[Operation]:
    return [one for one in operations() if one[2]["operationId"] not in NO_RPC]


def rule_of(operation: dict[str, Any]) -> Rule:
    """The rule that an operation stands for, by its id."""
    name, _, number = operation["operationId"].partition("_")
    return [rule for rule in CONTRACTS.rules if rule.method.name == name][int(number or "1") - 1]


def resolved(one: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    found: Any = DOCUMENT
    if "$ref" not in one:
        return one
    for name in one["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def names(operation: Operation) -> str:
    return str(operation[2]["operationId"])


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    """What a value has against a schema of the document."""
    registry: Registry[Any] = Registry().with_resource("urn:openapi", Resource.opaque(DOCUMENT))
    whole = {"components": DOCUMENT["components"], **schema}
    validator = Draft202012Validator(whole, registry=registry, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_the_openapi_spec_validator_finds_the_document_valid() -> None:
    validate(DOCUMENT)


def test_aiopenapi3_finds_the_document_valid_and_can_call_everything_in_it() -> None:
    api = OpenAPI(
        "http://127.0.0.1/openapi.json", deepcopy(DOCUMENT)
    )  # it takes the extensions out of what it is given
    assert {name.rpartition(".")[2] for name in api._} == {names(one) for one in operations()}


def test_every_rule_of_every_served_rpc_is_an_operation_and_no_other_is() -> None:
    assert {method.full_name for method in CONTRACTS.methods} == set(methods())
    assert {method.full_name for method in CONTRACTS.methods} == {rule.method.full_name for rule in CONTRACTS.rules}
    documented = {id(rule_of(operation)): operation["operationId"] for _, _, operation in of_rpcs()}
    assert set(documented) == {id(rule) for rule in CONTRACTS.rules}
    assert len(of_rpcs()) == len(CONTRACTS.rules)


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_an_operation_says_who_may_call_it_and_whether_it_is_old(operation: Operation) -> None:
    method, _, told = operation
    rule = rule_of(told)
    assert method.upper() == rule.http_method
    assert told["x-acerto-permission"] == rule.method.permission
    assert f"`{rule.method.permission}`" in told["description"]
    assert told.get("deprecated", False) == bool(rule.method.descriptor.GetOptions().deprecated)
    assert told["summary"]


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_the_path_of_an_operation_is_that_of_its_rule(operation: Operation) -> None:
    _, path, told = operation
    rule = rule_of(told)
    given = [resolved(one) for one in told["parameters"]]
    assert {one["name"] for one in given if one["in"] == "path"} == {
        part[1:-1] for part in path.replace(":", "/").split("/") if part.startswith("{")
    }
    assert path.endswith(f":{rule.template.verb}" if rule.template.verb else path[-1])


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_the_headers_that_an_operation_takes_are_those_that_it_reads(operation: Operation) -> None:
    rule = rule_of(operation[2])
    taken = {one["name"] for one in map(resolved, operation[2]["parameters"]) if one["in"] == "header"}
    assert ("Idempotency-Key" in taken) == rule.method.writes
    assert ("If-Match" in taken) == ("etag" in rule.method.request.DESCRIPTOR.fields_by_name)
    assert ("If-None-Match" in taken) == ("304" in operation[2]["responses"])
    assert taken >= {"Correlation-Id", "X-Request-Id", "X-Request-Timeout"}


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_every_refusal_names_its_reasons_each_with_its_own_status(operation: Operation) -> None:
    known = reasons_of(CONTRACTS)
    for status, response in refusals(operation):
        expected = {"412": {409}}.get(status, {int(status)})
        told = listed(response)
        assert told
        assert {known[name].status for name in told} == expected
        assert all(f"- `{name}`: " in response["description"] for name in told)


def test_what_the_contract_lists_and_what_any_call_can_be_refused_for_is_documented() -> None:
    told = {names(one): {name for _, response in refusals(one) for name in listed(response)} for one in of_rpcs()}
    common = {"INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "OVERLOADED", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert all(found >= common | {"INTERNAL"} for found in told.values())
    assert {"BUDGET_NOT_FOUND"} <= told["GetBudget"]
    assert "IDEMPOTENCY_KEY_REUSED" not in told["GetBudget"]
    assert {"STALE", "REQUEST_IN_PROGRESS", "ILLEGAL_TRANSITION"} <= told["UpdateBudget"]
    assert {"LINK_INVALID", "TOO_MANY_PAYMENTS"} <= told["ApproveOrcamento"], "as ApproveBudget, as StartPayment"


def test_every_common_reason_is_somebodys() -> None:
    groups = (
        *(reasons_.ALWAYS, reasons_.WRITING, reasons_.BODY, reasons_.JSON_BODY),
        *(reasons_.NO_OPERATION, reasons_.LISTED),
    )
    common = [value for value in CONTRACTS.reasons if value.type.full_name.startswith("acerto.common.")]
    assert {value.name.removeprefix("ERROR_REASON_") for value in common} == frozenset().union(*groups)
    assert sum(map(len, groups)) == len(common), "each in one group"


def test_the_comment_of_each_reason_names_the_status_that_the_server_gives() -> None:
    known = reasons_of(CONTRACTS)
    by_grpc = {status.grpc.name: status.http for status in TABLE.values()}
    by_grpc |= {"DEADLINE_EXCEEDED": 504, "CANCELLED": 499, "UNIMPLEMENTED": 501, "INTERNAL": 500}
    for value in CONTRACTS.reasons:
        comment = CONTRACTS.comments.of(f"{value.type.full_name}.{value.name}")
        told = comment.partition("-> ")[2].partition(" ")[0].rstrip(".;")
        reason = known[value.name.removeprefix("ERROR_REASON_")]
        assert (by_grpc.get(told) or int(told)) == reason.status, value.name


def test_every_example_is_valid_against_its_own_schema() -> None:
    wrong = [f"{at}: {problem}" for at, schema, value in examples() for problem in violations(schema, value)]
    assert wrong == []


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_an_operation_has_an_example_of_its_request_and_of_its_answer(operation: Operation) -> None:
    _, _, told = operation
    given = [resolved(one) for one in told["parameters"]]
    assert all("example" in one for one in given if one["in"] == "path")
    for content in (told.get("requestBody", {}), success_of(told)):
        for media_type, media in content.get("content", {}).items():
            assert media_type == "*/*" or "example" in media


@pytest.mark.parametrize("operation", of_rpcs(), ids=names)
def test_the_server_takes_the_example_of_every_request(operation: Operation) -> None:
    method, path, told = operation
    for name, value in given(told, "path").items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    found = ROUTER.find(method.upper(), path)
    assert isinstance(found, Found)
    assert found.target.rule.method.name == rule_of(told).method.name
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    text = b"" if body is None else json.dumps(body).encode()
    parts = found.template.variable_parts(found.segments)
    validated(found.target.requests.read(parts, urlencode(given(told, "query")), text, "application/json"))


def test_requests_may_name_no_other_field_and_answers_may_grow() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["CreateBudgetRequest"]["additionalProperties"] is False
    assert schemas["LineItemInput"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["LineItem"]


def test_no_reference_leads_nowhere_and_no_component_is_unused() -> None:
    text = OPENAPI.read_text(encoding="utf-8")
    for kind, components in DOCUMENT["components"].items():
        for name in components:
            assert kind == "securitySchemes" or f'"#/components/{kind}/{name}"' in text, name


def given(told: dict[str, Any], place: str) -> dict[str, Any]:
    """The examples of an operation's parameters in the path or the query."""
    found = map(resolved, told["parameters"])
    return {one["name"]: one["example"] for one in found if one["in"] == place and "example" in one}


def success_of(told: dict[str, Any]) -> dict[str, Any]:
    """The response of an operation that did what it was asked."""
    (found,) = (response for status, response in told["responses"].items() if status.startswith("2"))
    return dict(found)


def refusals(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation[2]["responses"].items():
        if int(status) >= 400:
            yield status, resolved(response)


def listed(response: dict[str, Any]) -> list[str]:
    schema = response["content"]["application/problem+json"]["schema"]
    return list(schema["allOf"][1]["properties"]["reason"]["enum"])


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example with its place and its schema."""
    yield (
        "Problem",
        {"$ref": "#/components/schemas/Problem"},
        DOCUMENT["components"]["schemas"]["Problem"]["examples"][0],
    )
    for _, path, told in operations():
        for one in map(resolved, told.get("parameters", [])):
            if "example" in one:
                yield f"{path} {one['name']}", one["schema"], one["example"]
        contents = (told.get("requestBody", {}), *map(resolved, told["responses"].values()))
        for media in (media for content in contents for media in content.get("content", {}).values()):
            if "example" in media:
                yield f"{path} {told['operationId']}", media["schema"], media["example"]
