"""Decoding: microseconds of processor from a message's bytes to rows, and readings a second, beside the parser alone.

Then every codec: readings a second of decoding alone, one core. Fails when a message of one reading takes more than 8
microseconds (median), or when SenML in packs of 100 gives less than 600,000 readings/s.
"""

from __future__ import annotations

import argparse
import json
import re
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
BAR_SENML = 600_000  # readings/s: four times what is asked of the whole way
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


def senml(readings: int, **more: object) -> bytes:
    """A pack of so many records under one base name and time."""
    records = [{"n": f"f{n % FIELDS}", "t": -n, "v": n * 1.25, **more} for n in range(readings)]
    records[0] |= {"bn": "urn:dev:mac:0024befffe804ff1:", "bt": NOW // 1_000_000}
    return json.dumps(records).encode()


def influx(lines: int) -> bytes:
    fields = ",".join(f"{name}={number * 1.25}" for number, name in enumerate(TARGETS))
    return "".join(f"air,station=suwon {fields} {(NOW - n) * 1000}\n" for n in range(lines)).encode()


def csv(rows: int) -> bytes:
    cells = ",".join(str(number * 1.25) for number in range(FIELDS))
    return (f"time,{','.join(TARGETS)}\n" + "".join(f"{NOW // 1000 - n},{cells}\n" for n in range(rows))).encode()


def observations(rows: int) -> bytes:
    moment = "2026-07-05T05:{:02}:{:02}Z"
    data = [[moment.format(n // 60, n % 60), n * 1.25] for n in range(rows)]
    item = {"Datastream": {"@iot.id": 8}, "components": ["phenomenonTime", "result"], "dataArray": data}
    return json.dumps([item]).encode()


VALUES = {name: number * 1.25 for number, name in enumerate(TARGETS)}
CODECS = [
    ("senml", "pack of 100", senml(100)),
    ("senml", "pack of 100, each with its unit", senml(100, u="Cel")),
    ("senml", "pack of 10", senml(10)),
    ("senml", "pack of 100 states", re.sub(rb'"v": ([0-9.]+)', rb'"vs": "\1"', senml(100))),
    ("json", "10 times 10", pack(100)),
    ("ndjson", "10 lines of 10", b"\n".join(json.dumps(item).encode() for item in json.loads(pack(100)))),
    ("influx", "10 lines of 10", influx(10)),
    ("csv", "10 rows of 10", csv(10)),
    ("sensorthings", "data array of 100", observations(100)),
    ("tts", "uplink of 10", json.dumps({
        "end_device_ids": {"device_id": "node-1"},
        "uplink_message": {"received_at": "2026-07-05T05:20:00.345678901Z", "decoded_payload": VALUES},
    }).encode()),
    ("chirpstack", "uplink of 10", json.dumps({
        "deviceInfo": {"devEui": "0101010101010101"}, "time": "2026-07-05T05:20:00.823+00:00", "object": VALUES,
    }).encode()),
    ("value", "one number", b"21.5"),
]  # fmt: skip


def through(payload: bytes) -> int:
    return len(resolve(decode("json", payload, FRAME), ROUTE, NOW, LIMITS).t)


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Microseconds of processor of one call, of each of ``rounds`` rounds of about 5 ms."""
    begun = time.process_time()
    work()
    calls = max(1, int(0.005 / (time.process_time() - begun + 1e-7)))
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(calls):
            work()
        found.append((time.process_time() - begun) / calls * 1e6)
    return sorted(found)


def codecs(rounds: int) -> int:
    """Prints decoding alone of every codec; gives how many bars were missed."""
    missed = 0
    print(f"\n{'codec':13} {'message':32} {'median us':>10} {'p95 us':>8} {'readings/s':>12}")
    for codec, name, payload in CODECS:
        got = decode(codec, payload, FRAME)
        if got.refusals:
            raise SystemExit(f"{codec}, {name}: {got.refusals[0]}")
        ours = timed(lambda codec=codec, payload=payload: decode(codec, payload, FRAME), rounds)
        median, p95 = statistics.median(ours), ours[int(len(ours) * 0.95)]
        rate = len(got.fields) / median * 1e6
        print(f"{codec:13} {name:32} {median:10.2f} {p95:8.2f} {rate:12,.0f}")
        if (codec, name) == ("senml", "pack of 100") and rate < BAR_SENML:
            missed = 1
            print(f"FAILED: expected at least {BAR_SENML:,} readings/s")
    return missed


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
    slow += codecs(rounds)
    return 3 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
