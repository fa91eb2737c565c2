"""The query parameters of a rule: what neither the path nor the body gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from protos.openapi.comments import described
from protos.openapi.paths import json_path
from protos.openapi.schemas import Schemas
from server.gateway.fields import FieldPath
from server.gateway.rules import WHOLE, Rule

Json = dict[str, Any]


def query_parameters(rule: Rule, schemas: Schemas) -> list[Json]:
    """They go down into messages (`customer.name`), never into lists and maps, which no query can give."""
    if rule.body == WHOLE:
        return []
    taken = {path.text for _, path in rule.variables}
    if isinstance(rule.body, FieldDescriptor):
        taken.add(rule.body.name)
    request = rule.method.descriptor.input_type
    needed = set(schemas.needed(request))
    return [
        _parameter(path, schemas, required=path.text in needed)
        for path in _paths(request, (), frozenset({request.full_name}))
        if path.text not in taken and path.fields[0].name not in taken
    ]


def _paths(message: Descriptor, above: tuple[FieldDescriptor, ...], around: frozenset[str]) -> Iterator[FieldPath]:
    for field in message.fields:
        path = FieldPath((*above, field))
        inside = field.message_type
        if path.scalar:
            yield path
        elif inside is not None and not field.is_repeated and inside.full_name not in around:
            yield from _paths(inside, path.fields, around | {inside.full_name})


def _parameter(path: FieldPath, schemas: Schemas, *, required: bool) -> Json:
    schema = schemas.field(path.leaf, given=True)
    text = schema.pop("description", "")
    parameter: Json = {"name": json_path(path), "in": "query", "schema": schema}
    if required:
        parameter["required"] = True
    if schema.pop("deprecated", False):
        parameter["deprecated"] = True
    if path.leaf.is_repeated:
        parameter |= {"style": "form", "explode": True}
    return described(parameter, text)
