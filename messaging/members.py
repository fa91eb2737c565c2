"""What an event's descriptor says about its members: how each is written as JSON text, and filled into protobuf.

A value is an attribute of a fact, or of what a fact holds, by the field's own name. Numbers are never floats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from acerto.events.v1 import options_pb2

Write = Callable[[Any], str]
"""From a value to its JSON text."""
Member = tuple[str, Callable[[Any], str | None]]
"""A member's name, and from whatever has the value to its text; None leaves the member out."""

_TIMESTAMP = "google.protobuf.Timestamp"


def members_of(descriptor: Any, *, absent: str | None) -> tuple[Member, ...]:
    """A message's members in order; what is not known is written as `absent`, or left out when that is None."""
    return tuple(member for field in descriptor.fields for member in _members(field, absent))


def object_text(members: Iterable[Member], value: Any) -> str:
    """A JSON object of these members."""
    parts = ((name, text(value)) for name, text in members)
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts if text is not None) + "}"


def quoted(value: Any) -> str:
    """A JSON string."""
    return json.dumps(_text(value), ensure_ascii=False)


def instant(at: datetime) -> str:
    """An instant in UTC with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields_of(descriptor: Any, value: Any) -> dict[str, Any]:
    """What a protobuf message with this descriptor is made from, field by field; what is not known is left out."""
    given = ((field, getattr(value, field.name)) for field in descriptor.fields)
    return {field.name: _field(field, found) for field, found in given if found is not None}


def _members(field: FieldDescriptor, absent: str | None) -> list[Member]:
    exact = (field.json_name, _member(field.name, _whole(field, absent), absent))
    number = field.GetOptions().Extensions[options_pb2.number]
    if not number:
        return [exact]
    if field.type == FieldDescriptor.TYPE_STRING:
        return [(number, _member(field.name, _decimal, absent))]
    return [(number, _member(field.name, _two_places, absent)), exact]


def _member(name: str, write: Write, absent: str | None) -> Callable[[Any], str | None]:
    return lambda value: absent if (found := getattr(value, name)) is None else write(found)


def _whole(field: FieldDescriptor, absent: str | None) -> Write:
    write = _one(field, absent)
    return (lambda values: f"[{','.join(map(write, values))}]") if field.is_repeated else write


def _one(field: FieldDescriptor, absent: str | None) -> Write:
    if field.message_type is None:
        return _WRITTEN.get(field.type, str)
    if field.message_type.full_name == _TIMESTAMP:
        return lambda at: f'"{instant(at)}"'
    members = members_of(field.message_type, absent=absent)
    return lambda value: object_text(members, value)


def _field(field: FieldDescriptor, value: Any) -> Any:
    return [_of_type(field, each) for each in value] if field.is_repeated else _of_type(field, value)


def _of_type(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is None:
        return _text(value) if field.type == FieldDescriptor.TYPE_STRING else value
    return value if field.message_type.full_name == _TIMESTAMP else fields_of(field.message_type, value)


def _text(value: Any) -> str:
    return _decimal(value) if isinstance(value, Decimal) else str(value)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _two_places(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _decimal(value: Decimal) -> str:
    """Every place that says something, and no exponent. Raises ValueError for what is no number."""
    if not value.is_finite():
        raise ValueError(f"{value} is no number that JSON knows")
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_WRITTEN: dict[int, Write] = {
    FieldDescriptor.TYPE_STRING: quoted,
    FieldDescriptor.TYPE_BOOL: _truth,
}
"""How a value is written, by its field's type; a number as itself."""
