"""What operators and their machines ask over HTTP: metrics, and whether we are alive and ready."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.health import Readiness

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NO_STORE = {"cache-control": "no-store"}


class Metrics(Protocol):
    """Has metrics to show."""

    def exposition(self) -> bytes:
        """All of them in Prometheus' text format."""
        ...


def operations(readiness: Readiness, metrics: Metrics) -> list[Route]:
    """The routes `/metrics`, `/health`, `/health/live` and `/health/ready`."""

    async def show_metrics(_: Request) -> Response:
        return Response(metrics.exposition(), headers={"content-type": _METRICS_TYPE})

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def ready(_: Request) -> Response:
        phase = await readiness.phase()
        return JSONResponse(
            {"status": phase.value, "dependencies": await _dependencies(readiness)},
            status_code=200 if phase.serving else 503,
            headers=_NO_STORE,
        )

    return [
        Route("/metrics", show_metrics),
        Route("/health", ready),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]


async def _dependencies(readiness: Readiness) -> dict[str, dict[str, object]]:
    return {
        name: {
            "state": "up" if finding.ok else "down",
            "latency_ms": finding.latency_ms,
            **({"error": finding.error} if finding.error else {}),
        }
        for name, finding in (await readiness.findings()).items()
    }
