"""Fields of a request as paths and queries name them, and the text that stands for a value there."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_LARGEST: Final = {
    FieldDescriptor.CPPTYPE_FLOAT: float.fromhex("0x1.fffffep+127"),
    FieldDescriptor.CPPTYPE_DOUBLE: sys.float_info.max,
}
"""Of the types that would make infinity of what is larger."""
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
_NO_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_BOOLS: Final = {"true": True, "false": False}
WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
"""Messages of one value, which JSON writes as that value."""
TEXTS: Final = frozenset(f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask"))
"""Messages that JSON, and so a query, writes as text."""


class UnknownField(ValueError):
    """A field path that leads nowhere; the text says which part of it."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """The fields from a message down to one value; `leaf` is the last of them, `scalar` whether a text can be it."""

    fields: tuple[FieldDescriptor, ...]

    @property
    def leaf(self) -> FieldDescriptor:
        """The field at the end."""
        return self.fields[-1]

    @property
    def scalar(self) -> bool:
        """Whether one text stands for one value of it."""
        message = self.leaf.message_type
        return message is None or message.full_name in WRAPPERS or message.full_name in TEXTS

    @property
    def text(self) -> str:
        """As the contract spells it: `service_price.code`."""
        return ".".join(field.name for field in self.fields)


def field_named(message: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of this name, in the contract's spelling or in JSON's."""
    return fields_of(message).get(name)


@cache
def fields_of(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """A message's fields by every name that they have."""
    by_name = {field.name: field for field in message.fields}
    return by_name | {field.json_name: field for field in message.fields}


def field_path(message: Descriptor, text: str) -> FieldPath:
    """Follow a path of names parted by dots. Raises UnknownField, also for a way through a repeated field."""
    fields: list[FieldDescriptor] = []
    inside: Descriptor | None = message
    for name in text.split("."):
        if inside is None or (fields and fields[-1].is_repeated):
            raise UnknownField(f"{text}: {fields[-1].name} has no fields that can be named here")
        field = field_named(inside, name)
        if field is None:
            raise UnknownField(f"{text}: {inside.full_name} has no field {name}")
        fields.append(field)
        inside = field.message_type
    return FieldPath(tuple(fields))


def json_of(field: FieldDescriptor, text: str) -> Any:
    """A text as the JSON value of one such field. Raises ValueError."""
    message = field.message_type
    plain = message.fields_by_name["value"] if message is not None and message.full_name in WRAPPERS else field
    if plain.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text not in _BOOLS:
            raise ValueError("must be true or false")
        return _BOOLS[text]
    if plain.message_type is None and (problem := problem_with(plain, text)) is not None:
        raise ValueError(problem)
    return text


def problem_with(field: FieldDescriptor, value: Any) -> str | None:
    """What keeps a JSON value from being one such field, which is no message; Python's own reading lets more pass."""
    if field.enum_type is not None:
        return None if _names_a_value(field, value) else "must be one of the enum's names, or a number"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return None if isinstance(value, bool) else "must be true or false"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _problem_with_text(field, value)
    return _problem_with_number(field, value)


def _names_a_value(field: FieldDescriptor, value: Any) -> bool:
    if isinstance(value, str):
        return value in field.enum_type.values_by_name or bool(_WHOLE_NUMBER.fullmatch(value))  # type: ignore[union-attr]
    return _is_number(value) and value == value // 1


def _problem_with_text(field: FieldDescriptor, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if field.type == FieldDescriptor.TYPE_BYTES and not _BASE64.fullmatch(value):
        return "must be base64"
    return None


def _problem_with_number(field: FieldDescriptor, value: Any) -> str | None:
    largest = _LARGEST.get(field.cpp_type)
    if largest is not None and isinstance(value, str) and value in _NO_NUMBERS:
        return None
    if not (_NUMBER.fullmatch(value) if isinstance(value, str) else _is_number(value)):
        return "must be a number"
    if largest is not None and abs(float(value) if isinstance(value, str) else value) > largest:
        return "is too large a number"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
