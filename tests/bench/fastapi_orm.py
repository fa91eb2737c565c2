"""The well-known way: FastAPI, pydantic models and SQLAlchemy's asynchronous ORM on the same tables, as its manuals
write it. It answers the JSON that our HTTP door answers. `.. fastapi_orm URL PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from persistence.schema import budgets
from tests.bench.fastapi_models import BudgetIn, BudgetOut
from tests.bench.fastapi_tables import Budget, LogEntry, Outbox, Reply, Revision, WorkOrder
from tests.bench.plain_rows import ACTOR, RPC, Wanted, reply_row, rows_of

POOL = 10


def application(url: str) -> FastAPI:
    """Two routes, a session for each request."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://"),
        pool_size=POOL,
        max_overflow=0,
        connect_args={"options": "-c timezone=UTC"},
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def opened() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    app = FastAPI()
    session_of_request = Depends(opened)

    @app.get("/v1/budgets/{budget_id}", response_model_exclude_none=True)
    async def get_budget(budget_id: UUID, session: AsyncSession = session_of_request) -> BudgetOut:
        found: Budget | None = await session.scalar(
            select(Budget).where(budgets.c.id == budget_id).options(joinedload(Budget.current, innerjoin=True))
        )
        if found is None:
            raise HTTPException(404, "no such budget")
        return BudgetOut.of(found)

    @app.post("/v1/budgets", response_model_exclude_none=True)
    async def create_budget(
        budget: BudgetIn,
        request: Request,
        idempotency_key: Annotated[str, Header()] = "",
        session: AsyncSession = session_of_request,
    ) -> BudgetOut:
        wanted = budget.wanted(idempotency_key)
        rows = rows_of(wanted)
        made = Budget(**rows.budget, current=Revision(**rows.revision))
        answer = BudgetOut.of(made)
        session.add_all([WorkOrder(**rows.work_order), made, *(LogEntry(**entry) for entry in rows.log)])
        reply = answer.model_dump_json(by_alias=True, exclude_none=True).encode()
        session.add_all([Outbox(**rows.outbox), Reply(**reply_row(wanted, await request.body(), reply))])
        try:
            await _refuse_what_is_there(session, wanted)
            await session.commit()
        except IntegrityError as error:
            raise HTTPException(409, "there is such a budget") from error
        return answer

    return app


async def _refuse_what_is_there(session: AsyncSession, wanted: Wanted) -> None:
    """The look-ups that ours makes."""
    with session.no_autoflush:
        held = await session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(wanted.key, 0))))
        kept = await session.get(Reply, (ACTOR, RPC, wanted.key))
        known = await session.get(WorkOrder, wanted.work_order_id, with_for_update=True)
        quoted = await session.scalar(
            select(Budget)
            .where(budgets.c.work_order_id == wanted.work_order_id)
            .options(joinedload(Budget.current, innerjoin=True))
        )
    if not held or kept or known or quoted:
        raise HTTPException(409, "there is such a budget, or such a request")


def main(url: str, port: str) -> None:
    """Serve until killed, a line in the log for each request."""
    settings: dict[str, Any] = {"http": "httptools", "loop": "uvloop", "access_log": True}
    uvicorn.run(application(url), host="127.0.0.1", port=int(port), **settings)


if __name__ == "__main__":
    main(*sys.argv[1:3])
