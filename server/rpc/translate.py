"""Budgets and prices onto the wire, and requests about them into plain arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from acerto.billing.v1 import billing_service_pb2, budget_pb2, service_price_pb2
from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import LIFECYCLE, BudgetAction, BudgetStatus
from domain.billing.customer import Customer, id_of_document
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import Order, PriceSource
from domain.billing.queries import BudgetFilter
from domain.billing.revision import Revision
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.budgets import Changes
from domain.clock import Clock
from domain.identity import work_order_id
from domain.money import Money
from server.rpc.wire import (
    Reading,
    id_from_wire,
    instant_fields,
    instant_from_wire,
    instant_to_wire,
    money_fields,
    money_from_wire,
    money_to_wire,
    price_from_wire,
)

_STATUS: Final = {s: budget_pb2.BudgetStatus.Value(f"BUDGET_STATUS_{s.name}") for s in BudgetStatus}
_STATUS_READ: Final = {number: status for status, number in _STATUS.items()}
_SOURCE: Final = {s: budget_pb2.PriceSource.Value(f"PRICE_SOURCE_{s.name}") for s in PriceSource}
_KIND: Final = {k: budget_pb2.LineItemKind.Value(f"LINE_ITEM_KIND_{k.name}") for k in LineItemKind}
_KIND_READ: Final = {number: kind for kind, number in _KIND.items()}
_CLOCKS: Final = (BudgetAction.EXPIRE,)
"""What no caller can do."""
_ACTIONS: Final = {s: tuple(a.value for a in LIFECYCLE.allowed(s) if a not in _CLOCKS) for s in BudgetStatus}
_NOBODY: Final = Customer()
_NOTHING: Final = Money(0)
_ETAG: Final = re.compile(r'"([1-9][0-9]{0,9})"', re.ASCII)
_NEVER: Final = -1
"""A version that nothing has."""


def etag_of(aggregate: Aggregate) -> str:
    """Changes with every change of the aggregate; quoted, as HTTP wants it."""
    return f'"{aggregate.version}"'


def version_of(etag: str) -> int | None:
    """The version that an etag stands for; None for no etag, and one that nothing has for an etag that is not ours."""
    if not etag:
        return None
    ours = _ETAG.fullmatch(etag)
    return int(ours[1]) if ours else _NEVER


def budget_to_wire(budget: Budget) -> budget_pb2.Budget:
    """A stored budget; GetBudget's hot path, so its parts are dicts: protobuf fills those in and copies messages."""
    status = budget.status or BudgetStatus.DRAFT
    return budget_pb2.Budget(
        budget_id=str(budget.id),
        work_order_id=str(budget.work_order_id),
        workshop_id=budget.workshop_id,
        status=_STATUS[status],
        description=budget.description,
        items=[_item_fields(item) for item in budget.items],
        revision=budget.revision,
        price_source=_SOURCE[budget.price_source],
        create_time=instant_fields(budget.created_at),
        update_time=instant_fields(budget.updated_at),
        etag=etag_of(budget),
        allowed_actions=_ACTIONS[status],
        total=None if budget.total is None else money_fields(budget.total),
        customer=None if budget.customer == _NOBODY else _customer_fields(budget.customer),
        validity_days=budget.validity_days,
        valid_until_time=None if budget.valid_until is None else instant_fields(budget.valid_until),
    )


def revision_to_wire(revision: Revision) -> budget_pb2.BudgetRevision:
    """One offer of a budget, as it was made."""
    return budget_pb2.BudgetRevision(
        budget_id=str(revision.budget_id),
        revision=revision.revision,
        description=revision.description,
        items=[_item_fields(item) for item in revision.items],
        total=None if revision.total is None else money_fields(revision.total),
        digest=revision.digest.hex() if revision.digest else "",
        create_time=instant_to_wire(revision.created_at),
        intact=revision.intact,
    )


def service_price_to_wire(price: ServicePrice) -> service_price_pb2.ServicePrice:
    """A row of the price table."""
    return service_price_pb2.ServicePrice(
        code=price.code,
        description=price.description,
        price=money_to_wire(price.price),
        workshop_id=price.workshop_id,
        update_time=instant_to_wire(price.updated_at),
    )


def order_from_wire(request: billing_service_pb2.CreateBudgetRequest, default_workshop: str) -> Order:
    """What CreateBudget asks for. Raises Invalid with everything that the contract's constraints cannot say."""
    reading = Reading()
    items = _items_from_wire(request.items, reading)
    amount = None
    if request.HasField("amount"):
        amount = reading.take("amount", lambda: money_from_wire(request.amount), _NOTHING)
    order = Order(
        work_order_id=reading.take(
            "work_order_id", lambda: work_order_id(request.work_order_id), id_from_wire("0" * 32)
        ),
        workshop_id=request.workshop_id or default_workshop,
        description=request.description,
        customer=_customer_from_wire(request.customer),
        items=items,
        amount=amount,
        service_code=request.service_code,
    )
    reading.finish()
    return order


def changes_from_wire(request: billing_service_pb2.UpdateBudgetRequest) -> Changes:
    """What UpdateBudget changes: what its mask names, or without one what it gives. Raises Invalid."""
    reading = Reading()
    named = set(request.update_mask.paths) or {field.name for field, _ in request.ListFields()}
    items = _items_from_wire(request.items, reading)
    if "validity_days" in named:
        reading.take("validity_days", lambda: _must_be_days(request.validity_days), None)
    reading.finish()
    return Changes(
        items=items if "items" in named else None,
        customer=_customer_from_wire(request.customer) if "customer" in named else None,
        validity_days=request.validity_days if "validity_days" in named else None,
        version=version_of(request.etag),
    )


def items_from_wire(items: Iterable[budget_pb2.LineItem]) -> tuple[LineItem, ...]:
    """The lines of a request. Raises Invalid."""
    reading = Reading()
    read = _items_from_wire(items, reading)
    reading.finish()
    return read


def service_price_from_wire(wire: service_price_pb2.ServicePrice, default_workshop: str, clock: Clock) -> ServicePrice:
    """The price to set, above zero. Raises Invalid."""
    reading = Reading()
    price = reading.take("service_price.price", lambda: price_from_wire(wire.price, least=1), _NOTHING)
    reading.finish()
    return ServicePrice(
        workshop_id=wire.workshop_id or default_workshop,
        code=wire.code,
        description=wire.description,
        price=price,
        updated_at=clock.now(),
    )


def filter_from_wire(request: billing_service_pb2.ListBudgetsRequest) -> BudgetFilter | None:
    """Which budgets; None when the filters contradict each other and nothing can match. Raises Invalid."""
    reading = Reading()
    since = before = None
    if request.HasField("create_time_from"):
        since = reading.take("create_time_from", lambda: instant_from_wire(request.create_time_from), None)
    if request.HasField("create_time_before"):
        before = reading.take("create_time_before", lambda: instant_from_wire(request.create_time_before), None)
    reading.finish()
    customers = {id_from_wire(request.customer_id)} if request.customer_id else set()
    if request.customer_document:
        customers.add(id_of_document(request.customer_document))
    if len(customers) > 1:
        return None
    return BudgetFilter(
        status=_STATUS_READ.get(request.status),
        customer_id=next(iter(customers), None),
        created_from=since,
        created_before=before,
    )


def _item_fields(item: LineItem) -> Any:
    return {
        "kind": _KIND[item.kind],
        "code": item.code,
        "description": item.description,
        "quantity": _plain(item.quantity),
        "unit_price": money_fields(item.unit_price),
        "total": money_fields(item.total),
    }


def _plain(quantity: Decimal) -> str:
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _item_from_wire(wire: budget_pb2.LineItem, path: str, reading: Reading) -> LineItem:
    return LineItem(
        kind=_KIND_READ[wire.kind],
        code=wire.code,
        description=wire.description,
        quantity=Decimal(wire.quantity),
        unit_price=reading.take(f"{path}.unit_price", lambda: price_from_wire(wire.unit_price, least=0), _NOTHING),
    )


def _items_from_wire(items: Iterable[budget_pb2.LineItem], reading: Reading) -> tuple[LineItem, ...]:
    read = tuple(_item_from_wire(item, f"items[{at}]", reading) for at, item in enumerate(items))
    reading.take("items", lambda: _must_add_up(read), None)
    return read


def _must_be_days(days: int) -> None:
    if days < 1:
        raise ValueError("must be at least one day")


def _must_add_up(items: Iterable[LineItem]) -> None:
    """Raise ValueError when a line, or the sum on the way, is beyond the limit of Money."""
    for cents in accumulate(item.total.cents for item in items):
        Money(cents)


def _customer_fields(customer: Customer) -> Any:
    return {
        "customer_id": str(customer.id) if customer.id else "",
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "document": customer.document,
    }


def _customer_from_wire(wire: budget_pb2.Customer) -> Customer:
    return Customer(name=wire.name, email=wire.email, phone=wire.phone, document=wire.document)
