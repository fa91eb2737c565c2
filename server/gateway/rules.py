"""The `google.api.http` rules of the contracts, read once at the start; one that cannot be served stops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from acerto.common.v1 import http_pb2 as acerto_http_pb2
from server.gateway.fields import FieldPath, UnknownField, field_path
from server.gateway.templates import Template, TemplateError, Variable, parse_template
from server.rpc.methods import ContractError, Method

WHOLE: Final = "*"
"""A rule's body that is the whole request."""
_WITHOUT_BODY: Final = frozenset({204, 205})


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to reach an rpc over HTTP.

    `http_method` is GET, POST, .. or `*` for any; `body` names the request's field that the body is, WHOLE when the
    body is the request, None when there is none; `response_body` the response's field that the answer is, None when
    the answer is the response. `variables` are the fields that the path's parts are for; `status` is that of an answer.
    """

    method: Method
    http_method: str
    template: Template
    variables: tuple[tuple[Variable, FieldPath], ...]
    body: FieldDescriptor | str | None
    response_body: FieldDescriptor | None
    status: int


def rules_of(methods: Iterable[Method]) -> list[Rule]:
    """Every rule of these rpcs. Raises ContractError naming each rule that cannot be served, and why."""
    rules: list[Rule] = []
    problems: list[str] = []
    for method in methods:
        for written in _written(method):
            try:
                rules.append(_rule(method, written))
            except (TemplateError, UnknownField, ContractError) as error:
                problems.append(f"{method.full_name}: {error}")
    if problems:
        raise ContractError("; ".join(problems))
    return rules


def _written(method: Method) -> Iterator[http_pb2.HttpRule]:
    http: Any = annotations_pb2.http  # its stub names no extended type
    options = method.descriptor.GetOptions()
    if options.HasExtension(http):
        rule: http_pb2.HttpRule = options.Extensions[http]
        yield rule
        yield from rule.additional_bindings


def _rule(method: Method, written: http_pb2.HttpRule) -> Rule:
    http_method, text = _pattern(written)
    template = parse_template(text)
    request, response = method.descriptor.input_type, method.descriptor.output_type
    return Rule(
        method=method,
        http_method=http_method,
        template=template,
        variables=tuple((variable, _bindable(request, variable)) for variable in template.variables),
        body=_body(request, written.body),
        response_body=_top(response, written.response_body) if written.response_body else None,
        status=_status(method),
    )


def _pattern(written: http_pb2.HttpRule) -> tuple[str, str]:
    kind = written.WhichOneof("pattern")
    if kind is None:
        raise ContractError("a rule without a method")
    if kind == "custom":
        return written.custom.kind.upper(), written.custom.path
    return kind.upper(), getattr(written, kind)


def _bindable(request: Descriptor, variable: Variable) -> FieldPath:
    path = field_path(request, variable.field_path)
    if path.leaf.is_repeated or not path.scalar:
        raise ContractError(f"{variable.field_path} cannot be taken from a path: it is no single value")
    return path


def _body(request: Descriptor, name: str) -> FieldDescriptor | str | None:
    if name in {"", WHOLE}:
        return name or None
    return _top(request, name)


def _status(method: Method) -> int:
    options = method.descriptor.GetOptions()
    if not options.HasExtension(acerto_http_pb2.success_status):
        return 200
    status = options.Extensions[acerto_http_pb2.success_status]
    if status not in range(200, 300) or status in _WITHOUT_BODY:
        raise ContractError(f"{status} is no status of an answer with a body")
    if method.streams and status != 200:
        raise ContractError(f"a stream is answered with 200, not with {status}")
    return status


def _top(message: Descriptor, name: str) -> FieldDescriptor:
    field = message.fields_by_name.get(name)
    if field is None:
        raise ContractError(f"{message.full_name} has no field {name}")
    return field
