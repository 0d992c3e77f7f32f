"""Figures of ingest: messages, readings, refusals by code, what waits, and the link to the broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from gops.clock import SECOND, Clock
from gops.ingest.service import Ingest
from gops.ingest.worker import IngestStats
from gops.metrics import Figure

COUNTED = {
    "messages": "MQTT messages that were committed, recognised redeliveries included",
    "readings": "Readings that were accepted",
    "inserted": "Readings that were new",
    "replaced": "Readings that took another one's place",
    "unchanged": "Readings that stood already",
    "kept": "Readings that gave way to the one that stood",
    "repeats": "MQTT messages that were recognised as delivered before",
    "batches": "Commits",
    "failures": "Tries that failed because the store or the records were away",
}
assert set(COUNTED) <= {one.name for one in fields(IngestStats)}


def of_ingest(seats: Sequence[Ingest], clock: Clock) -> Iterator[Figure]:
    """Of each seat; the label is left out where one has it all."""
    for ingest in seats:
        seat = {} if ingest.seat is None else {"seat": str(ingest.seat)}
        for figure in _of_one(ingest, clock):
            yield replace(figure, labels={**figure.labels, **seat})


def _of_one(ingest: Ingest, clock: Clock) -> Iterator[Figure]:
    health = ingest.health()
    stats, link = health.stats, health.link
    for name, about in COUNTED.items():
        yield Figure(f"gops_ingest_{name}_total", about, getattr(stats, name), kind="counter")
    for code, count in sorted(stats.refused.items()):
        yield Figure("gops_ingest_refused_total", "Refused readings and messages", count, {"code": code}, "counter")
    yield Figure("gops_ingest_waiting_messages", "MQTT messages that wait in memory to be read", health.waiting)
    yield Figure("gops_ingest_waiting_bytes", "The same in bytes of payload", health.waiting_bytes)
    yield Figure("gops_ingest_uncommitted_batches", "Batches that the store has not confirmed yet", stats.in_flight)
    yield Figure("gops_ingest_ok", "1 while readings come in", float(health.ok))
    since = stats.trouble.since
    waits = 0.0 if since is None else (clock.micros() - since) / SECOND
    yield Figure("gops_ingest_paused_seconds", "How long ingest has waited for the store or the records", waits)
    yield Figure("gops_mqtt_connected", "1 while the broker is connected", float(link.connected))
    yield Figure("gops_mqtt_connections_total", "Connections to the broker", link.connections, kind="counter")
    dropped = "Answers to devices that were dropped because too many waited"
    yield Figure("gops_mqtt_answers_dropped_total", dropped, link.answers_dropped, kind="counter")
    ignored = "Retained copies of readings that were not stored again"
    yield Figure("gops_mqtt_retained_ignored_total", ignored, link.retained_ignored, kind="counter")
