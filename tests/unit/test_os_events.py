"""What OSService's events order and end: lines, amounts, customers and dates, each understood or named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.billing.errors import NegativeTotal
from domain.billing.line_item import LineItemKind
from domain.billing.pricing import Order
from domain.money import LIMIT, Money
from messaging.os_events import cancellation_of, order_of
from messaging.reader import Unusable, read
from tests.support.builders import QUEUE, a_message, an_os

LINE = {"Kind": "PART", "Code": "F-1", "Description": "Filtro", "Quantity": 2, "UnitPrice": 10.5}


def an_order_of(**content: Any) -> Order:
    return order_of(read(a_message({"OsId": 7, **content}), QUEUE), "main")


def raw_order_of(members: str) -> Order:
    return order_of(read(a_message(f'{{"OsId": 7, {members}}}'.encode()), QUEUE), "main")


def refused_field(**content: Any) -> str:
    with pytest.raises(Unusable) as refused:
        an_order_of(**content)
    assert refused.value.reason == "bad_field"
    return refused.value.detail


def test_the_least_that_can_be_ordered_is_a_work_order() -> None:
    assert an_order_of() == Order(work_order_id=an_os(7), workshop_id="main")


def test_an_order_has_what_the_event_says() -> None:
    order = an_order_of(
        Description="  Revisão ",
        Valor="123.45",
        ServiceCode="REV",
        WorkshopId="south",
        Customer={"Name": "A customer", "Email": "a@example.com", "Phone": 5511, "Document": "191"},
    )
    assert (order.description, order.amount, order.service_code) == ("Revisão", Money(12_345), "REV")
    assert (order.workshop_id, order.customer.phone, order.customer.document) == ("south", "5511", "191")


@pytest.mark.parametrize("kind", ["PART", "part", "Part", " Labor "])
def test_a_lines_kind_is_known_in_any_case(kind: str) -> None:
    (item,) = an_order_of(Items=[{**LINE, "Kind": kind}]).items
    assert item.kind is LineItemKind(kind.strip().upper())


def test_a_line_has_what_the_event_says_in_pascal_or_camel_case() -> None:
    camel = {name[0].lower() + name[1:]: value for name, value in LINE.items()}
    one, other = an_order_of(Items=[LINE, camel]).items
    assert one == other
    assert (one.code, one.description, one.quantity, one.unit_price) == ("F-1", "Filtro", Decimal(2), Money(1_050))


@pytest.mark.parametrize(
    ("written", "cents"),
    [("10", 1_000), ("10.5", 1_050), ('"10.50"', 1_050), ('" 10.50 "', 1_050), ("0", 0), ("-5", -500), ('"+1"', 100)],
)
def test_an_amount_is_a_number_or_text_with_at_most_two_places(written: str, cents: int) -> None:
    assert raw_order_of(f'"Valor": {written}').amount == Money(cents)


@pytest.mark.parametrize(
    "written",
    [
        *('"dez"', '"NaN"', '"Infinity"', "10.505", '"10,50"', "1e2", '"1e2"', "1e999999", "true", "[]", "{}", '""'),
        str(LIMIT // 100 + 1),
        "9" * 30,
    ],
)
def test_an_amount_that_is_none_is_refused_and_named(written: str) -> None:
    with pytest.raises(Unusable) as refused:
        raw_order_of(f'"Valor": {written}')
    assert refused.value.reason == "bad_field"
    assert refused.value.detail.startswith("Valor")


@pytest.mark.parametrize("quantity", [0, -1, "0.0000", "1.00001", "1e2", True, None, "two", 10_000_000_000])
def test_a_quantity_is_above_zero_with_at_most_four_places(quantity: object) -> None:
    assert refused_field(Items=[LINE, {**LINE, "Quantity": quantity}]).startswith("Items[1].Quantity")


@pytest.mark.parametrize("price", [-0.01, "x", None, True, "1.005"])
def test_a_lines_price_is_zero_or_more(price: object) -> None:
    assert refused_field(Items=[{**LINE, "UnitPrice": price}]).startswith("Items[0].UnitPrice")


@pytest.mark.parametrize("kind", ["", "GIFT", None, 7])
def test_a_kind_that_is_none_is_refused_without_repeating_it(kind: object) -> None:
    detail = refused_field(Items=[{**LINE, "Kind": kind}])
    assert detail.startswith("Items[0].Kind")
    assert "GIFT" not in detail


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"Items": "none"}, "Items"),
        ({"Items": ["PART"]}, "Items[0]"),
        ({"Items": [LINE] * 501}, "Items"),
        ({"Customer": "A customer"}, "Customer"),
        ({"Customer": {"Name": ["A"]}}, "Name"),
        ({"Description": {"pt": "x"}}, "Description"),
        ({"ServiceCode": True}, "ServiceCode"),
    ],
)
def test_a_member_of_the_wrong_shape_is_refused_and_named(content: dict[str, Any], field: str) -> None:
    assert refused_field(**content).startswith(field)


@pytest.mark.parametrize(
    "items",
    [
        [{**LINE, "Quantity": 999_999_999, "UnitPrice": LIMIT // 100}],
        [{**LINE, "Quantity": 1, "UnitPrice": LIMIT // 100}] * 2,
    ],
)
def test_lines_that_come_to_more_than_any_amount_are_refused(items: list[Any]) -> None:
    assert refused_field(Items=items).startswith("Items")


def test_discounts_larger_than_the_rest_are_refused_by_the_rule_itself() -> None:
    with pytest.raises(NegativeTotal):
        an_order_of(Items=[LINE, {**LINE, "Kind": "discount", "Quantity": 3}])


@pytest.mark.parametrize("empty", [None, []])
def test_no_lines_are_no_lines(empty: object) -> None:
    assert an_order_of(Items=empty).items == ()


def test_text_that_no_database_keeps_is_replaced() -> None:
    assert raw_order_of('"Description": "a\\u0000b\\ud800"').description == "a\ufffdb?"


@pytest.mark.parametrize("name", ["CanceledAt", "RequestedAt"])
@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T09:00:00-03:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5000000Z", datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        (1_772_366_400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("1772366400", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1_772_366_400.5, datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        (1_772_366_400_000, None),
        ("yesterday", None),
        ([], None),
        ({}, None),
        ("9999-12-31T23:59:59-03:00", None),
        ("0001-01-01T00:00:00+03:00", None),
        ("9" * 400, None),
    ],
)
def test_an_instant_is_iso_text_or_unix_seconds_and_else_left_out(
    name: str, written: object, at: datetime | None
) -> None:
    event = read(a_message({"OsId": 7, "Reason": " no parts ", name: written}, routing_key="os-canceled"), QUEUE)
    cancellation = cancellation_of(event, "main")
    assert (cancellation.work_order_id, cancellation.reason, cancellation.at) == (an_os(7), "no parts", at)
    assert cancellation.at is None or cancellation.at.utcoffset() == datetime.now(UTC).utcoffset()


def test_a_reason_is_cut_to_what_an_event_of_ours_can_carry() -> None:
    event = read(a_message({"OsId": 7, "Reason": "é" * 50_000}, routing_key="os-canceled"), QUEUE)
    reason = cancellation_of(event, "main").reason
    assert reason.startswith("ééé")
    assert len(reason.encode()) <= 10_000
