"""The tables of persistence/schema as ORM classes, for the FastAPI side of the benchmark."""

from __future__ import annotations

from sqlalchemy import and_
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, relationship

from persistence import schema


class Base(DeclarativeBase):
    """The classes' registry."""

    metadata = schema.metadata


class WorkOrder(Base):
    """A row of work_orders."""

    __table__ = schema.work_orders


class Revision(Base):
    """A row of budget_revisions."""

    __table__ = schema.budget_revisions


class Budget(Base):
    """A row of budgets, with its current revision when that is asked for."""

    __table__ = schema.budgets
    current: Mapped[Revision] = relationship(
        Revision,
        primaryjoin=and_(
            schema.budgets.c.id == foreign(schema.budget_revisions.c.budget_id),
            schema.budgets.c.revision == foreign(schema.budget_revisions.c.revision),
        ),
        uselist=False,
    )


class LogEntry(Base):
    """A row of work_order_log."""

    __table__ = schema.work_order_log


class Outbox(Base):
    """A row of outbox."""

    __table__ = schema.outbox


class Reply(Base):
    """A row of replies."""

    __table__ = schema.replies
