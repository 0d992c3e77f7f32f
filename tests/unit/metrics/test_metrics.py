"""Figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from gops.metrics import Figure, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Value by name and labels, as Prometheus reads them."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for one in family.samples
    }


def test_a_commit_is_counted_in_four_histograms() -> None:
    metrics = Metrics()
    metrics.committed(messages=250, rows=1200, seconds=0.03, lag_s=0.4)
    found = samples(metrics)
    assert found["gops_ingest_batch_messages_sum", ()] == 250
    assert found["gops_ingest_batch_rows_sum", ()] == 1200
    assert found["gops_ingest_commit_seconds_bucket", (("le", "0.05"),)] == 1
    assert found["gops_ingest_commit_seconds_bucket", (("le", "0.02"),)] == 0
    assert found["gops_ingest_lag_seconds_sum", ()] == 0.4


def test_answers_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.answered("/api/v1/things/<id:thing_id>", "GET", 200, 0.001)
    metrics.answered(None, "BREW", 404, 0.001)
    found = samples(metrics)
    route = ("route", "/api/v1/things/<id:thing_id>")
    assert found["gops_http_requests_total", (("method", "GET"), route, ("status", "200"))] == 3
    assert found["gops_http_requests_total", (("method", "other"), ("route", "none"), ("status", "404"))] == 1
    assert found["gops_http_request_seconds_count", (route,)] == 3


def test_what_is_watched_is_asked_when_somebody_looks() -> None:
    metrics = Metrics()
    seen = iter([1.0, 2.0])
    metrics.watch("letters", lambda: [Figure("letters", "that wait", next(seen))])
    assert [samples(metrics)["letters", ()] for _ in range(2)] == [1.0, 2.0]


def test_a_part_that_fails_is_named_and_the_others_are_read() -> None:
    metrics = Metrics()

    def broken() -> Iterator[Figure]:
        yield Figure("half", "is left out", 1.0)
        raise ZeroDivisionError

    metrics.watch("broken", broken)
    metrics.watch("whole", lambda: [Figure("runs_total", "so far", 7.0, {"job": "a"}, "counter")])
    found = samples(metrics)
    assert found["gops_unread", (("part", "broken"),)] == 1
    assert found["gops_unread", (("part", "whole"),)] == 0
    assert found["runs_total", (("job", "a"),)] == 7
    assert ("half", ()) not in found


def test_two_objects_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.answered("/", "GET", 200, 0.1)
    assert not [name for name, _ in samples(other) if name == "gops_http_requests_total"]


def test_no_line_tells_when_a_counter_began() -> None:
    metrics = Metrics()
    metrics.answered("/", "GET", 200, 0.1)
    assert "_created" not in metrics.text().decode()
