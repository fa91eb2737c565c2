"""An rpc's answer as an HTTP response: JSON, or the raw bytes of an `HttpBody`, with the headers that caches need."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from starlette.types import Send

from server.gateway.headers import Asked, header_value
from server.gateway.json_answers import for_people, writer_of
from server.gateway.problems import PROBLEM_TYPE, headers_of, problem_json, problem_of
from server.gateway.requests import HTTP_BODY
from server.gateway.rules import Rule
from server.rpc.errors import Refusal

RawHeader = tuple[bytes, bytes]

JSON_TYPE: Final = "application/json"
_JSON: Final = (b"content-type", JSON_TYPE.encode())
_BYTES_TYPE: Final = "application/octet-stream"
_SMALLEST_GZIP: Final = 1024
"""Bytes: below it a compressed body is hardly smaller, and never sooner there."""
_QUICK_GZIP: Final = 65_536
"""Bytes that are compressed at once; more is done beside the event loop."""
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final = (b"cache-control", b"no-store")
_ASK_AGAIN: Final = (b"cache-control", b"private, no-cache")
"""With an ETag: kept by the client, and never used unasked."""
_VARY: Final = (b"vary", b"accept-encoding")
_SANDBOX: Final = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")
"""For bytes of any type: what looks like a page must not run as one."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response, but for the length and the encoding."""

    status: int
    content_type: str
    body: bytes
    headers: list[RawHeader] = field(default_factory=list)


class ResponseWriter:
    """Makes the responses of one rule."""

    def __init__(self, rule: Rule) -> None:
        response = rule.method.descriptor.output_type
        self._field = rule.response_body
        self.is_raw = _is_raw(response, rule.response_body)
        """Whether the answer is the bytes of an `HttpBody`."""
        self._json = writer_of(response, rule.response_body)
        self._has_etag = "etag" in response.fields_by_name
        self._reads = rule.http_method == "GET"
        self._status = rule.status

    def write(self, message: Any, asked: Asked, *, pretty: bool, metadata: list[RawHeader]) -> Response:
        """The rule's status with the message, or 304 when the client has it."""
        headers = [*metadata, *self._caching(message)]
        if self._reads and self._has_etag and not asked.if_none_match.isdisjoint({message.etag, "*"}):
            return Response(304, "", b"", [*headers, _VARY])
        if self.is_raw:
            body = self.raw(message)
            return Response(self._status, body.content_type or _BYTES_TYPE, body.data, [*headers, _SANDBOX])
        return Response(self._status, JSON_TYPE, self.text(message, pretty=pretty).encode(), headers)

    def raw(self, message: Any) -> Any:
        """The `HttpBody` of an answer that is one."""
        return getattr(message, self._field.name) if self._field else message

    def text(self, message: Message, *, pretty: bool = False) -> str:
        """The message, or the part of it that is answered, as JSON text."""
        text = self._json(message)
        return for_people(text) if pretty else text

    def _caching(self, message: Any) -> list[RawHeader]:
        if not (self._has_etag and message.etag):
            return [_NO_STORE]
        etag = (b"etag", message.etag.encode())
        return [etag, _ASK_AGAIN] if self._reads else [etag, _NO_STORE]


def raw_headers(content_type: str) -> list[RawHeader]:
    """What goes with bytes of any type."""
    return [_type_header(content_type or _BYTES_TYPE), NOSNIFF, _SANDBOX]


def _type_header(content_type: str) -> RawHeader:
    return b"content-type", header_value(content_type)


def refused(refusal: Refusal, *, path: str, request_id: str, conditional: bool = False) -> Response:
    """A refusal as a problem; what somebody changed meanwhile is 412 to a client that made it a condition."""
    status = 412 if conditional and refusal.reason == "STALE" else refusal.status.http
    problem = problem_of(refusal, status=status, instance=path, request_id=request_id)
    headers = [_NO_STORE, *headers_of(refusal, status=status)]
    return Response(status, PROBLEM_TYPE, problem_json(problem), headers)


async def send_response(
    send: Send, response: Response, ids: list[RawHeader], *, accepts_gzip: bool, headers_only: bool
) -> None:
    """Send it, compressed when that is wanted and worth it."""
    body, headers = response.body, [*ids, NOSNIFF, *response.headers]
    if response.content_type:
        headers += [_JSON if response.content_type == JSON_TYPE else _type_header(response.content_type), _VARY]
    if accepts_gzip and len(body) >= _SMALLEST_GZIP and not response.content_type.startswith("image/png"):
        headers = [(name, b"W/" + value if name == b"etag" else value) for name, value in headers]
        headers.append((b"content-encoding", b"gzip"))
        body = await _compressed(body)
    if response.status not in {204, 304}:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if headers_only else body})


async def _compressed(body: bytes) -> bytes:
    if len(body) <= _QUICK_GZIP:
        return gzip.compress(body, 5)
    return await asyncio.to_thread(gzip.compress, body, 5)


def _is_raw(response: Descriptor, field_: FieldDescriptor | None) -> bool:
    message = field_.message_type if field_ is not None else response
    return message is not None and message.full_name == HTTP_BODY and not (field_ is not None and field_.is_repeated)
