"""JSON that came from outside, held against a message's descriptor: every unknown, doubled or misshapen field is named.

google's json_format then makes the message, where `plain_messages` does not; it would take some of this quietly (two
spellings of one field, a list for a message), and stops at the first thing that it does not take.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Final, Never, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from domain.errors import DomainError, Invalid, Kind, Violation
from server.gateway.fields import TEXTS, WRAPPERS, field_named, problem_with
from server.gateway.plain_messages import plain_message
from server.rpc.validation import MOST, most_elements, refuse, too_many

_FREE: Final = frozenset(f"google.protobuf.{name}" for name in ("Any", "Empty", "ListValue", "Struct", "Value"))
"""Messages whose JSON has a shape of its own."""
_VALUE: Final = "google.protobuf.Value"
_MOST_DIGITS: Final = 309
"""The largest float has as many."""
_AS_IS: Final = WRAPPERS | TEXTS | _FREE
_ANY: Final = "google.protobuf.Any"
_FAILED: Final = re.compile(r"Failed to parse (\w+) field: ")
_WHERE: Final = re.compile(r' at "?\w+(?P<path>(?:\.[\w\[\]]+)*)"?\.*$')
_ONEOF: Final = re.compile(r'should not have multiple "(\w+)" oneof fields')
_SENTENCES: Final = {
    "timestamp": "must be an instant, as 2026-01-31T12:00:00Z",
    "time data": "must be an instant, as 2026-01-31T12:00:00Z",
    "Timestamp": "must be an instant, as 2026-01-31T12:00:00Z",
    "Duration": "must be a duration in seconds, as 1.5s",
    "FieldMask": "must be a list of paths in lowerCamelCase, with commas between them",
    "out of range": "is out of range",
    "int32": "is out of range",
    "enum": "must be one of the enum's names, or a number",
    "null": "must not be null",
    "integer": "must be a whole number",
}
"""What json_format's texts, which quote what was sent, are in our words: an error names no one's data."""
_MAY_BE_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SHAPES: Final[dict[str, tuple[type, str]]] = {
    **dict.fromkeys(TEXTS, (str, "must be a string")),
    **dict.fromkeys((_ANY, "google.protobuf.Empty", "google.protobuf.Struct"), (dict, "must be an object")),
    "google.protobuf.ListValue": (list, "must be an array"),
}


class MalformedJson(DomainError):
    """The body is not JSON, or not the JSON object that is wanted here."""

    kind, code = Kind.INVALID, "MALFORMED_JSON"


def parse_json(body: bytes) -> Any:
    """A body as JSON (RFC 8259, UTF-8).

    Raises MalformedJson, also for a name that an object has twice, a number beyond all floats, and an escape that is
    half of a character: no message can hold it, nor can the refusal of one.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_once_each, parse_constant=_no_constant, parse_float=_finite, parse_int=_short
        )
        if _MAY_BE_HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise MalformedJson("the body is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise MalformedJson("the body has half of a surrogate pair") from error
    except ValueError as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error
    return value


class JsonReading:
    """Takes JSON values for a message's fields, in any spelling, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def wrong(self, field: str, description: str, rule: str) -> None:
        """Note what is wrong with a field. Raises Invalid once that is more than is ever told."""
        self.violations.append(Violation(field, description, rule))
        if len(self.violations) > MOST:
            refuse(self.violations)

    def object(self, message: Descriptor, value: dict[str, Any], at: str = "") -> dict[str, Any]:
        """An object as the same object in JSON's own names; a field that is wrong is null in it."""
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
        most = most_elements(field)
        if most is not None and len(value) > most:
            return self.violations.append(too_many(at, most))
        return [self._element(field, one, f"{at}[{place}]") for place, one in enumerate(value)]

    def _element(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        if value is None and (field.message_type is None or field.message_type.full_name != _VALUE):
            return self.wrong(at, "must not be null", "json.type")
        return self._one(field, value, at)

    def _map(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(at, "must be an object", "json.type")
        values = cast("Descriptor", field.message_type).fields_by_name["value"]
        keys = cast("Descriptor", field.message_type).fields_by_name["key"]
        for key in value:
            if keys.cpp_type != FieldDescriptor.CPPTYPE_BOOL and (problem := problem_with(keys, key)) is not None:
                self.wrong(f"{at}[{key!r}]", f"the key {problem}", "json.type")
        return {key: self._element(values, one, f"{at}[{key!r}]") for key, one in value.items()}

    def _one(self, field: FieldDescriptor, value: Any, at: str) -> Any:
        message = field.message_type
        if message is not None and message.full_name not in _AS_IS:
            if value is None:
                return None
            if not isinstance(value, dict):
                return self.wrong(at, "must be an object", "json.type")
            return self.object(message, value, f"{at}.")
        if value is not None and (problem := _problem(field, value)) is not None:
            return self.wrong(at, problem, "json.type")
        return value


def message_from(make: Callable[[], Message], taken: dict[str, Any]) -> Message:
    """The message of an object in JSON's own names. Raises Invalid naming the field that does not fit."""
    message: Any = make()
    plain = plain_message(type(message), taken)
    if plain is not None:
        return plain
    try:
        return json_format.ParseDict(taken, cast("Message", message))
    except (json_format.ParseError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise _refusal(str(error), message.DESCRIPTOR) from error


def _problem(field: FieldDescriptor, value: Any) -> str | None:
    message = field.message_type
    if message is None:
        return problem_with(field, value)
    if message.full_name in WRAPPERS:
        return problem_with(message.fields_by_name["value"], value)
    shape = _SHAPES.get(message.full_name)
    if shape and not isinstance(value, shape[0]):
        return shape[1]
    if message.full_name == _ANY and not isinstance(value.get("@type", ""), str):
        return "must have a string as @type"
    return None


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _refusal(told: str, message: Descriptor) -> Invalid:
    """json_format's text says where: as a path at its end, else by the fields on the way one by one."""
    first = told.partition("\n")[0]
    where = _WHERE.search(first)
    path = where["path"][1:] if where else ".".join(_FAILED.findall(first))
    sentence = next((ours for theirs, ours in _SENTENCES.items() if theirs in first), "cannot be read")
    choice = _ONEOF.search(first)
    if choice:
        path, sentence = f"{path}.{choice[1]}".removeprefix("."), "only one of its fields can be given"
    name = ".".join(_as_in_contract(message, path))
    return Invalid(f"{name}: {sentence}" if name else sentence, violations=[Violation(name, sentence, "json.value")])


def _as_in_contract(message: Descriptor | None, path: str) -> Iterator[str]:
    """The parts of a path in JSON's names, in the contract's spelling."""
    for part in path.split("."):
        name, bracket, place = part.partition("[")
        field = field_named(message, name) if message else None
        yield (field.name if field else name) + bracket + place
        message = field.message_type if field else None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counted.items() if times > 1)
        raise ValueError(f"the name {twice!r} is given twice in one object")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is larger than any float")
    return number


def _short(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)
