"""Billing's aggregates as rows, two plain functions each, and the collections that a unit of work holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.pricing import PriceSource
from domain.billing.work_order import WorkOrder, WorkOrderState
from domain.money import BRL, Money
from persistence.connection import Connection
from persistence.logs import WORK_ORDERS, Root
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import budget_revisions, budgets, work_orders
from persistence.session import Load, Write, load
from persistence.statements import Statement, ids_of, insert_many, numbered, update_many

_IDS = bindparam("ids", type_=ARRAY(Uuid))

BUDGETS = select(budgets, budget_revisions.c["items"]).join(
    budget_revisions,
    (budget_revisions.c.budget_id == budgets.c.id) & (budget_revisions.c.revision == budgets.c.revision),
)
"""A budget with the lines of its current revision: what `budget_from_row` takes."""

_LOCK_WORK_ORDERS = Statement(
    numbered(select(work_orders).where(work_orders.c.id == any_(_IDS)).order_by(work_orders.c.id).with_for_update())
)
_OF_BUDGET = Statement("SELECT work_order_id FROM budgets WHERE id = $1")
_OF_PAYMENT = Statement("SELECT work_order_id FROM payments WHERE id = $1")
_BUDGETS_OF = Statement(numbered(BUDGETS.where(budgets.c.work_order_id == any_(_IDS))))
_INSERT_WORK_ORDERS = Statement(insert_many(work_orders, [*work_orders.columns]))
_UPDATE_WORK_ORDERS = Statement(
    update_many(
        work_orders, "id", ("state", "description", "canceled_at", "cancel_reason", "status", "facts", "version")
    )
)
_INSERT_BUDGETS = Statement(insert_many(budgets, [*budgets.columns]))
_UPDATE_BUDGETS = Statement(
    update_many(
        budgets,
        "id",
        (
            "description",
            "customer",
            "customer_id",
            "status",
            "price_source",
            "total_cents",
            "revision",
            "validity_days",
            "valid_until",
            "updated_at",
            "version",
        ),
    )
)
_INSERT_REVISIONS = Statement(insert_many(budget_revisions, [*budget_revisions.columns]))


def work_order_to_row(work_order: WorkOrder) -> Row:
    """The row of a work order."""
    return {
        "id": work_order.id,
        "workshop_id": work_order.workshop_id,
        "provider_id": None,
        "customer_id": None,
        "correlation_id": work_order.correlation_id,
        "description": work_order.description,
        "state": work_order.state and work_order.state.value,
        "created_at": work_order.created_at,
        "canceled_at": work_order.canceled_at,
        "cancel_reason": work_order.cancel_reason,
        "status": work_order.status,
        "facts": work_order.facts,
        "version": work_order.version,
        "stored_version": work_order.stored_version,
    }


def work_order_from_row(row: Mapping[str, Any]) -> WorkOrder:
    """The work order of a row."""
    return WorkOrder(
        id=row["id"],
        version=row["version"],
        workshop_id=row["workshop_id"],
        correlation_id=row["correlation_id"],
        description=row["description"],
        created_at=row["created_at"],
        state=WorkOrderState(row["state"]),
        canceled_at=row["canceled_at"],
        cancel_reason=row["cancel_reason"],
        status=row["status"],
        facts=row["facts"],
    )


def budget_to_row(budget: Budget) -> Row:
    """The row of a budget; its lines are in `revision_to_row`."""
    customer = budget.customer
    return {
        "id": budget.id,
        "workshop_id": budget.workshop_id,
        "provider_id": None,
        "customer_id": customer.id,
        "work_order_id": budget.work_order_id,
        "description": budget.description,
        "customer": {
            "name": customer.name,
            "email": customer.email,
            "phone": customer.phone,
            "document": customer.document,
        },
        "status": budget.status and budget.status.value,
        "price_source": budget.price_source.value,
        "total_cents": budget.total and budget.total.cents,
        "currency": budget.total.currency if budget.total else BRL,
        "revision": budget.revision,
        "validity_days": budget.validity_days,
        "valid_until": budget.valid_until,
        "created_at": budget.created_at,
        "updated_at": budget.updated_at,
        "version": budget.version,
        "stored_version": budget.stored_version,
    }


def revision_to_row(budget: Budget) -> Row:
    """The row of a budget's current revision."""
    return {
        "budget_id": budget.id,
        "revision": budget.revision,
        "workshop_id": budget.workshop_id,
        "provider_id": None,
        "customer_id": budget.customer.id,
        "description": budget.description,
        "items": [_item_to_json(item) for item in budget.items],
        "total_cents": budget.total and budget.total.cents,
        "digest": budget.digest,
        "created_at": budget.updated_at,
    }


def budget_from_row(row: Mapping[str, Any]) -> Budget:
    """The budget of a row of BUDGETS."""
    cents, currency = row["total_cents"], row["currency"]
    return Budget(
        id=row["id"],
        version=row["version"],
        work_order_id=row["work_order_id"],
        workshop_id=row["workshop_id"],
        description=row["description"],
        customer=Customer(**row["customer"], id=row["customer_id"]),
        items=items_from_json(row["items"], currency),
        total=None if cents is None else Money(cents, currency),
        price_source=PriceSource(row["price_source"]),
        revision=row["revision"],
        validity_days=row["validity_days"],
        valid_until=row["valid_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=BudgetStatus(row["status"]),
    )


def _item_to_json(item: LineItem) -> dict[str, Any]:
    return {
        "kind": item.kind.value,
        "code": item.code,
        "description": item.description,
        "quantity": str(item.quantity),
        "unit_cents": item.unit_price.cents,
    }


def items_from_json(items: Iterable[Mapping[str, Any]], currency: str) -> tuple[LineItem, ...]:
    """The lines of a revision's document."""
    return tuple(
        LineItem(
            kind=LineItemKind(item["kind"]),
            code=item["code"],
            description=item["description"],
            quantity=Decimal(item["quantity"]),
            unit_price=Money(item["unit_cents"], currency),
        )
        for item in items
    )


class SqlWorkOrders:
    """Work orders, locked as they are read."""

    log = WORK_ORDERS

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate], load: Load) -> None:
        """`load` reads work orders together with all that is theirs."""
        self._connection = connection
        self._saved = saved
        self._load = load
        self._known: dict[UUID, WorkOrder | None] = {}
        self._counted: dict[UUID, int] = {}

    def asked(self, keys: Sequence[UUID]) -> Asked:
        """Locks many in the order of their ids, so that two sessions never wait for each other."""
        return Asked(_LOCK_WORK_ORDERS, (ids_of(keys),))

    def take(self, keys: Sequence[UUID], rows: Iterable[Row]) -> None:
        """See `Part`."""
        self._known |= dict.fromkeys(keys)
        for row in rows:
            self._known[row["id"]] = work_order_from_row(row)
            self._counted[row["id"]] = row["facts"]

    async def of_budget(self, budget_id: UUID) -> WorkOrder | None:
        """The work order of a budget; that it is of this one never changes, so the lock may come second."""
        return await self._of(_OF_BUDGET, budget_id)

    async def of_payment(self, payment_id: UUID) -> WorkOrder | None:
        """The same of a payment."""
        return await self._of(_OF_PAYMENT, payment_id)

    async def _of(self, statement: Statement, part_id: UUID) -> WorkOrder | None:
        (found,) = await round_trip(self._connection, [Asked(statement, (str(part_id),))])
        return await self.get(found.rows[0]["work_order_id"]) if found.rows else None

    async def get(self, work_order_id: UUID) -> WorkOrder | None:
        """The work order, locked until the transaction ends."""
        if work_order_id not in self._known:
            await self._load([work_order_id])
        return self._known[work_order_id]

    def save(self, work_order: WorkOrder) -> None:
        """Have it written at commit."""
        self._known[work_order.id] = self._saved[work_order.id] = work_order

    def root(self, key: str) -> Root | None:
        """The work order as the root of its key."""
        return self._known.get(UUID(key))

    def writes(self) -> Iterable[Write]:
        """New ones are inserted, known ones updated, in the order of their ids."""
        changed = [work_order for work_order in self._known.values() if work_order and self._changed(work_order)]
        rows = [work_order_to_row(work_order) for work_order in sorted(changed, key=lambda changed: changed.id)]
        yield Write(_INSERT_WORK_ORDERS, [row for row in rows if row["stored_version"] == 0])
        yield Write(_UPDATE_WORK_ORDERS, [row for row in rows if row["stored_version"] > 0], checked=True)

    def _changed(self, work_order: WorkOrder) -> bool:
        return bool(work_order.changes) or work_order.facts != self._counted.get(work_order.id)


class SqlBudgets:
    """Budgets; their work order holds the lock."""

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        self._connection = connection
        self._saved = saved
        self._known: dict[UUID, Budget | None] = {}
        self._touched: dict[UUID, Budget] = {}
        self._revisions: dict[UUID, int] = {}

    def asked(self, keys: Sequence[UUID]) -> Asked:
        """See `Part`."""
        return Asked(_BUDGETS_OF, (ids_of(keys),))

    def take(self, keys: Sequence[UUID], rows: Iterable[Row]) -> None:
        """See `Part`."""
        self._known |= dict.fromkeys(keys)
        found = [budget_from_row(row) for row in rows]
        self._known |= {budget.work_order_id: budget for budget in found}
        self._revisions |= {budget.id: budget.revision for budget in found}

    async def of_work_order(self, work_order_id: UUID) -> Budget | None:
        """The work order's budget, or None."""
        if work_order_id not in self._known:
            await load(self._connection, (self,), [work_order_id])
        return self._known[work_order_id]

    def save(self, budget: Budget) -> None:
        """Have it written at commit."""
        self._known[budget.work_order_id] = self._touched[budget.id] = budget
        self._saved[budget.id] = budget

    def writes(self) -> Iterable[Write]:
        """New ones are inserted, known ones updated; a revision that was not stored yet is inserted."""
        new = [budget for budget in self._touched.values() if budget.stored_version == 0]
        known = [budget for budget in self._touched.values() if budget.stored_version > 0]
        yield Write(_INSERT_BUDGETS, [budget_to_row(budget) for budget in new])
        yield Write(_UPDATE_BUDGETS, [budget_to_row(budget) for budget in known], checked=True)
        revised = [budget for budget in self._touched.values() if budget.revision > self._revisions.get(budget.id, 0)]
        yield Write(_INSERT_REVISIONS, [revision_to_row(budget) for budget in revised])
