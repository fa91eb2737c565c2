"""What is kept of every request: its metrics, and one line in the log that holds ids only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from server.rpc.visit import Visit


class Meters(Protocol):
    """Gives out single metrics with their labels filled in, so that a request pays for no look-up."""

    def bind(self, name: str, **labels: str) -> Callable[[float], None]:
        """The function that adds to this counter, sets this gauge, or observes into this histogram."""
        ...

    def follow(self, name: str, read: Callable[[], float]) -> None:
        """Have a gauge read when somebody asks for the metrics."""
        ...


class Log(Protocol):
    """A structured log, as structlog's loggers are."""

    def info(self, event: str, **fields: object) -> object:
        """An ordinary line."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Something an operator must look at."""
        ...


class Journal:
    """Counts, times and logs requests."""

    def __init__(self, meters: Meters, log: Log) -> None:
        self._meters = meters
        self._log = log
        self._seconds: dict[str, Callable[[float], None]] = {}
        self._counted: dict[tuple[str, str], Callable[[float], None]] = {}

    def follow(self, in_flight: Callable[[], float], streams: Callable[[], float]) -> None:
        """Show how many requests are being served, and how many streams are open."""
        self._meters.follow("acerto_requests_in_flight", in_flight)
        self._meters.follow("acerto_streams_open", streams)

    def ended(self, visit: Visit, code: str, reason: str, seconds: float) -> None:
        """A request was answered with this gRPC code (and reason, when refused) after so many seconds."""
        name = visit.method.full_name
        if (name, code) not in self._counted:
            self._seconds[name] = self._meters.bind("acerto_request_seconds", rpc=name)
            self._counted[name, code] = self._meters.bind("acerto_requests_total", rpc=name, code=code)
        self._seconds[name](seconds)
        self._counted[name, code](1)
        line: dict[str, object] = {"rpc": name, "code": code, "duration_ms": int(seconds * 1_000_000) / 1000}
        line["request_id"] = visit.request_id
        if visit.actor:
            line["actor"] = visit.actor.id
        if reason:
            line["reason"] = reason
        if visit.correlation_id:
            line["correlation_id"] = visit.correlation_id
        self._log.info("request", **line)

    def broke(self, visit: Visit, error: BaseException) -> None:
        """Our own failure: the traceback stays here, the caller gets the request id to quote."""
        self._log.error("request_failed", rpc=visit.method.full_name, request_id=visit.request_id, exc_info=error)

    def outlived(self, visit: Visit, code: str) -> None:
        """A write whose caller had left came to its end all the same."""
        self._log.info("write_outlived_its_caller", rpc=visit.method.full_name, code=code, request_id=visit.request_id)
