"""Mercado Pago's JSON: exact both ways, every word mapped or unknown, and nothing taken for what it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.charge import ChargeStatus, Giveback, GivebackStatus, PixOffer, ProviderAmbiguous
from domain.money import LIMIT, Money
from server.providers.mercadopago import order_words, payment_words, wire
from server.providers.mercadopago.orders import duration
from server.providers.mercadopago.payments import expiration
from server.providers.mercadopago.refunds import newest
from server.providers.mercadopago.search import chosen

PAYMENT: dict[str, Any] = {
    "id": 1234567890,
    "status": "approved",
    "status_detail": "accredited",
    "currency_id": "BRL",
    "transaction_amount": Decimal("123.45"),
    "transaction_amount_refunded": 0,
    "external_reference": "ours",
    "live_mode": True,
    "date_last_updated": "2026-05-25T13:01:02.000-03:00",
    "date_of_expiration": "2026-05-26T13:01:02.000-03:00",
    "transaction_details": {"net_received_amount": Decimal("122.23"), "total_paid_amount": Decimal("130.00")},
    "point_of_interaction": {"transaction_data": {"qr_code": "000201", "ticket_url": "https://pay.example.com/1"}},
}
PART: dict[str, Any] = {
    "id": "PAY01",
    "amount": "50.00",
    "paid_amount": "50.00",
    "status": "processed",
    "status_detail": "accredited",
    "date_of_expiration": "2026-08-20T20:39:17.584+00:00",
    "payment_method": {"id": "pix", "type": "bank_transfer", "qr_code": "000201"},
}
ORDER: dict[str, Any] = {
    "id": "ORD01J49MMW3SSBK5PSV3DFR32959",
    "status": "processed",
    "status_detail": "accredited",
    "total_amount": "50.00",
    "external_reference": "ours",
    "last_updated_date": "2024-08-26T13:06:51.045317772Z",
    "transactions": {"payments": [PART]},
}


def an_order(payment: dict[str, Any] | None = None, refunds: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    transactions = {"payments": [PART | (payment or {})], "refunds": refunds or []}
    return ORDER | {"transactions": transactions} | changes


def test_a_number_is_read_exactly_and_written_as_it_was() -> None:
    read = wire.read(b'{"a": 0.1, "b": 123.450, "c": 7, "d": 1e2, "e": 0.30000000000000004}')
    assert [type(value) for value in read.values()] == [Decimal, Decimal, int, Decimal, Decimal]
    assert wire.write(read) == '{"a":0.1,"b":123.450,"c":7,"d":100,"e":0.30000000000000004}'


@given(st.integers(0, LIMIT))
def test_an_amount_is_the_same_after_the_wire_as_a_number_and_as_text(cents: int) -> None:
    amount = Money(cents)
    assert wire.money(wire.read(f'{{"a":{wire.write(amount.decimal())}}}'.encode())["a"]) == amount
    assert wire.money(f"{amount.decimal():.2f}") == amount


@pytest.mark.parametrize(
    ("said", "cents"),
    [
        (100, 10000),
        (Decimal("100.1"), 10010),
        (Decimal("1E+2"), 10000),
        ("24.50", 2450),
        ("7", 700),
        (Decimal("0.010"), 1),
    ],
)
def test_an_amount_may_be_spelled_in_more_than_one_way(said: object, cents: int) -> None:
    assert wire.money(said) == Money(cents)


@pytest.mark.parametrize(
    "said",
    [
        *(None, True, 1.5, [], {}, "", "1_000", " 1", "1,5", "-1.00", "1.005", "NaN", "1e2", "１"),
        *(-1, Decimal("-0.01"), Decimal("1.005"), Decimal("1E+15"), Decimal("1E+999990"), Decimal("NaN"), 10**20),
    ],
)
def test_what_is_no_amount_says_nothing(said: object) -> None:
    with pytest.raises(ProviderAmbiguous, match="transaction_amount is no amount"):
        wire.money(said, what="transaction_amount")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b"7",
        b'"x"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe",
        b'{"a": 1e99999999999999999999}',
    ],
)
def test_what_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        wire.read(content)


def test_json_beyond_all_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        wire.read(b'{"a":' * 200_000)


def test_a_list_is_read_as_results() -> None:
    assert wire.read(b'[{"id": 1}]') == {"results": [{"id": 1}]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_is_written_is_json_of_the_same_thing(value: Any) -> None:
    assert json.loads(wire.write(value)) == value


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), b"bytes", object()])
def test_a_float_and_whatever_has_no_exact_form_are_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="is not written"):
        wire.write({"amount": value})


def test_a_payment_is_told_whole() -> None:
    seen = payment_words.snapshot(PAYMENT)
    assert (seen.id, seen.reference) == ("1234567890", "ours")
    assert (seen.status, seen.detail) == (ChargeStatus.APPROVED, "accredited")
    assert (seen.amount, seen.refunded, seen.fee, seen.live) == (Money(12345), Money(0), Money(122), True)
    assert seen.updated_at == datetime(2026, 5, 25, 16, 1, 2, tzinfo=UTC)
    assert seen.pix == PixOffer(
        code="000201", expires_at=datetime(2026, 5, 26, 16, 1, 2, tzinfo=UTC), ticket_url="https://pay.example.com/1"
    )


def test_an_order_is_told_whole() -> None:
    seen = order_words.snapshot(ORDER)
    assert (seen.id, seen.reference) == (ORDER["id"], "ours")
    assert (seen.status, seen.amount) == (ChargeStatus.APPROVED, Money(5000))
    assert (seen.refunded, seen.fee, seen.live, seen.givebacks) == (Money(0), None, True, ())
    assert seen.updated_at == datetime(2024, 8, 26, 13, 6, 51, 45317, tzinfo=UTC)
    assert seen.pix is not None
    assert seen.pix.expires_at == datetime(2026, 8, 20, 20, 39, 17, 584000, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        *({"id": None}, {"transaction_amount": None}, {"transaction_amount": "much"}, {"date_last_updated": "now"}),
        *({"date_last_updated": "2026-05-25T13:01:02"}, {"transaction_amount_refunded": "-1"}),
        {"refunds": [{"id": 1}]},
    ],
)
def test_a_payment_without_what_it_needs_says_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderAmbiguous):
        payment_words.snapshot(PAYMENT | changes)


@pytest.mark.parametrize("changes", [{"id": ""}, {"total_amount": None, "status": "created"}, {"last_updated_date": 7}])
def test_an_order_without_what_it_needs_says_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderAmbiguous):
        order_words.snapshot(ORDER | changes)


@pytest.mark.parametrize("word", ["APPROVED", "aprovado", "approved ", "processed", "", None, 7, True])
def test_a_payment_in_words_that_the_table_has_not_is_never_an_approval(word: object) -> None:
    assert payment_words.status(PAYMENT | {"status": word}) is ChargeStatus.UNKNOWN
    assert payment_words.status(PAYMENT | {"status_detail": word}) is ChargeStatus.UNKNOWN


@pytest.mark.parametrize(
    "order",
    [
        an_order({"status": "action_required", "status_detail": "waiting_transfer"}),
        an_order({"status_detail": "in_review"}),
        an_order(status_detail="in_review"),
        an_order(status="approved"),
        ORDER | {"transactions": {"payments": []}},
        ORDER | {"transactions": {"payments": [PART, PART | {"status": "failed"}]}},
        {name: value for name, value in ORDER.items() if name != "transactions"},
    ],
)
def test_an_order_is_no_approval_by_its_own_word_alone(order: dict[str, Any]) -> None:
    assert order_words.status(order) is ChargeStatus.UNKNOWN


def test_an_order_that_was_paid_short_tells_what_was_paid() -> None:
    assert order_words.snapshot(an_order({"paid_amount": "47.28"})).amount == Money(4728)


def test_an_order_of_test_credentials_is_no_live_one() -> None:
    assert order_words.snapshot(ORDER | {"id": "ORDTST01KQR5FFYTM5YJ82ZHK6EBZVWD"}).live is False
    assert order_words.snapshot(ORDER | {"live_mode": False}).live is False


def test_a_failed_order_tells_why_its_payment_failed() -> None:
    failed = an_order(
        {"status": "failed", "status_detail": "rejected_by_issuer"}, status="failed", status_detail="failed"
    )
    assert order_words.snapshot(failed).detail == "rejected_by_issuer"


def test_what_went_back_is_what_the_number_says_and_only_without_one_what_the_status_says() -> None:
    gone = PAYMENT | {"status": "refunded", "status_detail": "by_admin"}
    assert payment_words.snapshot(gone | {"transaction_amount_refunded": Decimal("1.00")}).refunded == Money(100)
    assert payment_words.snapshot(gone | {"transaction_amount_refunded": None}).refunded == Money(12345)
    refunds = [
        {"id": "R1", "amount": "20.00", "status": "processed"},
        {"id": "R2", "amount": "9.00", "status": "failed"},
    ]
    part = an_order({"status_detail": "partially_refunded"}, refunds, status_detail="partially_refunded")
    assert order_words.snapshot(part).refunded == Money(2000)
    assert order_words.snapshot(an_order({"refunded_amount": "30.00"}, refunds)).refunded == Money(3000)
    assert order_words.snapshot(an_order(status="refunded", status_detail="refunded")).refunded == Money(5000)


@pytest.mark.parametrize(
    ("payments", "orders", "status"),
    [
        ("approved", "processed", GivebackStatus.DONE),
        ("in_process", "processing", GivebackStatus.IN_PROCESS),
        ("rejected", "failed", GivebackStatus.REJECTED),
        ("authorized", "on_its_way", GivebackStatus.IN_PROCESS),
    ],
)
def test_a_refund_is_done_by_the_word_for_it_and_by_no_other(
    payments: str, orders: str, status: GivebackStatus
) -> None:
    assert payment_words.giveback({"id": 5, "amount": Decimal("3.10"), "status": payments}) == Giveback(
        id="5", amount=Money(310), status=status, detail=payments
    )
    listed = an_order(refunds=[{"id": "REF01", "amount": "3.10", "status": orders}])
    assert order_words.givebacks(listed) == (Giveback(id="REF01", amount=Money(310), status=status, detail=orders),)


def test_what_a_search_finds_of_other_references_is_not_ours() -> None:
    ours = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    found: list[dict[str, Any]] = [
        {"id": 1, "external_reference": "another"},
        {"id": 2},
        {"id": 3, "external_reference": str(ours).upper()},
    ]
    assert chosen(found, ours, payment_words.status, created="date_created") == "3"
    assert chosen(found[:2], ours, payment_words.status, created="date_created") == ""


def test_of_equal_refunds_the_one_that_was_not_there_before_is_ours_else_the_last() -> None:
    older, newer, other = (
        Giveback(id=name, amount=Money(cents), status=GivebackStatus.DONE)
        for name, cents in (("REF01", 310), ("REF02", 310), ("REF03", 5))
    )
    assert newest([newer, other, older], {"REF02"}, Money(310), whole=False) == older
    assert newest([newer, other, older], {"REF01", "REF02"}, Money(310), whole=False) == newer
    assert newest([newer, other, older], (), Money(7), whole=True) == other
    assert newest([newer, other, older], (), Money(7), whole=False) is None


@pytest.mark.parametrize(
    ("changes", "fee"),
    [
        ({"transaction_details": {}}, None),
        ({"transaction_details": {"net_received_amount": 0}}, None),
        ({"transaction_details": {"net_received_amount": Decimal("123.45")}}, Money(0)),
        ({"transaction_details": {"net_received_amount": Decimal("122.225")}}, None),
        ({"transaction_details": {"net_received_amount": Decimal(200)}}, None),
        ({"fee_details": [{"amount": Decimal("1.01"), "fee_payer": "collector"}]}, Money(101)),
        ({"fee_details": [{"amount": 9, "fee_payer": "payer"}]}, Money(122)),
        ({"fee_details": [{"amount": 1, "fee_payer": "collector"}, {"amount": 2}]}, Money(300)),
        ({"fee_details": [{"amount": "some", "fee_payer": "collector"}]}, None),
    ],
)
def test_a_fee_is_told_where_it_is_known(changes: dict[str, Any], fee: Money | None) -> None:
    assert payment_words.snapshot(PAYMENT | changes).fee == fee


def test_an_expiration_has_the_one_form_that_is_taken() -> None:
    at = datetime(2026, 11, 23, 2, 59, 59, 999, tzinfo=UTC)
    assert expiration(at) == "2026-11-22T23:59:59.000-03:00"
    assert expiration(datetime.fromisoformat("2026-11-22T23:59:59.123456+05:00")) == "2026-11-22T15:59:59.123-03:00"


@pytest.mark.parametrize(
    ("lifetime", "said"),
    [
        (timedelta(hours=24, milliseconds=3), "PT24H"),
        (timedelta(hours=24, milliseconds=-3), "PT24H"),
        (timedelta(days=30), "PT720H"),
        (timedelta(minutes=45), "PT45M"),
        (timedelta(seconds=-5), "PT30M"),
    ],
)
def test_a_lifetime_is_said_in_hours_or_in_minutes(lifetime: timedelta, said: str) -> None:
    assert duration(lifetime) == said
