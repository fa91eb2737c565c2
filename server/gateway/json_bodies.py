"""JSON that came from outside, held against a message's descriptor: every unknown, doubled or misshapen field is named.

google's json_format then makes the message; it would take some of this quietly (two spellings of one field, a list for
a message), and stops at the first thing that it does not take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, Never, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from domain.errors import DomainError, Invalid, Kind, Violation
from server.gateway.fields import TEXTS, WRAPPERS, field_named, is_number, number_is_written

_FREE: Final = frozenset(f"google.protobuf.{name}" for name in ("Any", "Empty", "ListValue", "Struct", "Value"))
"""Messages whose JSON has a shape of its own."""
_AS_IS: Final = WRAPPERS | TEXTS | _FREE
_FAILED: Final = re.compile(r"Failed to parse (\w+) field: ")
_WHERE: Final = re.compile(r" at [\w.\[\]]+\.?$")


class MalformedJson(DomainError):
    """The body is not JSON, or not the JSON object that is wanted here."""

    kind, code = Kind.INVALID, "MALFORMED_JSON"


def parse_json(body: bytes) -> Any:
    """A body as JSON (RFC 8259, UTF-8). Raises MalformedJson, also for a name that an object has twice."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError as error:
        raise MalformedJson("the body is nested too deeply") from error
    except ValueError as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error


class JsonReading:
    """Takes JSON values for a message's fields, in any spelling, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def wrong(self, field: str, description: str, rule: str) -> None:
        """Note what is wrong with a field."""
        self.violations.append(Violation(field, description, rule))

    def object(self, message: Descriptor, value: dict[str, Any], at: str = "") -> dict[str, Any]:
        """An object as the same object in JSON's own names, without the fields that are wrong or null."""
        taken: dict[str, Any] = {}
        for name, one in value.items():
            field = field_named(message, name)
            if field is None:
                self.wrong(at + name, "there is no such field", "json.unknown_field")
            elif field.json_name in taken:
                self.wrong(at + field.name, "is given twice", "json.duplicate_field")
            else:
                taken[field.json_name] = self.field(field, one, at + field.name)
        return taken

    def field(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        """A field's value, all of it when it is repeated."""
        if value is None or not field.is_repeated:
            return self._one(field, value, at)
        if _is_map(field):
            return self._map(field, value, at)
        if not isinstance(value, list):
            return self.wrong(at, "must be an array", "json.type")
        return [self._one(field, one, f"{at}[{place}]") for place, one in enumerate(value)]

    def _map(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(at, "must be an object", "json.type")
        values = cast("Descriptor", field.message_type).fields_by_name["value"]
        return {key: self._one(values, one, f"{at}[{key!r}]") for key, one in value.items()}

    def _one(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        message = field.message_type
        if message is not None and message.full_name not in _AS_IS:
            if value is None:
                return None
            if not isinstance(value, dict):
                return self.wrong(at, "must be an object", "json.type")
            return self.object(message, value, f"{at}.")
        if (problem := _problem(field, value)) is not None:
            self.wrong(at, problem, "json.type")
        return value


def message_from(make: Callable[[], Message], taken: dict[str, Any]) -> Message:
    """The message of an object in JSON's own names. Raises Invalid naming the field that does not fit."""
    try:
        return json_format.ParseDict(taken, make())
    except (json_format.ParseError, UnicodeEncodeError, RecursionError) as error:
        raise _refusal(str(error)) from error


def _problem(field: FieldDescriptor, value: Any) -> str | None:
    """What Python's reading of a value would let pass."""
    if isinstance(value, str) and is_number(field) and not number_is_written(field, value):
        return "must be a number"
    if isinstance(value, bool) and field.enum_type is not None:
        return "must be a name or a number"
    return None


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _refusal(told: str) -> Invalid:
    """json_format's text names the fields on the way one by one."""
    names = ".".join(_FAILED.findall(told))
    sentence = _WHERE.sub("", _FAILED.sub("", told).splitlines()[0]).rstrip(".")
    return Invalid(f"{names}: {sentence}" if names else sentence, violations=[Violation(names, sentence, "json.value")])


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is given twice in one object")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
