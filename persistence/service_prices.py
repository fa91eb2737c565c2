"""The price table as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg.rows import dict_row
from sqlalchemy import Text, bindparam, func, literal_column, or_, select

from domain.billing.service_price import ServicePrice
from domain.money import Money
from persistence.connection import Connection
from persistence.round_trip import Row
from persistence.schema import service_prices
from persistence.session import Write
from persistence.statements import Statement, compiled, insert_many

_CODE = bindparam("code", type_=Text())
_DESCRIPTION = bindparam("description", type_=Text())
_BY_CODE = func.lower(service_prices.c.code) == func.lower(func.btrim(_CODE))
_BY_DESCRIPTION = func.lower(func.btrim(service_prices.c.description)) == func.lower(func.btrim(_DESCRIPTION))
_FIND = compiled(
    select(service_prices)
    .where(service_prices.c.workshop_id == bindparam("workshop_id"), or_(_BY_CODE, _BY_DESCRIPTION))
    .order_by(_BY_CODE.desc(), func.lower(service_prices.c.code))
    .limit(literal_column("1"))
)
_UPSERT = Statement(
    insert_many(service_prices)
    + " ON CONFLICT (workshop_id, lower(code)) DO UPDATE SET code = excluded.code, description = excluded.description,"
    " price_cents = excluded.price_cents, currency = excluded.currency, updated_at = excluded.updated_at"
)


def service_price_to_row(service_price: ServicePrice) -> Row:
    """The row of a price."""
    return {
        "workshop_id": service_price.workshop_id,
        "provider_id": None,
        "customer_id": None,
        "code": service_price.code,
        "description": service_price.description,
        "price_cents": service_price.price.cents,
        "currency": service_price.price.currency,
        "updated_at": service_price.updated_at,
    }


def service_price_from_row(row: Mapping[str, Any]) -> ServicePrice:
    """The price of a row."""
    return ServicePrice(
        workshop_id=row["workshop_id"],
        code=row["code"],
        description=row["description"],
        price=Money(row["price_cents"], row["currency"]),
        updated_at=row["updated_at"],
    )


class SqlServicePrices:
    """The price table in a unit of work."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saved: dict[tuple[str, str], ServicePrice] = {}

    async def find(self, workshop_id: str, *, code: str, description: str) -> ServicePrice | None:
        """The row with this code, else the one with this description; case and outer blanks aside."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(_FIND, {"workshop_id": workshop_id, "code": code, "description": description})
        row = await cursor.fetchone()
        return service_price_from_row(row) if row else None

    def save(self, service_price: ServicePrice) -> None:
        """Have it written at commit, in place of the one with its workshop and code."""
        self._saved[service_price.workshop_id, service_price.code.lower()] = service_price

    def writes(self) -> Iterable[Write]:
        """All are upserted."""
        yield Write(_UPSERT, [service_price_to_row(price) for _, price in sorted(self._saved.items())])
