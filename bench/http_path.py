"""Where the time of an answer goes: the store, the registry, writing the body, and all else of the application; each
question asked of the application itself, and over HTTP as ``gops run`` serves it, in turns.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from bench._fleet import Fleet, today
from bench._gops import Gops, address
from bench.engines import load as load_engine
from gops import compose, logs
from gops.api import rows
from gops.api.app import create_app
from gops.clock import SystemClock
from gops.settings import load

STORE = ("read", "aggregate", "latest", "version", "extent")
REGISTRY = ("known", "placed")
BODY = ("readings_json", "windows_json", "readings")
PARTS = ("store", "registry", "body")
PAGE_BAR_MS = 3.0


class Stopwatch:
    """``of(name, work)`` is ``work``, what it takes added to the part of that name; of two in one the outer counts."""

    def __init__(self) -> None:
        self.millis: defaultdict[str, float] = defaultdict(float)
        self._running = False

    def of(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._running:
                return work(*arguments, **named)
            self._running, begun = True, time.perf_counter()
            try:
                return work(*arguments, **named)
            finally:
                self._running = False
                self.millis[name] += (time.perf_counter() - begun) * 1e3

        return timed


class Watched:
    """Another object whose ``methods`` are timed."""

    def __init__(self, inner: Any, methods: tuple[str, ...], name: str, watch: Stopwatch) -> None:
        self._inner = inner
        vars(self).update({method: watch.of(name, getattr(inner, method)) for method in methods})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextmanager
def watched(data: Path, watch: Stopwatch) -> Iterator[Flask]:
    """The application on the records and the store in ``data``, in this process."""
    settings = load({"GOPS_DATA": str(data)})
    platform = compose.Platform(settings, SystemClock())
    services = platform.services()
    plain = {name: getattr(rows, name) for name in BODY}
    for name, work in plain.items():
        setattr(rows, name, watch.of("body", work))
    try:
        yield create_app(
            replace(
                services,
                store=Watched(services.store, STORE, "store", watch),
                datastreams=Watched(services.datastreams, REGISTRY, "registry", watch),
            ),
            settings,
        )
    finally:
        for name, work in plain.items():
            setattr(rows, name, work)
        platform.store.close()
        platform.records.database.close()


def call(app: Flask, path: str) -> float:
    """Milliseconds of the application, its body read to the end."""
    where, _, query = path.partition("?")
    environ = EnvironBuilder(path=where, query_string=query, environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_environ()
    statuses: list[str] = []
    begun = time.perf_counter()
    body: Any = app.wsgi_app(environ, _start(statuses))
    size = sum(len(piece) for piece in body)
    body.close()
    took = (time.perf_counter() - begun) * 1e3
    assert statuses[0].startswith("200"), (path[:100], statuses, size)
    return took


def _start(statuses: list[str]) -> Any:
    return lambda status, *_: statuses.append(status)


def questions(fleet: Fleet, times: int) -> dict[str, list[str]]:
    asked = {name: [address(one) for one in some] for name, some in fleet.questions(times).items()}
    pages = [f"/api/v1/datastreams/{n % fleet.long + 1}/observations?order=desc&limit=100" for n in range(times)]
    newest = ["/api/v1/latest?limit=100"] * times
    return {"a page of 100": pages, "newest of 100 series": newest, **asked}


def inside(data: Path, asked: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    watch, found = Stopwatch(), {}
    with watched(data, watch) as app:
        for name, paths in asked.items():
            millis: defaultdict[str, list[float]] = defaultdict(list)
            for n, path in enumerate([*paths[:5], *paths]):
                watch.millis.clear()
                total = call(app, path)
                if n >= 5:
                    for part in PARTS:
                        millis[part].append(watch.millis[part])
                    millis["rest"].append(total - sum(watch.millis.values()))
            found[name] = {part: statistics.median(some) for part, some in millis.items()}
    return found


def outside(gops: Gops, asked: dict[str, list[str]]) -> dict[str, float]:
    found = {}
    for name, paths in asked.items():
        millis = []
        for path in [*paths[:5], *paths]:
            begun = time.perf_counter()
            gops.get(path)
            millis.append((time.perf_counter() - begun) * 1e3)
        found[name] = statistics.median(millis[5:])
    return found


def show(parts: dict[str, dict[str, float]], over_http: dict[str, float]) -> bool:
    print(f"{'median ms':36} {'store':>8} {'registry':>9} {'body':>8} {'rest':>8} {'in all':>8} {'over HTTP':>10}")
    for name, one in parts.items():
        cells = f"{one['store']:8.2f} {one['registry']:9.2f} {one['body']:8.2f} {one['rest']:8.2f}"
        print(f"{name:36} {cells} {sum(one.values()):8.2f} {over_http[name]:10.2f}")
    page = over_http["a page of 100"]
    print(f"a page of 100: bar {PAGE_BAR_MS:g} ms {'met' if page <= PAGE_BAR_MS else 'MISSED'}")
    return page <= PAGE_BAR_MS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http_path", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="how often each question is asked")
    parser.add_argument("--full", action="store_true", help="10 M rows")
    chosen = parser.parse_args()
    logs.configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    fleet = today(10_000_000 if chosen.full else 1_000_000)
    asked = questions(fleet, chosen.times)
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        gops = Gops(Path(name))
        try:
            loaded = load_engine(gops, fleet)
            over_http = outside(gops, asked)
        finally:
            gops.close()
        parts = inside(gops.data, asked)
    print(f"{loaded.rows:,} rows of 1,000 Datastreams")
    sys.exit(0 if show(parts, over_http) else 1)


if __name__ == "__main__":
    main()
