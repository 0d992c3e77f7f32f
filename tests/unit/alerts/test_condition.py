"""When alerts fire and clear, by readings and by the clock."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gops.alerts.condition import Condition, ConditionKind, Reading, State, advance, fresh
from gops.clock import MINUTE, SECOND

HIGH = Condition("gt", 80.0)


def readings(*values: float | str | None, start: int = MINUTE, step: int = MINUTE) -> list[Reading]:
    """One a minute, each heard when it was measured."""
    made = []
    for index, value in enumerate(values):
        t = start + index * step
        number, text = (None, value) if isinstance(value, str) else (value, None)
        made.append(Reading(t, number, text, t))
    return made


def happened(condition: Condition, rows: Sequence[Reading], now: int | None = None) -> list[tuple[str, int]]:
    """What happened and at which minute."""
    _state, changes = advance(condition, fresh(0), rows, rows[-1].t if now is None else now)
    return [(change.what, change.at // MINUTE) for change in changes]


@pytest.mark.parametrize(
    ("kind", "value", "fires"),
    [
        ("gt", 80, False), ("gt", 80.1, True), ("gte", 80, True), ("gte", 79.9, False),
        ("lt", 80, False), ("lt", 79.9, True), ("lte", 80, True), ("lte", 80.1, False),
    ],
)  # fmt: skip
def test_a_level_is_met_on_its_side_alone(kind: ConditionKind, value: float, fires: bool) -> None:
    """``gt`` and ``lt`` leave the threshold out, ``gte`` and ``lte`` take it in."""
    assert happened(Condition(kind, 80.0), readings(value)) == ([("fired", 1)] if fires else [])


def test_what_fires_is_told_once_and_clears_once() -> None:
    """However long it lasts."""
    assert happened(HIGH, readings(90, 95, 99, 70, 60)) == [("fired", 1), ("cleared", 4)]


def test_between_clear_and_threshold_nothing_changes() -> None:
    """Hysteresis: a value that swings about the threshold is one alert."""
    wide = Condition("gt", 80.0, clear=70.0)
    assert happened(wide, readings(81, 79, 81, 79, 70)) == [("fired", 1), ("cleared", 5)]
    assert happened(wide, readings(79, 75)) == []


def test_a_breach_must_last() -> None:
    """A spike shorter than ``hold`` is none; the breach counts from its first reading."""
    held = Condition("gt", 80.0, hold=3 * MINUTE)
    assert happened(held, readings(90, 90, 70, 90, 90, 90, 90)) == [("fired", 7)]


def test_a_breach_that_nothing_contradicts_lasts_by_the_clock() -> None:
    """A device that sends once an hour need not be heard again for a hold of ten minutes to pass."""
    held = Condition("gt", 80.0, hold=10 * MINUTE)
    state, changes = advance(held, fresh(0), readings(90), MINUTE)
    assert (state.phase, changes) == ("pending", [])
    assert advance(held, state, [], 11 * MINUTE - 1)[1] == []
    fired, (change,) = advance(held, state, [], 11 * MINUTE)
    assert (fired.phase, change.what) == ("firing", "fired")


def test_a_reading_that_comes_late_waits_from_its_arrival() -> None:
    """An hourly feed is an hour late: that hour is no proof that the breach lasted."""
    held = Condition("gt", 80.0, hold=10 * MINUTE)
    state, changes = advance(held, fresh(0), [Reading(0, 90.0, None, 60 * MINUTE)], 60 * MINUTE)
    assert (state.phase, changes) == ("pending", [])


def test_late_and_repeated_readings_fire_nothing() -> None:
    """What is not later than the newest reading was overtaken."""
    state, _changes = advance(HIGH, fresh(0), readings(10, 10, 10), 3 * MINUTE)
    assert advance(HIGH, state, readings(99, 99, 99), 4 * MINUTE) == (state, [])


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (Condition("change", 5.0), (10, 14, 20, 21), [("fired", 3), ("cleared", 4)]),
        (Condition("change", 20.0, angle=True), (350, 5, 40), [("fired", 3)]),
        (Condition("change"), ("open", "open", "shut", "shut"), [("fired", 3), ("cleared", 4)]),
        (Condition("frozen", hold=2 * MINUTE), (7, 7, 7, 7, 8), [("fired", 3), ("cleared", 5)]),
        (Condition("frozen", hold=2 * MINUTE), (7, 8, 7, 8), []),
    ],
)
def test_changes_and_frozen_values(
    condition: Condition, values: tuple[float | str, ...], expected: list[tuple[str, int]]
) -> None:
    """A change is between two readings, of an angle the shorter way; frozen is one value for so long."""
    assert happened(condition, readings(*values)) == expected


def test_silence_is_counted_by_the_clock_while_gops_listens() -> None:
    """From the last reading heard, from the making of the rule, and never from before GOPS listened."""
    silent = Condition("silent", hold=10 * MINUTE)
    assert advance(silent, fresh(0), [], 10 * MINUTE - 1)[1] == []
    assert [one.what for one in advance(silent, fresh(0), [], 10 * MINUTE)[1]] == ["fired"]
    assert advance(silent, fresh(0), [], 12 * MINUTE, listening=5 * MINUTE)[1] == []
    firing, _changes = advance(silent, fresh(0), [], 20 * MINUTE)
    heard, (change,) = advance(silent, firing, [Reading(20 * MINUTE, 1.0, None, 21 * MINUTE)], 21 * MINUTE)
    assert (heard.phase, change.what) == ("cleared", "cleared")


def test_a_reading_without_a_value_says_nothing_of_it() -> None:
    """A missing value neither fires nor clears; it ends a silence where such readings count."""
    firing = State("firing", MINUTE, MINUTE, MINUTE, MINUTE, 90.0, None, MINUTE)
    nothing = [Reading(2 * MINUTE, None, None, 2 * MINUTE)]
    assert advance(HIGH, firing, nothing, 2 * MINUTE) == (firing, [])
    assert advance(Condition("silent", hold=SECOND), firing, nothing, 2 * MINUTE)[0].phase == "cleared"
