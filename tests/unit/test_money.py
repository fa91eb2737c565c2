"""Money: the vectors of billing.md C, and what no amount may be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from google.type.money_pb2 import Money as MoneyProto
from hypothesis import given
from hypothesis import strategies as st

from domain.money import LIMIT, Money, Rounding, total
from server.rpc.wire import money_from_wire, money_to_wire, price_from_wire

AMOUNTS = st.integers(-LIMIT, LIMIT).map(Money)


@pytest.mark.parametrize(
    ("amount", "percent", "rounded"),
    [("250.00", "1.85", "4.62"), ("250.00", "1.83", "4.58"), ("250.15", "2.50", "6.25"), ("250.01", "1.81", "4.53")],
)
def test_billing_rounds_half_to_even(amount: str, percent: str, rounded: str) -> None:
    assert Money.parse(amount).times(Decimal(percent) / 100, Rounding.HALF_EVEN) == Money.parse(rounded)


def test_claims_round_half_up() -> None:
    assert Money.parse("250.00").times(Decimal("0.0185"), Rounding.HALF_UP) == Money.parse("4.63")


@pytest.mark.parametrize("text", ["1.005", "1,00", "NaN", "Infinity", "1e3", "", " 1", "٣", "1.", "--1"])
def test_text_that_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        Money.parse(text)


def test_an_amount_beyond_the_limit_is_refused_and_the_limit_itself_is_not() -> None:
    assert Money(-LIMIT).cents == -LIMIT
    with pytest.raises(ValueError, match="limit"):
        Money(LIMIT + 1)


def test_currencies_do_not_add() -> None:
    with pytest.raises(ValueError, match="do not add"):
        Money(1) + Money(1, "USD")


@given(st.lists(st.integers(-(10**9), 10**9).map(Money)))
def test_a_total_is_exact_in_any_order(amounts: list[Money]) -> None:
    assert total(amounts) == total(reversed(amounts)) == Money(sum(amount.cents for amount in amounts))


@given(AMOUNTS)
def test_every_amount_survives_its_text(amount: Money) -> None:
    assert Money.parse(f"{amount.decimal():.2f}") == amount


@pytest.mark.parametrize(
    ("cents", "units", "nanos"),
    [(-175, -1, -750_000_000), (-50, 0, -500_000_000), (0, 0, 0), (12345, 123, 450_000_000)],
)
def test_the_wire_form_carries_one_sign(cents: int, units: int, nanos: int) -> None:
    wire = money_to_wire(Money(cents))
    assert (wire.currency_code, wire.units, wire.nanos) == ("BRL", units, nanos)


@given(AMOUNTS)
def test_every_amount_survives_the_wire(amount: Money) -> None:
    assert money_from_wire(money_to_wire(amount)) == amount


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_units_and_nanos_are_one_exact_amount_or_refused(units: int, nanos: int) -> None:
    wire = MoneyProto(currency_code="BRL", units=units, nanos=nanos)
    try:
        amount = money_from_wire(wire)
    except ValueError:
        exact = Decimal(units) * 100 + Decimal(nanos) / 10_000_000
        agree, whole = units * nanos >= 0, exact == exact.to_integral_value()
        assert not (agree and whole and abs(nanos) < 10**9 and abs(exact) <= LIMIT)
    else:
        assert amount.decimal() == units + Decimal(nanos) / 10**9


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        (MoneyProto(currency_code="BRL", units=1, nanos=-10_000_000), "same sign"),
        (MoneyProto(currency_code="BRL", units=-1, nanos=10_000_000), "same sign"),
        (MoneyProto(currency_code="BRL", nanos=1), "two decimal places"),
        (MoneyProto(currency_code="BRL", nanos=1_000_000_000), "nanos"),
        (MoneyProto(units=1), "currency_code"),
        (MoneyProto(currency_code="brl", units=1), "currency_code"),
        (MoneyProto(currency_code="BRL", units=10**12), "limit"),
    ],
)
def test_a_wire_form_that_is_no_amount_is_refused_with_what_is_wrong(wire: MoneyProto, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        money_from_wire(wire)


def test_a_price_has_its_least() -> None:
    assert price_from_wire(money_to_wire(Money(0)), least=0) == Money(0)
    with pytest.raises(ValueError, match="above zero"):
        price_from_wire(money_to_wire(Money(0)), least=1)
    with pytest.raises(ValueError, match="zero or more"):
        price_from_wire(money_to_wire(Money(-1)), least=0)
