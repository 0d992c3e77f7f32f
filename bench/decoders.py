"""Decoding: microseconds from a message's bytes to rows, and readings a second, beside the JSON parser alone.

Fails when a message of one reading takes more than 8 microseconds (median).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from math import inf

import orjson

from gops.clock import DAY, MINUTE
from gops.ingest.decoders import Frame, decode
from gops.ingest.mapping import Limits, resolve, to_table
from gops.sensors.routes import DeviceRoute, Target

NOW = 1_783_228_800_000_000
BAR_MICROS = 8.0
FIELDS = 10
FRAME = Frame()
LIMITS = Limits(3653 * DAY, 10 * MINUTE)
TARGETS = {f"f{number}": Target(number, "gauge", 1.0, 0.0, -1e6, 1e6) for number in range(FIELDS)}
ROUTE = DeviceRoute(1, 1, "suwon", "suwon/air-01", {**TARGETS, "door": Target(99, "state", 1.0, 0.0, -inf, inf)})


def pack(readings: int) -> bytes:
    """A message of so many readings, ten a moment."""
    values = {name: number * 1.25 for number, name in enumerate(TARGETS)}
    return json.dumps([{"ts": NOW // 1000 - n, "values": values} for n in range(readings // FIELDS)]).encode()


MESSAGES = {
    "1 reading, no time": b'{"f1":12.5}',
    "1 reading, ts": b'{"ts":1783228800000,"values":{"f1":12.5}}',
    "1 reading, ISO time": b'{"time":"2026-07-05T14:20:00+09:00","f1":12.5}',
    "1 reading, receipt": b'{"ts":1783228800000,"values":{"f1":12.5},"receipt":"r1"}',
    "1 reading, quality": b'{"ts":1783228800000,"values":{"f1":{"value":12.5,"quality":"suspect"}}}',
    "1 state": b'{"door":"open"}',
    "1 unknown field": b'{"pm25":12.5}',
    "1 NaN": b'{"f1":NaN}',
    "10 readings": pack(10),
    "100 readings": pack(100),
    "1,000 readings": pack(1000),
}


def through(payload: bytes) -> int:
    return len(resolve(decode("json", payload, FRAME), ROUTE, NOW, LIMITS).t)


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Microseconds of one call, of each of ``rounds`` rounds of about 5 ms."""
    begun = time.perf_counter()
    work()
    calls = max(1, int(0.005 / (time.perf_counter() - begun + 1e-7)))
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        found.append((time.perf_counter() - begun) / calls * 1e6)
    return sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.decoders", description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten times as many rounds")
    rounds = 500 if parser.parse_args().full else 50
    slow = 0
    print(f"{'message':22} {'median us':>10} {'p95 us':>8} {'parser us':>10} {'ratio':>6} {'readings/s':>12}")
    for name, payload in MESSAGES.items():
        ours = timed(lambda payload=payload: through(payload), rounds)
        median, p95 = statistics.median(ours), ours[int(len(ours) * 0.95)]
        parser_alone = "NaN" not in name
        alone = statistics.median(timed(lambda payload=payload: orjson.loads(payload), rounds)) if parser_alone else inf
        rate = through(payload) / median * 1e6
        print(f"{name:22} {median:10.2f} {p95:8.2f} {alone:10.2f} {median / alone:6.1f} {rate:12,.0f}")
        slow += name.startswith("1 reading") and median > BAR_MICROS
    batch = [resolve(decode("json", MESSAGES["1 reading, ts"], FRAME), ROUTE, NOW, LIMITS)] * 5000
    table = statistics.median(timed(lambda: to_table(batch), rounds))
    print(f"\n5,000 messages of one reading to one Arrow table: {table / 1000:.1f} ms ({table / 5000:.2f} us each)")
    if slow:
        print(f"FAILED: {slow} of the messages of one reading take more than {BAR_MICROS} us")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
