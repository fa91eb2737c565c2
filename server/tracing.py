"""Spans by OpenTelemetry, sent to the collector at ACERTO_OTLP_ENDPOINT; without one there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.tracing import NoTracer, TraceHeaders, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter


def tracer_for(endpoint: str | None) -> Tracer:
    """The tracer of this process; the libraries are loaded only when there is a collector to send to."""
    if not endpoint:
        return NoTracer()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OpenTelemetryTracer(provider(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")))


def provider(exporter: SpanExporter) -> TracerProvider:
    """Spans in batches to an exporter, under the service name `acerto`."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = TracerProvider(resource=Resource.create({SERVICE_NAME: "acerto"}))
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


class OpenTelemetryTracer:
    """The port `domain.tracing.Tracer` on OpenTelemetry's SDK."""

    def __init__(self, made: TracerProvider) -> None:
        from opentelemetry.trace import Link, get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = made.get_tracer("acerto")
        self._propagator = TraceContextTextMapPropagator()
        self._link = Link
        self._span_in = get_current_span

    @contextmanager
    def span(self, name: str, *, parent: TraceHeaders, links: Iterable[TraceHeaders] = ()) -> Iterator[TraceHeaders]:
        """A span below the parent, with a link to each span that the links' headers name."""
        linked = [self._span_in(self._propagator.extract(headers)).get_span_context() for headers in links]
        context = self._propagator.extract(parent)
        with self._tracer.start_as_current_span(
            name, context, links=[self._link(one) for one in linked if one.is_valid]
        ):
            headers: dict[str, str] = {}
            self._propagator.inject(headers)
            yield headers
