"""Requests that try a transcoder: every odd spelling that we could think of, each with a name to speak of it by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.support.lab.bodies import bodies
from tests.support.lab.request import JSON_TYPE, Request, typed
from tests.support.lab.servant import Refused


def requests() -> list[Request]:
    """All of them."""
    return [*_queries(), *bodies(), *_paths(), *_raw(), *_patches(), *_refusals()]


_QUERIES: Final[dict[str, str]] = {
    "nothing": "",
    "names of the contract": "string_value=a&int32_value=1",
    "names of JSON": "stringValue=a&int32Value=1",
    "one name of each kind": "string_value=a&int32Value=1",
    "nested": "nested.string_value=a&nested.nested.int64_value=-9",
    "nested in JSON's names": "nested.stringValue=a&nested.nested.int64Value=9",
    "repeated": "repeated_value=a&repeated_value=b&repeated_value=a",
    "repeated under both names": "repeated_value=a&repeatedValue=b",
    "repeated numbers": "repeated_int32=1&repeated_int32=-2",
    "repeated numbers in one": "repeated_int32=1,2",
    "repeated enums": "repeated_enum=Y&repeated_enum=2",
    "repeated in nested": "nested.repeated_value=a&nested.repeated_value=b",
    "a singular twice": "string_value=a&string_value=b",
    "a singular twice the same": "string_value=a&string_value=a",
    "a singular under both names": "string_value=a&stringValue=b",
    "enum by name": "enum_value=Z",
    "enum by number": "enum_value=2",
    "enum by a number it has not": "enum_value=7",
    "enum in lower case": "enum_value=z",
    "enum unknown": "enum_value=W",
    "enum empty": "enum_value=",
    "bool true": "bool_value=true",
    "bool false": "bool_value=false",
    "bool True": "bool_value=True",
    "bool TRUE": "bool_value=TRUE",
    "bool 1": "bool_value=1",
    "bool 0": "bool_value=0",
    "bool t": "bool_value=t",
    "bool yes": "bool_value=yes",
    "bool empty": "bool_value=",
    "string empty": "string_value=",
    "string without =": "string_value",
    "string with =": "string_value=a=b",
    "string plus": "string_value=a+b",
    "string %20": "string_value=a%20b",
    "string %2B": "string_value=a%2Bb",
    "string %26 and %3D": "string_value=%26%3D",
    "string unicode": "string_value=%C3%A7%C3%A3o%20%F0%9F%9A%97",
    "string raw slash": "string_value=a/b?c",
    "string bad escape": "string_value=a%zz",
    "string half an escape": "string_value=a%2",
    "string no UTF-8": "string_value=%ff",
    "string NUL": "string_value=a%00b",
    "name escaped": "string%5Fvalue=a",
    "name empty": "=a",
    "ampersands": "&string_value=a&&int32_value=2&",
    "semicolon": "string_value=a;int32_value=2",
    "int32 negative": "int32_value=-5",
    "int32 plus": "int32_value=%2B5",
    "int32 with a space": "int32_value=%205",
    "int32 hex": "int32_value=0x10",
    "int32 leading zero": "int32_value=007",
    "int32 exponent": "int32_value=1e3",
    "int32 as 1.0": "int32_value=1.0",
    "int32 as 1.5": "int32_value=1.5",
    "int32 too big": "int32_value=2147483648",
    "int32 underscore": "int32_value=1_000",
    "int32 empty": "int32_value=",
    "int32 word": "int32_value=one",
    "int64 least": "int64_value=-9223372036854775808",
    "int64 too big": "int64_value=9223372036854775808",
    "uint32 negative": "uint32_value=-1",
    "uint64 most": "uint64_value=18446744073709551615",
    "double": "double_value=1.5e-3",
    "double NaN": "double_value=NaN",
    "double Infinity": "double_value=-Infinity",
    "double inf": "double_value=inf",
    "double nan": "double_value=nan",
    "double dot five": "double_value=.5",
    "double five dot": "double_value=5.",
    "double too big": "double_value=1e400",
    "float too big": "float_value=1e39",
    "bytes": "bytes_value=aGk%3D",
    "bytes without padding": "bytes_value=aGk",
    "bytes of URLs": "bytes_value=-_8",
    "bytes not base64": "bytes_value=*",
    "timestamp": "timestamp_value=2026-03-01T12:00:00Z",
    "timestamp with an offset": "timestamp_value=2026-03-01T12:00:00-03:00",
    "timestamp with nanos": "timestamp_value=2026-03-01T12:00:00.123456789Z",
    "timestamp date only": "timestamp_value=2026-03-01",
    "timestamp part": "timestamp_value.seconds=5",
    "duration": "duration_value=1.5s",
    "duration negative": "duration_value=-1.5s",
    "duration without s": "duration_value=1.5",
    "field mask": "fieldmask_value=stringValue,nested.boolValue",
    "field mask in snake": "fieldmask_value=string_value",
    "wrapper": "wrapper_int64_value=-1&wrapper_string_value=&wrapper_bool_value=false",
    "wrapper by its value": "wrapper_int32_value.value=3",
    "wrapper bytes": "wrapper_bytes_value=aGk%3D",
    "optional empty": "optional_value=",
    "oneof": "oneof_string_value=a",
    "oneof twice": "oneof_string_value=a&oneof_string_value=b",
    "oneof of messages": "nested_oneof_value_one.string_value=a",
    "oneof both messages": "nested_oneof_value_one.string_value=a&nested_oneof_value_two.string_value=b",
    "wrapper bytes not base64": "wrapper_bytes_value=*",
    "wrapper float too big": "wrapper_float_value=-1e39",
    "map": "map_value[a]=b",
    "map with a dot": "map_value.a=b",
    "struct": "struct_value.a=b",
    "message as JSON": "nested=%7B%7D",
    "path through a repeated message": "repeated_message.value=1",
    "repeated message by value": "repeated_message=1&repeated_message=2",
    "unknown": "colour=blue",
    "unknown in nested": "nested.colour=blue",
    "path ends in a dot": "nested.=a",
    "path begins with a dot": ".string_value=a",
    "case differs": "String_Value=a",
}


def _queries() -> Iterator[Request]:
    for name, query in _QUERIES.items():
        yield Request(f"query: {name}", "Values", "GET", f"/v1/q?{query}")
    yield Request("query: parameters of another rule", "Values", "GET", "/v1/params?recursive.enum_value=ENUM_VALUE")
    yield Request("query: a Value", "Values", "GET", "/v1/params?value=1")
    yield Request("query: beside a whole body", "Values", "POST", "/v1/all?string_value=a", JSON_TYPE, b"{}")
    yield Request("query: beside a field's body", "Values", "POST", "/v1/f?string_value=a", JSON_TYPE, b"{}")
    yield Request("query: what the path has", "Messages", "GET", "/v1/messages/1?message_id=2")
    yield Request("query: what the path has, the same", "Messages", "GET", "/v1/messages/1?message_id=1")


_PATHS: Final[dict[str, tuple[str, str, str]]] = {
    "trailing slash": ("Bookstore", "GET", "/shelves/1/"),
    "two trailing slashes": ("Bookstore", "GET", "/shelves/1//"),
    "two slashes": ("Bookstore", "GET", "/shelves//1"),
    "leading slashes": ("Bookstore", "GET", "//shelves/1"),
    "empty segment": ("Messages", "GET", "/v1/messages/"),
    "dot segments": ("Bookstore", "GET", "/shelves/./1"),
    "dot dot": ("Bookstore", "GET", "/other/../shelves/1"),
    "other case": ("Bookstore", "GET", "/Shelves/1"),
    "fragment escaped": ("Messages", "GET", "/v1/messages/a%23b"),
    "negative number": ("Bookstore", "GET", "/shelves/-1"),
    "number too big": ("Bookstore", "GET", "/shelves/9223372036854775808"),
    "escaped space": ("Messages", "GET", "/v1/messages/a%20b"),
    "plus": ("Messages", "GET", "/v1/messages/a+b"),
    "escaped slash in one segment": ("Messages", "GET", "/v1/messages/a%2Fb"),
    "escaped slash in small letters": ("Messages", "GET", "/v1/messages/a%2fb"),
    "escaped percent": ("Messages", "GET", "/v1/messages/100%25"),
    "escaped unicode": ("Messages", "GET", "/v1/messages/%C3%A7"),
    "no UTF-8": ("Messages", "GET", "/v1/messages/%ff"),
    "bad escape": ("Messages", "GET", "/v1/messages/a%zz"),
    "escaped literal": ("Messages", "GET", "/v1/%6Dessages/1"),
    "escaped colon": ("Messages", "GET", "/v1/messages/a%3Ab"),
    "reserved characters": ("Messages", "GET", "/v1/messages/a;b=c,d@e!$&'()*"),
    "question mark escaped": ("Messages", "GET", "/v1/messages/a%3Fb"),
    "several segments": ("Library", "GET", "/v1/shelves/1/books/2"),
    "several, escaped slash": ("Library", "GET", "/v1/shelves/a%2Fb/books/2"),
    "several, escaped space": ("Library", "GET", "/v1/shelves/a%20b/books/2"),
    "several, reserved escapes": ("Library", "GET", "/v1/shelves/a%3Fb%23c/books/2"),
    "several, too few": ("Library", "GET", "/v1/shelves/1/books"),
    "several, too many": ("Library", "GET", "/v1/shelves/1/books/2/3"),
    "stars, none": ("Library", "GET", "/:download"),
    "stars, many": ("Library", "GET", "/a/b/c:download"),
    "stars, escaped slash": ("Library", "GET", "/a%2Fb/c:download"),
    "verb, wrong": ("Library", "GET", "/a/b:other"),
    "verb, wrong method": ("Library", "POST", "/a/b:download"),
    "verb, two": ("Library", "GET", "/a:upload:download"),
    "verb, escaped": ("Library", "GET", "/a/b%3Adownload"),
    "verb and slash": ("Library", "GET", "/a/b:download/"),
    "another binding": ("Messages", "GET", "/v1/users/me/messages/1"),
    "enum by number": ("Values", "GET", "/v1/example/a_bit_of_everything/params/get/nested_enum/1"),
    "enum unknown": ("Values", "GET", "/v1/example/a_bit_of_everything/params/get/nested_enum/MAYBE"),
    "wrong method": ("Bookstore", "POST", "/shelves/1"),
    "custom method": ("Bookstore", "OPTIONS", "/shelves/1"),
    "options nobody has": ("Values", "OPTIONS", "/v1/q"),
    "head": ("Values", "HEAD", "/v1/q?string_value=a"),
    "nowhere": ("Values", "GET", "/nowhere"),
    "root": ("Values", "GET", "/"),
    "by gRPC's name": ("Values", "POST", "/lab.v1.Values/Query"),
}


def _paths() -> Iterator[Request]:
    for name, (service, method, target) in _PATHS.items():
        yield Request(f"path: {name}", service, method, target)


def _raw() -> Iterator[Request]:
    yield Request("raw: any type", "Library", "POST", "/a/b.bin:upload", typed("application/x-own"), b"\x00\xff{")
    yield Request("raw: no type", "Library", "POST", "/a:upload", {}, b"abc")
    yield Request("raw: empty", "Library", "POST", "/a:upload", typed("text/plain"), b"")
    yield Request("raw: none", "Library", "POST", "/a:upload")
    yield Request("raw: JSON", "Library", "POST", "/a:upload", JSON_TYPE, b'{"a": 1}')
    yield Request("raw: 1 MiB", "Library", "POST", "/a:upload", typed("text/plain"), b"x" * 1024 * 1024)
    yield Request("raw: answer", "Bookstore", "GET", "/index")
    yield Request("raw: answer's field", "Library", "GET", "/a:download")
    yield Request("raw: stream", "Streams", "GET", "/indexStream")
    yield Request("raw: stream, head", "Streams", "HEAD", "/indexStream")
    yield Request("stream: messages", "Streams", "GET", "/shelves/1/books")


def _patches() -> Iterator[Request]:
    everything = "/v2/example/a_bit_of_everything/1"
    bodies: dict[str, Any] = {
        "nothing": {},
        "one": {"floatValue": 1},
        "nested": {"singleNested": {"name": "a"}},
        "map": {"mappedStringValue": {"a": "b"}},
        "list": {"repeatedStringValue": []},
        "null": {"stringValue": None},
    }
    for name, body in bodies.items():
        yield Request(f"patch: {name}", "Values", "PATCH", everything, JSON_TYPE, json.dumps(body).encode())
    masked = f"{everything}?update_mask=floatValue"
    yield Request("patch: with a mask", "Values", "PATCH", masked, JSON_TYPE, b'{"floatValue": 1}')
    yield Request("patch: no mask field", "Bookstore", "PATCH", "/shelves/1/books/2", JSON_TYPE, b'{"title": "a"}')


def _refusals() -> Iterator[Request]:
    for code in (5, 7, 16):
        refusal = Refused(code, f"refused with {code}, ação")
        yield Request(f"refusal: {code}", "Values", "GET", "/v1/q", refusal=refusal)
    yield Request("refusal: of a stream", "Streams", "GET", "/shelves/1/books", refusal=Refused(5, "none"))
    for name, timeout in {"10S": "10S", "not one": "soon", "empty": ""}.items():
        yield Request(f"timeout: {name}", "Values", "GET", "/v1/q", {"grpc-timeout": timeout})
