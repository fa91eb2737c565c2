"""Whether this process can do its work now: one probe for each part it depends on, each with its own time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from time import perf_counter
from typing import Final

Probe = Callable[[], Awaitable[object]]
"""Returns when the part is there, raises when it is not."""

_KEPT_SECONDS: Final = 1.0
"""For how long a finding is good enough, unless the probe says otherwise."""


class Phase(Enum):
    """What the process is doing as a whole."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """Ready, without a part that only makes it faster."""
    NOT_READY = "not ready"
    SHUTTING_DOWN = "shutting down"

    @property
    def serving(self) -> bool:
        """Whether requests are welcome."""
        return self in (Phase.READY, Phase.DEGRADED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: how long it took, and the sort of failure without any text that might hold a secret."""

    ok: bool
    latency_ms: float
    error: str = ""


@dataclass(slots=True)
class _Part:
    probe: Probe
    time_limit: float
    kept: float
    needed: bool
    finding: Finding | None = None
    found_at: float = 0.0

    def known(self, now: float) -> bool:
        """Whether the last finding still stands; a bad one is looked at again soon."""
        if self.finding is None:
            return False
        return now - self.found_at < (self.kept if self.finding.ok else _KEPT_SECONDS)


class Readiness:
    """Probes the parts, each at most once a second however often it is asked."""

    def __init__(self, *, time_limit: float = 2.0) -> None:
        """`time_limit` is what one probe gets, in seconds, unless it brings its own."""
        self._time_limit = time_limit
        self._parts: dict[str, _Part] = {}
        self._checking = asyncio.Lock()
        self._closing = False
        self._started = False
        self._news = asyncio.Event()

    def add(
        self,
        name: str,
        probe: Probe,
        *,
        time_limit: float | None = None,
        kept: float = _KEPT_SECONDS,
        needed: bool = True,
    ) -> None:
        """Depend on a part. `kept` are the seconds for which finding it there stands, when a probe is dear.

        Without a part that is not `needed` the process is degraded, and ready all the same.
        """
        self._parts[name] = _Part(probe, time_limit or self._time_limit, kept, needed)

    def started(self) -> None:
        """Everything runs: from now on the probes decide."""
        self._started = True
        self._news.set()

    def close(self) -> None:
        """Shutting down: not ready from now on, whatever the probes say."""
        self._closing = True
        self._news.set()

    async def findings(self) -> Mapping[str, Finding]:
        """What each probe found, now or a moment ago."""
        async with self._checking:
            now = asyncio.get_running_loop().time()
            await asyncio.gather(*(_look(part) for part in self._parts.values() if not part.known(now)))
            return {name: part.finding for name, part in self._parts.items() if part.finding is not None}

    async def phase(self) -> Phase:
        """What the process is doing now."""
        if self._closing:
            return Phase.SHUTTING_DOWN
        if not self._started:
            return Phase.STARTING
        found = await self.findings()
        away = [name for name, finding in found.items() if not finding.ok]
        if any(self._parts[name].needed for name in away):
            return Phase.NOT_READY
        return Phase.DEGRADED if away else Phase.READY

    async def run(self, stop: asyncio.Event, tell: Callable[[bool], None]) -> None:
        """Tell whether we are ready, now and every second, until `stop` is set; then that we are not."""
        while not stop.is_set():
            self._news.clear()
            tell((await self.phase()).serving)
            await _first(stop, self._news, within=_KEPT_SECONDS)
        tell(False)


async def _first(*events: asyncio.Event, within: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _look(part: _Part) -> None:
    part.finding = await _probed(part.probe, part.time_limit)
    part.found_at = asyncio.get_running_loop().time()


async def _probed(probe: Probe, limit: float) -> Finding:
    began = perf_counter()
    error = ""
    try:
        async with asyncio.timeout(limit):
            await probe()
    except TimeoutError:
        error = f"no answer within {limit:g} s"
    except Exception as failure:  # noqa: BLE001 -- any failure means the same: the part is not there
        error = type(failure).__name__
    return Finding(ok=not error, latency_ms=round((perf_counter() - began) * 1000, 3), error=error)
