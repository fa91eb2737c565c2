"""Messages and enums as JSON Schema, by proto3's JSON mapping; each becomes a component the first time it is needed.

What is given and what is answered differ: an answer has every field that has no presence, and a request may name no
field that there is not and keeps the contracts' constraints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from protovalidate import Validator

from buf.validate import validate_pb2
from protos.openapi.comments import Comments, described, joined
from protos.openapi.constraints import constrained, rules_of_field
from protos.openapi.contracts import short_name
from protos.openapi.well_known import COMPONENTS, INLINE, INTEGER_TEXT, NEEDED

Schema = dict[str, Any]
NOTHING: Final[frozenset[str]] = frozenset()

_PLACE: Final = "#/components/schemas/"
_SCALARS: Final[dict[int, Schema]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "minimum": 0},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64", "pattern": INTEGER_TEXT},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
}
_KEYS: Final[dict[int, Schema]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"enum": ["true", "false"]},
    FieldDescriptor.CPPTYPE_STRING: {},
}


class Schemas:
    """The schemas of one document. `components` has those that were needed so far, by their names."""

    def __init__(self, comments: Comments, answered: Iterable[Descriptor]) -> None:
        """`answered` are the messages of all answers: a name alone means what is answered."""
        self.components: dict[str, Schema] = {}
        self._comments = comments
        self._names: dict[tuple[str, bool, frozenset[str]], str] = {}
        self._validator = Validator()
        self._answered = {message.full_name for message in _reachable(answered)}

    def message(self, message: Descriptor, *, given: bool, without: frozenset[str] = NOTHING) -> Schema:
        """A message as it is given in a request or answered, without some of its fields."""
        if message.full_name in INLINE:
            return dict(INLINE[message.full_name])
        key = (message.full_name, given, without)
        if key not in self._names:
            suffix = "Input" if given and message.full_name in self._answered else ""
            name = self._names[key] = self._free_name(message, suffix)
            self.components[name] = {}
            self.components[name] = self._component(message, given=given, without=without)
        return {"$ref": _PLACE + self._names[key]}

    def field(self, field: FieldDescriptor, *, given: bool) -> Schema:
        """A field's value, with its comment."""
        schema = self._value(field, given=given)
        sentences: list[str] = []
        if given:
            schema, sentences = constrained(field, rules_of_field(field), schema)
        if field.GetOptions().deprecated:
            schema = schema | {"deprecated": True}
        return described(schema, self._comments.of(field.full_name), *sentences)

    def needed(self, message: Descriptor) -> list[str]:
        """The fields that a request must give, since the constraints refuse it without; the contract's spelling."""
        if message.full_name in COMPONENTS:
            return list(NEEDED.get(message.full_name, ()))
        empty = message_factory.GetMessageClass(message)()
        refused = {
            violation.proto.field.elements[0].field_name
            for violation in self._validator.collect_violations(empty)
            if violation.proto.field is not None and violation.proto.field.elements
        }
        return [field.name for field in message.fields if field.name in refused]

    def add(self, name: str, schema: Schema) -> Schema:
        """A component that is no message."""
        self.components[name] = schema
        return {"$ref": _PLACE + name}

    def _free_name(self, described_: Descriptor | EnumDescriptor, suffix: str = "") -> str:
        candidates = (short_name(described_) + suffix, described_.full_name + suffix)
        for name in candidates:
            if name not in self.components:
                return name
        number = 2
        while f"{candidates[0]}_{number}" in self.components:
            number += 1
        return f"{candidates[0]}_{number}"

    def _component(self, message: Descriptor, *, given: bool, without: frozenset[str]) -> Schema:
        if message.full_name in COMPONENTS:
            return self._foreign(message, given=given)
        fields = [field for field in message.fields if field.name not in without]
        if given:
            needed = {name for name in self.needed(message) if name not in without}
            required = [field.json_name for field in fields if field.name in needed]
        else:
            required = [field.json_name for field in fields if not field.has_presence]
        return {
            "type": "object",
            **described({}, joined(self._comments.of(message.full_name), *_cel_of(message, given=given))),
            "properties": {field.json_name: self.field(field, given=given) for field in fields},
            **({"required": required} if required else {}),
            **(_oneofs(message, without) if given else {}),
            **({"additionalProperties": False} if given else {}),
        }

    def _foreign(self, message: Descriptor, *, given: bool) -> Schema:
        schema = COMPONENTS[message.full_name]
        if given:
            needed = NEEDED.get(message.full_name)
            return schema | ({"required": needed} if needed else {}) | {"additionalProperties": False}
        return schema | {"required": list(schema["properties"])}

    def _value(self, field: FieldDescriptor, *, given: bool) -> Schema:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field.message_type, given=given)
        one = self._one(field, given=given)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor, *, given: bool) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type, given=given)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        return dict(_SCALARS[field.cpp_type])

    def _map(self, entry: Descriptor, *, given: bool) -> Schema:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        names = _KEYS.get(key.cpp_type, {"pattern": INTEGER_TEXT})
        return {
            "type": "object",
            "additionalProperties": self._one(value, given=given),
            **({"propertyNames": names} if names else {}),
        }

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name == "google.protobuf.NullValue":
            return {"type": "null"}
        key = (enum.full_name, False, NOTHING)
        if key not in self._names:
            name = self._names[key] = self._free_name(enum)
            points = [f"- `{one.name}`: {self._comments.of(_value_name(enum, one.name))}" for one in enum.values]
            text = joined(self._comments.of(enum.full_name), "\n".join(points))
            self.components[name] = described({"type": "string", "enum": [one.name for one in enum.values]}, text)
        return {"$ref": _PLACE + self._names[key]}


def _value_name(enum: EnumDescriptor, value: str) -> str:
    """By which its comment is kept: inside the enum, where protobuf's own name would be beside it."""
    return f"{enum.full_name}.{value}"


def _reachable(messages: Iterable[Descriptor]) -> Iterable[Descriptor]:
    """These messages and all that they hold."""
    found: dict[str, Descriptor] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type is not None]
    return found.values()


def _oneofs(message: Descriptor, without: frozenset[str]) -> Schema:
    """At most one field of each, and one at least where the contract demands it."""
    conditions: list[Schema] = []
    for oneof in message.oneofs:
        names = [field.json_name for field in oneof.fields if field.name not in without]
        if len(oneof.fields) == 1 and oneof.name.startswith("_"):
            continue  # an optional field is such a one for protobuf only
        pairs = [[one, other] for at, one in enumerate(names) for other in names[at + 1 :]]
        if pairs:
            conditions.append({"not": {"anyOf": [{"required": pair} for pair in pairs]}})
        if oneof.GetOptions().Extensions[validate_pb2.oneof].required:
            conditions.append({"anyOf": [{"required": [name]} for name in names]})
    return {"allOf": conditions} if conditions else {}


def _cel_of(message: Descriptor, *, given: bool) -> list[str]:
    if not given:
        return []
    rules: Any = message.GetOptions().Extensions[validate_pb2.message]
    return [f"{rule.message or rule.expression}." for rule in rules.cel]
