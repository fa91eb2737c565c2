"""What every table of ours is made with: the names of constraints, and columns that recur."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Text, Uuid

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **{"nullable": False, **options})


def words(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text, **{"nullable": False, **options})


def whose() -> list[Column[Any]]:
    return [
        words("workshop_id", nullable=True),
        words("provider_id", nullable=True),
        Column("customer_id", Uuid, nullable=True),
    ]


def one_of(column: str, values: Iterable[Enum]) -> CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
