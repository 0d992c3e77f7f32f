"""Thinning keeps what coarser whole windows say: the sum of amounts, the increase of counters, means of steps."""

from __future__ import annotations

import math
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import DAY, HOUR, MINUTE
from gops.kinds import Kind, Label
from gops.quality import Quality
from gops.sensors.thinning import thin
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Series, Windows
from gops.windows import edges

SEOUL = ZoneInfo("Asia/Seoul")
START = 1_777_561_200_000_000  # 2026-05-01T00:00+09:00
DAYS = 2
STEP_MINUTES = 7  # apart: no divisor of an hour, so steps have 8 or 9 readings, and some lie on edges
ONE = 42
LABELS: tuple[Label, ...] = get_args(Label)

places = st.integers(0, DAYS * 24 * 60 // STEP_MINUTES)
numbers = st.one_of(st.none(), st.integers(0, 3).map(float), st.integers(0, 400).map(float))
qualities = st.sampled_from([0, 0, 0, 1, 2, 4])
readings = st.dictionaries(places, st.tuples(numbers, qualities), max_size=120)


def table(found: dict[int, tuple[float | None, int]], label: Label) -> pa.Table:
    rows = [
        {
            "datastream": ONE,
            "t": START + (label == "end") + place * STEP_MINUTES * MINUTE,
            "value": value,
            "text": None,
            "quality": quality if value is not None else max(quality, 2),
            "result_time": None,
        }
        for place, (value, quality) in sorted(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=READINGS)


def aged(before: pa.Table, every: str, kind: Kind, label: Label) -> pa.Table:
    return thin(before, edges(START, START + (DAYS + 1) * DAY, every, SEOUL), kind, label)


def asked(rows: pa.Table, kind: Kind, label: Label, aggregate: Any, every: str, *quality: Quality) -> list[Any]:
    store = MemoryStore()
    store.write(rows, "replace")
    marks = edges(START, START + (DAYS + 1) * DAY, every, SEOUL)
    used = frozenset(quality) or frozenset({Quality.good})
    query = Windows([Series(ONE, kind, label)], marks, (aggregate,), used, fill=True)
    found: list[Any] = store.aggregate(query)[aggregate].to_pylist()
    return found


def same(one: list[Any], other: list[Any]) -> None:
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert (left is None) == (right is None)
        assert left is None or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


@given(found=readings, label=st.sampled_from(LABELS), coarser=st.sampled_from(["1h", "3h", "1d"]))
def test_sums_of_amounts_are_kept(found: dict[int, Any], label: Label, coarser: str) -> None:
    before = table(found, label)
    after = aged(before, "1h", "amount", label)
    same(asked(before, "amount", label, "sum", coarser), asked(after, "amount", label, "sum", coarser))


@given(found=readings, label=st.sampled_from(LABELS), coarser=st.sampled_from(["1h", "6h", "1d"]))
def test_the_increase_of_counters_is_kept_with_every_reset(found: dict[int, Any], label: Label, coarser: str) -> None:
    before = table(found, label)
    after = aged(before, "1h", "counter", label)
    same(
        [one or 0.0 for one in asked(before, "counter", label, "increase", coarser)],
        [one or 0.0 for one in asked(after, "counter", label, "increase", coarser)],
    )
    same(asked(before, "counter", label, "last", coarser), asked(after, "counter", label, "last", coarser))


@given(found=readings, label=st.sampled_from(LABELS), kind=st.sampled_from(["gauge", "angle"]))
def test_windows_of_the_step_itself_say_the_same_as_before(found: dict[int, Any], label: Label, kind: Kind) -> None:
    before = table(found, label)
    after = aged(before, "1h", kind, label)
    same(asked(before, kind, label, "mean", "1h"), asked(after, kind, label, "mean", "1h"))


@pytest.mark.parametrize("kind", ["gauge", "amount", "counter", "angle"])
@given(found=readings, label=st.sampled_from(LABELS), every=st.sampled_from(["30m", "1h", "1d"]))
def test_thinning_again_changes_nothing_and_makes_nothing_up(
    found: dict[int, Any], label: Label, every: str, kind: Kind
) -> None:
    before = table(found, label)
    after = aged(before, every, kind, label)
    assert aged(after, every, kind, label).equals(after)
    assert after.num_rows <= before.num_rows
    assert after["t"].to_pylist() == sorted(set(after["t"].to_pylist()))
    store = MemoryStore()
    store.write(before, "replace")
    end = START + (DAYS + 1) * DAY
    whole = store.read(Read([Series(ONE, kind, label)], START, end))
    assert whole.num_rows == before.num_rows, "every reading lies in the range that is swapped"
    back = 1 if label == "end" else 0
    assert all(START <= t - back < end for t in after["t"].to_pylist())
    assert set(after["quality"].to_pylist()) <= set(before["quality"].to_pylist())


@given(found=readings, label=st.sampled_from(LABELS))
def test_a_step_has_a_reading_after_exactly_when_it_had_one_before(found: dict[int, Any], label: Label) -> None:
    before = table(found, label)
    after = aged(before, "1h", "gauge", label)
    back = 1 if label == "end" else 0
    steps = [{(t - back) // HOUR for t in one["t"].to_pylist()} for one in (before, after)]
    assert steps[0] == steps[1]
    assert after.num_rows == len(steps[1])
