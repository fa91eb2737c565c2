"""Requests that try a transcoder by their bodies: every odd JSON that we could think of, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.support.lab.request import JSON_TYPE, Request, typed

_BODIES: Final[dict[str, str]] = {
    "empty object": "{}",
    "spaces": ' {\n "stringValue" : "a" } ',
    "names of the contract": '{"string_value": "a"}',
    "a name in both spellings": '{"string_value": "a", "stringValue": "b"}',
    "a name twice": '{"stringValue": "a", "stringValue": "b"}',
    "an inner name twice": '{"nested": {"stringValue": "a", "stringValue": "b"}}',
    "unknown": '{"colour": "blue"}',
    "unknown inside": '{"nested": {"colour": "blue"}}',
    "null": '{"stringValue": null, "nested": null, "repeatedValue": null}',
    "null itself": "null",
    "array": "[]",
    "text": '"a"',
    "two values": "{} {}",
    "trailing comma": '{"stringValue": "a",}',
    "comment": "{} // done",
    "single quotes": "{'stringValue': 'a'}",
    "unquoted name": '{stringValue: "a"}',
    "NaN as a word": '{"doubleValue": NaN}',
    "NaN as a text": '{"doubleValue": "NaN"}',
    "cut off": '{"stringValue": "a"',
    "nothing but spaces": "  ",
    "byte order mark": "\ufeff{}",
    "int as text": '{"int32Value": "5"}',
    "int as 1.0": '{"int32Value": 1.0}',
    "int as 1.5": '{"int32Value": 1.5}',
    "int as 1e3": '{"int32Value": 1e3}',
    "int as bool": '{"int32Value": true}',
    "int as an empty text": '{"int32Value": ""}',
    "int with spaces": '{"int32Value": " 5 "}',
    "int64 as a number": '{"int64Value": 9007199254740993}',
    "int64 too big": '{"int64Value": "9223372036854775808"}',
    "uint64 negative": '{"uint64Value": "-1"}',
    "float too big": '{"floatValue": 1e39}',
    "bool as text": '{"boolValue": "true"}',
    "bool as a number": '{"boolValue": 1}',
    "string as a number": '{"stringValue": 5}',
    "string unicode": '{"stringValue": "\\u00e7\\ud83d\\ude97 ç"}',
    "string half a surrogate": '{"stringValue": "\\ud83d"}',
    "string with a control": '{"stringValue": "a\\u0000b"}',
    "string with a raw newline": '{"stringValue": "a\nb"}',
    "enum by number": '{"enumValue": 1}',
    "enum by an unknown number": '{"enumValue": 7}',
    "enum as text of a number": '{"enumValue": "1"}',
    "enum unknown": '{"enumValue": "W"}',
    "enum in lower case": '{"enumValue": "z"}',
    "bytes": '{"bytesValue": "aGk="}',
    "bytes of URLs": '{"bytesValue": "-_8"}',
    "bytes not base64": '{"bytesValue": "*"}',
    "bytes of a wrapper not base64": '{"wrapperBytesValue": "*"}',
    "double too big as text": '{"doubleValue": "1e400"}',
    "int of a wrapper with spaces": '{"wrapperInt64Value": " 5 "}',
    "float of a wrapper as a word": '{"wrapperDoubleValue": "inf"}',
    "list": '{"repeatedValue": ["a", "b"]}',
    "list as one value": '{"repeatedValue": "a"}',
    "list with null": '{"repeatedValue": ["a", null]}',
    "message as a list": '{"nested": []}',
    "message as a text": '{"nested": "a"}',
    "map": '{"mapValue": {"a": "b", "": "c"}, "mapValue3": {"-5": "x"}, "mapValue14": {"a": true}}',
    "map with a bad key": '{"mapValue3": {"a": "x"}}',
    "map with null": '{"mapValue": {"a": null}}',
    "map as a list": '{"mapValue": []}',
    "map key twice": '{"mapValue": {"a": "b", "a": "c"}}',
    "wrappers": '{"wrapperInt64Value": "5", "wrapperBoolValue": false, "wrapperStringValue": null}',
    "wrapper as a message": '{"wrapperInt32Value": {"value": 5}}',
    "timestamp": '{"timestampValue": "2026-03-01T12:00:00.5Z"}',
    "timestamp as a message": '{"timestampValue": {"seconds": 5}}',
    "duration": '{"durationValue": "3.000000001s"}',
    "field mask": '{"fieldmaskValue": "stringValue,nested.boolValue"}',
    "struct": '{"structValue": {"a": [1, null, {"b": true}]}}',
    "oneof both": '{"oneofStringValue": "a", "oneofBoolValue": true}',
    "oneof null": '{"oneofStringValue": "a", "oneofBoolValue": null}',
    "optional empty": '{"optionalValue": ""}',
}


def bodies() -> Iterator[Request]:
    """All of them."""
    for name, body in _BODIES.items():
        yield Request(f"body: {name}", "Values", "POST", "/v1/all", JSON_TYPE, body.encode())
    yield Request("body: none", "Values", "POST", "/v1/all")
    yield Request("body: empty", "Values", "POST", "/v1/all", JSON_TYPE, b"")
    yield Request("body: no UTF-8", "Values", "POST", "/v1/all", JSON_TYPE, b'{"stringValue": "\xff"}')
    yield Request("body: no type", "Values", "POST", "/v1/all", {}, b'{"stringValue": "a"}')
    yield Request("body: with a charset", "Values", "POST", "/v1/all", typed("application/json; charset=utf-8"), b"{}")
    yield Request("body: of a form", "Values", "POST", "/v1/all", typed("application/x-www-form-urlencoded"), b"{}")
    yield Request("body: of text", "Values", "POST", "/v1/all", typed("text/plain"), b"{}")
    yield Request("body: for a rule without one", "Values", "GET", "/v1/q", JSON_TYPE, b'{"stringValue": "a"}')
    yield Request("body: field, message", "Values", "POST", "/v1/f", JSON_TYPE, b'{"stringValue": "a"}')
    yield Request("body: field, none", "Values", "POST", "/v1/f")
    yield Request("body: field, map", "Values", "POST", "/v1/map", JSON_TYPE, b'{"a": "b"}')
    yield Request("body: field, numbers", "Values", "POST", "/v1/numbers", JSON_TYPE, b"[1, 2]")
    yield Request("body: field, instant", "Values", "POST", "/v1/time", JSON_TYPE, b'"2026-03-01T12:00:00Z"')
    yield Request("body: field, null", "Values", "POST", "/v1/time", JSON_TYPE, b"null")
    yield Request("body: field, empty list", "Values", "POST", "/v1/numbers", JSON_TYPE, b"[]")
    yield Request("body: another binding", "Library", "POST", "/v2/shelves/1/books:moveAll", JSON_TYPE, b"{}")
    yield Request("body: path again", "Messages", "PUT", "/v1/messages/1", JSON_TYPE, b'{"messageId": "1"}')
    yield Request("body: path otherwise", "Messages", "PUT", "/v1/messages/1", JSON_TYPE, b'{"messageId": "2"}')
    yield Request("body: 1 MiB", "Values", "POST", "/v1/all", JSON_TYPE, _text_of(1024 * 1024))
    yield Request("body: nested 50 deep", "Values", "POST", "/v1/all", JSON_TYPE, _nested(50))
    yield Request("body: nested 2000 deep", "Values", "POST", "/v1/all", JSON_TYPE, _nested(2000))


def _text_of(size: int) -> bytes:
    return b'{"stringValue": "' + b"x" * size + b'"}'


def _nested(depth: int) -> bytes:
    return b'{"nested": ' * depth + b"{}" + b"}" * depth
