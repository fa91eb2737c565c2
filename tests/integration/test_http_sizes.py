"""The largest requests that the limits allow: each is refused soon and in few words, whatever it is full of.

What is soon is a deadline far above what they take (a second at most), far below what a mistake would cost (minutes).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import grpc
import httpx
import pytest

from server.gateway.exchange import LARGEST_BODY
from server.gateway.protocol import HttpLimits
from tests.support.builders import an_os
from tests.support.http import asgi, http_of
from tests.support.served import Refused, Scene, refusal
from tests.support.workbench import Workbench

pytestmark = pytest.mark.timeout(20)

MOST_VIOLATIONS: Final = 101
"""A hundred, and one that says how many more."""
LARGEST_REFUSAL: Final = 64 * 1024
BUDGETS: Final = "/v1/budgets"
BUDGET: Final = f"{BUDGETS}/{an_os(1)}"
GRPC: Final = "/acerto.billing.v1.BillingService/"
EMPTY_ITEM: Final = b"\x32\x00"
"""CreateBudgetRequest's field 6, of no bytes."""


class Big(NamedTuple):
    """A body as large as may be, and how it is refused."""

    method: str
    target: str
    body: bytes
    status: int = 400


def full(first: bytes, piece: bytes, last: bytes, *, between: bytes = b",") -> bytes:
    """As many pieces as there is room for."""
    room = LARGEST_BODY - len(first) - len(last) + len(between)
    return first + between.join([piece] * (room // (len(piece) + len(between)))) + last


def long(first: bytes, letter: bytes, last: bytes) -> bytes:
    return full(first, letter, last, between=b"")


def nested(opening: bytes, closing: bytes) -> bytes:
    depth = LARGEST_BODY // (len(opening) + len(closing))
    return opening * depth + closing * depth


def keys(first: str, value: str, last: str, count: int = 380_000) -> bytes:
    """An object of so many names, none of them twice."""
    return (first + "{" + ",".join(f'"{number:x}":{value}' for number in range(count)) + "}" + last).encode()


BILLING: Final = {
    "empty lines": Big("POST", BUDGETS, full(b'{"items":[', b"{}", b"]}")),
    "lines that are numbers": Big("POST", BUDGETS, full(b'{"items":[', b"1", b"]}")),
    "unknown keys": Big("POST", BUDGETS, keys("", "1", "")),
    "unknown keys inside": Big("POST", BUDGETS, keys('{"items":[', "1", "]}")),
    "objects under an unknown key": Big("POST", BUDGETS, full(b'{"x":[', b"{}", b"]}")),
    "arrays within arrays": Big("POST", BUDGETS, b"[" * LARGEST_BODY),
    "arrays that are closed": Big("POST", BUDGETS, nested(b"[", b"]")),
    "objects within objects": Big("POST", BUDGETS, nested(b'{"customer":', b"}")),
    "one text": Big("POST", BUDGETS, long(b'{"description":"', b"x", b'"}')),
    "a text of NULs": Big("POST", BUDGETS, long(b'{"description":"', b"\\u0000", b'"}')),
    "a text of halves": Big("POST", BUDGETS, long(b'{"description":"', b"\\ud83d", b'"}')),
    "one number": Big("POST", BUDGETS, long(b'{"amount":{"nanos":', b"9", b"}}")),
    "a number's decimals": Big("POST", BUDGETS, long(b'{"amount":{"units":1.', b"9", b"}}")),
    "an id of digits": Big("POST", BUDGETS, long(b'{"workOrderId":"', b"9", b'"}')),
    "a quantity of digits": Big("POST", BUDGETS, long(b'{"items":[{"quantity":"', b"9", b'"}]}')),
    "an enum of digits": Big("POST", BUDGETS, long(b'{"items":[{"kind":"', b"9", b'"}]}')),
    "an amount of digits": Big("POST", "/pagamento", long(b'{"valor":"', b"9", b'"}')),
    "an old id of digits": Big("POST", "/pagamento", long(b'{"osId":"', b"9", b'"}')),
    "an address of ats": Big("POST", BUDGETS, long(b'{"customer":{"email":"', b"a@", b'"}}')),
    "an address of dots": Big("POST", BUDGETS, long(b'{"customer":{"email":"a@', b"a.", b'"}}')),
    "a mask of unknown paths": Big("PATCH", BUDGET, full(b'{"updateMask":"', b"x", b'"}')),
    "a mask of one path again and again": Big("PATCH", BUDGET, full(b'{"updateMask":"', b"items", b'"}'), 404),
    "a mask of one long name": Big("PATCH", BUDGET, long(b'{"updateMask":"', b"x", b'"}')),
    "a mask of one long path": Big("PATCH", BUDGET, full(b'{"updateMask":"', b"x", b'"}', between=b".")),
    "a mask of capitals": Big("PATCH", BUDGET, long(b'{"updateMask":"', b"X", b'"}')),
    "a byte too many": Big("POST", BUDGETS, b"{}" + b" " * (LARGEST_BODY - 1), 413),
}

ECHOED: Final = {
    "a long unknown key": Big("POST", BUDGETS, long(b'{"', b"k", b'":1}')),
    "a long key twice": Big(
        "POST", BUDGETS, b"{" + b",".join([b'"' + b"k" * (LARGEST_BODY // 2 - 8) + b'":1'] * 2) + b"}"
    ),
    "a hundred long unknown keys": Big(
        "POST", BUDGETS, b"{" + b",".join(b'"%d%s":1' % (at, b"k" * 41_000) for at in range(100)) + b"}"
    ),
    "a hundred long keys of what JSON escapes": Big(
        "POST", BUDGETS, b"{" + b",".join(b'"%d%s":1' % (at, b"\\u0001" * 6_800) for at in range(100)) + b"}"
    ),
    "an amount's units of digits": Big("POST", BUDGETS, long(b'{"amount":{"units":"', b"9", b'"}}')),
    "an amount's nanos of digits": Big("POST", BUDGETS, long(b'{"amount":{"nanos":"', b"9", b'"}}')),
    "an exponent of digits": Big("POST", BUDGETS, long(b'{"amount":{"units":"1e', b"9", b'"}}')),
    "an old number of digits": Big("POST", "/orcamento", long(b'{"ordemServicoId":"', b"9", b'"}')),
}
"""What a refusal would have to quote to say what is wrong."""

WORKBENCH: Final = {
    "texts that are numbers": Big("POST", "/v1/echo", full(b'{"words":[', b"1", b"]}")),
    "texts with a NUL": Big("POST", "/v1/echo", full(b'{"words":[', b'"\\u0000"', b"]}")),
    "a field of numbers": Big("POST", "/v1/inners", full(b"[", b"1", b"]")),
    "enums": Big("POST", "/v1/echo", full(b'{"colors":[', b'"X"', b"]}")),
    "a map's values": Big("POST", "/v1/echo", keys('{"labels":', "1", "}")),
    "a map's long key": Big("POST", "/v1/echo", long(b'{"byNumber":{"', b"k", b'":{}}}')),
    "a map's keys": Big("POST", "/v1/echo", keys('{"byNumber":', "{}", "}", 345_000)),
    "messages within messages": Big("POST", "/v1/echo", nested(b'{"inner":', b"}")),
    "a field of one number": Big("POST", "/v1/text", b"9" * LARGEST_BODY),
    "a mask inferred from unknown keys": Big("PATCH", "/v1/resources/a", keys("", "1", "")),
    "a mask of two spellings": Big("PATCH", "/v1/amendments/a", full(b'{"updateMask":"', b"X_", b'"}')),
}

QUERIES: Final = {
    "unknown": "a=&",
    "known": "pageSize=&",
    "one again and again": "pageSize=1&",
    "escaped": "%61&",
    "nothing": "&",
    "a long path": "a.",
    "a long name": "a",
    "a long number": "page_size=" + "9" * HttpLimits().target,
    "a long value": "page_token=" + "9" * HttpLimits().target,
}


async def refused(app: Any, big: Big) -> httpx.Response:
    assert big.status == 413 or LARGEST_BODY * 0.8 < len(big.body) <= LARGEST_BODY, "as large as may be"
    headers = [(b"content-type", b"application/json")]
    answer = await asgi(app, big.method, big.target.encode(), headers=headers, body=[big.body])
    check(answer, big.status)
    return answer


def check(answer: httpx.Response, status: int) -> None:
    """A refusal of this status, in few words."""
    assert answer.status_code == status, answer.text[:1000]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < LARGEST_REFUSAL
    assert len(answer.json().get("violations", ())) <= MOST_VIOLATIONS


@pytest.mark.parametrize("name", BILLING)
async def test_the_largest_body_is_refused_soon_and_in_few_words(name: str) -> None:
    await refused(http_of(Scene()), BILLING[name])


@pytest.mark.parametrize("name", ECHOED)
async def test_what_is_wrong_is_not_quoted_at_length(name: str) -> None:
    await refused(http_of(Scene()), ECHOED[name])


@pytest.mark.parametrize("name", WORKBENCH)
async def test_the_largest_body_is_so_too_where_a_contract_sets_no_limits(name: str) -> None:
    bench = Workbench()
    await refused(bench.app, WORKBENCH[name])
    assert bench.servicer.asked == []


@pytest.mark.parametrize("name", QUERIES)
async def test_the_longest_query_is_answered_soon_and_in_few_words(name: str) -> None:
    room = HttpLimits().target - len(f"{BUDGETS}?")
    query = (QUERIES[name] * room)[:room]
    answer = await asgi(http_of(Scene()), "GET", f"{BUDGETS}?{query}".encode())
    if name == "nothing":
        assert answer.json()["budgets"] == []
    else:
        check(answer, 400)


async def test_of_more_violations_than_are_told_the_last_says_how_many() -> None:
    told = (await refused(http_of(Scene()), BILLING["unknown keys inside"])).json()["violations"]
    assert len(told) == MOST_VIOLATIONS
    assert (told[0]["field"], told[99]["field"]) == ("items[0].0", "items[0].63")
    assert (told[100]["field"], told[100]["rule"]) == ("", "truncated")


async def test_of_too_many_elements_only_their_number_is_told() -> None:
    problem = (await refused(http_of(Scene()), BILLING["empty lines"])).json()
    assert [(one["field"], one["rule"]) for one in problem["violations"]] == [("items", "repeated.max_items")]


MESSAGES: Final = {
    "empty lines": ("CreateBudget", EMPTY_ITEM * (LARGEST_BODY // 2)),
    "as many lines as may be, and all empty": ("CreateBudget", EMPTY_ITEM * 500),
    "one customer again and again": ("CreateBudget", b"\x2a\x00" * (LARGEST_BODY // 2)),
    "fields that nobody knows": ("CreateBudget", b"\x98\x06\x00" * (LARGEST_BODY // 3)),
    "groups within groups": ("CreateBudget", b"\x9b\x06" * (LARGEST_BODY // 2)),
    "a text of NULs": ("CreateBudget", b"\x22\xf0\xff\xff\x01" + b"\0" * (LARGEST_BODY - 16)),
    "a mask of empty paths": ("UpdateBudget", b"\x3a\xf0\xff\xff\x01" + b"\x0a\x00" * (LARGEST_BODY // 2 - 8)),
}


@pytest.mark.parametrize("name", MESSAGES)
async def test_the_largest_message_is_refused_soon_and_in_few_words_by_grpc(name: str) -> None:
    rpc, message = MESSAGES[name]
    assert len(message) <= LARGEST_BODY
    refused = await by_grpc(rpc, message)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT, refused.message
    assert len(refused.status.SerializeToString()) < LARGEST_REFUSAL
    assert refused.reason in ("INVALID_REQUEST", "MALFORMED_MESSAGE")


async def by_grpc(rpc: str, message: bytes) -> Refused:
    async with Scene().served() as served:
        return await refusal(served.channel.unary_unary(GRPC + rpc, _as_it_is, _as_it_is)(message))


def _as_it_is(message: bytes) -> bytes:
    return message
