"""Every metric of the service in one table, and the Meter port on prometheus_client. Other names are errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Instrument = Counter | Gauge | Histogram

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SAGA = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
_SIZE = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)


class Metric(NamedTuple):
    """One metric: what it is, what it means, what it is told apart by (ids and personal data never)."""

    kind: type[Instrument]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: Final[dict[str, Metric]] = {
    # Requests
    "acerto_requests_total": Metric(Counter, "Requests answered, by rpc and gRPC code.", ("rpc", "code")),
    "acerto_request_seconds": Metric(
        Histogram, "Seconds from a request to its answer, or to the end of its stream.", ("rpc",), _LATENCY
    ),
    "acerto_requests_in_flight": Metric(Gauge, "Requests being served now, streams not counted."),
    "acerto_streams_open": Metric(Gauge, "Streams being served now."),
    "acerto_http_refused_total": Metric(Counter, "HTTP requests that reached no rpc, by reason.", ("reason",)),
    # Outbox and relay
    "acerto_outbox_pending": Metric(Gauge, "Facts committed and not yet confirmed by the broker."),
    "acerto_outbox_oldest_age_seconds": Metric(Gauge, "Age of the oldest fact not yet confirmed, in seconds."),
    "acerto_outbox_blocked_keys": Metric(Gauge, "Keys whose first fact the broker refused and that wait to try again."),
    "acerto_outbox_parked_keys": Metric(Gauge, "Keys whose first fact no broker takes and that wait for an operator."),
    "acerto_confirm_seconds": Metric(Histogram, "Seconds from a wave's publish to its confirms.", (), _LATENCY),
    "acerto_commit_to_publish_seconds": Metric(Histogram, "Seconds from a fact's commit to its confirm.", (), _SAGA),
    "acerto_wave_size": Metric(Histogram, "Facts in one wave.", (), _SIZE),
    "acerto_cycle_size": Metric(Histogram, "Facts in one relay cycle.", (), _SIZE),
    "acerto_publish_refused_total": Metric(Counter, "Publishes the broker did not take, by reason.", ("reason",)),
    "acerto_publish_lost_total": Metric(Counter, "Relay cycles given up because connection or confirms were lost."),
    # Consumer and inbox
    "acerto_messages_total": Metric(Counter, "Messages dealt with, by event and outcome.", ("event_type", "outcome")),
    "acerto_duplicates_total": Metric(Counter, "Messages whose id the inbox knew already."),
    "acerto_digest_conflicts_total": Metric(Counter, "Known message ids that came with another content."),
    "acerto_deferred_depth": Metric(Gauge, "Messages stored to be tried again later."),
    "acerto_lane_depth": Metric(Gauge, "Messages waiting in the consumer's lanes."),
    "acerto_dead_letters_total": Metric(Counter, "Messages put aside as unusable, by reason.", ("reason",)),
    "acerto_saga_seconds": Metric(Histogram, "Seconds from OsCreated in to BudgetGenerated confirmed.", (), _SAGA),
    # Payments and due work
    "acerto_tasks_total": Metric(Counter, "Steps of due work, by kind and outcome.", ("kind", "outcome")),
    "acerto_tasks_overdue_seconds": Metric(Gauge, "How long the oldest due row has waited, in seconds."),
    "acerto_webhooks_total": Metric(Counter, "Webhooks by provider and what became of them.", ("provider", "outcome")),
    "acerto_notices_quarantined": Metric(Gauge, "Provider's words that were not believed; a person has to look."),
    "acerto_notices_parked": Metric(Gauge, "Provider's words about charges that nobody here knows."),
    "acerto_refunds_failed": Metric(Gauge, "Payments whose refund failed; a person has to look."),
    # Eligibility and its cache
    "acerto_cache_hits_total": Metric(Counter, "Look-ups that a cache answered.", ("cache",)),
    "acerto_cache_misses_total": Metric(
        Counter, "Look-ups that a cache could not answer, or was not there for.", ("cache",)
    ),
    "acerto_cache_evictions_total": Metric(
        Counter, "Entries that had to go before their end, since the cache was full (Redis counts its own).", ("cache",)
    ),
    "acerto_cache_failures_total": Metric(
        Counter, "Questions that a cache did not answer in time, or at all.", ("cache",)
    ),
    "acerto_eligibility_history_lost_total": Metric(
        Counter, "Rows that were never written: cache hits', the database away for too long, or such that it refuses."
    ),
    # Database
    "acerto_oldest_xmin_age": Metric(Gauge, "Transactions since the oldest snapshot still open."),
}


class UndeclaredMetric(Exception):
    """A metric was used that the table does not list, or with other labels than it lists."""


class Telemetry:
    """The process's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._instruments = {name: _instrument(name, metric, self.registry) for name, metric in METRICS.items()}
        self._bound: dict[tuple[str, tuple[tuple[str, str], ...]], Callable[[float], None]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        self._given(name, labels)(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put one value (seconds, or a size) into a histogram."""
        self._given(name, labels)(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._given(name, labels)(value)

    def bind(self, name: str, **labels: str) -> Callable[[float], None]:
        """The function that counts, sets or observes, with its labels filled in. Raises UndeclaredMetric."""
        instrument = self._instruments.get(name)
        if instrument is None:
            raise UndeclaredMetric(f"{name} is not in the table of server/telemetry.py")
        if set(labels) != set(METRICS[name].labels):
            raise UndeclaredMetric(f"{name} has the labels {METRICS[name].labels}, not {tuple(labels)}")
        return _action(instrument.labels(**labels) if labels else instrument)

    def follow(self, name: str, read: Callable[[], float]) -> None:
        """Have a gauge read when it is asked for, instead of set whenever it changes. Raises UndeclaredMetric."""
        gauge = self._instruments.get(name)
        if not isinstance(gauge, Gauge):
            raise UndeclaredMetric(f"{name} is no gauge in the table of server/telemetry.py")
        gauge.set_function(read)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _given(self, name: str, labels: dict[str, str]) -> Callable[[float], None]:
        key = (name, tuple(labels.items()))
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = self.bind(name, **labels)
        return bound


def _instrument(name: str, metric: Metric, registry: CollectorRegistry) -> Instrument:
    if metric.kind is Histogram:
        return Histogram(name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
    return metric.kind(name, metric.help, metric.labels, registry=registry)


def _action(child: Instrument) -> Callable[[float], None]:
    if isinstance(child, Counter):
        return child.inc
    if isinstance(child, Gauge):
        return child.set
    return child.observe
