"""What counting requests costs, against the page of 100 readings asked of the application itself; the best of many, as
other work on the machine adds to both. Limit: 2 % of the page.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from flask import Flask, Response
from sqlalchemy import update

from bench._mqtt import fill
from bench.http_path import call
from gops import compose, logs
from gops.api import measured
from gops.api.app import create_app
from gops.clock import SystemClock
from gops.sensors.model import Datastream
from gops.settings import load
from gops.store.port import READINGS

BAR = 0.02
PAGE = "/api/v1/datastreams/1/observations?order=desc&limit=100"
TURNS, CALLS = 20, 1_000


def hooks_us(app: Flask) -> float:
    """Microseconds that the two hooks of ``measured`` take of a request, at best."""
    own = measured.__name__
    begin = next(one for one in app.before_request_funcs[None] if one.__module__ == own)
    end: Any = next(one for one in app.after_request_funcs[None] if one.__module__ == own)
    best = float("inf")
    with app.test_request_context(PAGE):
        response = Response()
        for _ in range(TURNS):
            begun = time.perf_counter()
            for _ in range(CALLS):
                begin()
                end(response)
            best = min(best, (time.perf_counter() - begun) / CALLS * 1e6)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000 pages instead of 1,000")
    pages = 10_000 if parser.parse_args().full else 1_000
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), 1)
        settings = load({"GOPS_DATA": folder})
        platform = compose.Platform(settings, SystemClock())
        with platform.records.database.write() as session:
            session.execute(update(Datastream).values(public=True))
        now = SystemClock().micros()
        columns = [[1] * 1000, [now - n * 60_000_000 for n in range(1000)], [float(n) for n in range(1000)]]
        rest: list[list[Any]] = [[None] * 1000, [0] * 1000, [None] * 1000]
        platform.store.write(pa.table([*columns, *rest], schema=READINGS), "replace")
        services = platform.services()
        app = create_app(services, settings)
        page_us = min(call(app, PAGE) for _ in range(pages)) * 1e3
        cost_us = hooks_us(app)
        begun = time.perf_counter()
        text = services.metrics.text()
        read_ms = (time.perf_counter() - begun) * 1e3
        platform.store.close()
        platform.records.database.close()
    share = cost_us / page_us
    print(f"a page of 100: {page_us:,.0f} us at best; counting it: {cost_us:.1f} us at best")
    print(f"figures read in {read_ms:.1f} ms, {len(text):,} bytes")
    print(f"bar {BAR:.0%} of the page: {'met' if share < BAR else 'MISSED'} ({share:.1%})")
    sys.exit(share >= BAR)


if __name__ == "__main__":
    main()
