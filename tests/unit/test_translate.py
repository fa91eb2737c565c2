"""Budgets on the wire: what a budget does not have is absent there, not empty."""

from __future__ import annotations

from decimal import Decimal

from domain.billing.budget import Budget
from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import Price, PriceSource, price
from domain.money import Money
from server.rpc.translate import budget_to_wire
from tests.support.builders import AT, an_order, an_os


def test_a_budget_without_a_price_or_a_customer_has_neither_field() -> None:
    wire = budget_to_wire(Budget.generate(an_os(2), an_order(1, amount=None), Price(source=PriceSource.NONE), at=AT))
    assert (wire.HasField("total"), wire.HasField("customer"), len(wire.items)) == (False, False, 0)


def test_money_instants_and_the_customer_arrive_as_they_are() -> None:
    order = an_order(1, customer=Customer(name="Ana", email="ana@example.com"), amount=Money(12_345))
    wire = budget_to_wire(Budget.generate(an_os(2), order, price(order, None, None), at=AT.replace(microsecond=250)))
    assert (wire.total.currency_code, wire.total.units, wire.total.nanos) == ("BRL", 123, 450_000_000)
    assert (wire.items[0].total, wire.items[0].unit_price) == (wire.total, wire.total)
    assert (wire.create_time.seconds, wire.create_time.nanos) == (int(AT.timestamp()), 250_000)
    assert (wire.customer.name, wire.customer.email) == ("Ana", "ana@example.com")
    assert wire.customer.customer_id == str(order.customer.id)


def test_a_discount_is_negative_in_both_parts_of_its_total() -> None:
    kind = LineItemKind.DISCOUNT
    discount = LineItem(kind=kind, description="Desconto", quantity=Decimal(1), unit_price=Money(150))
    free = Price(source=PriceSource.ITEMS, items=(discount,), total=Money(0))
    wire = budget_to_wire(Budget.generate(an_os(2), an_order(1), free, at=AT))
    assert (wire.items[0].total.units, wire.items[0].total.nanos) == (-1, -500_000_000)
    assert wire.HasField("total")
