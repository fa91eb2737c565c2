"""Webhooks of Mercado Pago: whose they are, by the vectors of billing.md D.3, and what they are about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from domain.billing.notice import Notice
from domain.identity import derived_id
from server.providers.mercadopago.webhook import Failure, parse, verify
from tests.support.mercadopago_webhooks import signed_notice

SECRET = SecretStr("your_secret_key_here")
REQUEST_ID = "2066ca19-c6f1-498a-be75-1923005edd06"
ORDER = "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"
SECONDS, MILLISECONDS = "1704908010", "1742505638683"
BODY: dict[str, Any] = {"id": 12345, "live_mode": True, "type": "payment", "data": {"id": "999999999"}}

VECTORS = {
    "an order's id in lower case": (
        ORDER.lower(),
        MILLISECONDS,
        "633f91233312dd391ec75fa0bea539cfc2d6c4918873305b84a96cc1c58db71c",
    ),
    "an order's id as it is": (ORDER, MILLISECONDS, "fb15ae6472eb449173c556793205d77787d58f384d183bb5bc3b724c27bd103c"),
    "a payment's id": ("999999999", SECONDS, "688a0d38e33107d4b2d452a85915d494fc120daf7e962608ab6811f80cd7ad22"),
    "no id": ("", SECONDS, "a2d8b9f2183063522f01ca8d71f1cf68f92eaeeeb2359d29caaf1a7b424f9ee6"),
}


def at(stamp: str) -> datetime:
    whole = int(stamp)
    return datetime.fromtimestamp(whole if whole < 10**12 else whole // 1000, UTC)


def judged(
    header: str | None,
    *,
    data_id: str = "999999999",
    now: datetime | None = None,
    secret: SecretStr | None = SECRET,
    request_id: str = REQUEST_ID,
) -> Failure | None:
    headers = {"X-Request-Id": request_id} | ({} if header is None else {"X-Signature": header})
    query = {"type": "payment"} | ({"data.id": data_id} if data_id else {})
    return verify(secret, headers, query, now=now or at(SECONDS), tolerance=timedelta(minutes=5))


@pytest.mark.parametrize(("data_id", "stamp", "hashed"), VECTORS.values(), ids=VECTORS)
def test_each_vector_is_a_good_signature(data_id: str, stamp: str, hashed: str) -> None:
    assert judged(f"ts={stamp},v1={hashed}", data_id=data_id, now=at(stamp)) is None
    assert judged(f" v1={hashed.upper()} , ts={stamp} ", data_id=data_id, now=at(stamp)) is None


@pytest.mark.parametrize(("data_id", "stamp", "hashed"), VECTORS.values(), ids=VECTORS)
def test_each_vector_is_bad_for_anything_else(data_id: str, stamp: str, hashed: str) -> None:
    good, now = f"ts={stamp},v1={hashed}", at(stamp)
    assert judged(good, data_id="999999998", now=now) is Failure.MISMATCH
    assert judged(good, data_id=data_id, now=now, secret=SecretStr("another")) is Failure.MISMATCH
    assert judged(good, data_id=data_id, now=now, request_id="another") is Failure.MISMATCH
    assert judged(good, data_id=data_id, now=now, request_id="") is Failure.MISMATCH
    assert judged(f"ts={int(stamp) + 1},v1={hashed}", data_id=data_id, now=now) is Failure.MISMATCH
    assert judged(f"ts={stamp},v1={hashed[:-1]}", data_id=data_id, now=now) is Failure.MISMATCH


def test_an_id_that_comes_as_it_is_may_have_been_signed_in_lower_case() -> None:
    _, stamp, hashed = VECTORS["an order's id in lower case"]
    assert judged(f"ts={stamp},v1={hashed}", data_id=ORDER, now=at(stamp)) is None


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("milliseconds", [True, False])
@pytest.mark.parametrize("request_id", [REQUEST_ID, ""])
def test_whatever_the_case_and_the_unit_what_they_send_is_good(
    lower: bool, milliseconds: bool, request_id: str
) -> None:
    now = datetime(2026, 9, 27, 12, tzinfo=UTC)
    sent = signed_notice(
        SECRET.get_secret_value(),
        ORDER,
        topic="order",
        at=now,
        lower=lower,
        milliseconds=milliseconds,
        request_id=request_id,
    )
    assert verify(SECRET, sent.headers, sent.query, now=now, tolerance=timedelta(seconds=1)) is None
    assert parse(sent.query, sent.body).resource_id == ORDER


@pytest.mark.parametrize(
    ("header", "failure"),
    [
        (None, Failure.MISSING_HEADER),
        ("  ", Failure.MISSING_HEADER),
        ("nonsense", Failure.MALFORMED_HEADER),
        (f"ts={SECONDS};v1", Failure.MISSING_HASH),
        (f"ts={SECONDS},v1", Failure.MALFORMED_HEADER),
        ("v1=abc", Failure.MISSING_TIMESTAMP),
        ("ts=,v1=abc", Failure.MISSING_TIMESTAMP),
        (f"ts={SECONDS}", Failure.MISSING_HASH),
        (f"ts={SECONDS},v1=", Failure.MISSING_HASH),
        ("ts=soon,v1=abc", Failure.MALFORMED_HEADER),
        ("ts=-1,v1=abc", Failure.MALFORMED_HEADER),
        (f"ts={'9' * 17},v1=abc", Failure.MALFORMED_HEADER),
        (f"ts={SECONDS},v1=abc", Failure.MISMATCH),
        (f"ts={SECONDS},v1=é", Failure.MISMATCH),
    ],
)
def test_a_header_fails_for_its_own_reason(header: str | None, failure: Failure) -> None:
    assert judged(header) is failure


def test_without_a_secret_nothing_is_good() -> None:
    _, stamp, hashed = VECTORS["a payment's id"]
    for secret in (None, SecretStr("")):
        assert judged(f"ts={stamp},v1={hashed}", secret=secret) is Failure.UNCONFIGURED


@pytest.mark.parametrize("name", ["a payment's id", "an order's id as it is"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_good_signature_is_good_within_the_tolerance_and_not_beyond_it(name: str, sign: int) -> None:
    data_id, stamp, hashed = VECTORS[name]
    sent = at(stamp) + timedelta(milliseconds=int(stamp) % 1000 if len(stamp) == 13 else 0)
    edge, beyond = timedelta(minutes=5), timedelta(minutes=5, milliseconds=1)
    header = f"ts={stamp},v1={hashed}"
    assert judged(header, data_id=data_id, now=sent + sign * edge) is None
    assert judged(header, data_id=data_id, now=sent + sign * beyond) is Failure.OUT_OF_TOLERANCE


def test_a_notification_tells_its_event_its_topic_and_the_signed_resource() -> None:
    body = json.dumps(BODY).encode()
    told = parse({"data.id": "888", "type": "payment"}, body)
    assert told == Notice(
        provider="mercadopago", event_id="12345", topic="payment", resource_id="888", live=True, body=body
    )


def test_what_the_query_leaves_out_is_taken_from_the_body() -> None:
    told = parse({}, json.dumps(BODY | {"live_mode": False, "type": "topic_chargebacks_wh"}).encode())
    assert (told.resource_id, told.topic, told.live) == ("999999999", "topic_chargebacks_wh", False)


def test_an_order_is_spelled_as_its_api_spells_it() -> None:
    assert parse({"data.id": ORDER.lower(), "type": "order"}, b"{}").resource_id == ORDER
    assert parse({"data.id": "217000xyz", "type": "topic_claims_integration_wh"}, b"{}").resource_id == "217000xyz"


def test_an_event_without_an_id_has_the_same_one_at_each_delivery() -> None:
    said = {"type": "order", "action": "order.processed", "date_created": "2026-09-27T12:00:00Z"}
    first, again = [parse({"data.id": ORDER}, json.dumps(said).encode()) for _ in range(2)]
    later = parse({"data.id": ORDER}, json.dumps(said | {"date_created": "2026-09-27T12:00:01Z"}).encode())
    assert first.event_id == again.event_id
    assert first.event_id == str(derived_id("mercadopago", "order", ORDER, "order.processed", "2026-09-27T12:00:00Z"))
    assert later.event_id != first.event_id


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"id": true, "data": 1, "type": []}', b"\xff"])
def test_a_body_that_says_nothing_is_not_held_against_the_signed_id(body: bytes) -> None:
    told = parse({"data.id": "999999999", "type": "payment"}, body)
    assert (told.resource_id, told.topic, told.body) == ("999999999", "payment", body)
    assert len(told.event_id) == 36


@pytest.mark.parametrize("query", [{}, {"type": "payment"}, {"data.id": "1"}, {"data.id": "1" * 101, "type": "order"}])
def test_a_notification_that_names_nothing_is_none(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="names no resource"):
        parse(query, b"{}")


def test_a_topic_that_nobody_knows_is_told_and_left_to_the_caller() -> None:
    assert parse({"data.id": "1", "type": "stop_delivery_op_wh"}, b"{}").topic == "stop_delivery_op_wh"
