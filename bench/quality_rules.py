"""Quality rules before the store: nanoseconds of processor a reading, and what it costs to know nothing of the past.

Judging alone, without the store behind it: a batch as MQTT gives it (1,000 readings of 1,000 Datastreams) and one as a
push gives it (65,536 readings of 8 Datastreams). Then the first batch after a start over DuckDB with a day of minutes
of each Datastream: from the newest readings alone, and where equal values have to be followed back.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from gops.clock import DAY, MINUTE, FixedClock, from_micros
from gops.ingest.rules.judging import INFINITY, Ruled
from gops.ingest.rules.store import RuledStore
from gops.sensors.quality_rules import NOTHING, QualityRules
from gops.settings import load
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Store
from gops.stores import open_store

START = 1_783_228_800_000_000
EVERYTHING = QualityRules(step=5.0, rate=50.0, frozen=360 * MINUTE, frozen_except=(0.0,), skew=MINUTE)
CASES = {
    "no Datastream has rules": None,
    "others have rules, these none": NOTHING,
    "step": QualityRules(step=5.0),
    "step, rate, frozen, skew": EVERYTHING,
}


class Book:
    """Every Datastream has the same rules; None: there are none anywhere."""

    def __init__(self, rules: QualityRules | None) -> None:
        self.is_empty = rules is None
        self.handlers: dict[str, object] = {}
        self._ruled = Ruled("gauge", -INFINITY, INFINITY, rules or NOTHING)

    def get(self, datastreams: list[int]) -> dict[int, Ruled]:
        return dict.fromkeys(datastreams, self._ruled)


class Counts:
    """Counts nothing."""

    def note(self, flagged: object) -> None: ...


def ruled(store: Store, rules: QualityRules | None) -> RuledStore:
    clock = FixedClock(from_micros(START + 30 * DAY))
    return RuledStore(store, Book(rules), Counts(), clock, 1_000_000)  # type: ignore[arg-type]


def batch(datastreams: int, each: int, first: int, still: bool = False) -> pa.Table:
    """So many minutes of each, from minute ``first`` on: a wave of whole tenths, or one value."""
    who, minute = np.repeat(np.arange(1, datastreams + 1), each), np.tile(np.arange(first, first + each), datastreams)
    value = np.full(len(who), 7.0) if still else 20 + 3 * np.sin(minute / 200 + who)
    columns = {"datastream": who, "t": START + minute * MINUTE, "value": value, "quality": np.zeros(len(who), np.uint8)}
    nothing = {"text": pa.nulls(len(who), pa.string()), "result_time": pa.nulls(len(who), pa.int64())}
    return pa.table(columns | nothing).select(READINGS.names).cast(READINGS)


def judging(rules: QualityRules | None, datastreams: int, each: int, runs: int) -> float:
    """Nanoseconds a reading, the median of ``runs`` batches that follow one another."""
    store = ruled(MemoryStore(), rules)
    batches = [batch(datastreams, each, first * each) for first in range(runs + 1)]
    taken = []
    for one in batches:
        begun = time.process_time_ns()
        judged = store.judge(one, "replace")
        store.remember(judged)
        taken.append((time.process_time_ns() - begun) / one.num_rows)
    return statistics.median(taken[1:])


def cold(store: Store, rules: QualityRules, datastreams: int, still: bool) -> float:
    """Milliseconds of the first batch after a start."""
    first = batch(datastreams, 1, 1440, still)
    begun = time.perf_counter()
    ruled(store, rules).judge(first, "replace")
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    runs, datastreams = (200, 5000) if full else (30, 1000)
    print(f"{'rules':<34}{'1,000 of 1,000, ns':>20}{'65,536 of 8, ns':>18}")
    for name, rules in CASES.items():
        cells = judging(rules, 1000, 1, runs), judging(rules, 8, 8192, max(3, runs // 10))
        print(f"{name:<34}{cells[0]:>20.0f}{cells[1]:>18.0f}")
    print(f"\nfirst batch of {datastreams} Datastreams after a start, a day of minutes of each in DuckDB")
    cases: dict[str, Callable[[], tuple[QualityRules, bool]]] = {
        "step: the newest readings": lambda: (QualityRules(step=5.0), False),
        "frozen, and the value has changed": lambda: (EVERYTHING, False),
        "frozen, and the value is the same": lambda: (EVERYTHING, True),
    }
    for name, case in cases.items():
        rules, still = case()
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(load({"GOPS_DATA": str(Path(folder))}))
            store.write(batch(datastreams, 1440, 0, still), "replace")
            print(f"{name:<40}{cold(store, rules, datastreams, still):>12.0f} ms")
            store.close()


if __name__ == "__main__":
    main()
