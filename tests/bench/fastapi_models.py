"""The JSON of a budget as pydantic models, for the FastAPI side of the benchmark."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tests.bench.fastapi_tables import Budget
from tests.bench.plain_rows import ACTIONS, Line, Wanted, total_of

_KIND = "LINE_ITEM_KIND_"


class Model(BaseModel):
    """lowerCamelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Money(Model):
    """As google.type.Money is written in JSON."""

    currency_code: str
    units: str = "0"
    nanos: int = 0

    @classmethod
    def of(cls, cents: int, currency: str) -> Self:
        """From centavos."""
        sign = -1 if cents < 0 else 1
        units, rest = divmod(abs(cents), 100)
        return cls(currency_code=currency, units=str(sign * units), nanos=sign * rest * 10_000_000)

    @property
    def cents(self) -> int:
        return int(self.units) * 100 + self.nanos // 10_000_000


class CustomerIn(Model):
    """Who pays."""

    name: str = Field("", max_length=200)
    email: str = Field("", max_length=254)
    phone: str = Field("", max_length=40)
    document: str = Field("", max_length=32)


class CustomerOut(CustomerIn):
    """The same, with an id."""

    customer_id: str


class LineIn(Model):
    """A line as it is asked for."""

    kind: str
    code: str = Field("", max_length=64)
    description: str = Field(min_length=1, max_length=500)
    quantity: str = Field(pattern=r"^[0-9]{1,9}([.][0-9]{1,4})?$")
    unit_price: Money


class LineOut(LineIn):
    """A line as it was priced."""

    total: Money


class BudgetIn(Model):
    """A budget as it is asked for."""

    work_order_id: UUID
    description: str = Field("", max_length=2000)
    customer: CustomerIn
    items: list[LineIn] = Field(max_length=500)

    def wanted(self, key: str) -> Wanted:
        """As plain values."""
        return Wanted(
            work_order_id=self.work_order_id,
            description=self.description,
            customer=self.customer.model_dump(),
            lines=[
                Line(
                    kind=item.kind.removeprefix(_KIND),
                    code=item.code,
                    description=item.description,
                    quantity=item.quantity,
                    unit_cents=item.unit_price.cents,
                )
                for item in self.items
            ],
            key=key,
        )


class BudgetOut(Model):
    """A budget as it is stored."""

    budget_id: UUID
    work_order_id: UUID
    workshop_id: str
    status: str
    description: str
    customer: CustomerOut
    items: list[LineOut]
    total: Money
    revision: int
    price_source: str
    create_time: datetime
    update_time: datetime
    etag: str
    allowed_actions: list[str]
    validity_days: int
    valid_until_time: datetime | None = None

    @classmethod
    def of(cls, row: Budget) -> Self:
        """From its rows."""
        columns: Any = row
        return cls(
            budget_id=columns.id,
            work_order_id=columns.work_order_id,
            workshop_id=columns.workshop_id,
            status=f"BUDGET_STATUS_{columns.status}",
            description=columns.description,
            customer=CustomerOut(customer_id=str(columns.customer_id), **columns.customer),
            items=[_line(item, columns.currency) for item in columns.current.items],
            total=Money.of(columns.total_cents, columns.currency),
            revision=columns.revision,
            price_source=f"PRICE_SOURCE_{columns.price_source}",
            create_time=columns.created_at,
            update_time=columns.updated_at,
            etag=f'"{columns.version}"',
            allowed_actions=list(ACTIONS),
            validity_days=columns.validity_days,
            valid_until_time=columns.valid_until,
        )


def _line(item: dict[str, Any], currency: str) -> LineOut:
    return LineOut(
        kind=f"{_KIND}{item['kind']}",
        code=item["code"],
        description=item["description"],
        quantity=item["quantity"],
        unit_price=Money.of(item["unit_cents"], currency),
        total=Money.of(total_of(item["kind"], item["quantity"], item["unit_cents"]), currency),
    )
