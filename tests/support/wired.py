"""The api role as the wiring puts it together, in this process, on a real PostgreSQL: its doors and nothing below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from acerto.claims.v1.claim_service_pb2_grpc import ClaimServiceStub
from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceStub
from server.settings import load
from server.wiring import assembled, built, load_sample
from tests.support.fleet import SIGNING_KEY
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Doors:
    """The stubs of a client of gRPC, and one of HTTP."""

    claims: Any
    eligibility: Any
    http: httpx.AsyncClient


@asynccontextmanager
async def doors(database_url: str) -> AsyncIterator[Doors]:
    """An `api` that is ready, and the sample of reference data in its database."""
    addresses = dict.fromkeys(("ACERTO_GRPC_ADDRESS", "ACERTO_HTTP_ADDRESS"), "127.0.0.1:0")
    settings = load({"ACERTO_DATABASE_URL": database_url, "ACERTO_SIGNING_KEY": SIGNING_KEY, **addresses})
    async with built(settings) as house, assembled(house, {"api"}) as running:
        await load_sample(house)
        parts = [asyncio.ensure_future(part.run(part.stop)) for part in running.parts]
        try:
            await eventually(running.ready, what="the api is ready")
            async with (
                grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel,
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.http_port}") as http,
            ):
                yield Doors(ClaimServiceStub(channel), EligibilityServiceStub(channel), http)
        finally:
            for part in running.parts:
                part.stop.set()
            await asyncio.gather(*parts)
