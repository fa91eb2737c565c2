"""Traces: what a request or a message causes hangs below it, and a publish links to what made its facts."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from domain.tracing import NoTracer
from messaging.broker import Message
from messaging.topology import OWN_EXCHANGE
from messaging.traced import TracedBroker
from server.tracing import OpenTelemetryTracer, tracer_for
from tests.support.memory_broker import MemoryBroker

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced() -> tuple[OpenTelemetryTracer, InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OpenTelemetryTracer(provider), exporter


def test_a_span_hangs_below_the_callers_and_hands_on_itself() -> None:
    tracer, exporter = traced()
    with tracer.span("GetBudget", parent={"traceparent": PARENT}) as headers:
        pass
    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert headers["traceparent"] == f"00-0af7651916cd43dd8448eb211c80319c-{span.context.span_id:016x}-01"


def test_without_a_collector_nothing_is_traced_and_headers_are_handed_on() -> None:
    tracer = tracer_for(None)
    assert isinstance(tracer, NoTracer)
    with tracer.span("GetBudget", parent={"traceparent": PARENT}) as headers:
        assert headers == {"traceparent": PARENT}


async def test_a_publish_links_to_the_span_that_made_each_fact() -> None:
    tracer, exporter = traced()
    told = Message(
        exchange=OWN_EXCHANGE,
        routing_key="budget-generated",
        message_id="1",
        body=b"{}",
        headers={"traceparent": PARENT},
        mandatory=False,
    )
    async with TracedBroker(MemoryBroker(), tracer).publisher() as publisher:
        await publisher.publish([told])
    (span,) = exporter.get_finished_spans()
    assert [f"{link.context.span_id:016x}" for link in span.links] == ["b7ad6b7169203331"]
