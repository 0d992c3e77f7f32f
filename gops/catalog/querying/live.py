"""Datastreams as a table in the long shape, over whatever gives their readings: a store, or a snapshot.

Conditions on what is the same in every reading of a Datastream (its thing, property, unit) choose Datastreams, so
readings of the others are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.catalog.long_shape import Member
from gops.catalog.querying.port import Ask, Column, schema_of
from gops.catalog.querying.predicate import Predicate, columns, expression, split
from gops.errors import Unsupported
from gops.quality import ANY, WORDS, Quality
from gops.store.port import NULLABLE, Read

OF_MEMBERS = frozenset({"thing", "thing_id", "property", "unit", "datastream", "longitude", "latitude"})
WORD = pa.dictionary(pa.int32(), pa.string())
Int64s = npt.NDArray[np.int64]


class Readings(Protocol):
    """What a store and a snapshot both do."""

    def read(self, query: Read) -> pa.Table: ...

    def stream(self, query: Read, rows: int = ...) -> Iterator[pa.RecordBatch]: ...


Count = Callable[[Read, int], int]
"""``count(read, enough)``: a bound of its rows, exact where it may be over ``enough``."""


@dataclass(frozen=True)
class Asked:
    """Range in microseconds, qualities, and the zone in which times are shown."""

    zone: ZoneInfo
    start: int | None = None
    end: int | None = None
    quality: frozenset[Quality] = ANY


@dataclass(frozen=True)
class LiveTable:
    """``places`` are longitude and latitude by id of the Thing; ``backwards`` says whether readings come in either
    order, ``merged`` whether formats of text show a state in the column of values, ``numbered`` whether rows have ids.
    Rows are ordered by Datastream, then time."""

    readings: Readings
    members: Sequence[Member]  # by id
    asked: Asked
    count: Count
    places: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    backwards: bool = True
    merged: bool = True
    numbered: bool = False

    @cached_property
    def columns(self) -> Sequence[Column]:
        units = {one.unit for one in self.members}
        text = [Column("text", pa.string(), instead_of="value" if self.merged else None)] if self._has_text else []
        ids = [Column("id", pa.string(), nullable=False)] if self.numbered else []
        return (
            *ids,
            Column("time", pa.timestamp("us", self.asked.zone.key), nullable=False),
            Column("thing", WORD, nullable=False),
            Column("property", WORD, nullable=False),
            Column("value", pa.float64(), next(iter(units)) if len(units) == 1 else None),
            *text,
            Column("unit", WORD, nullable=False),
            Column("quality", WORD, nullable=False),
            Column("datastream", pa.int64(), nullable=False),
            Column("thing_id", pa.int64(), nullable=False),
            Column("result_time", pa.timestamp("us", self.asked.zone.key)),
            Column("longitude", pa.float64(), "deg"),
            Column("latitude", pa.float64(), "deg"),
        )

    def at_most(self, ask: Ask, enough: int) -> int:
        members, _rest = self.chosen(ask.where)
        return self.count(self._read(ask, members), enough) if members else 0

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        members, rest = self.chosen(ask.where)
        if ask.descending and not self.backwards:
            raise Unsupported(
                "a snapshot is read forwards", field="order", found="desc", expected="order=asc, or no asof"
            )
        if not members:
            return iter(())
        query = self._read(ask, members)
        if ask.limit is not None and rest is None:
            return self._page(query, members, ask)
        shape = Shape(members, self, schema_of(self, ask), None if rest is None else schema_of(self, _looked_at(ask)))
        return self._streamed(query, shape, rest, ask)

    def _page(self, query: Read, members: Sequence[Member], ask: Ask) -> Iterator[pa.RecordBatch]:
        """Most pages lie in one Datastream, which a store finds sooner than the same among many."""
        assert query.limit is not None
        ordered = list(reversed(members)) if ask.descending else list(members)
        if ask.after is not None:
            seen = ask.after[0]
            ordered = [one for one in ordered if (one.id <= seen if ask.descending else one.id >= seen)]
        schema, left = schema_of(self, ask), query.limit
        for some in (ordered[:1], ordered[1:]):
            if some and left:
                found = self.readings.read(replace(query, series=[one.series for one in some], limit=left))
                left -= found.num_rows
                shape = Shape(sorted(some, key=lambda one: one.id), self, schema)
                yield from map(shape.batch, found.combine_chunks().to_batches())

    def _streamed(self, query: Read, shape: Shape, rest: Predicate | None, ask: Ask) -> Iterator[pa.RecordBatch]:
        left, batches = ask.limit, self.readings.stream(query, ask.rows)
        try:
            for batch in batches:
                kept = batch if rest is None else batch.filter(shape.meets(batch, rest))
                kept = kept if left is None else kept.slice(0, left)
                left = None if left is None else left - kept.num_rows
                if kept.num_rows:
                    yield shape.batch(kept)
                if left == 0:
                    return
        finally:
            close = getattr(batches, "close", None)  # a generator left half-way holds the store's view, or files
            if close is not None:
                close()

    def chosen(self, where: Predicate | None) -> tuple[Sequence[Member], Predicate | None]:
        """The members that can meet a condition, and what of it is left to ask of each reading."""
        first, rest = split(where, OF_MEMBERS)
        if first is None:
            return self.members, rest
        facts = pa.table(
            {
                "place": np.arange(len(self.members)),
                **{name: self.facts(self.members)[name] for name in OF_MEMBERS},
            }
        )
        return [self.members[place] for place in facts.filter(expression(first))["place"].to_pylist()], rest

    def facts(self, members: Sequence[Member]) -> dict[str, pa.Array]:
        """What is the same in all readings of each member."""
        spots = [self.places.get(one.thing_id, (None, None)) for one in members]
        return {
            "thing": pa.array([one.thing for one in members], pa.string()),
            "property": pa.array([one.observed for one in members], pa.string()),
            "unit": pa.array([one.unit for one in members], pa.string()),
            "datastream": pa.array([one.id for one in members], pa.int64()),
            "thing_id": pa.array([one.thing_id for one in members], pa.int64()),
            "longitude": pa.array([one[0] for one in spots], pa.float64()),
            "latitude": pa.array([one[1] for one in spots], pa.float64()),
        }

    @property
    def _has_text(self) -> bool:
        return any(one.kind == "state" for one in self.members)

    def _read(self, ask: Ask, members: Sequence[Member]) -> Read:
        _members, rest = split(ask.where, OF_MEMBERS)
        looked_at = {*ask.columns, *(columns(rest) if rest is not None else ())}
        return Read(
            [one.series for one in members],
            self.asked.start,
            self.asked.end,
            self.asked.quality,
            ask.limit if rest is None else None,
            ask.after,
            ask.descending,
            NULLABLE & looked_at,
        )


def _looked_at(ask: Ask) -> Ask:
    assert ask.where is not None
    return Ask(sorted(columns(ask.where)))


class Shape:
    """Turns batches of ``READINGS`` into those of an answer. Every Datastream in them is one of ``members``."""

    def __init__(
        self, members: Sequence[Member], table: LiveTable, schema: pa.Schema, looked_at: pa.Schema | None = None
    ) -> None:
        self._ids = np.array([one.id for one in members], np.int64)
        self._schema, self._looked_at = schema, looked_at
        wanted = {*schema.names, *(looked_at.names if looked_at is not None else ())}
        facts = table.facts(members)
        self._codes = {
            name: facts[name].dictionary_encode() for name in ("thing", "property", "unit") if name in wanted
        }
        self._values = {name: facts[name] for name in ("thing_id", "longitude", "latitude") if name in wanted}

    def batch(self, readings: pa.RecordBatch) -> pa.RecordBatch:
        return self._made(readings, self._schema)

    def meets(self, readings: pa.RecordBatch, rest: Predicate) -> pa.Array:
        """Which rows meet a condition; null counts as not."""
        assert self._looked_at is not None
        looked_at = self._made(readings, self._looked_at)
        numbered = looked_at.append_column("gops:row", pa.array(np.arange(readings.num_rows)))
        kept = np.zeros(readings.num_rows, bool)
        kept[numbered.filter(expression(rest))["gops:row"].to_numpy()] = True
        return pa.array(kept)

    def facts(self, datastreams: Int64s) -> dict[str, pa.Array]:
        """What is the same in all readings of a Datastream, by row."""
        places: Int64s = np.searchsorted(self._ids, datastreams)
        return {name: self._same(name, places) for name in (*self._codes, *self._values)}

    def _made(self, readings: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        places = self._places(readings["datastream"].to_numpy())
        return pa.RecordBatch.from_arrays([self._column(one, readings, places) for one in schema], schema=schema)

    def _places(self, datastreams: Int64s) -> Int64s:
        """Of the members, by row; rows of one Datastream mostly stand together."""
        begins = np.flatnonzero(np.diff(datastreams, prepend=datastreams[:1] - 1))
        found = np.searchsorted(self._ids, datastreams[begins])
        return np.repeat(found, np.diff(begins, append=len(datastreams)))

    def _column(self, one: pa.Field, readings: pa.RecordBatch, places: Int64s) -> pa.Array:
        if one.name in self._codes or one.name in self._values:
            return self._same(one.name, places)
        if one.name == "quality":
            return pa.DictionaryArray.from_arrays(readings["quality"].cast(pa.int32()), pa.array(WORDS))
        if one.name == "id":
            parts = (readings[name].cast(pa.string()) for name in ("datastream", "t"))
            return pc.binary_join_element_wise(*parts, "_")
        return readings[_OF_READINGS[one.name]].cast(one.type)

    def _same(self, name: str, places: Int64s) -> pa.Array:
        if name in self._values:
            return self._values[name].take(pa.array(places))
        codes = self._codes[name]
        return pa.DictionaryArray.from_arrays(pa.array(codes.indices.to_numpy()[places]), codes.dictionary, safe=False)


_OF_READINGS: Mapping[str, str] = {
    "time": "t",
    "value": "value",
    "text": "text",
    "datastream": "datastream",
    "result_time": "result_time",
    "gops:place:major": "datastream",
    "gops:place:minor": "t",
}
