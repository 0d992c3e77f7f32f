"""What is counted while things happen, and what is asked when somebody looks.

Labels are bounded: routes as templates, codes, names of jobs and of a bounded number of feeds; never a device, a
Datastream or an address. Nothing here holds a secret.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gops import logs

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
NO_ROUTE = "none"
HTTP_SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
COMMIT_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0)
SIZES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
log = logs.get(__name__)


@dataclass(frozen=True)
class Figure:
    """One figure at this moment. A ``counter`` only grows while the process lives; its name ends in ``_total``."""

    name: str
    help: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)
    kind: Literal["gauge", "counter"] = "gauge"


Read = Callable[[], Iterable[Figure]]


class Metrics:
    """``watch`` what can be asked; call ``committed`` and ``answered`` as it happens; Prometheus reads ``text``.

    Thread-safe. Two objects share nothing.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._asked = _Asked()
        self._registry.register(self._asked)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._messages = self._histogram("gops_ingest_batch_messages", "MQTT messages of one commit", SIZES)
        self._rows = self._histogram("gops_ingest_batch_rows", "Readings and refusals of one commit", SIZES)
        self._commit = self._histogram(
            "gops_ingest_commit_seconds", "From handing a batch to the store to its commit", COMMIT_SECONDS
        )
        self._lag = self._histogram(
            "gops_ingest_lag_seconds", "From the arrival of a commit's oldest message to its commit", COMMIT_SECONDS
        )
        self._http = self._histogram(
            "gops_http_request_seconds",
            "From the first look at a request to the first byte of its answer",
            HTTP_SECONDS,
            "route",
        )
        self._requests = Counter(
            "gops_http_requests", "Answers", ("route", "method", "status"), registry=self._registry
        )
        self._routes: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, about, labels, registry=self._registry, buckets=buckets)

    def watch(self, part: str, read: Read) -> None:
        """Ask ``read`` whenever somebody looks. When it fails its figures are left out and ``gops_unread`` says so."""
        self._asked.parts[part] = read

    def committed(self, messages: int, rows: int, seconds: float, lag_s: float) -> None:
        """A batch of ingest is on disk."""
        self._messages.observe(messages)
        self._rows.observe(rows)
        self._commit.observe(seconds)
        self._lag.observe(lag_s)

    def answered(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """``route`` is the template of the address; None where no address matched."""
        key = (route or NO_ROUTE, method if method in METHODS else "other", status)
        found = self._routes.get(key)
        if found is None:
            name, verb, code = key
            found = self._requests.labels(name, verb, str(code)), self._http.labels(name)
            self._routes[key] = found
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """In Prometheus's text format 0.0.4."""
        return generate_latest(_Plain(self._registry))


class _Plain:
    """A registry without the moments at which each counter began: they double the lines and nobody asks for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family


class _Asked(Collector):
    """The figures of all parts that are watched, one family a name."""

    def __init__(self) -> None:
        self.parts: dict[str, Read] = {}
        self._turn = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        with self._turn:  # two that look at once would ask everything twice
            for part, read in sorted(self.parts.items()):
                for figure in _read(part, read):
                    _add(families, figure)
        return families.values()


def _read(part: str, read: Read) -> list[Figure]:
    """The figures of a part, and whether it could be read."""
    try:
        figures = list(read())
    except Exception:  # one part that fails must not blind who looks at the others
        log.exception("figures_unread", part=part)
        figures = []
        failed = 1.0
    else:
        failed = 0.0
    return [*figures, Figure("gops_unread", "1 where the figures of a part can't be read now", failed, {"part": part})]


def _add(families: dict[str, Metric], figure: Figure) -> None:
    family = families.get(figure.name)
    if family is None:
        make = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
        family = families[figure.name] = make(figure.name, figure.help)
    family.add_sample(figure.name, figure.labels, figure.value)
