"""A hostile client, seeded and bounded: whatever it sends, it gets an answer in time that is never our failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import httpx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from server.gateway.rules import Rule, rules_of
from server.gateway.templates import MANY, ONE
from tests.support.builders import an_os
from tests.support.http import asgi, http_of
from tests.support.served import Scene
from tests.support.wire import PATIENCE, Serving, Wire, serving
from tests.support.workbench import Workbench

EXPLAINED: Final = {504}
"""What a limit explains: the deadline that the client itself set."""
METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", "get", "*", ""]
PIECES: Final = [
    *("", "%", "%zz", "%2F", "%00", "%FF", "%C3%A9", "é", "..", "*", "**", "{a}", "a:b", ":", "a b", ";", "?", "#"),
    *("x" * 3000, str(an_os(1)), "1", "-1", "9" * 400, "null", "true", "NaN", "1e999", "COLOR_RED", "[]", "[0]"),
]
HEADERS: Final = [
    *(b"content-type", b"content-length", b"accept", b"accept-encoding", b"authorization", b"x-request-id"),
    *(b"correlation-id", b"idempotency-key", b"if-match", b"if-none-match", b"grpc-timeout", b"x-request-timeout"),
    *(b"traceparent", b"tracestate", b"grpc-metadata-a", b"grpc-metadata-a-bin", b"grpc-metadata-", b"expect"),
    *(b"origin", b"access-control-request-method", b"last-event-id", b"cookie", b"range", b"content-encoding"),
]
VALUES: Final = [
    *(b"", b" ", b"*", b'"1"', b'W/"1"', b"gzip", b"gzip;q=0", b"application/json", b"text/event-stream", b"1S", b"1n"),
    *(b"0", b"-1", b"9" * 5000, b"\xff", b"\x00", b"YQ==", b"a,b", b"Bearer x", b"x" * 9000, b"00-" + b"1" * 32),
]
HALF: Final = "\ud800"
LARGEST: Final = 9 * 10**308
KEYS: Final = st.sampled_from(["", HALF, "a", "1", "@type", "value", "number", "inner"])
JSON: Final = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, 2**63, LARGEST, "", "\0", HALF, "é🚗", "1", "NaN", str(an_os(1)), "1s"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def benches() -> dict[str, Any]:
    return {"workbench": Workbench().pipeline, "billing": Scene().pipeline}


RULES: Final = [(name, rule) for name, pipeline in benches().items() for rule in rules_of(pipeline.methods.values())]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes, list[tuple[bytes, bytes]], list[bytes]]:
    """A door, and a request to it: one of its routes with something wrong, or nothing."""
    door, rule = draw(st.sampled_from(RULES))
    method = draw(st.just(rule.http_method) | st.just(rule.http_method) | st.sampled_from(METHODS))
    headers = draw(st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES)), max_size=3))
    body = draw(bodies(rule))
    if body and draw(st.integers(0, 9)):
        headers.append((b"content-type", b"application/json"))
    at = draw(st.integers(0, len(body)))
    return door, method, draw(targets(rule)), headers, [body[:at], body[at:]]


@st.composite
def targets(draw: st.DrawFn, rule: Rule) -> bytes:
    if not draw(st.integers(0, 19)):
        return b"/" + draw(st.binary(max_size=30))
    pieces = st.sampled_from(PIECES)
    wild = {ONE: pieces, MANY: st.lists(pieces, max_size=3).map("/".join)}
    path = "/" + "/".join(draw(wild.get(segment, st.just(segment))) for segment in rule.template.segments)
    path += f":{rule.template.verb}" if rule.template.verb else ""
    names = st.sampled_from([*_names(rule), *PIECES])
    query = "&".join(f"{name}={text}" for name, text in draw(st.lists(st.tuples(names, pieces), max_size=3)))
    return f"{path}{draw(st.sampled_from(['', '', '/', '//']))}{'?' if query else ''}{query}".encode()


@st.composite
def bodies(draw: st.DrawFn, rule: Rule) -> bytes:
    if rule.body is None and draw(st.integers(0, 4)):
        return b""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=40))
    value = draw(JSON if kind == 1 else st.dictionaries(st.sampled_from([*_names(rule), HALF]), JSON, max_size=4))
    text = json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return draw(mutated(text)) if kind == 2 else text


@st.composite
def mutated(draw: st.DrawFn, text: bytes) -> bytes:
    """Some bytes of it gone, doubled, or others in their place."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        instead = draw(st.sampled_from([b"", text[start:end] * 2]) | st.binary(max_size=4))
        text = text[:start] + instead + text[end:]
    return text


def _names(rule: Rule) -> list[str]:
    fields = rule.method.request.DESCRIPTOR.fields
    return [name for field in fields for name in (field.name, field.json_name)] or ["x"]


def check(answer: httpx.Response) -> None:
    """It is an answer of ours, and no failure of ours."""
    assert answer.status_code < 500 or answer.status_code in EXPLAINED, answer.text
    assert answer.headers["x-request-id"], "who asks for help has nothing to quote"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    raw = "content-security-policy" in answer.headers
    if answer.content and not raw:
        json.loads(answer.content)


# Each failure writes a traceback into the log: to look for the smallest one took minutes.
@given(requests())
@settings(max_examples=1000, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
def test_whatever_is_asked_is_answered_in_time_and_is_never_our_failure(
    request: tuple[str, str, bytes, list[tuple[bytes, bytes]], list[bytes]],
) -> None:
    door, method, target, headers, body = request
    app = Workbench().app if door == "workbench" else http_of(Scene())

    async def ask() -> httpx.Response:
        async with asyncio.timeout(PATIENCE):
            return await asgi(app, method, target, headers=headers, body=body)

    check(asyncio.run(ask()))


WHOLE: Final = [
    b"GET /v1/ask?small=1&words=a HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n",
    b"GET /v1/shelves/1/books/2 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    b'POST /v1/echo HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"someText": "a"}',
    b"POST /v1/raw HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    b"POST /v1/raw HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nabc",
    b"OPTIONS /v1/ask HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"HEAD /v1/nothing HTTP/1.1\r\nhost: a\r\n\r\n",
]
SENT: Final = st.lists(st.sampled_from(WHOLE), min_size=1, max_size=3).map(b"".join)
STREAMS: Final = st.binary(min_size=1, max_size=60) | SENT.flatmap(mutated)


@given(st.lists(STREAMS, min_size=50, max_size=50))
@settings(max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
def test_whatever_bytes_come_are_answered_and_the_connection_ends(streams: list[bytes]) -> None:
    async def ask_all() -> None:
        bench = Workbench()
        async with serving(bench.app, header_seconds=0.3, body_seconds=0.3, idle_seconds=0.2) as server:
            await asyncio.gather(*(_ask(server, stream) for stream in streams))
            async with await Wire.to(server) as wire:
                await wire.send("GET /v1/ask HTTP/1.1")
                assert (await wire.answer()).status_code == 200
        assert bench.log.named("request_failed") == []

    asyncio.run(ask_all())


async def _ask(server: Serving, stream: bytes) -> None:
    """Everything that comes back is answers, none of them a failure, and then the end."""
    async with await Wire.to(server) as wire:
        await wire.send(body=stream)
        ended = await wire.ended()
        for part in ended.split(b"HTTP/1.1 ")[1:]:
            head = part.partition(b"\r\n\r\n")[0]
            assert int(head[:3]) < 500, (stream, part)
            assert int(head[:3]) == 100 or b"x-request-id: " in head or b"connection: close" in head, (stream, part)
