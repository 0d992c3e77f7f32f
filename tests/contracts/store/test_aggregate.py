"""Aggregates over windows, kind by kind, with results worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest

from gops.errors import Invalid
from gops.quality import ANY, Quality
from gops.store.port import Series, Store, Windows
from tests.contracts.store.rows import batch, reading, series

EDGES = [0, 100, 200, 300]


def ask(store: Store, of: Sequence[Series], aggregates: Sequence[Any], **more: Any) -> list[dict[str, Any]]:
    return store.aggregate(Windows(of, more.pop("edges", EDGES), aggregates, **more)).to_pylist()


def write(store: Store, *rows: dict[str, Any]) -> None:
    store.write(batch(rows), "replace")


def test_a_gauge(store: Store) -> None:
    write(store, *(reading(1, t, value) for t, value in ((0, 4.0), (50, 1.0), (99, 2.0), (60, 9.0), (100, 7.0))))
    names = ["mean", "min", "max", "stddev", "median", "first", "last"]
    first, second = ask(store, series(1), names)
    assert [first[name] for name in names] == [4.0, 1.0, 9.0, pytest.approx(math.sqrt(38 / 3)), 3.0, 4.0, 2.0]
    assert [second[name] for name in names] == [7.0, 7.0, 7.0, None, 7.0, 7.0, 7.0]
    assert [(row["start"], row["end"], row["count"], row["good"]) for row in (first, second)] == [
        (0, 100, 4, 4),
        (100, 200, 1, 1),
    ]


def test_an_amount_is_summed(store: Store) -> None:
    write(store, reading(1, 0, 0.5), reading(1, 10, 1.5), reading(1, 250, 3.0))
    assert [row["sum"] for row in ask(store, series(1, kind="amount"), ["sum"])] == [2.0, 3.0]


def test_columns_are_in_the_order_asked(store: Store) -> None:
    table = store.aggregate(Windows(series(1), EDGES, ["max", "min"]))
    assert table.schema.names == ["datastream", "start", "end", "max", "min", "count", "good", "coverage"]


def test_rows_are_ordered_by_datastream_and_window(store: Store) -> None:
    write(store, *(reading(one, t, 1.0) for t in (250, 50) for one in (3, 1)))
    rows = ask(store, [Series(3), Series(1, label="end")], ["mean"])
    assert [(row["datastream"], row["start"]) for row in rows] == [(1, 0), (1, 200), (3, 0), (3, 200)]


def test_a_counter_counts_from_the_reading_before_the_range_and_over_resets(store: Store) -> None:
    """90 before; 100, 130 | reset to 5, 15 | 15: ten and thirty, five and ten, nothing."""
    day = 86_400_000_000
    write(store, reading(1, -400 * day, 90.0))
    write(store, *(reading(1, t, v) for t, v in ((10, 100.0), (90, 130.0), (110, 5.0), (190, 15.0), (210, 15.0))))
    rows = ask(store, series(1, kind="counter"), ["increase"])
    assert [row["increase"] for row in rows] == [40.0, 15.0, 0.0]


def test_the_first_reading_of_a_counter_is_no_increase(store: Store) -> None:
    write(store, reading(1, 10, 100.0), reading(1, 110, 101.0))
    rows = ask(store, series(1, kind="counter"), ["increase"])
    assert [row["increase"] for row in rows] == [None, 1.0]


def test_a_counter_steps_over_readings_that_are_not_used(store: Store) -> None:
    write(
        store,
        reading(1, -2, 1.0),
        reading(1, -1, 500.0, quality=Quality.suspect),
        reading(1, 10, 2.0),
        reading(1, 20, 0.0, quality=Quality.suspect),
        reading(1, 30, None, quality=Quality.missing),
        reading(1, 40, 4.0),
    )
    [row] = ask(store, series(1, kind="counter"), ["increase"])
    assert (row["increase"], row["count"], row["good"]) == (3.0, 4, 2)


@pytest.mark.parametrize(
    ("values", "direction"),
    [([350.0, 10.0], 0.0), ([90.0], 90.0), ([270.0, 270.0], 270.0), ([0.0, 90.0], 45.0), ([-10.0], 350.0)],
)
def test_directions_have_the_mean_of_their_vectors(store: Store, values: list[float], direction: float) -> None:
    write(store, *(reading(1, n, value) for n, value in enumerate(values)))
    [row] = ask(store, series(1, kind="angle"), ["mean"])
    assert 0.0 <= row["mean"] < 360.0
    assert math.isclose((row["mean"] - direction + 180) % 360, 180, abs_tol=1e-9)


def test_directions_that_cancel_have_no_mean(store: Store) -> None:
    write(store, *(reading(1, n, value) for n, value in enumerate([0.0, 120.0, 240.0])))
    [row] = ask(store, series(1, kind="angle"), ["mean", "last"])
    assert (row["mean"], row["last"]) == (None, 240.0)


@pytest.mark.needs("text")
def test_a_state_has_shares_of_time_carried_in_from_before(store: Store) -> None:
    """ "off" since -1000; "on" 50-150; "off" 150-260; "on" from 260."""
    write(store, reading(1, -1000, text="off"))
    write(store, *(reading(1, t, text=text) for t, text in ((50, "on"), (150, "off"), (260, "on"))))
    rows = ask(store, series(1, kind="state"), ["first", "last", "share"])
    assert [(row["first"], row["last"]) for row in rows] == [("on", "on"), ("off", "off"), ("on", "on")]
    assert [json.loads(row["share"]) for row in rows] == [
        {"off": 0.5, "on": 0.5},
        {"off": 0.5, "on": 0.5},
        {"off": 0.6, "on": 0.4},
    ]
    assert rows[0]["share"] == '{"off": 0.5, "on": 0.5}'


@pytest.mark.needs("text")
def test_a_state_is_known_until_the_asked_end_only(store: Store) -> None:
    write(store, reading(1, 20, text="on"), reading(1, 210, text="off"))
    rows = ask(store, series(1, kind="state"), ["share"], start=10, end=220)
    assert [json.loads(row["share"]) for row in rows] == [{"on": 1.0}, {"off": 0.5, "on": 0.5}]


@pytest.mark.needs("text")
def test_a_state_goes_on_through_windows_without_readings(store: Store) -> None:
    write(store, reading(1, -5, text="on"), reading(1, 250, text="off"))
    assert [row["start"] for row in ask(store, series(1, kind="state"), ["share"])] == [200]
    rows = ask(store, series(1, kind="state"), ["last", "share"], fill=True)
    assert [(row["count"], row["last"], row["share"]) for row in rows] == [
        (0, None, '{"on": 1.0}'),
        (0, None, '{"on": 1.0}'),
        (1, "off", '{"off": 0.5, "on": 0.5}'),
    ]


@pytest.mark.needs("text")
def test_a_reading_that_is_not_used_ends_a_state(store: Store) -> None:
    """After a failure nothing is known until the next word; the share is of the known time."""
    write(
        store,
        reading(1, 0, text="on"),
        reading(1, 20, quality=Quality.missing),
        reading(1, 80, text="off"),
        reading(1, 110, text="off", quality=Quality.suspect),
    )
    first, second = ask(store, series(1, kind="state"), ["share"])
    assert json.loads(first["share"]) == {"off": 0.5, "on": 0.5}
    assert json.loads(second["share"]) == {"off": 1.0}


def test_a_range_of_unknown_state_has_no_share(store: Store) -> None:
    write(store, reading(1, 110, quality=Quality.missing))
    [row] = ask(store, series(1, kind="state"), ["share", "last"])
    assert (row["share"], row["last"], row["count"], row["good"]) == (None, None, 1, 0)


def test_only_good_readings_are_used_unless_asked_otherwise(store: Store) -> None:
    """``good`` stays what is used by default, so that a widened answer can be judged."""
    write(
        store, reading(1, 0, 1.0), reading(1, 1, 3.0, quality=Quality.suspect), reading(1, 2, quality=Quality.missing)
    )
    [row] = ask(store, series(1), ["mean"])
    assert (row["mean"], row["count"], row["good"]) == (1.0, 3, 1)
    [row] = ask(store, series(1), ["mean"], quality=ANY)
    assert (row["mean"], row["count"], row["good"]) == (2.0, 3, 1)


@pytest.mark.needs("text")
def test_a_null_counts_as_a_row_and_never_as_good(store: Store) -> None:
    write(store, reading(1, 0, None), reading(1, 1, text="no number"))
    [row] = ask(store, series(1), ["mean", "first"])
    assert (row["mean"], row["first"], row["count"], row["good"]) == (None, None, 2, 0)


def test_windows_of_label_end_take_their_end(store: Store) -> None:
    write(store, *(reading(1, t, float(t)) for t in (0, 100, 200, 300)))
    rows = ask(store, series(1, label="end"), ["mean"])
    assert [(row["start"], row["mean"]) for row in rows] == [(0, 100.0), (100, 200.0), (200, 300.0)]


@pytest.mark.parametrize(("label", "means"), [("instant", [50.0, 125.0, 200.0]), ("end", [75.0, 175.0, 250.0])])
def test_only_readings_in_the_asked_range_are_used(store: Store, label: Any, means: list[float]) -> None:
    write(store, *(reading(1, t, float(t)) for t in (0, 50, 100, 150, 200, 250)))
    rows = ask(store, series(1, label=label), ["mean"], start=25, end=250)
    assert [(row["start"], row["end"]) for row in rows] == [(0, 100), (100, 200), (200, 300)]
    assert [row["mean"] for row in rows] == means


def test_coverage_is_good_over_expected_within_the_asked_range(store: Store) -> None:
    """One in ten: the first window is asked from 50 on, so five are expected; the last has more than expected."""
    rows = [reading(1, t, 1.0) for t in (50, 60, 70, 80, *range(100, 200, 5), 200)]
    write(store, *rows, reading(1, 90, None, quality=Quality.missing), reading(2, 60, 1.0))
    of = [Series(1, period=10), Series(2)]
    answer = ask(store, of, ["mean"], start=50, end=250)
    assert [(row["datastream"], row["coverage"]) for row in answer] == [
        (1, pytest.approx(0.8)),
        (1, 1.0),
        (1, pytest.approx(0.2)),
        (2, None),
    ]


def test_an_empty_window_is_absent_or_a_row_of_nulls(store: Store) -> None:
    write(store, reading(1, 150, 1.0))
    of = [Series(1, period=10), Series(2)]
    assert [(row["datastream"], row["start"]) for row in ask(store, of, ["mean"])] == [(1, 100)]
    rows = ask(store, of, ["mean"], fill=True)
    assert [(row["datastream"], row["start"], row["mean"], row["count"], row["coverage"]) for row in rows] == [
        (1, 0, None, 0, 0.0),
        (1, 100, 1.0, 1, pytest.approx(0.1)),
        (1, 200, None, 0, 0.0),
        (2, 0, None, 0, None),
        (2, 100, None, 0, None),
        (2, 200, None, 0, None),
    ]


def test_counts_alone_may_be_asked(store: Store) -> None:
    write(store, reading(1, 150, 1.0))
    assert [row["count"] for row in ask(store, series(1), [])] == [1]


@pytest.mark.parametrize("name", ["mean", "stddev", "median", "sum"])
def test_what_no_float_holds_is_null(store: Store, name: str) -> None:
    """A device may send 1e308 twice; nobody may be answered with infinity, or not at all."""
    write(store, *(reading(1, n, value) for n, value in enumerate([1.7e308, 1.7e308, 1.7e308])))
    [row] = ask(store, series(1, kind="amount"), [name])
    assert row[name] is None or math.isfinite(row[name])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Windows(series(1), [0], ["mean"]), "bad_windows"),
        (Windows(series(1), [], ["mean"]), "bad_windows"),
        (Windows(series(1), [10, 5], ["mean"]), "bad_windows"),
        (Windows(series(1), [5, 5], ["mean"]), "bad_windows"),
        (Windows([Series(1), Series(2, kind="state")], EDGES, ["last"]), "mixed_kinds"),
        (Windows(series(1, kind="state"), EDGES, ["mean"]), "aggregate_of_kind"),
        (Windows(series(1), EDGES, ["mode"]), "unknown_aggregate"),  # type: ignore[list-item]
    ],
)
def test_a_question_without_sense_is_refused(store: Store, query: Windows, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        store.aggregate(query)
    assert caught.value.code == code


def test_an_empty_range_has_no_rows(store: Store) -> None:
    write(store, reading(1, 50, 1.0))
    assert ask(store, series(1), ["mean"], start=60, end=60) == []
    assert ask(store, [], ["mean"], fill=True) == []
