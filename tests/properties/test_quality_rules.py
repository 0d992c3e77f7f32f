"""Quality rules hold whatever way the readings were cut into batches, and as a plain loop says."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.clock import HOUR, FixedClock, from_micros
from gops.ingest.rules.judging import FROZEN, RATE, STEP, Ruled
from gops.ingest.rules.store import RuledStore
from gops.kinds import Kind
from gops.sensors.quality_rules import QualityRules
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Series
from tests.examples import examples

START = 1_777_561_200_000_000
KINDS: tuple[Kind, ...] = ("gauge", "counter", "angle")
RULES = {
    one: Ruled(kind, 0.0, 359.0, QualityRules(step=20.0, rate=15.0, frozen=4 * HOUR, frozen_except=(7.0,)))
    for one, kind in enumerate(KINDS, 1)
}


class Book:
    """Rules that stand."""

    is_empty = False
    handlers: dict[str, object] = {}  # noqa: RUF012

    def get(self, datastreams: list[int]) -> dict[int, Ruled]:
        return {one: RULES[one] for one in datastreams}


class Counts:
    def note(self, flagged: object) -> None:
        """Nobody asks."""


@dataclass(frozen=True)
class Row:
    datastream: int
    t: int
    value: float | None
    quality: int


def ruled_store(size: int = 100) -> RuledStore:
    clock = FixedClock(from_micros(START + 1000 * HOUR))
    return RuledStore(MemoryStore(), Book(), Counts(), clock, size)  # type: ignore[arg-type]


def table(rows: list[Row]) -> pa.Table:
    columns = {
        "datastream": [row.datastream for row in rows],
        "t": [row.t for row in rows],
        "value": [row.value for row in rows],
        "text": [None] * len(rows),
        "quality": [row.quality for row in rows],
        "result_time": [None] * len(rows),
    }
    return pa.table(columns, schema=READINGS)


def expected(rows: list[Row]) -> dict[tuple[int, int], int]:
    """The quality of each of these, which come in the order of their times, by a plain loop over its past."""
    found = {}
    for one, ruled in RULES.items():
        past: list[Row] = []
        for row in sorted((row for row in rows if row.datastream == one), key=lambda row: row.t):
            if row.value is None or row.quality > 2 or not ruled.low <= row.value <= ruled.high:
                found[one, row.t] = row.quality
                continue
            found[one, row.t] = max(row.quality, 2 if _breaks(row, row.value, past, ruled) else 0)
            past.append(row)
    return found


def _breaks(row: Row, value: float, past: list[Row], ruled: Ruled) -> int:
    flags, rules = 0, ruled.rules
    assert rules.step is not None
    assert rules.rate is not None
    assert rules.frozen is not None
    if past and row.t - past[-1].t <= ruled.reach:
        before = past[-1].value or 0.0
        change = {
            "gauge": abs(value - before),
            "counter": max(value - before, 0.0),
            "angle": min(abs(value - before), 360 - abs(value - before)),
        }[ruled.kind]
        flags |= STEP * (change > rules.step) | RATE * (change * HOUR / (row.t - past[-1].t) > rules.rate)
    began = row.t
    for older in reversed(past):
        if older.value != value or began - older.t >= rules.frozen:
            break
        began = older.t
    return flags | FROZEN * (row.t - began >= rules.frozen and value not in rules.frozen_except)


rows_of = st.lists(
    st.builds(
        Row,
        st.sampled_from(sorted(RULES)),
        st.integers(0, 90).map(lambda hours: START + hours * HOUR),
        st.sampled_from([None, 5.0, 5.0, 5.0, 7.0, 7.0, 20.0, 30.0, 350.0, 358.0, 400.0]),
        st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
    ),
    max_size=60,
    unique_by=lambda row: (row.datastream, row.t),
).map(lambda rows: [Row(row.datastream, row.t, row.value, 5 if row.value is None else row.quality) for row in rows])


def stored(store: RuledStore) -> dict[tuple[int, int], int]:
    found = store.read(Read([Series(one) for one in RULES]))
    columns = (found[name].to_pylist() for name in ("datastream", "t", "quality"))
    return {(one, t): quality for one, t, quality in zip(*columns, strict=True)}


@given(rows=rows_of, cuts=st.lists(st.integers(0, 60), max_size=8), size=st.sampled_from([0, 1, 100]))
@settings(max_examples=examples(60), deadline=None)
def test_readings_in_order_are_judged_as_a_plain_loop_says(rows: list[Row], cuts: list[int], size: int) -> None:
    """Whatever batches they come in, and however little is remembered between two."""
    rows = sorted(rows, key=lambda row: (row.t, row.datastream))
    store = ruled_store(size)
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    for first, last in pairwise(edges):
        store.write(table(rows[first:last]), "replace")
    assert stored(store) == expected(rows)


@given(rows=rows_of, again=st.lists(st.integers(0, 59), max_size=20), keep=st.booleans())
@settings(max_examples=examples(40), deadline=None)
def test_what_comes_again_gets_the_same_verdict(rows: list[Row], again: list[int], keep: bool) -> None:
    """So a feed that brings the last hours each time changes nothing."""
    rows = sorted(rows, key=lambda row: (row.t, row.datastream))
    store = ruled_store()
    store.write(table(rows), "replace")
    before = stored(store)
    some = [rows[index] for index in again if index < len(rows)]
    receipt = store.write(table(some), "keep" if keep else "replace")
    assert stored(store) == before
    assert not receipt.replaced


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@settings(max_examples=examples(40), deadline=None)
def test_no_number_is_too_large_for_a_verdict(values: list[float]) -> None:
    store = ruled_store()
    rows = [Row(1 + index % 3, START + index * HOUR, value, 0) for index, value in enumerate(values)]
    judged = store.judge(table(rows), "replace").table
    assert np.isin(judged["quality"].to_numpy(), (0, 2)).all()
