"""A rule's path template as an OpenAPI path, and the parameters in it.

OpenAPI's parameters hold no slash, so each wildcard is one, and the literals of a variable stand in the path:
`{name=shelves/*}` is `shelves/{name}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from google.protobuf.descriptor import FieldDescriptor

from protos.openapi.comments import described
from protos.openapi.schemas import Schemas
from server.gateway.fields import FieldPath
from server.gateway.rules import Rule
from server.gateway.templates import MANY, ONE

Json = dict[str, Any]

_LITERAL: Final = "!$&'()+,;=@"
"""What may stand unescaped in a segment, beside letters and digits."""
_MANY_SEGMENTS: Final = "Any number of segments, their slashes as they are."


def json_path(path: FieldPath) -> str:
    """A field path in JSON's spelling: `servicePrice.code`."""
    return ".".join(field.json_name for field in path.fields)


def parameter_names(rule: Rule) -> dict[str, FieldPath]:
    """The fields of a path by their parameters' names, which are on no wire: the last name, if that will do.

    No dots: some tools take them for the members of something.
    """
    leaves = [path.leaf.json_name for _, path in rule.variables]
    return {
        path.leaf.json_name if leaves.count(path.leaf.json_name) == 1 else json_path(path).replace(".", "_"): path
        for _, path in rule.variables
    }


def openapi_path(rule: Rule, schemas: Schemas) -> tuple[str, list[Json]]:
    """The path, and its parameters in their order."""
    wildcards = dict(_wildcards(rule))
    segments: list[str] = []
    parameters: list[Json] = []
    for at, segment in enumerate(rule.template.segments):
        if at not in wildcards:
            segments.append(quote(segment, safe=_LITERAL))
            continue
        name, field = wildcards[at]
        segments.append(f"{{{name}}}")
        parameters.append(_parameter(name, field, schemas, many=segment == MANY))
    verb = f":{rule.template.verb}" if rule.template.verb else ""
    return "/" + "/".join(segments) + verb, parameters


def _wildcards(rule: Rule) -> Iterator[tuple[int, tuple[str, FieldDescriptor | None]]]:
    """By its place, each wildcard's parameter name, and the field when it is the whole value of one."""
    named: dict[int, tuple[str, FieldDescriptor | None]] = {}
    for (name, path), (variable, _) in zip(parameter_names(rule).items(), rule.variables, strict=True):
        parts = range(variable.start, variable.end)
        places = [at for at in parts if rule.template.segments[at] in {ONE, MANY}]
        for number, at in enumerate(places, 1):
            numbered = name if len(places) == 1 else f"{name}_{number}"
            named[at] = (numbered, path.leaf if len(parts) == 1 else None)
    for at, segment in enumerate(rule.template.segments):
        if segment in {ONE, MANY}:
            yield at, named.get(at, (f"segment_{at}", None))


def _parameter(name: str, field: FieldDescriptor | None, schemas: Schemas, *, many: bool) -> Json:
    schema = schemas.field(field, given=True) if field is not None else {"type": "string"}
    text = schema.pop("description", "")
    if schema.get("type") == "string" and not many:
        schema = {"minLength": 1} | schema
    parameter = {"name": name, "in": "path", "required": True, "schema": schema}
    return described(parameter, text, _MANY_SEGMENTS if many else "")
