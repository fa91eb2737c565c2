"""How a work order gets its budget and its price, and how it ends, on storage kept in memory."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor, Call
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.errors import (
    BudgetAlreadyExists,
    NegativeTotal,
    WorkOrderCanceled,
    WorkOrderNotFound,
    WorkshopNotFound,
    WrongCurrency,
)
from domain.billing.events import BudgetCanceled, BudgetGenerated
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import Order, PriceSource
from domain.billing.rules import BillingRules
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.budgets import Billing, Cancellation, Outcome
from domain.money import Money
from tests.support.fakes import FakeClock, FakeIds, FakeStore

OS = UUID(int=42)
ORDER = Order(work_order_id=OS, workshop_id="main", description="Oil change")
CUSTOMER = Customer(email="a@example.com")
DEFAULT = Money(10_000)
CALL = Call(actor=Actor(id="tester"), causation_id="cause", correlation_id="saga")


class Scene:
    """Billing over an empty store."""

    def __init__(self, default: Money | None = DEFAULT) -> None:
        self.store = FakeStore()
        self.clock = FakeClock()
        self.billing = Billing(self.store.begin, self.clock, FakeIds(), BillingRules(default_amount=default))

    async def has_price(
        self, code: str, description: str, cents: int, workshop: str = "main", call: Call = CALL
    ) -> None:
        row = ServicePrice(
            workshop_id=workshop,
            code=code,
            description=description,
            price=Money(cents),
            updated_at=self.clock.now(),
        )
        await self.billing.upsert_service_price(call, row)

    async def cancel(self, reason: str = "gone") -> Outcome:
        cancellation = Cancellation(work_order_id=OS, workshop_id="main", reason=reason, at=self.clock.now())
        return await self.billing.cancel_work_order(CALL, cancellation)

    def facts(self) -> list[str]:
        return [type(fact).__name__ for fact in self.store.facts]


def a_line(kind: LineItemKind, quantity: str, cents: int, currency: str = "BRL") -> LineItem:
    return LineItem(kind=kind, description=kind.value, quantity=Decimal(quantity), unit_price=Money(cents, currency))


async def test_creating_a_budget_keeps_it_and_tells_of_it() -> None:
    scene = Scene()
    budget = await scene.billing.create_budget(CALL, replace(ORDER, amount=Money(12_345)))
    assert scene.store.budgets[budget.id].total == Money(12_345)
    assert scene.store.work_orders[OS].correlation_id == "saga"
    assert scene.facts() == ["BudgetGenerated"]


async def test_a_budget_is_made_and_offered_in_one_unit_or_not_at_all() -> None:
    scene = Scene()
    order = replace(ORDER, amount=Money(12_345), customer=CUSTOMER)

    async def dies() -> None:
        raise ConnectionError

    scene.store.before_commit = dies
    with pytest.raises(ConnectionError):
        await scene.billing.offer_budget(CALL, order)
    assert (scene.facts(), scene.store.budgets) == ([], {})
    scene.store.before_commit = None
    budget = await scene.billing.offer_budget(CALL, order)
    assert scene.store.budgets[budget.id].status is BudgetStatus.SENT
    assert scene.facts() == ["BudgetGenerated", "BudgetSent"]
    assert len(scene.store.calls) == 2
    with pytest.raises(BudgetAlreadyExists):
        await scene.billing.offer_budget(CALL, order)


@pytest.mark.parametrize("lacking", [{"customer": Customer()}, {"amount": None}], ids=["a customer", "a price"])
async def test_what_cannot_be_offered_is_made_and_stays_a_draft(lacking: dict[str, Any]) -> None:
    scene = Scene(default=None)
    order = replace(replace(ORDER, amount=Money(12_345), customer=CUSTOMER), **lacking)
    budget = await scene.billing.offer_budget(CALL, order)
    assert scene.store.budgets[budget.id].status is BudgetStatus.DRAFT
    assert scene.facts() == ["BudgetGenerated"]


async def test_where_budgets_are_approved_as_they_are_made_there_is_nothing_left_to_offer() -> None:
    scene = Scene()
    scene.billing = replace(scene.billing, rules=BillingRules(auto_approve=True))
    budget = await scene.billing.offer_budget(CALL, replace(ORDER, amount=Money(1), customer=CUSTOMER))
    assert budget.status is BudgetStatus.APPROVED
    assert scene.facts() == ["BudgetGenerated", "BudgetApproved"]


async def test_a_work_order_without_a_correlation_id_takes_the_causing_one() -> None:
    scene = Scene()
    await scene.billing.create_budget(replace(CALL, correlation_id=None), ORDER)
    assert scene.store.work_orders[OS].correlation_id == "cause"


async def test_a_second_budget_for_a_work_order_is_refused_and_names_the_first() -> None:
    scene = Scene()
    first = await scene.billing.create_budget(CALL, ORDER)
    with pytest.raises(BudgetAlreadyExists) as refused:
        await scene.billing.create_budget(CALL, ORDER)
    assert refused.value.metadata == {"budget_id": str(first.id)}
    assert scene.facts() == ["BudgetGenerated"]


async def test_a_canceled_work_order_gets_no_budget_by_hand() -> None:
    scene = Scene()
    await scene.cancel()
    with pytest.raises(WorkOrderCanceled):
        await scene.billing.create_budget(CALL, ORDER)
    assert scene.store.budgets == {}


async def test_a_work_order_outside_the_actors_workshops_is_as_if_absent() -> None:
    scene = Scene()
    await scene.billing.create_budget(CALL, ORDER)
    elsewhere = replace(CALL, actor=Actor(id="guest", workshops=frozenset({"other"})))
    with pytest.raises(WorkOrderNotFound):
        await scene.billing.create_budget(elsewhere, replace(ORDER, workshop_id="other"))


async def test_a_workshop_outside_the_actors_own_is_as_if_absent() -> None:
    scene = Scene()
    elsewhere = replace(CALL, actor=Actor(id="guest", workshops=frozenset({"other"})))
    with pytest.raises(WorkshopNotFound):
        await scene.billing.create_budget(elsewhere, ORDER)
    with pytest.raises(WorkshopNotFound):
        await scene.has_price("OIL", "Oil change", 8_000, call=elsewhere)
    assert scene.store.budgets == {}


async def test_an_announced_work_order_gets_a_budget_once_however_often_it_is_announced() -> None:
    scene = Scene()
    assert await scene.billing.generate_budget(CALL, ORDER) is Outcome.APPLIED
    assert await scene.billing.generate_budget(CALL, ORDER) is Outcome.KNOWN
    assert await scene.billing.generate_budget(CALL, replace(ORDER, amount=Money(1))) is Outcome.DIFFERS
    assert scene.facts() == ["BudgetGenerated"]


async def test_a_cancel_that_comes_first_leaves_a_tombstone() -> None:
    scene = Scene()
    assert await scene.cancel() is Outcome.APPLIED
    assert await scene.billing.generate_budget(CALL, ORDER) is Outcome.TOMBSTONED
    assert (scene.store.budgets, scene.facts()) == ({}, [])


async def test_a_cancel_withdraws_the_budget_and_a_second_one_does_nothing() -> None:
    scene = Scene()
    await scene.billing.generate_budget(CALL, ORDER)
    assert await scene.cancel("no parts") is Outcome.APPLIED
    assert await scene.cancel("compensation") is Outcome.KNOWN
    (budget,) = scene.store.budgets.values()
    assert budget.status is BudgetStatus.CANCELED
    generated, canceled = scene.store.facts
    assert isinstance(generated, BudgetGenerated)
    assert isinstance(canceled, BudgetCanceled)
    assert (canceled.reason, canceled.aggregate_version) == ("no parts", 2)


async def test_lines_make_the_price_each_rounded_by_itself_and_a_discount_lowers_it() -> None:
    scene = Scene()
    items = (
        a_line(LineItemKind.PART, "3", 3_333),
        a_line(LineItemKind.LABOR, "0.5", 101),
        a_line(LineItemKind.LABOR, "0.5", 103),
        a_line(LineItemKind.DISCOUNT, "1", 1_000),
    )
    budget = await scene.billing.create_budget(CALL, replace(ORDER, items=items, amount=Money(1)))
    assert budget.total == Money(9_999 + 50 + 52 - 1_000)
    assert budget.price_source is PriceSource.ITEMS


async def test_a_discount_larger_than_the_rest_is_refused_and_nothing_is_kept() -> None:
    scene = Scene()
    items = (a_line(LineItemKind.PART, "1", 100), a_line(LineItemKind.DISCOUNT, "1", 101))
    with pytest.raises(NegativeTotal):
        await scene.billing.create_budget(CALL, replace(ORDER, items=items))
    assert (scene.store.work_orders, scene.store.budgets, scene.store.facts) == ({}, {}, [])


@pytest.mark.parametrize(
    "order",
    [replace(ORDER, amount=Money(1, "USD")), replace(ORDER, items=(a_line(LineItemKind.PART, "1", 1, "USD"),))],
)
async def test_billing_is_in_one_currency(order: Order) -> None:
    with pytest.raises(WrongCurrency):
        await Scene().billing.create_budget(CALL, order)


@pytest.mark.parametrize("nothing", [None, Money(0), Money(-5)])
async def test_without_an_amount_above_zero_the_price_table_is_asked(nothing: Money | None) -> None:
    scene = Scene()
    await scene.has_price("OIL", "Oil change", 8_000)
    budget = await scene.billing.create_budget(CALL, replace(ORDER, amount=nothing))
    assert (budget.total, budget.price_source) == (Money(8_000), PriceSource.SERVICE_PRICE)


async def test_the_price_tables_code_goes_before_its_description() -> None:
    scene = Scene()
    await scene.has_price("OIL", "Oil change", 8_000)
    await scene.has_price("TYRE", "Tyres", 50_000)
    budget = await scene.billing.create_budget(CALL, replace(ORDER, service_code=" tyre "))
    assert budget.total == Money(50_000)


async def test_another_workshops_price_is_not_used() -> None:
    scene = Scene()
    await scene.has_price("OIL", "Oil change", 8_000, workshop="other")
    budget = await scene.billing.create_budget(CALL, ORDER)
    assert (budget.total, budget.price_source) == (Money(10_000), PriceSource.DEFAULT)


async def test_without_any_price_the_budget_waits_without_one() -> None:
    scene = Scene(default=None)
    budget = await scene.billing.create_budget(CALL, ORDER)
    assert (budget.total, budget.items, budget.price_source) == (None, (), PriceSource.NONE)


async def test_setting_a_price_again_replaces_it_whatever_the_case_of_its_code() -> None:
    scene = Scene()
    await scene.has_price("OIL", "Oil change", 8_000)
    await scene.has_price("oil", "Oil change", 9_000)
    assert [row.price for row in scene.store.service_prices.values()] == [Money(9_000)]
