"""HTTP headers as the pipeline's metadata, deadline and conditions, and back."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from domain.errors import Invalid, Violation
from domain.identity import Ids
from server.rpc.visit import Metadata, trusted

RawHeaders = Iterable[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""

METADATA_PREFIX: Final = "grpc-metadata-"
"""What a header begins with to be metadata of any name."""

_PASSED: Final = frozenset(
    {"authorization", "idempotency-key", "correlation-id", "x-request-id", "traceparent", "tracestate"}
)
_GRPC_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])", re.ASCII)
_SECONDS_OF: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_SECONDS: Final = re.compile(r"[0-9]{1,8}(?:\.[0-9]{1,9})?", re.ASCII)
_MOST_DIGITS: Final = 18
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ETAG: Final = re.compile(r'(?:W/)?("[!#-~]*")', re.ASCII)
"""The quotes are a part of an etag, in HTTP as in our messages (AIP-154). W/ says that the bytes were packed; the
version is the same, so that it may be a condition too.
"""
_ETAGS: Final = re.compile(r'(?:W/)?("[!#-~]*")|(?<![!-~])(\*)(?![!-~])', re.ASCII)


_NONE: Final[frozenset[str]] = frozenset()


class Asked(NamedTuple):
    """What a request's headers say. `metadata` always has a request id and a correlation id.

    `timeout` are seconds, None when the client set none; `if_match` is an etag, None for any.
    `problem` is why a deadline, a condition or binary metadata could not be read; the field is empty then.
    """

    metadata: Metadata
    request_id: str
    correlation_id: str
    timeout: float | None
    origin: str
    host: str
    content_type: str
    content_encoding: str
    accept: str
    accepts_gzip: bool
    if_match: str | None
    if_none_match: frozenset[str]
    last_event_id: str
    content_length: int
    problem: Invalid | None


def read_headers(raw: RawHeaders, ids: Ids) -> Asked:
    """The headers taken apart; ids that are missing or cannot be trusted are made.

    Most requests bring few of them, so nothing is looked into that is not there.
    """
    headers = _joined(raw)
    metadata: dict[str, str | bytes] = {name: text for name, text in headers.items() if name in _PASSED}
    problem: Invalid | None = None
    timeout: float | None = None
    if_match: str | None = None
    try:
        timeout = _timeout(headers)
        if_match = _if_match(headers.get("if-match"))
        metadata = _metadata(headers) | metadata
    except Invalid as error:
        problem = error
    get = headers.get
    return Asked(
        metadata=metadata,
        request_id=id_in(metadata, "x-request-id", ids),
        correlation_id=id_in(metadata, "correlation-id", ids),
        timeout=timeout,
        origin=get("origin", ""),
        host=get("host", ""),
        content_type=get("content-type", ""),
        content_encoding=get("content-encoding", "identity").strip().lower(),
        accept=get("accept", ""),
        accepts_gzip="accept-encoding" in headers and accepts(headers["accept-encoding"], "gzip"),
        if_match=if_match,
        if_none_match=_etags(headers["if-none-match"]) if "if-none-match" in headers else _NONE,
        last_event_id=get("last-event-id", ""),
        content_length=_length(headers["content-length"]) if "content-length" in headers else 0,
        problem=problem,
    )


def id_in(metadata: dict[str, str | bytes], name: str, ids: Ids) -> str:
    """The id under this name, made and put there when there is none that can be trusted."""
    found = trusted(metadata.get(name)) or str(ids.new())
    metadata[name] = found
    return found


def _etags(header: str) -> frozenset[str]:
    return frozenset(tag or any_ for tag, any_ in _ETAGS.findall(header))


def accepts(header: str, wanted: str) -> bool:
    """Whether an `Accept..` header names this, or `*`, and not by the quality 0 (RFC 9110, 12.5)."""
    accepted = {}
    for one in header.lower().split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        accepted[name] = not any(_is_zero(parameter) for parameter in parameters)
    return accepted.get(wanted, accepted.get("*", False))


def header_value(text: str) -> bytes:
    """A text as a header's value; what could end the header is left out."""
    return _CONTROL.sub("", text).encode("latin-1", "replace")


def metadata_headers(metadata: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """What the pipeline sends after an answer, as headers; the ids are there already."""
    return [(name.encode(), header_value(value)) for name, value in metadata if name not in _PASSED]


def _joined(raw: RawHeaders) -> dict[str, str]:
    """By name, several of one name as one list (RFC 9110 5.2)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _metadata(headers: dict[str, str]) -> dict[str, str | bytes]:
    """What came as metadata of any name."""
    return {
        name.removeprefix(METADATA_PREFIX): _binary(name, text) if name.endswith("-bin") else text
        for name, text in headers.items()
        if name.startswith(METADATA_PREFIX)
    }


def _binary(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:  # binascii's own, and another for what is not ASCII
        raise _invalid(name, "must be base64") from error


def _length(text: str) -> int:
    """Of the body, as far as it can be read; a number too long for Python to read is larger than any limit."""
    if not text.isdecimal():
        return 0
    return int(text) if len(text) <= _MOST_DIGITS else sys.maxsize


def _timeout(headers: dict[str, str]) -> float | None:
    """The sooner of two deadlines: `Grpc-Timeout` as gRPC writes it (`10S`, `250m`), `X-Request-Timeout` in seconds."""
    found: list[float] = []
    if (text := headers.get("grpc-timeout")) is not None:
        match = _GRPC_TIMEOUT.fullmatch(text)
        if match is None:
            raise _invalid("grpc-timeout", "must be at most 8 digits and one of H, M, S, m, u, n")
        found.append(int(match[1]) * _SECONDS_OF[match[2]])
    if (text := headers.get("x-request-timeout")) is not None:
        if not _SECONDS.fullmatch(text):
            raise _invalid("x-request-timeout", "must be seconds, as 2 or 0.5")
        found.append(float(text))
    return min(found, default=None)


def _if_match(text: str | None) -> str | None:
    if text is None or text.strip() == "*":
        return None
    match = _ETAG.fullmatch(text.strip())
    if match is None:
        raise _invalid("if-match", 'must be one etag in quotes, as "3", or *')
    return match[1]


def _is_zero(parameter: str) -> bool:
    name, _, quality = parameter.partition("=")
    return name.strip() == "q" and quality.strip(" 0.") == ""


def _invalid(header: str, problem: str) -> Invalid:
    return Invalid(f"{header}: {problem}", violations=[Violation(header, problem, "http.header")])
