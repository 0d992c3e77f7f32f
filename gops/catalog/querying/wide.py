"""The wide shape: a row a moment (and Thing), a column a property or a Datastream.

Quality has no place there: ask for those you trust. A column has one unit; a property that comes in several has a
column for each, named ``pm10 [ug/m3]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.catalog.long_shape import Member
from gops.catalog.querying.held import HeldTable
from gops.catalog.querying.live import WORD, LiveTable
from gops.catalog.querying.port import PLACE, Ask, Column
from gops.errors import Invalid, TooLarge
from gops.store.port import Read

Across = Literal["property", "datastream"]
ACROSS: tuple[Across, ...] = ("property", "datastream")
Int64s = npt.NDArray[np.int64]
OF_THING = ("thing", "thing_id", "longitude", "latitude")


@dataclass(frozen=True)
class Layout:
    """``names`` are of the columns across; ``column`` says which one a Datastream is in, ``thing`` which row."""

    names: Sequence[str]
    column: Mapping[int, int]
    units: Sequence[str]
    is_text: Sequence[bool]
    by_thing: bool


def layout(members: Sequence[Member], across: Across, most: int) -> Layout:
    """Raises ``TooLarge`` beyond ``most`` columns and ``Invalid`` (``ambiguous_columns``)."""
    names = _by_property(members) if across == "property" else _by_datastream(members)
    columns = list(dict.fromkeys(names.values()))
    if len(columns) > most:
        raise TooLarge(
            f"the wide shape would have {len(columns)} columns",
            field="shape",
            found=len(columns),
            expected=f"at most {most} (GOPS_WIDE_COLUMNS); choose with property or thing, or take shape=long",
        )
    place = {name: index for index, name in enumerate(columns)}
    units, text = [""] * len(columns), [False] * len(columns)
    for one in members:
        index = place[names[one.id]]
        units[index], text[index] = one.unit, text[index] or one.kind == "state"
    return Layout(columns, {one: place[name] for one, name in names.items()}, units, text, across == "property")


def _by_property(members: Sequence[Member]) -> dict[int, str]:
    units: dict[str, set[str]] = {}
    for one in members:
        units.setdefault(one.observed, set()).add(one.unit)
    names = {
        one.id: one.observed if len(units[one.observed]) == 1 else f"{one.observed} [{one.unit}]" for one in members
    }
    seen: set[tuple[int, str]] = set()
    for one in members:
        if (one.thing_id, names[one.id]) in seen:
            _ambiguous(one)
        seen.add((one.thing_id, names[one.id]))
    return names


def _ambiguous(one: Member) -> NoReturn:
    raise Invalid(
        f"{one.thing} measures {one.observed} more than once, so a column a property has no room for it",
        code="ambiguous_columns",
        field="shape",
        found=one.observed,
        expected="across=datastream, or shape=long",
    )


def _by_datastream(members: Sequence[Member]) -> dict[int, str]:
    names = {one.id: f"{one.thing} {one.observed}" for one in members}
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return {one: name if counts[name] == 1 else f"{name} ({one})" for one, name in names.items()}


def readings(live: LiveTable, across: Across, most: int) -> HeldTable:
    """Readings in the wide shape."""
    laid = layout(live.members, across, most)
    kinds = [pa.string() if text else pa.float64() for text in laid.is_text]
    values = [Column(*one) for one in zip(laid.names, kinds, laid.units, strict=True)]
    time = Column("time", pa.timestamp("us", live.asked.zone.key), nullable=False)
    read = Read([one.series for one in live.members], live.asked.start, live.asked.end, live.asked.quality)

    def load() -> pa.Table:
        found = live.readings.read(read).combine_chunks()
        texts = pc.coalesce(found["text"], found["value"].cast(pa.string())) if any(laid.is_text) else None
        cells = [texts if text else found["value"] for text in laid.is_text]
        return pivoted(live, laid, found["datastream"].to_numpy(), found["t"].to_numpy(), [time], cells, values)

    return HeldTable([time, *of_thing(laid), *values], load, lambda enough: live.at_most(Ask(()), enough))


def of_thing(laid: Layout) -> list[Column]:
    if not laid.by_thing:
        return []
    kinds = (WORD, pa.int64(), pa.float64(), pa.float64())
    return [
        Column(name, kind, "deg" if kind == pa.float64() else None) for name, kind in zip(OF_THING, kinds, strict=True)
    ]


def pivoted(
    live: LiveTable,
    laid: Layout,
    datastream: Int64s,
    t: Int64s,
    moments: Sequence[Column],
    cells: Sequence[pa.Array | pa.ChunkedArray],
    values: Sequence[Column],
) -> pa.Table:
    ids = np.array([one.id for one in live.members], np.int64)
    place = np.searchsorted(ids, datastream)
    things = np.array([one.thing_id if laid.by_thing else 0 for one in live.members], np.int64)[place]
    column = np.array([laid.column[one] for one in ids.tolist()], np.int64)[place]
    order = np.lexsort((things, t))
    t, things = t[order], things[order]
    fresh = np.ones(len(t), bool)
    fresh[1:] = (t[1:] != t[:-1]) | (things[1:] != things[:-1])
    row = np.empty(len(t), np.int64)
    row[order] = np.cumsum(fresh) - 1
    majors, minors = t[fresh], things[fresh]
    shown: dict[str, pa.Array] = {one.name: pa.array(majors).cast(one.type) for one in moments}
    if laid.by_thing:
        shown |= _facts(live, minors)
    for index, one in enumerate(values):
        shown[one.name] = _column(cells[index], np.flatnonzero(column == index % len(laid.names)), row, len(majors))
    return pa.table({**shown, PLACE[0]: majors, PLACE[1]: minors})


def _column(cells: pa.Array | pa.ChunkedArray, places: Int64s, row: Int64s, rows: int) -> pa.Array:
    source = np.full(rows, -1, np.int64)
    source[row[places]] = places
    found = cells.take(pa.array(source, mask=source < 0))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _facts(live: LiveTable, things: Int64s) -> dict[str, pa.Array]:
    """What an answer says of the Thing of each row."""
    first = {one.thing_id: place for place, one in reversed(list(enumerate(live.members)))}
    place = pa.array([first[one] for one in things.tolist()], pa.int64())
    facts = live.facts(live.members)
    return {
        name: (facts[name].take(place).cast(WORD) if name == "thing" else facts[name].take(place)) for name in OF_THING
    }
