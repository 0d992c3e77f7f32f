"""What is remembered of goals: bounded, and forgotten exactly where something changed."""

from __future__ import annotations

from gops.ingest.declared.plan import Goal
from gops.ingest.declared.remembered import Remembered
from gops.ingest.refused import Unreadable
from gops.sensors.routes import Target

A, B, C = (Goal(name, "temp", None) for name in "abc")
NOTHING = Unreadable("unknown_thing", "no")


def to(datastream: int) -> Target:
    return Target(datastream, "gauge", 1.0, 0.0, 0.0, 1.0)


def filled() -> Remembered:
    made = Remembered(100)
    made.put({A: (to(1), 10), B: (to(2), 20), C: (NOTHING, None)}, made.changes)
    return made


def test_a_changed_thing_is_forgotten_with_what_was_absent() -> None:
    made = filled()
    made.forget_thing(10)
    assert made.get([A, B, C]).keys() == {B}


def test_a_changed_datastream_is_forgotten_with_what_was_absent() -> None:
    made = filled()
    made.forget_datastream(2)
    assert made.get([A, B, C]).keys() == {A}


def test_what_was_read_before_a_change_is_not_put_in_after_it() -> None:
    made = Remembered(100)
    before = made.changes
    made.forget_thing(99)
    made.put({A: (to(1), 10)}, before)
    assert len(made) == 0


def test_the_oldest_goes_at_the_bound_and_its_traces_with_it() -> None:
    made = Remembered(2)
    made.put({A: (to(1), 10), B: (to(1), 10), C: (NOTHING, 10)}, made.changes)
    assert made.get([A, B, C]).keys() == {B, C}
    made.forget_thing(10)
    assert (len(made), made._of_thing, made._of_datastream, made._absent) == (0, {}, {}, set())


def test_everything_is_forgotten() -> None:
    made = filled()
    made.clear()
    assert len(made) == 0
