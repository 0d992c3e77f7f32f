"""From a piece of a push to the columns of the store.

``mapping.resolve`` is what decides; rows whose columns are plain are decided alike, many at once. A property test holds
the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gops.ingest.checks import LARGEST, MISSING, SUSPECT, quality_of_number
from gops.ingest.decoded import Decoded, Value
from gops.ingest.mapping import Limits, resolve
from gops.ingest.push.cells import number
from gops.ingest.push.chunk import (
    NO_QUALITY,
    BadRow,
    Chunk,
    Coded,
    Codes,
    Columns,
    Floats,
    Ints,
    Mask,
    Name,
    Piece,
    Said,
    Who,
)
from gops.ingest.push.targets import Targets
from gops.ingest.refused import Refused, Unreadable
from gops.sensors.routes import DeviceRoute, Target
from gops.store.port import READINGS
from gops.store.rows import NONE
from gops.windows import EARLIEST

EMPTY = READINGS.empty_table()
_GOOD, _SUSPECT, _MISSING = np.uint8(0), np.uint8(SUSPECT), np.uint8(MISSING)


@dataclass(slots=True)
class Settled:
    """Rows of ``READINGS`` in their order, and what was refused; ``raw`` writes the rows of the refusals as they came,
    empty where that is not at hand."""

    table: pa.Table
    refusals: list[Refused] = field(default_factory=list)
    raw: Callable[[], list[str]] = list


def settle(piece: Piece, targets: Targets, arrival: int, limits: Limits) -> Settled:
    """Raises ``Unavailable``. Times are microseconds."""
    if isinstance(piece, Coded):
        return _settle_coded(piece, targets, arrival, limits)
    return _Settling(piece, targets, arrival, limits).done()


def _settle_coded(piece: Coded, targets: Targets, arrival: int, limits: Limits) -> Settled:
    found = targets.find(name for name in piece.names.values() if isinstance(name, tuple))
    why: dict[str, Unreadable] = {}
    fields: dict[str, Target] = {}
    for text, name in piece.names.items():
        target = name if isinstance(name, Unreadable) else found[name]
        if isinstance(target, Unreadable):
            why[text] = target
        else:
            fields[text] = target
    readings = resolve(piece.decoded, DeviceRoute(0, 0, "", "", fields), arrival, limits)
    refusals = [
        Refused(why[one.field].code, one.field, one.place, why[one.field].note)
        if one.code == "unknown_field" and one.field in why
        else one
        for one in readings.refusals
    ]
    table = pa.table({name: getattr(readings, name) for name in READINGS.names}, schema=READINGS)
    return Settled(table, refusals, lambda: [piece.raw(one.place) for one in refusals])


class _Settling:
    """One chunk: the plain rows by columns, the others one by one, all in the order of the rows."""

    def __init__(self, chunk: Chunk, targets: Targets, arrival: int, limits: Limits) -> None:
        self._chunk = chunk
        self._targets = targets
        self._arrival = arrival
        self._limits = limits
        self._out = Settled(EMPTY)
        self._refused: list[tuple[int, Refused]] = []

    def done(self) -> Settled:
        rows = len(self._chunk.numbers)
        plain = None if self._chunk.columns is None else self._plain(self._chunk.columns)
        others = np.arange(rows) if plain is None else np.flatnonzero(~(plain[1] | plain[2]))
        tables, order = [], []
        if plain is not None and plain[1].any():
            tables.append(plain[0])
            order.append(np.flatnonzero(plain[1]))
        if len(others):
            one_by_one, kept = self._others(others.tolist())
            if kept:
                tables.append(one_by_one)
                order.append(np.array(kept, np.int64))
        if len(tables) == 1:
            self._out.table = tables[0]
        elif tables:
            self._out.table = pa.concat_tables(tables).take(np.argsort(np.concatenate(order), kind="stable"))
        self._refused.sort(key=lambda one: one[0])
        self._out.refusals = [*self._chunk.refusals, *(refused for _, refused in self._refused)]
        self._out.raw = self._raw
        return self._out

    def _raw(self) -> list[str]:
        return [""] * len(self._chunk.refusals) + [self._chunk.raw(row) for row, _ in self._refused]

    # many at once

    def _plain(self, columns: Columns) -> tuple[pa.Table, Mask, Mask]:
        """The rows that are stored, which these are, and which are refused already."""
        goals = _Goals.of(columns.names, self._targets)
        plain = columns.plain & (columns.who >= 0)
        who = columns.who if plain.all() else np.where(plain, columns.who, 0)
        refused = plain & _of(goals.refused, who)
        for row in np.flatnonzero(refused).tolist():
            why = goals.why[who[row]]
            self._refuse(row, why.code, why.column, why.note)
        good = plain & ~refused & _of(goals.numeric, who) & self._in_time(columns.t, columns.result_time, goals, who)
        with np.errstate(over="ignore"):  # infinite then, and refused
            value = columns.value * _of(goals.scale, who) + _of(goals.offset, who)
        nothing = np.isnan(columns.value) if columns.nothing is None else columns.nothing
        infinite = good & ~(nothing | (np.abs(value) <= LARGEST))
        for row in np.flatnonzero(infinite).tolist():
            self._refuse_one(row, lambda row=row: quality_of_number(float(value[row]), None, 0.0, 0.0))  # type: ignore[misc]
        quality, agrees = _qualities(columns.quality, value, nothing, goals, who)
        good &= ~infinite & agrees
        table = _table(goals.datastream, who, columns, value, nothing, quality, np.flatnonzero(good))
        return table, good, refused | infinite

    def _in_time(self, t: Ints, result_time: Ints, goals: _Goals, who: Who) -> Mask:
        earliest, latest = self._arrival - self._limits.past, self._arrival + self._limits.ahead
        with np.errstate(over="ignore"):
            old = self._arrival - t
            good = (t >= earliest) & (t <= latest) & (t >= _of(goals.closed, who))
            good &= (_of(goals.lead, who) <= old) & (old <= _of(goals.age, who))
        if self._limits.finest > 1:
            good &= t % self._limits.finest == 0
        none = result_time == NONE
        return good if none.all() else good & (none | ((result_time >= EARLIEST) & (result_time <= latest)))

    # one by one

    def _others(self, rows: Sequence[int]) -> tuple[pa.Table, list[int]]:
        """By ``resolve``, to which every Datastream is a field of its own and a row's index its place."""
        read: dict[int, Said] = {}
        for row in rows:
            try:
                read[row] = self._chunk.row(row)
            except BadRow as trouble:
                self._refuse(row, trouble.code, trouble.column, trouble.note)
        goals = self._targets.find({said.name for said in read.values()})
        numbered = {name: str(number) for number, name in enumerate(goals)}
        asked = Decoded(rows=[], row="{}")
        for row, said in read.items():
            try:
                value = _value(said, goals[said.name])
            except BadRow as trouble:
                self._refuse(row, trouble.code, trouble.column, trouble.note)
            else:
                _ask(asked, row, numbered[said.name], value, said)
        route = DeviceRoute(0, 0, "", "", {numbered[n]: g for n, g in goals.items() if not isinstance(g, BadRow)})
        readings = resolve(asked, route, self._arrival, self._limits)
        refused = {int(one.place.partition(":")[0]): one for one in readings.refusals}
        for row, one in refused.items():
            self._refuse(row, one.code, _column(one.code), one.note)
        columns = {name: getattr(readings, name) for name in READINGS.names}
        return pa.table(columns, schema=READINGS), [row for row in asked.rows or () if row not in refused]

    def _refuse_one(self, row: int, check: Callable[[], object]) -> None:
        """A row that this check refuses."""
        try:
            check()
        except Unreadable as trouble:
            self._refuse(row, trouble.code, _column(trouble.code), trouble.note)

    def _refuse(self, row: int, code: str, column: str, note: str) -> None:
        self._refused.append((row, Refused(code, column, self._chunk.place_of(row), note)))


def _value(said: Said, goal: Target | BadRow) -> Value:
    """What is stored, a number where the goal is one of numbers. Raises ``BadRow``."""
    if isinstance(goal, BadRow):
        raise BadRow(goal.code, goal.column, goal.note)
    if said.is_text and isinstance(said.value, str) and goal.kind != "state":
        return number(said.value)
    return said.value


def _ask(asked: Decoded, row: int, field: str, value: Value, said: Said) -> None:
    assert asked.rows is not None
    asked.rows.append(row)
    asked.fields.append(field)
    asked.values.append(value)
    asked.times.append(said.t)
    asked.qualities.append(said.quality)
    asked.result_times.append(said.result_time)


def _column(code: str) -> str:
    """Which column a refusal of ``resolve`` is about."""
    if code in ("too_early", "too_late", "too_far_ahead", "time_too_fine", "bad_time"):
        return "time"
    return "quality" if code == "bad_quality" else "value"


@dataclass(slots=True)
class _Goals:
    """The targets of a chunk's names, in columns. ``refused`` has no target, ``why`` says why by the index of the name;
    ``numeric`` is false for one of texts."""

    why: dict[int, BadRow]
    refused: Mask
    datastream: Ints
    numeric: Mask
    scale: Floats
    offset: Floats
    low: Floats
    high: Floats
    age: Ints
    closed: Ints
    lead: Ints

    @classmethod
    def of(cls, names: Sequence[Name], targets: Targets) -> _Goals:
        found = targets.find(names)
        some = [found[name] for name in names]
        any_goal = next((one for one in some if isinstance(one, Target)), Target(0, "state", 1.0, 0.0, 0.0, 0.0))
        goals = [any_goal if isinstance(one, BadRow) else one for one in some] or [any_goal]
        why = {index: one for index, one in enumerate(some) if isinstance(one, BadRow)}
        return cls(
            why,
            np.array([index in why for index in range(len(goals))], np.bool_),
            np.array([goal.datastream for goal in goals], np.int64),
            np.array([goal.kind != "state" for goal in goals], np.bool_),
            *(np.array([getattr(goal, name) for goal in goals]) for name in ("scale", "offset", "low", "high")),
            *(np.array([getattr(goal, name) for goal in goals], np.int64) for name in ("age", "closed", "lead")),
        )


def _of(column: Any, who: Who) -> Any:
    """What ``column`` has for each row; one thing for all where it has the same for every name."""
    return column[0] if (column == column[0]).all() else column[who]


def _qualities(said: Codes, value: Floats, nothing: Mask, goals: _Goals, who: Who) -> tuple[Codes, Mask]:
    """As ``checks.quality_of_number`` and ``quality_of_nothing``; and for which rows that holds."""
    silent = said == NO_QUALITY
    inside = (_of(goals.low, who) <= value) & (value <= _of(goals.high, who))
    if silent.all():
        return np.where(nothing, _MISSING, np.where(inside, _GOOD, _SUSPECT)), silent
    given = np.where(silent, _GOOD, said)
    of_number = np.where(inside | (given > SUSPECT), given, _SUSPECT)
    of_nothing = np.where(~silent & (given >= SUSPECT), given, _MISSING)
    return np.where(nothing, of_nothing, of_number), nothing | (given != MISSING)


def _table(ids: Ints, who: Who, columns: Columns, value: Floats, nothing: Mask, quality: Codes, rows: Ints) -> pa.Table:
    """Of these ``rows``, by their indexes."""
    result_time, empty = columns.result_time.take(rows), nothing.take(rows)
    none = result_time == NONE
    return pa.Table.from_arrays(
        [
            pa.array(ids.take(who.take(rows))),
            pa.array(columns.t.take(rows)),
            pa.array(value.take(rows), mask=empty) if empty.any() else pa.array(value.take(rows)),
            pa.nulls(len(rows), pa.string()),
            pa.array(quality.take(rows)),
            pa.nulls(len(rows), pa.int64()) if none.all() else pa.array(result_time, mask=none),
        ],
        schema=READINGS,
    )
