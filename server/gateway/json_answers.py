"""Messages as JSON, by a writer that is made of each type's descriptor once.

google's json_format asks the descriptors again for every message, which was most of an answer's cost
(docs/decisions/0021). It still writes every type that has a field of a rarer kind, and a test holds both side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from server.gateway.fields import TEXTS

Write = Callable[[Any], Any]
"""From a value of one field, or a message, to what `json` writes."""

_PLAIN: Final = frozenset(
    {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}
)
"""Types whose Python value is the JSON value."""
_LONG: Final = frozenset({FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64})
"""Types that JSON's own numbers cannot hold."""

_by_library: Write = partial(json_format.MessageToDict, always_print_fields_with_no_presence=True)
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PRETTY: Final = json.JSONEncoder(ensure_ascii=False, indent=2)


class _Field(NamedTuple):
    """A field's name here and in JSON, and what writes its value: None when that is JSON already."""

    name: str
    json_name: str
    write: Write | None
    always: bool
    """Whether it is written also when it has its default."""


def json_text(value: Any, *, pretty: bool = False) -> str:
    """JSON on one line, or for people."""
    return _PRETTY.encode(value) + "\n" if pretty else _COMPACT.encode(value)


@cache
def writer_of(message: Descriptor) -> Write:
    """What writes messages of this type, as json_format does when it prints fields that have their default."""
    if message.full_name in TEXTS:
        return lambda value: value.ToJsonString()
    if not _is_known(message, frozenset()):
        return _by_library
    return partial(_written, [_field(field) for field in message.fields])


def _written(fields: list[_Field], message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, json_name, write, always in fields:
        if always or message.HasField(name):
            value = getattr(message, name)
            written[json_name] = value if write is None else write(value)
    return written


def _is_known(message: Descriptor, above: frozenset[str]) -> bool:
    """Whether all its fields, and theirs, are of the kinds written here; one that can hold itself is not."""
    if message.full_name in TEXTS:
        return True
    if message.full_name in above or message.full_name.startswith("google.protobuf."):
        return False
    return all(_is_known_field(field, above | {message.full_name}) for field in message.fields)


def _is_known_field(field: FieldDescriptor, above: frozenset[str]) -> bool:
    if field.message_type is not None:
        return not field.message_type.GetOptions().map_entry and _is_known(field.message_type, above)
    return field.enum_type is not None or field.type in _PLAIN | _LONG


def _field(field: FieldDescriptor) -> _Field:
    write = _one(field)
    if field.is_repeated:
        write = list if write is None else partial(_each, write)
    return _Field(field.name, field.json_name, write, always=field.is_repeated or not field.has_presence)


def _each(write: Write, values: Any) -> list[Any]:
    return [write(value) for value in values]


def _one(field: FieldDescriptor) -> Write | None:
    if field.message_type is not None:
        return writer_of(field.message_type)
    if field.enum_type is not None:
        return partial(_name, _names(field.enum_type))
    return str if field.type in _LONG else None


def _names(enum: EnumDescriptor) -> dict[int, str]:
    return {number: value.name for number, value in enum.values_by_number.items()}


def _name(names: dict[int, str], number: int) -> str | int:
    """A number that the contract does not know stays one."""
    return names.get(number, number)
