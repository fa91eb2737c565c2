"""Examples of requests and answers, kept as data by the message's full name and put where each part of them belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from protos.openapi.paths import json_path, parameter_names
from server.gateway.responses import JSON_TYPE
from server.gateway.rules import WHOLE, Rule
from server.gateway.streams import NDJSON_TYPE, SSE_TYPE

Json = dict[str, Any]

FILE: Final = Path(__file__).with_name("examples.json")
_SAME_AS: Final = "$example"
"""In the file, an object with this name alone stands for another message's example."""


class Examples:
    """Examples by the full name of their message, in JSON as HTTP has it."""

    def __init__(self, texts: Mapping[str, Any]) -> None:
        self._texts = texts

    def of(self, name: str) -> Any:
        """The example, whole; None where there is none. Raises KeyError for one that holds another that is not."""
        return self._whole(self._texts[name]) if name in self._texts else None

    def placed(self, rule: Rule, operation: Json) -> Json:
        """The operation with its parameters', its body's and its answer's examples."""
        given = self.of(rule.method.descriptor.input_type.full_name)
        if isinstance(given, dict):
            names = {name: json_path(path) for name, path in parameter_names(rule).items()}
            operation = operation | {"parameters": [_with_value(one, given, names) for one in operation["parameters"]]}
            _exemplify(operation.get("requestBody", {}), _body_of(rule, given))
        answered = self.of(rule.method.descriptor.output_type.full_name)
        if answered is not None:
            field = rule.response_body
            answer = operation["responses"][str(rule.status)]
            _exemplify(answer, answered if field is None else answered.get(field.json_name))
        return operation

    def _whole(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._whole(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {_SAME_AS}:
            return self._whole(self._texts[value[_SAME_AS]])
        return {name: self._whole(one) for name, one in value.items()}


def examples_in(file: Path) -> Examples:
    """Those of a file."""
    return Examples(json.loads(file.read_text(encoding="utf-8")))


def _exemplify(whole: Json, example: Any) -> None:
    if example is None:
        return
    content = whole.get("content", {})
    if JSON_TYPE in content:
        content[JSON_TYPE]["example"] = example
    if NDJSON_TYPE in content:
        content[NDJSON_TYPE]["example"] = {"result": example}
        content[SSE_TYPE]["example"] = example


def _with_value(parameter: Json, given: Json, in_path: Mapping[str, str]) -> Json:
    """A parameter with its part of the example; shared ones have their own."""
    if "$ref" in parameter:
        return parameter
    value: Any = given
    for name in in_path.get(parameter["name"], parameter["name"]).split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return parameter if value is None else parameter | {"example": value}


def _body_of(rule: Rule, given: Json) -> Any:
    """What of a request's example its body holds: not what the path has."""
    bound = [json_path(path).split(".") for _, path in rule.variables]
    if rule.body == WHOLE:
        return {name: value for name, value in given.items() if [name] not in bound}
    if not isinstance(rule.body, FieldDescriptor):
        return None
    field = rule.body.json_name
    value = given.get(field)
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if [field, name] not in bound}
