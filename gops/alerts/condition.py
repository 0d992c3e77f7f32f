"""When an alert fires and when it clears. Pure: nothing here asks a clock or the records.

========  ==========================================================  ===================================
kind      breached by                                                 over when
========  ==========================================================  ===================================
gt gte    a value above (or at) ``threshold``                         a value not above (at) ``clear``
lt lte    a value below (or at) ``threshold``                         a value not below (at) ``clear``
change    a value that differs from the one before by ``threshold``   one that does not
          or more; another text
frozen    the same value for at least ``hold``                        another value
silent    no reading for at least ``hold``, by the clock of GOPS      a reading
========  ==========================================================  ===================================

Of the first four a breach must last for ``hold`` before it fires: by the times of the readings, or by the clock when
no reading contradicts it for so long. Between ``clear`` and ``threshold`` what fires goes on firing, and what does not
fire is no breach. A reading without number and text ends a silence and says nothing else. A reading that is not
later than the newest one seen changes nothing, so what is told twice is told once, and late data never fire anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

ConditionKind = Literal["gt", "gte", "lt", "lte", "change", "frozen", "silent"]
CONDITIONS: tuple[ConditionKind, ...] = ("gt", "gte", "lt", "lte", "change", "frozen", "silent")
LEVELS = frozenset({"gt", "gte", "lt", "lte"})
Phase = Literal["ok", "pending", "firing", "cleared"]
PHASES: tuple[Phase, ...] = ("ok", "pending", "firing", "cleared")
Happening = Literal["fired", "cleared"]
HALF_TURN = 180.0  # degrees


@dataclass(frozen=True, slots=True)
class Condition:
    """``threshold`` and ``clear`` in the Datastream's unit, ``hold`` in microseconds. ``angle``: differences are taken
    the shorter way round."""

    kind: ConditionKind
    threshold: float | None = None
    clear: float | None = None
    hold: int = 0
    angle: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """``t`` as the source labels it, ``arrived`` when GOPS had it; microseconds."""

    t: int
    value: float | None
    text: str | None
    arrived: int


@dataclass(frozen=True, slots=True)
class State:
    """Where a rule stands for one Datastream. Moments in microseconds.

    ``since`` is when the phase began: the time of the reading, or by the clock for silence. ``seen`` is when GOPS saw
    a breach begin. ``t``, ``value`` and ``text`` are the newest reading, ``same`` is since when it has had that value,
    ``heard`` when GOPS last heard of a newer one.
    """

    phase: Phase
    since: int
    heard: int
    seen: int = 0
    t: int | None = None
    value: float | None = None
    text: str | None = None
    same: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the state that somebody is to hear of. ``at`` as ``State.since``."""

    what: Happening
    at: int
    state: State


def fresh(now: int) -> State:
    """The state of a rule that has seen nothing yet."""
    return State("ok", now, now)


def advance(
    condition: Condition, state: State, readings: Iterable[Reading], now: int, listening: int = 0
) -> tuple[State, list[Change]]:
    """The state after ``readings``, ordered by t, and at the moment ``now``; and what happened on the way.

    ``listening`` is since when GOPS has listened: silence before is not counted.
    """
    changes: list[Change] = []
    for reading in readings:
        if state.t is not None and reading.t <= state.t:
            continue
        state = _after(condition, state, reading, changes)
    return _passed(condition, state, now, listening, changes), changes


def _after(condition: Condition, state: State, reading: Reading, changes: list[Change]) -> State:
    if reading.value is None and reading.text is None and condition.kind != "silent":
        return state  # it says nothing of the value
    equal = state.t is not None and reading.value == state.value and reading.text == state.text
    breach = _breach(condition, state, reading, equal)
    seen = replace(
        state,
        heard=max(state.heard, reading.arrived),
        t=reading.t,
        value=reading.value,
        text=reading.text,
        same=state.same if equal else reading.t,
    )
    if not breach:
        return _over(seen, reading.t, changes)
    if state.phase == "firing":
        return seen
    if state.phase != "pending":
        seen = replace(seen, phase="pending", since=reading.t, seen=reading.arrived)
    needed = condition.hold if condition.kind in LEVELS else 0
    return _fired(seen, reading.t, changes) if reading.t - seen.since >= needed else seen


def _breach(condition: Condition, state: State, reading: Reading, equal: bool) -> bool:
    if condition.kind in LEVELS:
        limit = condition.clear if state.phase == "firing" and condition.clear is not None else condition.threshold
        return reading.value is not None and limit is not None and _beyond(condition.kind, reading.value, limit)
    if condition.kind == "change":
        return state.t is not None and not equal and _differs(condition, state, reading)
    return condition.kind == "frozen" and equal and reading.t - state.same >= condition.hold


def _beyond(kind: ConditionKind, value: float, limit: float) -> bool:
    if kind == "gt":
        return value > limit
    if kind == "gte":
        return value >= limit
    return value < limit if kind == "lt" else value <= limit


def _differs(condition: Condition, state: State, reading: Reading) -> bool:
    if reading.value is None or state.value is None or condition.threshold is None:
        return True
    step = abs(reading.value - state.value)
    if condition.angle:
        step %= 2 * HALF_TURN
        step = min(step, 2 * HALF_TURN - step)
    return step >= condition.threshold


def _passed(condition: Condition, state: State, now: int, listening: int, changes: list[Change]) -> State:
    """What the clock alone brings: a breach that lasted, a silence."""
    if condition.kind == "silent" and state.phase != "firing":
        quiet = now - max(state.heard, listening) >= condition.hold
        return _fired(state, now, changes) if quiet else state
    if state.phase == "pending" and now - state.seen >= condition.hold:
        return _fired(state, now, changes)
    return state


def _fired(state: State, at: int, changes: list[Change]) -> State:
    state = replace(state, phase="firing", since=at)
    changes.append(Change("fired", at, state))
    return state


def _over(state: State, at: int, changes: list[Change]) -> State:
    if state.phase == "firing":
        state = replace(state, phase="cleared", since=at)
        changes.append(Change("cleared", at, state))
    elif state.phase == "pending":
        state = replace(state, phase="ok", since=at)
    return state
