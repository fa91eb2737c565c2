"""The constraints in the contracts, enforced for every transport; all violations come at once, a hundred at most.

How many elements a field has is looked at first, by itself: judging each of a million would take minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from protovalidate import Validator

from buf.validate import validate_pb2
from domain.errors import Invalid, Violation

MOST: Final = 100
"""Violations that are told of one request."""

_validator = Validator()


def validate(request: Message) -> None:
    """Raise Invalid with every violation of the contract's constraints, each with its field path."""
    refuse(list(_too_many(request, "")))
    found = [_violation(violation.proto) for violation in _validator.collect_violations(request)]
    if b"\0" in request.SerializeToString():
        found.extend(_with_nul(request, ""))
    if found:
        refuse(found)


def refuse(violations: list[Violation]) -> None:
    """Raise Invalid with these violations, MOST of them at most, or do nothing when there are none."""
    if not violations:
        return
    first = violations[0]
    rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    told = violations[:MOST]
    if len(told) < len(violations):
        told.append(Violation("", f"and {len(violations) - MOST} more", "truncated"))
    raise Invalid(f"{first.field}: {first.description}{rest}", violations=told)


@cache
def most_elements(field: FieldDescriptor) -> int | None:
    """How many elements the contract lets a repeated field, or a map, have; None when it does not say."""
    options: Any = field.GetOptions()
    rules = options.Extensions[validate_pb2.field]
    most = rules.map.max_pairs if rules.WhichOneof("type") == "map" else rules.repeated.max_items
    return most or None


def too_many(name: str, most: int) -> Violation:
    """What is wrong with a field of more elements."""
    return Violation(name, f"must have no more than {most} elements", "repeated.max_items")


def _too_many(message: Message, path: str) -> Iterator[Violation]:
    """The fields with more elements than they may have; what is inside of those is not looked at."""
    for field, value in message.ListFields():
        name = path + field.name
        if field.is_repeated:
            most = most_elements(field)
            if most is not None and len(value) > most:
                yield too_many(name, most)
        elif isinstance(value, Message):
            yield from _too_many(value, f"{name}.")


def _with_nul(message: Message, path: str) -> Iterator[Violation]:
    """The text fields that hold U+0000, which UTF-8 allows and PostgreSQL does not."""
    for field, value in message.ListFields():
        for name, one in _named(path + field.name, value, repeated=field.is_repeated):
            if isinstance(one, Message):
                yield from _with_nul(one, f"{name}.")
            elif isinstance(one, str) and "\0" in one:
                yield Violation(name, "must not contain the character U+0000", "string.no_nul")


def _named(path: str, value: Any, *, repeated: bool) -> Iterable[tuple[str, Any]]:
    if not repeated:
        return [(path, value)]
    return [(f"{path}[{at}]", one) for at, one in enumerate(value)]


def _violation(proto: Any) -> Violation:
    return Violation(field=_path(proto.field), description=proto.message, rule=proto.rule_id)


def _path(field: Any) -> str:
    if field is None:
        return ""
    return ".".join(_element(element) for element in field.elements)


def _element(element: Any) -> str:
    if element.subscript is None:
        return str(element.field_name)
    return f"{element.field_name}[{element.subscript.value!r}]"
