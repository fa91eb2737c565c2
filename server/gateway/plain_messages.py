"""Messages made by their constructor of JSON objects that hold only plain values, as nearly every body does.

json_format sets field by field, and costs five times as much. Whatever it treats in a way of its own is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from sys import maxsize
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.rpc.validation import most_elements

Read = Callable[[Any], Any]
"""A JSON value as the constructor takes it. Raises ValueError, KeyError or TypeError for one that is not plain."""

_OF_ITS_OWN: Final = "google.protobuf."
"""The package of the types whose JSON has a form of its own."""
_WHOLE: Final = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)
_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)


def plain_message(kind: Any, taken: Mapping[str, Any]) -> Message | None:
    """The message of an object in JSON's own names, the same that json_format makes; None when it is not plain."""
    try:
        made: Message = kind(**_fields(kind.DESCRIPTOR, taken))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return made


def _fields(message: Descriptor, taken: Mapping[str, Any]) -> dict[str, Any]:
    readings = _readings(message)
    fields = {}
    for json_name, value in taken.items():
        name, read = readings[json_name]
        if value is not None:
            fields[name] = read(value)
    return fields


@cache
def _readings(message: Descriptor) -> Mapping[str, tuple[str, Read]]:
    """The name of each plain field, and how it is read, by JSON's name."""
    found = {field.json_name: (field.name, _reading(field)) for field in message.fields}
    return {json_name: (name, read) for json_name, (name, read) in found.items() if read is not None}


def _reading(field: FieldDescriptor) -> Read | None:
    one = _reading_of_one(field)
    if one is None or not field.is_repeated:
        return one
    return partial(_list, partial(_element, field.message_type) if field.message_type else one, most_elements(field))


def _reading_of_one(field: FieldDescriptor) -> Read | None:
    message, kind = field.message_type, field.message_type or field.enum_type
    choice = field.containing_oneof
    if (kind and kind.full_name.startswith(_OF_ITS_OWN)) or (choice and len(choice.fields) > 1):
        return None
    if message is not None:
        return None if message.GetOptions().map_entry else partial(_object, message)
    if field.enum_type is not None:
        return {value.name: value.number for value in field.enum_type.values}.__getitem__
    if field.type == FieldDescriptor.TYPE_STRING:
        return partial(_exactly, str)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return partial(_exactly, bool)
    return _integer if field.cpp_type in _INTEGERS else None


def _list(read: Read, most: int | None, values: Any) -> list[Any]:
    if len(_exactly(list, values)) > (most or maxsize):
        raise ValueError
    return [read(value) for value in values]


def _element(message: Descriptor, value: Any) -> dict[str, Any]:
    return _fields(message, _exactly(dict, value))


def _object(message: Descriptor, value: Any) -> dict[str, Any]:
    """Of an empty one the constructor would not know that it was given."""
    fields = _element(message, value)
    if not fields:
        raise ValueError
    return fields


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if not _WHOLE.fullmatch(_exactly(str, value)):
        raise ValueError
    return int(value)


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError
    return value
