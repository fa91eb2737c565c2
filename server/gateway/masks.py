"""What a PATCH means to change when it brings no mask: whatever its body gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from server.gateway.fields import field_named
from server.gateway.rules import Rule

_MASK: Final = "google.protobuf.FieldMask"
_STRUCT: Final = "google.protobuf.Struct"
_OF_THE_CALL: Final = frozenset({"etag", "request_id", "update_mask"})
"""Fields of an update that are about the call, not about the resource."""


def infers_mask(rule: Rule) -> bool:
    """Whether a request of this rule without `update_mask` gets one; a body that has no fields says nothing of them."""
    body = rule.body
    if isinstance(body, FieldDescriptor) and (body.is_repeated or body.message_type is None):
        return False
    field = rule.method.request.DESCRIPTOR.fields_by_name.get("update_mask")
    return (
        rule.http_method == "PATCH"
        and field is not None
        and field.message_type is not None
        and field.message_type.full_name == _MASK
    )


def changed_by(rule: Rule, taken: dict[str, Any]) -> tuple[str, ...]:
    """The mask's paths, in the contract's spelling, of what a body gives (in JSON's own names).

    Where the body is one field, paths go down to the values, into Structs too, never into maps and lists. Where it is
    the whole request they are that request's own fields, since what those hold is replaced whole.
    """
    if isinstance(rule.body, FieldDescriptor):
        given = taken.get(rule.body.json_name)
        return tuple(_leaves(rule.body.message_type, given)) if isinstance(given, dict) else ()
    bound = {path.fields[0].name for _, path in rule.variables}
    fields = rule.method.request.DESCRIPTOR.fields
    return tuple(one.name for one in fields if one.json_name in taken and one.name not in bound | _OF_THE_CALL)


def _leaves(message: Descriptor | None, value: dict[str, Any]) -> Iterator[str]:
    """The paths of a value's leaves; `message` is None inside a Struct, whose names are its own."""
    for name, one in value.items():
        field = field_named(message, name) if message else None
        spelled = field.name if field else name
        if isinstance(one, dict) and one and (message is None or _is_entered(field)):
            yield from (f"{spelled}.{rest}" for rest in _leaves(_inside(field), one))
        else:
            yield spelled


def _is_entered(field: FieldDescriptor | None) -> bool:
    return field is not None and field.message_type is not None and not field.is_repeated


def _inside(field: FieldDescriptor | None) -> Descriptor | None:
    message = field.message_type if field else None
    return None if message is None or message.full_name == _STRUCT else message
