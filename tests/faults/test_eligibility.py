"""Eligibility in processes of its own, while Redis dies and comes back, and while a process stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import httpx
import psycopg
from grpc_health.v1 import health_pb2, health_pb2_grpc

from acerto.eligibility.v1 import eligibility_check_pb2 as checks
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceStub
from tests.support.equivalence_reference import beneficiary, health_plan, insurer
from tests.support.fleet import Fleet, Role
from tests.support.redis import PrivateRedis
from tests.support.reference import CARD, INSURER
from tests.support.waiting import eventually

ASKED = pb.CheckEligibilityRequest(insurer_id=INSURER, card_number=CARD)
SOLD = {"active": True, "coverage": [], "network": [], "waiting": None}


@asynccontextmanager
async def stub_of(role: Role) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{role.grpc_port}") as channel:
        yield EligibilityServiceStub(channel)


async def ready(role: Role) -> tuple[int, str, str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{role.http_port}/health/ready")
    told = answer.json()
    return answer.status_code, told["status"], told["dependencies"]["cache"]["state"]


async def serves(role: Role) -> bool:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{role.grpc_port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub
        told = await stub(channel).Check(health_pb2.HealthCheckRequest())
    return bool(told.status == health_pb2.HealthCheckResponse.SERVING)


async def seeded(stub: Any) -> None:
    await stub.UpsertInsurer(insurer())
    await stub.UpsertHealthPlan(health_plan(**SOLD))
    await stub.UpsertBeneficiary(beneficiary(valid_to=None))


async def test_processes_share_a_redis_and_answer_on_while_it_dies_and_comes_back(
    tmp_path: Path, database_url: str, private_redis: PrivateRedis
) -> None:
    with Fleet(tmp_path / "fleet", database_url=database_url, cache_url=private_redis.url) as fleet:
        one, other = await fleet.running("api", "api")
        async with stub_of(one) as first, stub_of(other) as second:
            await seeded(first)

            async def cached_here(stub: Any = first) -> bool:
                return bool((await stub.CheckEligibility(ASKED)).from_cache)

            await eventually(cached_here, within=10)
            await eventually(lambda: cached_here(second), within=10)
            assert await ready(one) == (200, "ready", "up")

            private_redis.running.kill()
            for stub, refresh in product((first, second), (False, True, False, True)):
                asked = pb.CheckEligibilityRequest(insurer_id=INSURER, card_number=CARD, force_refresh=refresh)
                assert (await stub.CheckEligibility(asked)).verdict == checks.VERDICT_ELIGIBLE

            async def degraded() -> bool:
                return await ready(one) == (200, "degraded", "down")

            await eventually(degraded, within=10)
            assert await serves(one)
            await first.UpsertHealthPlan(health_plan(**SOLD | {"active": False}))
            assert (await first.CheckEligibility(ASKED)).verdict == checks.VERDICT_INELIGIBLE

            async def seen_by_the_other() -> bool:
                return bool((await second.CheckEligibility(ASKED)).verdict == checks.VERDICT_INELIGIBLE)

            await eventually(seen_by_the_other, within=10)
            private_redis.start()

            async def well() -> bool:
                return await ready(one) == (200, "ready", "up")

            await eventually(well, within=10)
            await eventually(cached_here, within=10)


async def test_what_a_cache_answered_is_in_the_history_after_an_orderly_stop(tmp_path: Path, database_url: str) -> None:
    with Fleet(tmp_path / "fleet", database_url=database_url) as fleet:
        (role,) = await fleet.running("api")
        async with stub_of(role) as stub:
            await seeded(stub)
            told = [(await stub.CheckEligibility(ASKED)).check_id for _ in range(300)]
            role.program.ask_to_stop()
        assert await role.died() == 0
    with psycopg.connect(database_url) as session:
        kept = session.execute("SELECT id::text FROM eligibility_checks").fetchall()
    assert {row[0] for row in kept} == set(told)
