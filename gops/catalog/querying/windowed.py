"""Windows of aggregates as a table, long or wide. The store computes them; see ``store.port.Windows``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from gops.catalog.querying.held import HeldTable
from gops.catalog.querying.live import WORD, LiveTable, Shape
from gops.catalog.querying.port import PLACE, Column
from gops.catalog.querying.wide import Across, layout, of_thing, pivoted
from gops.kinds import Aggregate, Kind

Aggregated = Callable[[], pa.Table]
SHARE = "share"  # an object of JSON, in forms that know objects; its text in the others
OF_STATE = frozenset({"first", "last", SHARE})


def _moments(live: LiveTable) -> list[Column]:
    kind = pa.timestamp("us", live.asked.zone.key)
    return [Column("start", kind, nullable=False), Column("end", kind, nullable=False)]


def _kind(kind: Kind, aggregate: str) -> pa.DataType:
    return pa.string() if kind == "state" and aggregate in OF_STATE else pa.float64()


def long(live: LiveTable, kind: Kind, aggregates: Sequence[Aggregate], aggregated: Aggregated) -> HeldTable:
    """A row a Datastream and window: ``start, end, thing, property, <aggregates>, unit, count, good, coverage`` and
    what a reading's Datastream is."""
    units = {one.unit for one in live.members}
    unit = next(iter(units)) if len(units) == 1 else None
    columns = [
        *_moments(live),
        Column("thing", WORD, nullable=False),
        Column("property", WORD, nullable=False),
        *(Column(one, _kind(kind, one), unit, is_json=one == SHARE) for one in aggregates),
        Column("unit", WORD, nullable=False),
        Column("count", pa.int64(), nullable=False),
        Column("good", pa.int64(), nullable=False),
        Column("coverage", pa.float64()),
        *(one for one in live.columns if one.name in ("datastream", "thing_id", "longitude", "latitude")),
    ]

    def load() -> pa.Table:
        found = aggregated().combine_chunks()
        facts = Shape(live.members, live, _facts_schema(live)).facts(found["datastream"].to_numpy())
        shown = {one.name: facts.get(one.name, _at(found, one)) for one in columns}
        return pa.table({**shown, PLACE[0]: found["datastream"], PLACE[1]: found["start"]})

    return HeldTable(columns, load)


def _at(found: pa.Table, one: Column) -> pa.ChunkedArray | None:
    return found[one.name].cast(one.type) if one.name in found.column_names else None


def _facts_schema(live: LiveTable) -> pa.Schema:
    names = ("thing", "property", "unit", "thing_id", "longitude", "latitude")
    return pa.schema([one.field for one in live.columns if one.name in names])


def wide(
    live: LiveTable, kind: Kind, aggregates: Sequence[Aggregate], aggregated: Aggregated, across: Across, most: int
) -> HeldTable:
    """A row a window (and Thing); columns across, one for each aggregate where there are several."""
    laid = layout(live.members, across, most // max(1, len(aggregates)))
    moments = _moments(live)
    values = [
        Column(name if len(aggregates) == 1 else f"{name} {one}", _kind(kind, one), unit, is_json=one == SHARE)
        for one in aggregates
        for name, unit in zip(laid.names, laid.units, strict=True)
    ]

    def load() -> pa.Table:
        found = aggregated().combine_chunks()
        cells = [found[one] for one in aggregates for _name in laid.names]
        start, end = found["start"].to_numpy(), found["end"].to_numpy()
        ends = dict(zip(start.tolist(), end.tolist(), strict=True))
        table = pivoted(live, laid, found["datastream"].to_numpy(), start, moments[:1], cells, values)
        until = pa.array([ends[one] for one in table[PLACE[0]].to_pylist()], pa.int64()).cast(moments[1].type)
        return table.append_column("end", until)

    return HeldTable([*moments, *of_thing(laid), *values], load)
