"""Several API processes on one port: one service to its callers, and a worker that dies is made again."""

from __future__ import annotations

from pathlib import Path

import grpc
import httpx
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.fleet import Fleet
from tests.support.waiting import eventually


async def serving(port: int) -> bool:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def asked(port: int, path: str) -> int:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return (await client.get(path)).status_code


def workers(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children() if "server" in child.cmdline()}


def runs(pid: int) -> bool:
    """Whether a process is more than a name that nobody has taken off the list."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_worker_that_dies_is_made_again_and_all_end_in_order(tmp_path: Path, database_url: str) -> None:
    with Fleet(tmp_path / "fleet", database_url=database_url) as fleet:
        api = fleet.start("api", "--workers", "2")
        await eventually(lambda: len(api.logged("ready")) == 2, within=30, what="both workers are ready")
        before = workers(api.program.pid)
        psutil.Process(min(before)).kill()
        await eventually(lambda: len(api.logged("ready")) == 3, within=30, what="the dead one is made again")
        assert await serving(api.grpc_port)
        assert await asked(api.http_port, "/v1/budgets?pageSize=1") == 200
        for worker in (0, 1):
            assert await asked(api.http_port + 1 + worker, "/health/ready") == 200
        assert api.program.terminate() == 0
        assert [pid for pid in before if psutil.pid_exists(pid)] == []


async def test_workers_whose_supervisor_is_killed_leave_the_port_to_others(tmp_path: Path, database_url: str) -> None:
    with Fleet(tmp_path / "fleet", database_url=database_url) as fleet:
        api = fleet.start("api", "--workers", "2")
        await eventually(lambda: len(api.logged("ready")) == 2, within=30, what="both workers are ready")
        left = workers(api.program.pid)
        assert len(left) == 2
        api.program.kill()
        await eventually(lambda: not any(map(runs, left)), within=20, what="the workers have ended")
        assert not await serving(api.grpc_port)
