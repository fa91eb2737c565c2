"""Health, reflection and the end of the gRPC server, seen by a client."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from acerto.billing.v1 import billing_service_pb2 as pb
from server.ports import AddressInUse
from server.rpc.pipeline import Limits
from server.rpc.server import GrpcServer
from tests.support.served import Scene, Served

BILLING = "acerto.billing.v1.BillingService"
COMPATIBILITY = "acerto.billing.v1.CompatibilityService"
OLD_CLAIMS = "acerto.claims.v1.ClaimsCompatibilityService"
OLD_ELIGIBILITY = "acerto.eligibility.v1.EligibilityCompatibilityService"
CLAIMS = "acerto.claims.v1.ClaimService"
ELIGIBILITY = "acerto.eligibility.v1.EligibilityService"
SERVICES = (BILLING, COMPATIBILITY, CLAIMS, OLD_CLAIMS, ELIGIBILITY, OLD_ELIGIBILITY)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def health_of(served: Served) -> Any:
    stub: Any = health_pb2_grpc.HealthStub
    return stub(served.channel)


def about(service: str) -> Any:
    return health_pb2.HealthCheckRequest(service=service)


async def heard(watch: Any) -> int:
    answer = await asyncio.wait_for(watch.read(), 10)
    assert answer is not grpc.aio.EOF
    return int(answer.status)


@pytest.mark.parametrize("service", ["", BILLING, CLAIMS, ELIGIBILITY])
async def test_health_of_the_server_and_of_each_service_follows_readiness(service: str) -> None:
    scene = Scene()
    async with scene.served() as served:
        assert (await health_of(served).Check(about(service))).status == SERVING
        scene.health.serve(ready=False)
        assert (await health_of(served).Check(about(service))).status == NOT_SERVING


async def test_the_health_of_an_unknown_service_is_not_found() -> None:
    async with Scene().served() as served:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health_of(served).Check(about("no.such.Service"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        watch = health_of(served).Watch(about("no.such.Service"))
        assert await heard(watch) == SERVICE_UNKNOWN


async def test_every_service_is_listed() -> None:
    async with Scene().served() as served:
        listed = await health_of(served).List(health_pb2.HealthListRequest())
        said = {name: status.status for name, status in listed.statuses.items()}
        assert said == dict.fromkeys(("", *SERVICES), SERVING)


async def test_a_watch_hears_every_change() -> None:
    scene = Scene()
    async with scene.served() as served:
        watch = health_of(served).Watch(about(BILLING))
        assert await heard(watch) == SERVING
        scene.health.serve(ready=False)
        assert await heard(watch) == NOT_SERVING
        scene.health.serve(ready=True)
        assert await heard(watch) == SERVING


async def test_a_watch_hears_the_end_and_does_not_hold_it_up() -> None:
    async with Scene().served(grace=60) as served:
        watches = [health_of(served).Watch(about(name)) for name in ("", BILLING)]
        for watch in watches:
            assert await heard(watch) == SERVING
        served.stop.set()
        for watch in watches:
            assert await heard(watch) == NOT_SERVING
            assert await asyncio.wait_for(watch.read(), 10) is grpc.aio.EOF
        await asyncio.wait_for(served.running, 10)


async def test_a_server_that_closed_is_never_serving_again() -> None:
    scene = Scene()
    async with scene.served() as served:
        scene.health.close()
        scene.health.serve(ready=True)
        assert (await health_of(served).Check(about(""))).status == NOT_SERVING


async def test_watches_do_not_count_as_load() -> None:
    scene = Scene(limits=Limits(concurrent=1))
    async with scene.served() as served:
        watches = [health_of(served).Watch(about("")) for _ in range(5)]
        for watch in watches:
            assert await heard(watch) == SERVING
        assert await served.billing.ListBudgets(pb.ListBudgetsRequest()) == pb.ListBudgetsResponse()


async def test_reflection_lists_the_services_and_describes_them() -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub
    async with Scene().served() as served:
        call = stub(served.channel).ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = await call.read()
        names = {service.name for service in listed.list_services_response.service}
        assert {*SERVICES, "grpc.health.v1.Health"} <= names
        for service in (BILLING, CLAIMS, ELIGIBILITY):
            await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service))
            described = await call.read()
            assert described.file_descriptor_response.file_descriptor_proto
        await call.done_writing()


async def test_a_port_in_use_is_named_with_the_variable_that_sets_it() -> None:
    first = GrpcServer("127.0.0.1:0", Scene().pipeline, Scene().health)
    with pytest.raises(AddressInUse, match=rf"127\.0\.0\.1:{first.port}.*ACERTO_GRPC_ADDRESS"):
        GrpcServer(f"127.0.0.1:{first.port}", Scene().pipeline, Scene().health)
