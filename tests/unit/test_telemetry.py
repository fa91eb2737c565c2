"""Metrics: only those in the table, with the labels it lists."""

from __future__ import annotations

import pytest

from server.telemetry import METRICS, Telemetry, UndeclaredMetric


def test_what_is_counted_observed_and_set_is_exposed() -> None:
    telemetry = Telemetry()
    telemetry.count("acerto_messages_total", event_type="OsCreated", outcome="applied")
    telemetry.count("acerto_messages_total", 2, outcome="applied", event_type="OsCreated")
    telemetry.gauge("acerto_outbox_pending", 7)
    telemetry.observe("acerto_wave_size", 3)
    text = telemetry.exposition().decode()
    assert 'acerto_messages_total{event_type="OsCreated",outcome="applied"} 3.0' in text
    assert "acerto_outbox_pending 7.0" in text
    assert 'acerto_wave_size_bucket{le="5.0"} 1.0' in text


def test_an_undeclared_metric_is_refused_at_once() -> None:
    with pytest.raises(UndeclaredMetric, match="acerto_surprises_total"):
        Telemetry().count("acerto_surprises_total")


@pytest.mark.parametrize("labels", [{}, {"reason": "x", "id": "y"}, {"cause": "x"}])
def test_other_labels_than_declared_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(UndeclaredMetric, match="labels"):
        Telemetry().count("acerto_dead_letters_total", 1, **labels)


def test_every_metric_in_the_table_can_be_used() -> None:
    telemetry = Telemetry()
    for name, metric in METRICS.items():
        telemetry.bind(name, **dict.fromkeys(metric.labels, "x"))(1)
    assert all(f"# HELP {name.removesuffix('_total')}" in telemetry.exposition().decode() for name in METRICS)


def test_two_telemetries_share_nothing() -> None:
    one, other = Telemetry(), Telemetry()
    one.gauge("acerto_outbox_pending", 5)
    assert "acerto_outbox_pending 0.0" in other.exposition().decode()
