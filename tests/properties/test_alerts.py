"""What holds of every alert condition, whatever is measured and however it arrives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gops.alerts.condition import CONDITIONS, LEVELS, Change, Condition, Reading, State, advance, fresh
from gops.clock import MINUTE

VALUES = st.floats(-5, 5).map(lambda value: round(value))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    kind = draw(st.sampled_from(CONDITIONS))
    hold = draw(st.integers(0, 5)) * MINUTE
    if kind in LEVELS:
        threshold = draw(VALUES)
        gap = draw(st.integers(0, 3)) * (-1 if kind in ("gt", "gte") else 1)
        return Condition(kind, threshold, threshold + gap, hold)
    return Condition(kind, draw(st.integers(1, 4)) if kind == "change" else None, None, max(hold, MINUTE))


@st.composite
def arrivals(draw: st.DrawFn) -> list[Reading]:
    """Readings in order of arrival; some are late or told twice."""
    steps = draw(st.lists(st.tuples(st.integers(-2, 3), VALUES), max_size=30))
    t = arrived = 10 * MINUTE
    made = []
    for step, value in steps:
        t, arrived = t + step * MINUTE, arrived + MINUTE
        made.append(Reading(t, value, None, arrived))
    return made


def run(condition: Condition, rows: list[Reading], size: int) -> tuple[State, list[Change]]:
    """In batches of ``size``, each at the arrival of its last."""
    state, told = fresh(0), []
    for first in range(0, len(rows), size):
        batch = rows[first : first + size]
        state, changes = advance(condition, state, batch, batch[-1].arrived)
        told += changes
    return state, told


@given(conditions(), arrivals(), st.integers(1, 5))
def test_firing_and_clearing_alternate(condition: Condition, rows: list[Reading], size: int) -> None:
    """Nobody hears twice of one alert, nor of the end of one that never began; the state agrees with the last word."""
    state, told = run(condition, rows, size)
    assert [one.what for one in told] == ["fired", "cleared"] * (len(told) // 2) + ["fired"] * (len(told) % 2)
    assert (state.phase == "firing") == bool(told and told[-1].what == "fired")


@given(conditions(), arrivals(), st.integers(0, 3))
def test_telling_everything_again_changes_nothing(condition: Condition, rows: list[Reading], again: int) -> None:
    """A redelivery, or the newest reading asked of the store, is no news."""
    state, _told = run(condition, rows, 1)
    now = rows[-1].arrived if rows else 0
    assert advance(condition, state, rows[again:], now) == (state, [])


@given(conditions(), arrivals())
def test_late_readings_do_not_matter(condition: Condition, rows: list[Reading]) -> None:
    """What was overtaken might as well not have come, but that its arrival lets time pass."""
    newest, kept = -1, []
    for row in rows:
        if row.t > newest:
            newest = row.t
            kept.append(row)
    if condition.kind in ("frozen", "change"):
        assert run(condition, rows, 1) == run(condition, kept, 1)
    else:
        batched = advance(condition, fresh(0), rows, 0)
        assert batched == advance(condition, fresh(0), kept, 0)


@given(conditions(), arrivals(), st.integers(0, 30))
def test_a_rule_goes_on_from_what_was_written(condition: Condition, rows: list[Reading], cut: int) -> None:
    """The state is all that is needed: a restart between two readings changes nothing."""
    state, told = run(condition, rows, 1)
    before, first = run(condition, rows[:cut], 1)
    after, rest = before, []
    for row in rows[cut:]:
        after, changes = advance(condition, after, [row], row.arrived)
        rest += changes
    assert (after, first + rest) == (state, told)
