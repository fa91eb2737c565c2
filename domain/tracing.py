"""Traces go through this port: spans around what the service does, and links from a publish to what made the fact.

Trace headers are W3C's `traceparent` and `tracestate`, as a mapping; an empty one means that nobody traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

TraceHeaders = Mapping[str, str]


class Tracer(Protocol):
    """Opens spans."""

    def span(
        self, name: str, *, parent: TraceHeaders, links: Iterable[TraceHeaders] = ()
    ) -> AbstractContextManager[TraceHeaders]:
        """A span while the block runs; it gives the trace headers to hand on to what the block causes."""
        ...


class NoTracer:
    """Opens none, and hands on what came in."""

    def span(
        self,
        name: str,  # noqa: ARG002 -- the port's
        *,
        parent: TraceHeaders,
        links: Iterable[TraceHeaders] = (),  # noqa: ARG002 -- the port's
    ) -> AbstractContextManager[TraceHeaders]:
        """The parent's headers."""
        return nullcontext(parent)
