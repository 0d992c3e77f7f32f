"""From a piece of a push to the columns of the store.

``mapping.resolve`` is what decides; rows whose columns are plain are decided alike, many at once. A property test holds
the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gops.ingest.checks import LARGEST, MISSING, SUSPECT
from gops.ingest.decoded import Decoded, Value
from gops.ingest.mapping import Limits, resolve
from gops.ingest.push.cells import number
from gops.ingest.push.chunk import NO_QUALITY, BadRow, Chunk, Coded, Codes, Columns, Floats, Ints, Mask, Piece, Said
from gops.ingest.push.targets import Targets
from gops.ingest.refused import Refused, Unreadable
from gops.sensors.routes import DeviceRoute, Target
from gops.store.port import READINGS
from gops.store.rows import NONE
from gops.windows import EARLIEST

EMPTY = READINGS.empty_table()


@dataclass(slots=True)
class Settled:
    """Rows of ``READINGS`` in their order, and what was refused, with the text of its row where that is at hand."""

    table: pa.Table
    refusals: list[Refused] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)


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
    return Settled(table, refusals, [""] * len(refusals))


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
        others = np.arange(rows) if plain is None else np.flatnonzero(~plain[1])
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
        self._out.raw = [""] * len(self._chunk.refusals) + [self._chunk.raw(row) for row, _ in self._refused]
        return self._out

    # many at once

    def _plain(self, columns: Columns) -> tuple[pa.Table, Mask]:
        goals = _Goals.of(columns.names, self._targets)
        who, good = columns.who, columns.plain
        good = good & (who >= 0)
        safe = np.where(good, who, 0)
        good &= goals.numeric[safe]
        value = columns.value * goals.scale[safe] + goals.offset[safe]
        nothing = np.isnan(columns.value)
        good &= nothing | (np.abs(value) <= LARGEST)
        quality, agrees = _qualities(columns.quality, value, nothing, goals, safe)
        good &= agrees & self._in_time(columns.t, columns.result_time, goals, safe)
        return _table(goals.datastream[safe][good], columns, value[good], nothing[good], quality[good], good), good

    def _in_time(self, t: Ints, result_time: Ints, goals: _Goals, who: Ints) -> Mask:
        earliest, latest = self._arrival - self._limits.past, self._arrival + self._limits.ahead
        with np.errstate(over="ignore"):
            old = self._arrival - t
            good = (t >= earliest) & (t <= latest) & (t >= goals.closed[who])
            good &= (goals.lead[who] <= old) & (old <= goals.age[who])
        if self._limits.finest > 1:
            good &= t % self._limits.finest == 0
        return good & ((result_time == NONE) | ((result_time >= EARLIEST) & (result_time <= latest)))

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
    """The targets of a chunk's names, in columns. ``numeric`` is false where there is none, or one of texts."""

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
    def of(cls, names: Sequence[object], targets: Targets) -> _Goals:
        found = targets.find(names)  # type: ignore[arg-type]
        some = [found[name] for name in names]  # type: ignore[index]
        nowhere = Target(0, "state", 1.0, 0.0, 0.0, 0.0)
        goals = [nowhere if isinstance(one, BadRow) else one for one in some] or [nowhere]
        return cls(
            np.array([goal.datastream for goal in goals], np.int64),
            np.array([goal.kind != "state" for goal in goals], np.bool_),
            *(np.array([getattr(goal, name) for goal in goals]) for name in ("scale", "offset", "low", "high")),
            *(np.array([getattr(goal, name) for goal in goals], np.int64) for name in ("age", "closed", "lead")),
        )


def _qualities(said: Codes, value: Floats, nothing: Mask, goals: _Goals, who: Ints) -> tuple[Codes, Mask]:
    """As ``checks.quality_of_number`` and ``quality_of_nothing``; and for which rows that holds."""
    given = np.where(said == NO_QUALITY, 0, said).astype(np.uint8)
    inside = (goals.low[who] <= value) & (value <= goals.high[who])
    of_number = np.where(inside | (given > SUSPECT), given, SUSPECT)
    of_nothing = np.where((said != NO_QUALITY) & (given >= SUSPECT), given, MISSING)
    quality = np.where(nothing, of_nothing, of_number).astype(np.uint8)
    return quality, nothing | (given != MISSING)


def _table(datastream: Ints, columns: Columns, value: Floats, nothing: Mask, quality: Codes, good: Mask) -> pa.Table:
    result_time = columns.result_time[good]
    none = result_time == NONE
    rows = len(datastream)
    return pa.Table.from_arrays(
        [
            pa.array(datastream),
            pa.array(columns.t[good]),
            pa.array(value, mask=nothing) if nothing.any() else pa.array(value),
            pa.nulls(rows, pa.string()),
            pa.array(quality),
            pa.nulls(rows, pa.int64()) if none.all() else pa.array(result_time, mask=none),
        ],
        schema=READINGS,
    )
