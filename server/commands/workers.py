"""`api --workers N`: N processes that share the ports, for more than one core; the kernel spreads connections.

Each is an ordinary `api` process made anew, not forked: nothing of gRPC exists before the process that uses it. Worker
k has an HTTP port of its own too, for metrics and health: the shared one plus 1 plus k. It stops when its stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Final

import structlog

from server.lifespan import Signals
from server.ports import host_and_port
from server.settings import Settings, environment
from server.wiring import built

RESTART = 1.0
"""Seconds before a worker that ended by itself is made again."""

WATCHED: Final = "--while-stdin-is-open"
"""What tells a worker that it is one."""


async def supervise(settings: Settings, workers: int) -> int:
    """Keep that many workers running until a signal comes; answers 0 when all ended well."""
    async with built(settings) as house:
        with Signals() as signals:
            keeping = [
                asyncio.create_task(_keep(_environment(settings, house.database.url, number), signals))
                for number in range(workers)
            ]
            statuses = await asyncio.gather(*keeping)
    return max(statuses)


def supervisor_gone() -> asyncio.Event:
    """Set when stdin ends, to which nobody writes. To be called in a worker's event loop."""
    gone, loop = asyncio.Event(), asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(sys.stdin)
        gone.set()

    loop.add_reader(sys.stdin, ended)
    return gone


async def _keep(environment: Mapping[str, str], signals: Signals) -> int:
    """Run one worker, again when it dies; answers the status it had when it was told to stop."""
    while True:
        command = [sys.executable, "-m", "server", "api", WATCHED]
        worker = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE)
        ended = asyncio.create_task(worker.wait())
        first = asyncio.create_task(signals.first.wait())
        await asyncio.wait({ended, first}, return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        if signals.first.is_set():
            return await _stop(worker, ended, signals)
        structlog.get_logger().error("a worker ended by itself", pid=worker.pid, status=ended.result())
        await asyncio.sleep(RESTART)


async def _stop(worker: Process, ended: asyncio.Task[int], signals: Signals) -> int:
    if not ended.done():
        worker.terminate()
    second = asyncio.create_task(signals.second.wait())
    await asyncio.wait({ended, second}, return_when=asyncio.FIRST_COMPLETED)
    second.cancel()
    if not ended.done():
        worker.kill()
    return await ended


def _environment(settings: Settings, database_url: str, number: int) -> dict[str, str]:
    host, port = host_and_port(settings.http_address)
    own = f"{f'[{host}]' if ':' in host else host}:{port + 1 + number if port else 0}"
    return {
        **environment(),
        "ACERTO_DATABASE_URL": database_url,
        "ACERTO_GRPC_SHARE_PORT": "true",
        "ACERTO_HTTP_SHARE_PORT": "true",
        "ACERTO_HTTP_OWN_ADDRESS": own,
    }
