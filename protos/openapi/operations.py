"""One operation for each rule: who may call it, what it takes, what it answers and refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from acerto.access.v1 import policy_pb2
from protos.compiler import ContractError
from protos.openapi import reasons as reasons_
from protos.openapi.comments import joined, summary_and_rest
from protos.openapi.contracts import Contracts
from protos.openapi.examples import Examples
from protos.openapi.paths import openapi_path
from protos.openapi.queries import query_parameters
from protos.openapi.reasons import Reason, Refusals
from protos.openapi.responses import ANY_TYPE, answer_summary, answers, can_be_kept, can_go_on, is_conditional, refused
from protos.openapi.schemas import Schemas
from protos.openapi.shared import parameter
from server.gateway.requests import HTTP_BODY
from server.gateway.responses import JSON_TYPE
from server.gateway.rules import WHOLE, Rule

Json = dict[str, Any]

_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_LIMITS: Final[Mapping[int, str]] = {
    policy_pb2.ATTRIBUTE_WORKSHOP: "the caller's workshops",
    policy_pb2.ATTRIBUTE_PROVIDER: "the caller's health provider",
    policy_pb2.ATTRIBUTE_CUSTOMER: "the customer that the caller is",
}


class Operations:
    """Makes the operations of the contracts, and with them the components that they need."""

    def __init__(
        self, contracts: Contracts, schemas: Schemas, known: Mapping[str, Reason], problem: Json, examples: Examples
    ) -> None:
        self._comments = contracts.comments
        self._schemas = schemas
        self._known = known
        self._refusals = Refusals(contracts.methods, contracts.comments, known)
        self._problem = problem
        self._examples = examples

    def of(self, rule: Rule, operation_id: str) -> tuple[str, Json]:
        """The path and the operation. Raises ContractError for a method that OpenAPI has no word for."""
        method = rule.method
        if rule.http_method not in _METHODS:
            raise ContractError(f"{method.full_name}: OpenAPI cannot say {rule.http_method}")
        path, in_path = openapi_path(rule, self._schemas)
        summary, rest = summary_and_rest(self._comments.of(method.descriptor.full_name))
        policy = method.descriptor.GetOptions().Extensions[policy_pb2.policy]
        operation: Json = {
            "operationId": operation_id,
            "tags": [method.service.rpartition(".")[2]],
            "summary": summary,
            "description": joined(rest, _access(policy)),
            **({"deprecated": True} if _is_deprecated(rule) else {}),
            **_extensions(rule, policy),
            "parameters": [*in_path, *query_parameters(rule, self._schemas), *_shared(rule)],
            **self._body(rule),
            "responses": self._responses(rule),
        }
        return path, self._examples.placed(rule, operation)

    def _body(self, rule: Rule) -> Json:
        if rule.body is None:
            return {}
        if _is_raw(rule):
            return {"requestBody": {"required": True, "content": {ANY_TYPE: {}}}}
        schema, required = self._body_schema(rule, rule.body)
        body = {"required": True} if required else {}
        return {"requestBody": body | {"content": {JSON_TYPE: {"schema": schema}}}}

    def _body_schema(self, rule: Rule, body: FieldDescriptor | str) -> tuple[Json, bool]:
        """The body's schema without what the path gives already, and whether there must be a body."""
        request = rule.method.descriptor.input_type
        paths = [tuple(field.name for field in path.fields) for _, path in rule.variables]
        if body == WHOLE:
            given = frozenset(path[0] for path in paths if len(path) == 1)
            return self._schemas.message(request, given=True, without=given), self._needs(request, given)
        assert isinstance(body, FieldDescriptor)  # noqa: S101 -- WHOLE is the only text
        required = body.name in self._schemas.needed(request)
        given = frozenset(path[1] for path in paths if path[0] == body.name and len(path) == 2)
        if given and body.message_type is not None and not body.is_repeated:
            return self._schemas.message(body.message_type, given=True, without=given), required
        return self._schemas.field(body, given=True), required

    def _needs(self, request: Any, given: frozenset[str]) -> bool:
        return bool(set(self._schemas.needed(request)) - given)

    def _responses(self, rule: Rule) -> Json:
        conditional = is_conditional(rule)
        response = rule.method.descriptor.output_type
        found = answers(rule, self._schemas, answer_summary(self._comments.of(response.full_name), "The answer."))
        names = self.reasons(rule)
        return found | refused((self._known[name] for name in names), self._problem, conditional=conditional)

    def reasons(self, rule: Rule) -> frozenset[str]:
        """Every reason for which a call by this rule can be refused, as far as the contracts have it."""
        names = reasons_.ALWAYS | self._refusals.of(rule.method)
        if rule.method.writes:
            names |= reasons_.WRITING
        if rule.body is not None:
            names |= reasons_.BODY if _is_raw(rule) else reasons_.BODY | reasons_.JSON_BODY
        return names & self._known.keys()


def operation_ids(rules: Iterable[Rule]) -> list[tuple[Rule, str]]:
    """Each rule's id: the rpc's name, numbered from the second on. Raises ContractError for two rpcs of one name."""
    owners: dict[str, str] = {}
    counts: dict[str, int] = {}
    found: list[tuple[Rule, str]] = []
    for rule in rules:
        name = rule.method.name
        if owners.setdefault(name, rule.method.full_name) != rule.method.full_name:
            raise ContractError(f"{rule.method.full_name} and {owners[name]} have one operation id")
        counts[name] = counts.get(name, 0) + 1
        found.append((rule, name if counts[name] == 1 else f"{name}_{counts[name]}"))
    return found


def _is_raw(rule: Rule) -> bool:
    if isinstance(rule.body, FieldDescriptor):
        return rule.body.message_type is not None and rule.body.message_type.full_name == HTTP_BODY
    return rule.body == WHOLE and rule.method.descriptor.input_type.full_name == HTTP_BODY


def _is_deprecated(rule: Rule) -> bool:
    method = rule.method.descriptor
    return bool(method.GetOptions().deprecated or method.containing_service.GetOptions().deprecated)


def _access(policy: Any) -> str:
    limits = " and ".join(_LIMITS[attribute] for attribute in policy.limited_by)
    return f"Needs the permission `{policy.permission}`" + (f", and is limited to {limits}." if limits else ".")


def _extensions(rule: Rule, policy: Any) -> Json:
    limits = [policy_pb2.Attribute.Name(one).removeprefix("ATTRIBUTE_").lower() for one in policy.limited_by]
    return {
        "x-acerto-permission": policy.permission,
        **({"x-acerto-limited-by": limits} if limits else {}),
        "x-acerto-effect": "write" if rule.method.writes else "read",
        **({"x-acerto-stream": True} if rule.method.streams else {}),
    }


def _shared(rule: Rule) -> list[Json]:
    names = [
        *(["IdempotencyKey"] if rule.method.writes else []),
        *(["IfMatch"] if is_conditional(rule) else []),
        *(["IfNoneMatch"] if can_be_kept(rule) else []),
        *(["LastEventId"] if can_go_on(rule) else []),
        *("CorrelationId", "RequestId", "RequestTimeout"),
        *([] if rule.method.streams else ["Pretty"]),
    ]
    return [parameter(name) for name in names]
