"""The read side on a real PostgreSQL: filters, pages that miss and repeat nothing, and what lies outside is absent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.queries import BudgetFilter, EntryKind
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.budgets import Cancellation
from domain.errors import Invalid, Unavailable
from domain.money import Money
from tests.support.builders import AT, CALL, an_order, an_os, received
from tests.support.house import House, house

ANYONE = Actor(id="tester")
SOUTH = Actor(id="guest", workshops=frozenset({"south"}))
NOBODY = Actor(id="nobody", workshops=frozenset())
CUSTOMER = Customer(name="A customer", email="a@example.com", document="191")


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def make(home: House, *oses: int, **changes: Any) -> list[Budget]:
    return [await home.billing.create_budget(CALL, an_order(os, **changes)) for os in oses]


async def date(home: House, os: int, at: datetime) -> None:
    await home.rows("UPDATE budgets SET created_at = %s WHERE work_order_id = %s", at, an_os(os))


async def cancel(home: House, os: int) -> None:
    cancellation = Cancellation(work_order_id=an_os(os), workshop_id="main", reason="gone")
    await home.billing.cancel_work_order(CALL, cancellation)


async def found(home: House, wanted: BudgetFilter, actor: Actor = ANYONE) -> set[UUID]:
    return {each.work_order_id for each in await home.views.budgets(actor, wanted, after=None, limit=100)}


async def test_a_budget_is_read_as_it_was_made(home: House) -> None:
    lines = ((LineItemKind.PART, Decimal("1.0000")), (LineItemKind.DISCOUNT, Decimal("0.5")))
    items = tuple(
        LineItem(kind=kind, code="C", description="D", quantity=quantity, unit_price=Money(105))
        for kind, quantity in lines
    )
    (made,) = await make(home, 1, items=items, customer=CUSTOMER)
    stored = replace(made, changes=[])
    assert await home.views.budget(ANYONE, made.id) == stored
    assert await home.views.budget_of_work_order(ANYONE, an_os(1)) == stored
    assert await home.views.budgets(ANYONE, BudgetFilter(), after=None, limit=5) == [stored]


async def test_what_is_not_there_is_none(home: House) -> None:
    assert await home.views.budget(ANYONE, an_os(1)) is None
    assert await home.views.budget_of_work_order(ANYONE, an_os(1)) is None
    assert await home.views.timeline(ANYONE, an_os(1)) is None


async def test_budgets_are_found_by_status_customer_and_date(home: House) -> None:
    await make(home, 1, 2)
    await make(home, 3, customer=CUSTOMER)
    await cancel(home, 2)
    for os in (1, 2, 3):
        await date(home, os, AT + timedelta(days=os))
    assert await found(home, BudgetFilter(status=BudgetStatus.CANCELED)) == {an_os(2)}
    assert await found(home, BudgetFilter(status=BudgetStatus.SENT)) == set()
    assert await found(home, BudgetFilter(customer_id=CUSTOMER.id)) == {an_os(3)}
    assert await found(home, BudgetFilter(created_from=AT + timedelta(days=2))) == {an_os(2), an_os(3)}
    assert await found(home, BudgetFilter(created_before=AT + timedelta(days=2))) == {an_os(1)}
    both = BudgetFilter(created_from=AT + timedelta(days=2), status=BudgetStatus.DRAFT)
    assert await found(home, both) == {an_os(3)}


async def test_another_workshops_things_are_absent(home: House) -> None:
    (main,) = await make(home, 1)
    (south,) = await make(home, 2, workshop_id="south")
    assert await home.views.budget(SOUTH, main.id) is None
    assert await home.views.budget_of_work_order(SOUTH, an_os(1)) is None
    assert await home.views.timeline(SOUTH, an_os(1)) is None
    assert await found(home, BudgetFilter(), SOUTH) == {south.work_order_id}
    assert await found(home, BudgetFilter(status=BudgetStatus.DRAFT), SOUTH) == {south.work_order_id}
    assert await found(home, BudgetFilter(), NOBODY) == set()
    assert await home.views.service_prices(SOUTH, None, after=None, limit=10) == []
    assert await home.views.service_prices(SOUTH, "main", after=None, limit=10) == []
    assert await home.views.timeline(SOUTH, an_os(2)) is not None


async def test_pages_walk_everything_once_while_more_comes_in(home: House) -> None:
    await make(home, *range(1, 26))
    await home.rows("UPDATE budgets SET created_at = %s + (work_order_id::text LIKE '%%3')::int * interval '1 s'", AT)
    before = await found(home, BudgetFilter())
    seen: list[UUID] = []
    after: tuple[datetime, UUID] | None = None
    while page := await home.views.budgets(ANYONE, BudgetFilter(), after=after, limit=4):
        seen += [each.work_order_id for each in page]
        after = (page[-1].created_at, page[-1].id)
        await make(home, 100 + len(seen))
    assert (set(seen), len(seen)) == (before, 25)


async def test_budgets_come_newest_first_and_by_id_within_an_instant(home: House) -> None:
    await make(home, 1, 2, 3)
    await date(home, 2, datetime(2030, 1, 1, tzinfo=UTC))
    for os in (1, 3):
        await date(home, os, AT)
    places = [
        (each.created_at, each.id) for each in await home.views.budgets(ANYONE, BudgetFilter(), after=None, limit=9)
    ]
    assert places == sorted(places, reverse=True)


async def test_prices_walk_by_workshop_and_code_whatever_its_case(home: House) -> None:
    await home.rows("DELETE FROM service_prices")
    codes = ["b", "A", "c", "Z-1", "_x", "ÇA", "ça2", "é"]
    for workshop in ("main", "south"):
        for code in codes:
            await set_price(home, workshop, code)
    seen: list[tuple[str, str]] = []
    after: tuple[str, str] | None = None
    while page := await home.views.service_prices(ANYONE, None, after=after, limit=3):
        seen += [(each.workshop_id, each.code) for each in page]
        after = (page[-1].workshop_id, page[-1].code.lower())
    assert sorted(seen) == sorted((workshop, code) for workshop in ("main", "south") for code in codes)
    assert {each.workshop_id for each in await home.views.service_prices(ANYONE, "south", after=None, limit=99)} == {
        "south"
    }


async def set_price(home: House, workshop: str, code: str, cents: int = 100) -> None:
    price = ServicePrice(workshop_id=workshop, code=code, description=code, price=Money(cents), updated_at=AT)
    await home.billing.upsert_service_price(CALL, price)


async def test_a_price_is_found_by_code_else_by_description_case_and_blanks_aside(home: House) -> None:
    await set_price(home, "main", "Polish", 900)
    by_code = await make(home, 1, amount=None, service_code=" POLISH ", description="?")
    by_description = await make(home, 2, amount=None, description=" polish ")
    neither = await make(home, 3, amount=None, description="polishing")
    assert [each.total for (each,) in (by_code, by_description, neither)] == [Money(900), Money(900), Money(10_000)]


async def test_a_timeline_tells_what_came_in_and_what_went_out_in_order(home: House) -> None:
    for message in (received(1, Valor="10.00"), received(1, event_type="OsCanceled", Reason="gone")):
        await home.receive(message)
    waiting = await home.views.timeline(ANYONE, an_os(1))
    await home.publish()
    timeline = await home.views.timeline(ANYONE, an_os(1))
    assert timeline
    assert waiting
    assert [(entry.kind, entry.event_type, entry.action) for entry in timeline.entries] == [
        (EntryKind.RECEIVED, "OsCreated", ""),
        (EntryKind.CHANGED, "", "open"),
        (EntryKind.CHANGED, "BudgetGenerated", "generate"),
        (EntryKind.RECEIVED, "OsCanceled", ""),
        (EntryKind.CHANGED, "", "cancel"),
        (EntryKind.CHANGED, "BudgetCanceled", "cancel"),
    ]
    assert [entry.sequence for entry in timeline.entries] == sorted(entry.sequence for entry in timeline.entries)
    assert {entry.published_at for entry in waiting.entries} == {None}
    assert [bool(entry.published_at) for entry in timeline.entries] == [False, False, True, False, False, True]
    assert '"AmountCents":1000' in timeline.entries[2].body
    assert timeline.budget
    assert timeline.budget.status is BudgetStatus.CANCELED
    assert timeline.work_order.canceled


async def test_a_question_that_the_database_cannot_take_is_invalid(home: House) -> None:
    with pytest.raises(Invalid):
        await home.views.service_prices(ANYONE, "a\0b", after=None, limit=1)


async def test_a_read_survives_a_connection_that_died_in_the_pool(home: House) -> None:
    await make(home, 1)
    for _ in range(3):
        assert await found(home, BudgetFilter()) == {an_os(1)}
        await home.kill("acerto-reads")
    assert await found(home, BudgetFilter()) == {an_os(1)}


async def test_a_read_whose_database_is_away_means_unavailable() -> None:
    async with house("postgresql://nobody@127.0.0.1:1/nothing") as lost:
        with pytest.raises(Unavailable):
            await lost.views.budget(ANYONE, an_os(1))
