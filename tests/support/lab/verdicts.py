"""Where our door is meant to differ from Envoy's transcoder, request by request: by which rule, and to what outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.support.lab.outcome import Outcome, echoed, patched, refused


@dataclass(frozen=True)
class Difference:
    """`ours`: what becomes of the request at our door, to the last field."""

    reason: str
    ours: Outcome


_QUERY_OR_BODY: Final = "api.md: what belongs to the body is not taken from the query too: 400. Envoy merges them"
_ONCE: Final = "api.md: two values for a singular field: 400. Envoy takes the last"
_PATH_WINS: Final = "api.md: a conflict of path with query or body: 400. In Envoy one wins unseen"
_BOOLEANS: Final = "proto3 JSON: a boolean is `true` or `false`. Envoy takes what C++ takes"
_ESCAPES: Final = "RFC 3986: % is followed by two hexadecimal digits, else 400. Envoy takes it as it stands"
_UTF8: Final = "a string is UTF-8, else 400. Envoy hands it on, and what cannot be parsed behind it is 500"
_NUL: Final = "a text with a NUL is refused for every transport: PostgreSQL keeps none. Envoy hands it on"
_NUMBERS: Final = "a number in a query is spelled as in JSON, no more, no less. Envoy reads it as C++ does"
_OPEN_ENUM: Final = "proto3: an enum's number may be unknown; where it must not be, the contract's constraint says so"
_KNOWN_TYPES: Final = "proto3 JSON: a well-known type is its one value, in a query too, and has no fields to name"
_MASK_NAMES: Final = "proto3 JSON: a FieldMask's text has lowerCamelCase names. Envoy takes snake_case too"
_FREE_VALUE: Final = "a text in a query does not say which JSON value a google.protobuf.Value would be: 400"
_UNKNOWN: Final = "api.md: unknown parameter or key: 400. Envoy can only ignore unknown keys of a body"
_REPEATED: Final = "there is no way through a repeated field: which element? Envoy adds one"
_DUPLICATE: Final = "api.md: duplicate keys are refused, in either spelling. Envoy takes the last"
_JSON: Final = "RFC 8259 is what JSON is. Envoy's parser takes more"
_SHAPES: Final = "proto3 JSON: lists are arrays, no null within lists and maps, a boolean is no text. Envoy is lenient"
_TYPES: Final = "api.md: other content types: 415. Envoy reads any as JSON"
_NO_BODY: Final = "http.proto: without `body` there is no request body: 400. Envoy merges one"
_NOTHING: Final = "no body sets nothing; Envoy makes the body's field an empty message"
_DEADLINE: Final = "api.md: Grpc-Timeout is ours to read: 400. Envoy hands it on, and gRPC behind it fails: 500"
_METHODS: Final = "api.md: wrong method: 405 with Allow, OPTIONS and HEAD as a browser expects. Envoy: 404"
_SLASHES: Final = (
    "api.md: one trailing slash reaches the same route, after a verb too. Envoy drops any number, none after a verb"
)
_LITERALS: Final = "RFC 3986: an escaped letter is that letter. Envoy compares the bytes"
_ONLY_SLASH: Final = (
    "api.md: multi-segment variables keep %2F. Envoy by default keeps every reserved character's escape"
)
_STREAM: Final = "api.md: streams as NDJSON. Envoy makes one array"
_INFERRED: Final = "api.md: PATCH: the mask is inferred from the body's fields. Envoy infers none"

_SHELF_BOOKS: Final = (
    b'{"result":{"id":"1","author":"","title":"War & Peace","quotes":[]}}\n'
    b'{"result":{"id":"2","author":"","title":"","quotes":["\xc3\xa9"]}}\n'
)
_BOB: Final = {"structField": {"name": {"first": "bob"}, "amount": 2.0}}


def _each(ours: Outcome, *names: str) -> dict[str, Outcome]:
    return dict.fromkeys(names, ours)


_BY_REASON: Final[Mapping[str, Mapping[str, Outcome]]] = {
    _QUERY_OR_BODY: _each(refused(400), "fact: T079", "fact: T081", "fact: T141", "query: beside a whole body"),
    _ONCE: _each(
        refused(400),
        *("query: a singular twice", "query: a singular twice the same", "query: a singular under both names"),
    ),
    _PATH_WINS: _each(
        refused(400), "query: what the path has", "query: what the path has, the same", "body: path otherwise"
    ),
    _BOOLEANS: _each(refused(400), *(f"query: bool {text}" for text in ("True", "TRUE", "1", "0", "t", "yes"))),
    _ESCAPES: _each(refused(400), "query: string bad escape", "query: string half an escape", "path: bad escape"),
    _UTF8: _each(refused(400), "query: string no UTF-8", "path: no UTF-8"),
    _NUL: _each(refused(400), "query: string NUL", "body: string with a control"),
    _NUMBERS: {
        **_each(refused(400), "query: int32 plus", "query: double dot five", "query: double five dot"),
        "query: int32 exponent": echoed(int32Value=1000),
        "query: int32 as 1.0": echoed(int32Value=1),
    },
    _OPEN_ENUM: {"query: enum by a number it has not": echoed(enumValue=7)},
    _KNOWN_TYPES: _each(
        refused(400),
        *("query: timestamp part", "query: wrapper by its value"),
        *("body: timestamp as a message", "body: wrapper as a message"),
    ),
    _MASK_NAMES: _each(refused(400), "query: field mask in snake"),
    _FREE_VALUE: _each(refused(400), "query: a Value"),
    _UNKNOWN: _each(refused(400), "query: name empty", "body: unknown", "body: unknown inside"),
    _REPEATED: _each(refused(400), "fact: T133", "query: path through a repeated message"),
    _DUPLICATE: _each(
        refused(400), "body: a name in both spellings", "body: a name twice", "body: an inner name twice"
    ),
    _JSON: _each(
        refused(400),
        *("body: trailing comma", "body: single quotes", "body: unquoted name"),
        "body: string with a raw newline",
    ),
    _SHAPES: _each(
        refused(400), "body: bool as text", "body: list as one value", "body: list with null", "body: map with null"
    ),
    _TYPES: _each(refused(415), "body: of a form", "body: of text"),
    _NO_BODY: _each(refused(400), "body: for a rule without one"),
    _NOTHING: {"body: field, none": echoed()},
    _DEADLINE: _each(refused(400), "fact: T145", "timeout: not one", "timeout: empty"),
    _METHODS: {
        **_each(refused(405), "path: wrong method", "path: verb, wrong method", "path: several, too few"),
        "path: options nobody has": Outcome(204),
        "path: head": Outcome(200, {"stringValue": "a"}, ""),
        "raw: stream, head": Outcome(200, {}, ("text/html", b"")),
    },
    _SLASHES: {
        "path: two trailing slashes": refused(404),
        "path: verb and slash": Outcome(200, {"filename": "a/b"}, ("text/plain", b"hello")),
    },
    _LITERALS: {"path: escaped literal": Outcome(200, {"messageId": "1"}, {"messageId": "", "text": ""})},
    _ONLY_SLASH: {
        "path: several, reserved escapes": Outcome(
            200, {"name": "shelves/a?b#c/books/2"}, {"name": "", "parent": "", "title": "", "author": ""}
        )
    },
    _STREAM: {"stream: messages": Outcome(200, {"shelf": "1"}, ("application/x-ndjson", _SHELF_BOOKS))},
    _INFERRED: {
        "fact: T157": patched("structField.name.first,structField.amount", _BOB),
        "patch: one": patched("floatValue", {"floatValue": 1.0}),
        "patch: nested": patched(
            "singleNested.name",
            {"singleNested": {"name": "a"}},
            {"singleNested": {"name": "a", "amount": 0, "ok": "FALSE"}},
        ),
        "patch: map": patched("mappedStringValue", {"mappedStringValue": {"a": "b"}}),
        "patch: list": patched("repeatedStringValue", {}),
        "patch: null": patched("stringValue", {}),
    },
}

DIFFERENCES: Final[Mapping[str, Difference]] = {
    name: Difference(reason, ours) for reason, each in _BY_REASON.items() for name, ours in each.items()
}
"""By the request's name."""
