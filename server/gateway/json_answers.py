"""Messages as JSON text, by a writer that is made of each type's descriptor once.

google's json_format asks the descriptors again for every message, which was most of an answer's cost
(docs/decisions/0021). It still writes every type that has a field of a rarer kind, and a test holds both side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from server.gateway.fields import TEXTS

Write = Callable[[Any], str]
"""From a value of one field, or a message, to JSON on one line."""

_PLAIN: Final[dict[int, Write]] = {
    FieldDescriptor.TYPE_STRING: encode_basestring,
    FieldDescriptor.TYPE_BOOL: {False: "false", True: "true"}.__getitem__,
    FieldDescriptor.TYPE_INT32: str,
    FieldDescriptor.TYPE_UINT32: str,
    # JSON's own numbers cannot hold these.
    FieldDescriptor.TYPE_INT64: '"{}"'.format,
    FieldDescriptor.TYPE_UINT64: '"{}"'.format,
}
_INSTANT: Final = "google.protobuf.Timestamp"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- the library's text has no offset either, but a Z

_as_dict = partial(json_format.MessageToDict, always_print_fields_with_no_presence=True)
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PRETTY: Final = json.JSONEncoder(ensure_ascii=False, indent=2)


class _Field(NamedTuple):
    """A field: what it is called here, what begins it in JSON, what writes its value."""

    name: str
    label: str
    write: Write
    always: bool
    """Whether it is written also when it has its default."""


def for_people(text: str) -> str:
    """JSON with line breaks."""
    return _PRETTY.encode(json.loads(text)) + "\n"


@cache
def writer_of(message: Descriptor, part: FieldDescriptor | None = None) -> Write:
    """What writes messages of this type, or that one field of them, as json_format does when it prints defaults."""
    if part is not None:
        return partial(_part, _field(part)) if _is_known_field(part, frozenset()) else partial(_part_by_library, part)
    if message.full_name in TEXTS:
        return _instant if message.full_name == _INSTANT else _text
    return (
        partial(_written, [_field(one) for one in message.fields]) if _is_known(message, frozenset()) else _by_library
    )


def _written(fields: list[_Field], message: Message) -> str:
    parts = [
        label + write(getattr(message, name))
        for name, label, write, always in fields
        if always or message.HasField(name)
    ]
    return "{" + ",".join(parts) + "}"


def _part(field: _Field, message: Message) -> str:
    is_there = field.always or message.HasField(field.name)
    return field.write(getattr(message, field.name)) if is_there else "null"


def _by_library(message: Message) -> str:
    return _COMPACT.encode(_as_dict(message))


def _part_by_library(part: FieldDescriptor, message: Message) -> str:
    return _COMPACT.encode(_as_dict(message).get(part.json_name))


def _text(value: Any) -> str:
    return encode_basestring(value.ToJsonString())


def _instant(value: Any) -> str:
    """As the library's, which takes four times as long. Raises ValueError, OverflowError for what is no instant."""
    seconds, nanos = value.seconds, value.nanos
    if not 0 <= nanos < 1_000_000_000:
        raise ValueError(f"{nanos} nanoseconds are not within a second")
    moment = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    if nanos == 0:
        return f'"{moment}Z"'
    if nanos % 1_000_000 == 0:
        return f'"{moment}.{nanos // 1_000_000:03}Z"'
    return f'"{moment}.{nanos // 1000:06}Z"' if nanos % 1000 == 0 else f'"{moment}.{nanos:09}Z"'


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
    return field.enum_type is not None or field.type in _PLAIN


def _field(field: FieldDescriptor) -> _Field:
    write = partial(_each, _one(field)) if field.is_repeated else _one(field)
    return _Field(field.name, f'"{field.json_name}":', write, always=field.is_repeated or not field.has_presence)


def _each(write: Write, values: Any) -> str:
    return "[" + ",".join([write(value) for value in values]) + "]"


def _one(field: FieldDescriptor) -> Write:
    if field.message_type is not None:
        return writer_of(field.message_type)
    return partial(_name, _names(field.enum_type)) if field.enum_type is not None else _PLAIN[field.type]


def _names(enum: EnumDescriptor) -> dict[int, str]:
    return {number: f'"{value.name}"' for number, value in enum.values_by_number.items()}


def _name(names: dict[int, str], number: int) -> str:
    """A number that the contract does not know stays one."""
    return names.get(number) or str(number)
