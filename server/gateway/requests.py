"""An HTTP request's path, query and body as the request message of an rpc, by the rule that it was routed to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast
from urllib.parse import unquote, unquote_plus

from google.api import httpbody_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from domain.errors import Invalid
from server.gateway.fields import FieldPath, UnknownField, field_path, json_of
from server.gateway.headers import Asked
from server.gateway.json_bodies import JsonReading, MalformedJson, message_from, parse_json
from server.gateway.masks import changed_by, infers_mask
from server.gateway.plain_messages import plain_message
from server.gateway.rules import WHOLE, Rule
from server.gateway.templates import Variable
from server.rpc.validation import refuse

HTTP_BODY: Final = httpbody_pb2.HttpBody.DESCRIPTOR.full_name
_JSON_TYPE: Final = re.compile(
    r"\s*application/(?:json|[a-z0-9.!#$&^_-]+\+json)\s*(?:;\s*charset\s*=\s*\"?utf-?8\"?\s*)?",
    re.IGNORECASE | re.ASCII,
)
PRETTY: Final = "pretty"
"""The one query parameter that is about the answer, not the request."""
_NO_UTF8: Final = re.compile("[\udc80-\udcff]")
"""What bytes that are none become when they are decoded with surrogateescape."""
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class RequestReader:
    """Makes the request messages of one rule."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._make: Callable[..., Message] = rule.method.request
        self._descriptor = rule.method.descriptor.input_type
        self.raw = _raw_field(rule)
        """The `HttpBody` that a body of any type becomes: the request itself, or a field; None when it is JSON."""
        self._infers_mask = infers_mask(rule)
        whole = all(len(path.fields) == 1 for _, path in rule.variables)
        self._may_be_plain = whole and self.raw is None and not self._infers_mask

    def read(
        self, parts: Sequence[tuple[Variable, Sequence[str]]], query: str, body: bytes, content_type: str
    ) -> Message:
        """The message. Raises Invalid with every field that is wrong, MalformedJson."""
        given = self._given(body)
        if self._may_be_plain and not query and (plain := self._plain(given, parts)) is not None:
            return plain
        reading = JsonReading()
        taken = self._body(reading, given)
        changed = changed_by(self._rule, taken) if self._infers_mask else ()
        self._path(reading, taken, parts)
        self._query(reading, taken, query)
        refuse(reading.violations)
        message: Any = message_from(self._make, taken)
        if changed and taken.get("updateMask") is None:
            message.update_mask.paths.extend(changed)
        if self.raw is not None:
            into = message if self._rule.body == WHOLE else getattr(message, self.raw.name)
            into.CopyFrom(httpbody_pb2.HttpBody(content_type=content_type, data=body))
        return cast("Message", message)

    def _given(self, body: bytes) -> dict[str, Any]:
        """What the body gives, by its fields' names in any spelling; no body is as good as an empty object."""
        field = self._rule.body
        if not body or self.raw is not None:
            return {}
        if field is None:
            raise MalformedJson("this route takes no body")
        value = parse_json(body)
        if isinstance(field, FieldDescriptor):
            return {field.json_name: value}
        if not isinstance(value, dict):
            raise MalformedJson("the body must be a JSON object")
        return value

    def _plain(self, given: dict[str, Any], parts: Sequence[tuple[Variable, Sequence[str]]]) -> Message | None:
        """The message of a request that has nothing to look at more closely, let alone to refuse; else None."""
        taken = {**given}
        for (variable, segments), (_, path) in zip(parts, self._rule.variables, strict=True):
            if path.leaf.json_name in taken:
                return None
            taken[path.leaf.json_name] = _path_text(variable, segments)
        return plain_message(self._make, taken)

    def _body(self, reading: JsonReading, given: dict[str, Any]) -> dict[str, Any]:
        """The same in JSON's names, as far as it can be taken."""
        try:
            return reading.object(self._descriptor, given)
        except RecursionError as error:
            raise MalformedJson("the body is nested too deeply") from error

    def _path(
        self, reading: JsonReading, taken: dict[str, Any], parts: Sequence[tuple[Variable, Sequence[str]]]
    ) -> None:
        for (variable, segments), (_, path) in zip(parts, self._rule.variables, strict=True):
            value = _value(reading, path, _path_text(variable, segments))
            holder = _holder(taken, path)
            given = holder.get(path.leaf.json_name)
            if given is not None and str(given) != str(value):
                reading.wrong(path.text, "differs from what the path says", "http.path_conflict")
            holder[path.leaf.json_name] = value

    def _query(self, reading: JsonReading, taken: dict[str, Any], query: str) -> None:
        several: dict[str, list[Any]] = {}
        for name, text in _parameters(query):
            if name == PRETTY:
                continue
            path = self._parameter(reading, name)
            if path is None:
                continue
            if path.leaf.is_repeated:
                if path.text not in several:
                    several[path.text] = self._list(reading, taken, path)
                several[path.text].append(_value(reading, path, text))
                continue
            holder = _holder(taken, path)
            if path.leaf.json_name in holder:
                reading.wrong(path.text, "is given more than once", "http.query_conflict")
            holder[path.leaf.json_name] = _value(reading, path, text)

    def _parameter(self, reading: JsonReading, name: str) -> FieldPath | None:
        try:
            path = field_path(self._descriptor, name)
        except UnknownField as error:
            reading.wrong(name, str(error).partition(": ")[2], "http.unknown_parameter")
            return None
        body = self._rule.body
        if body == WHOLE or (isinstance(body, FieldDescriptor) and path.fields[0].name == body.name):
            reading.wrong(path.text, "belongs into the body here", "http.query_conflict")
            return None
        if not path.scalar:
            reading.wrong(path.text, "cannot be given in a query", "http.unknown_parameter")
            return None
        return path

    def _list(self, reading: JsonReading, taken: dict[str, Any], path: FieldPath) -> list[Any]:
        """The list that a repeated parameter fills."""
        values: list[Any] = []
        holder = _holder(taken, path)
        if path.leaf.json_name in holder:
            reading.wrong(path.text, "is given more than once", "http.query_conflict")
        holder[path.leaf.json_name] = values
        return values


def problem_with_body(asked: Asked, *, raw: bool) -> str | None:
    """Why a body cannot be read: it is packed, or, where it is not `raw`, no JSON in UTF-8. None is JSON."""
    if asked.content_encoding != "identity":
        return f"the body must not be packed, as by {asked.content_encoding[:50]}"
    if raw or not asked.content_type or _JSON_TYPE.fullmatch(asked.content_type):
        return None
    return f"the body must be application/json, not {asked.content_type[:100]}"


def wants_pretty(query: str) -> bool:
    """Whether the query asks for JSON with line breaks: `?pretty`, `?pretty=true`."""
    return PRETTY in query and any(name == PRETTY and text.lower() != "false" for name, text in _parameters(query))


def check_encoding(query: str) -> None:
    """Raise Invalid for a query whose bytes were not UTF-8."""
    if not query.isascii() and _NO_UTF8.search(query):
        raise Invalid("the query is not UTF-8")


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    if not query:
        return
    if _BAD_ESCAPE.search(query):
        raise Invalid("the query has a % that is not followed by two hexadecimal digits")
    check_encoding(query)
    for one in query.split("&"):
        if one:
            name, _, text = one.partition("=")
            try:
                yield unquote_plus(name, errors="strict"), unquote_plus(text, errors="strict")
            except UnicodeDecodeError as error:
                raise Invalid("the query's escapes are not UTF-8") from error


def _path_text(variable: Variable, segments: Sequence[str]) -> str:
    return "/".join([_decoded(segment, several=variable.several) for segment in segments])


def _decoded(segment: str, *, several: bool) -> str:
    """Without escapes; among several segments that of a slash stays, since it would move the borders.

    Raises Invalid for what is not UTF-8.
    """
    if "%" not in segment:
        return segment
    try:
        if not several:
            return unquote(segment, errors="strict")
        return "%2F".join(unquote(one, errors="strict") for one in re.split("%2F|%2f", segment))
    except UnicodeDecodeError as error:
        raise Invalid("the path's escapes are not UTF-8") from error


def _value(reading: JsonReading, path: FieldPath, text: str) -> Any:
    try:
        return json_of(path.leaf, text)
    except ValueError as error:
        reading.wrong(path.text, str(error), "json.type")
        return None


def _holder(taken: dict[str, Any], path: FieldPath) -> dict[str, Any]:
    """The object that holds a path's leaf, made on the way."""
    for field in path.fields[:-1]:
        inner = taken.get(field.json_name)
        if not isinstance(inner, dict):
            inner = taken[field.json_name] = {}
        taken = inner
    return taken


def _raw_field(rule: Rule) -> Any:
    if rule.body == WHOLE and rule.method.request.DESCRIPTOR.full_name == HTTP_BODY:
        return rule.method.request.DESCRIPTOR
    if isinstance(rule.body, FieldDescriptor) and rule.body.message_type is not None:
        return rule.body if rule.body.message_type.full_name == HTTP_BODY else None
    return None
