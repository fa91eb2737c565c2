"""The constraints in the contracts, enforced for every transport; all violations come at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import Message
from protovalidate import Validator

from domain.errors import Invalid, Violation

_validator = Validator()


def validate(request: Message) -> None:
    """Raise Invalid with every violation of the contract's constraints, each with its field path."""
    found = [_violation(violation.proto) for violation in _validator.collect_violations(request)]
    if b"\0" in request.SerializeToString():
        found.extend(_with_nul(request, ""))
    if found:
        refuse(found)


def refuse(violations: list[Violation]) -> None:
    """Raise Invalid with these violations, or do nothing when there are none."""
    if not violations:
        return
    first = violations[0]
    rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    raise Invalid(f"{first.field}: {first.description}{rest}", violations=violations)


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
