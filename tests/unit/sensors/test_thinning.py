"""What stays of a step, kind by kind."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gops.clock import HOUR, MINUTE
from gops.kinds import Kind, Label
from gops.sensors.thinning import thin
from gops.store.port import READINGS

EDGES = [0, HOUR, 2 * HOUR]
Row = tuple[int, float | None, int]


def rows(*found: Row, result_time: int | None = None) -> pa.Table:
    """(minute, value, quality)"""
    return pa.Table.from_pylist(
        [
            {"datastream": 7, "t": minute * MINUTE, "value": value, "text": None, "quality": quality}
            | {"result_time": result_time}
            for minute, value, quality in found
        ],
        schema=READINGS,
    )


def thinned(kind: Kind, *found: Row, label: Label = "start") -> list[Row]:
    after = thin(rows(*found), EDGES, kind, label)
    assert after.schema.equals(READINGS)
    assert set(after["datastream"].to_pylist()) <= {7}
    columns: list[list[Any]] = [after[name].to_pylist() for name in ("t", "value", "quality")]
    return [(t // MINUTE, value, quality) for t, value, quality in zip(*columns, strict=True)]


def test_a_gauge_leaves_its_mean_at_the_beginning_of_the_step() -> None:
    assert thinned("gauge", (5, 1, 0), (10, 2, 0), (20, 6, 0), (60, 5, 0), (119, 7, 0)) == [(0, 3, 0), (60, 6, 0)]


def test_with_label_end_a_step_ends_with_its_last_moment_and_its_reading_stands_there() -> None:
    assert thinned("amount", (5, 1, 0), (60, 2, 0), (61, 4, 0), (120, 8, 0), label="end") == [(60, 3, 0), (120, 12, 0)]


def test_a_single_reading_stays_as_it_is() -> None:
    before = rows((5, 1, 2), (65, None, 4), result_time=9)
    assert thin(before, EDGES, "gauge", "start").equals(before)


def test_nothing_stays_nothing() -> None:
    assert thinned("gauge") == []


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([(1, 10, 2), (2, 1, 0), (3, 3, 0), (4, 50, 1)], (0, 2, 0)),  # good ones alone
        ([(1, 10, 2), (2, 4, 1), (3, 6, 1)], (0, 5, 1)),  # no good one: the estimated ones, called so
        ([(1, None, 5), (2, None, 3), (3, 8, 2)], (0, 8, 2)),  # the one number
        ([(1, None, 5), (2, None, 3)], (0, None, 5)),  # none: of several codes the highest
        ([(1, None, 3), (2, None, 4)], (0, None, 4)),
    ],
)
def test_the_best_quality_of_a_step_counts_and_is_carried_on(found: list[Row], left: Row) -> None:
    assert thinned("gauge", *found) == [left]


def test_a_counter_leaves_its_last_reading_and_those_around_a_reset_where_they_are() -> None:
    found = [(1, 5, 0), (10, 9, 0), (20, 2, 0), (30, 4, 0), (50, 6, 0), (70, 8, 0), (80, 1, 0)]
    assert thinned("counter", *found) == [
        *((1, 5, 0), (10, 9, 0), (20, 2, 0), (50, 6, 0)),
        *((70, 8, 0), (80, 1, 0)),
    ]


def test_a_reset_between_two_steps_is_seen_though_the_counter_has_passed_where_it_stood() -> None:
    assert thinned("counter", (1, 5, 0), (59, 6, 0), (60, 0, 0), (65, 3, 0), (70, 9, 0)) == [
        (1, 5, 0),
        (59, 6, 0),
        (60, 0, 0),
        (70, 9, 0),
    ]


def test_directions_leave_their_mean_across_north() -> None:
    ((minute, value, quality),) = thinned("angle", (1, 350, 0), (2, 20, 0))
    assert (minute, quality) == (0, 0)
    assert value == pytest.approx(5)


def test_directions_that_cancel_stay_as_they_are() -> None:
    assert thinned("angle", (1, 0, 0), (2, 180, 0)) == [(1, 0, 0), (2, 180, 0)]


def test_numbers_whose_sum_no_float_holds_stay_as_they_are() -> None:
    assert thinned("amount", (1, 1.7e308, 0), (2, 1.7e308, 0)) == [(1, 1.7e308, 0), (2, 1.7e308, 0)]


def test_what_is_made_has_no_result_time() -> None:
    after = thin(rows((1, 1, 0), (2, 3, 0), result_time=9), EDGES, "gauge", "start")
    assert after["result_time"].to_pylist() == [None]
