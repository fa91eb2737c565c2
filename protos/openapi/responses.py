"""What an operation can answer: its message, 304 where a client can have it already, and each refusal by its status."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from protos.openapi.comments import summary_and_rest
from protos.openapi.reasons import Reason
from protos.openapi.schemas import Schemas
from protos.openapi.shared import headers
from server.gateway.problems import PROBLEM_TYPE, title_of
from server.gateway.requests import HTTP_BODY
from server.gateway.responses import JSON_TYPE
from server.gateway.rules import Rule
from server.gateway.streams import NDJSON_TYPE, PLACE, RESUME, SSE_TYPE

Json = dict[str, Any]

ANY_TYPE: Final = "*/*"

_IDS: Final = ("RequestId", "CorrelationId")
_RETRIED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_LINE: Final = "One line of the stream: a `result`, or as the last one the `error` that ended it."
_EVENT: Final = "The `data` of one event; of one named `error`, the problem that ended the stream."
_WITHOUT_IDS: Final = frozenset({408, 414, 431})
"""What is refused before the headers are whole has no ids to give."""


def can_be_kept(rule: Rule) -> bool:
    """Whether a client can have the answer already: it is read, and has an etag."""
    response = rule.method.descriptor.output_type
    return rule.http_method == "GET" and not rule.method.streams and "etag" in response.fields_by_name


def is_conditional(rule: Rule) -> bool:
    """Whether `If-Match` can be sent: the request has an etag to check."""
    return "etag" in rule.method.descriptor.input_type.fields_by_name


def can_go_on(rule: Rule) -> bool:
    """Whether an event stream can be taken up where it was lost: its messages are numbered, and the request says it."""
    request, response = rule.method.descriptor.input_type, rule.method.descriptor.output_type
    return rule.method.streams and PLACE in response.fields_by_name and RESUME in request.fields_by_name


def answers(rule: Rule, schemas: Schemas, summary: str) -> Json:
    """The rule's status, and 304 where it can be; `summary` says what the message is."""
    names = [*_IDS]
    if "etag" in rule.method.descriptor.output_type.fields_by_name and not rule.method.streams:
        names.append("ETag")
    if rule.method.writes:
        names.append("AcertoReplayed")
    answer = {"description": summary, "headers": headers(*names), "content": _content(rule, schemas)}
    found: Json = {str(rule.status): answer}
    if can_be_kept(rule):
        found["304"] = {"description": "The client has it already.", "headers": headers(*_IDS, "ETag")}
    return found


def refused(reasons: Iterable[Reason], problem: Json, *, conditional: bool) -> Json:
    """A response for each status of these reasons. A lost condition has its own: 412 instead of STALE's."""
    by_status: dict[int, list[Reason]] = {}
    for reason in sorted(reasons, key=lambda one: one.name):
        by_status.setdefault(reason.status, []).append(reason)
        if reason.name == "STALE" and conditional:
            by_status.setdefault(HTTPStatus.PRECONDITION_FAILED, []).append(reason)
    return {str(status): refusal(status, by_status[status], problem) for status in sorted(by_status)}


def refusal(status: int, reasons: list[Reason], problem: Json) -> Json:
    """The response of one status: which reasons it can have, and when."""
    points = "\n".join(f"- `{reason.name}`: {reason.sentence}" for reason in reasons)
    names = [] if status in _WITHOUT_IDS else [*_IDS]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WwwAuthenticate")
    if status in _RETRIED:
        names.append("RetryAfter")
    one_of = {"properties": {"reason": {"enum": [reason.name for reason in reasons]}, "status": {"const": int(status)}}}
    return {
        "description": f"{title_of(status)}.\n\n{points}",
        **({"headers": headers(*names)} if names else {}),
        "content": {PROBLEM_TYPE: {"schema": {"allOf": [problem, one_of]}}},
    }


def _content(rule: Rule, schemas: Schemas) -> Json:
    response, field = rule.method.descriptor.output_type, rule.response_body
    message = response if field is None else field.message_type
    if message is not None and message.full_name == HTTP_BODY and (field is None or not field.is_repeated):
        return {ANY_TYPE: {}}
    schema = schemas.message(response, given=False) if field is None else schemas.field(field, given=False)
    if not rule.method.streams:
        return {JSON_TYPE: {"schema": schema}}
    problem = {"$ref": "#/components/schemas/Problem"}
    event = {"description": _EVENT, "anyOf": [schema, problem]}
    return {NDJSON_TYPE: {"schema": _line(schema, problem)}, SSE_TYPE: {"schema": event}}


def _line(result: Json, error: Json) -> Json:
    return {
        "type": "object",
        "description": _LINE,
        "properties": {"result": result, "error": error},
        "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
        "additionalProperties": False,
    }


def answer_summary(comment: str, fallback: str) -> str:
    """What an answer's message is, in its own first sentence."""
    return summary_and_rest(comment)[0] or fallback
