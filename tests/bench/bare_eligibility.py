"""The least that can answer CheckEligibility: a grpc.aio handler that answers a constant, and for the service beside it
one raw query first. What the whole server is measured against. `.. bare_eligibility URL PORT constant|query`.
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
import uvloop
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from acerto.eligibility.v1 import eligibility_check_pb2 as checks
from acerto.eligibility.v1.eligibility_service_pb2_grpc import (
    EligibilityServiceServicer,
    add_EligibilityServiceServicer_to_server,
)

POOL = 10
"""Connections, as the server's default."""
_QUERY = """
SELECT i.active, b.plan_id, b.patient_id, b.enrolled_from, b.enrolled_to, b.valid_from, b.valid_to, b.status,
       p.segments, p.coverage, p.network, p.other_days, p.active
  FROM insurers i JOIN beneficiaries b USING (insurer_id) JOIN health_plans p USING (insurer_id, plan_id)
 WHERE b.insurer_id = %s AND b.card_number = %s
"""

_Base: Any = EligibilityServiceServicer


class BareChecks(_Base):  # type: ignore[misc] # the generated base is untyped here
    """One rpc."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]] | None) -> None:
        self._pool = pool

    async def CheckEligibility(self, request: Any, _: Any) -> checks.EligibilityCheck:  # noqa: N802 -- the contract's name
        """Eligible, without looking at anything, or at what the one query gave."""
        patient, plan = "patient-1", "GOLD/1"
        if self._pool is not None:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_QUERY, (request.insurer_id, request.card_number))
                _, plan, patient, *_ = await cursor.fetchone() or ("",) * 13
        return checks.EligibilityCheck(
            check_id="0198c0de-0000-7000-8000-000000000000",
            verdict=checks.VERDICT_ELIGIBLE,
            is_eligible=True,
            message="eligible",
            insurer_id=request.insurer_id,
            plan_id=plan,
            patient_id=patient,
            source=checks.SOURCE_RULES,
        )


async def main(url: str, port: str, kind: str) -> None:
    """Serve until killed."""
    kwargs = {"autocommit": True, "prepare_threshold": 2, "options": "-c timezone=UTC"}
    async with AsyncConnectionPool(url, kwargs=kwargs, min_size=1, max_size=POOL, open=False) as pool:
        server = grpc.aio.server()
        add: Any = add_EligibilityServiceServicer_to_server
        add(BareChecks(pool if kind == "query" else None), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        print("ready", flush=True)
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:4]))
