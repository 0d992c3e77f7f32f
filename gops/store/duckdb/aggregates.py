"""Aggregates over windows, computed by DuckDB from the raw rows; see ``port.Windows`` for what each means.

A row finds its window by an ASOF join with the windows' beginnings: as fast as arithmetic on equal windows, and right
for months and days of 23 hours too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.kinds import Aggregate, Kind
from gops.quality import Quality
from gops.store.checks import by_datastream, shift, windows_schema
from gops.store.duckdb.database import Database
from gops.store.duckdb.heads import Heads, Ints
from gops.store.duckdb.lookback import last_before
from gops.store.duckdb.shares import shares
from gops.store.duckdb.spans import Span, condition, of_quality, spans_of
from gops.store.port import Extent, Series, Windows

_EAST, _NORTH = "sum(sin(radians(v)))", "sum(cos(radians(v)))"
_VECTOR_MEAN = f"""
    CASE WHEN sqrt({_EAST} * {_EAST} + {_NORTH} * {_NORTH}) / count(v) >= 1e-9
    THEN fmod(degrees(atan2({_EAST}, {_NORTH})) + 360, 360) END"""
_STEP = "CASE WHEN v >= earlier THEN v - earlier WHEN v < earlier THEN v END"
_AGGREGATES: dict[Aggregate, str] = {
    "mean": "avg(v)",
    "sum": "sum(v)",
    "min": "min(v)",
    "max": "max(v)",
    "stddev": "stddev_samp(v)",
    "median": "median(v)",
    "first": "arg_min(v, t)",
    "last": "arg_max(v, t)",
    "increase": f"sum({_STEP})",
}
_SEEN = """
    SELECT datastream, t, quality, {content} AS content, CASE WHEN {used} THEN {content} END AS v
    FROM reading WHERE {where}"""
_WITH_EARLIER = """
    SELECT * FROM (
        SELECT *, lag(v IGNORE NULLS) OVER (PARTITION BY datastream ORDER BY t) AS earlier
        FROM ({seen} UNION ALL BY NAME SELECT datastream, t, v FROM carried))
    WHERE quality IS NOT NULL"""
_GROUPED = f"""
    SELECT datastream, place, {{aggregates}} count(*) AS count,
        count(*) FILTER (quality = {Quality.good:d} AND content IS NOT NULL) AS good
    FROM (SELECT *, t - {{shift}} AS moment FROM ({{rows}})) ASOF JOIN asked ON moment >= low
    GROUP BY datastream, place ORDER BY datastream, place"""


def aggregate(database: Database, heads: Heads, query: Windows, kind: Kind) -> pa.Table:
    """See ``Store.aggregate``."""
    extents = heads.extent([series.datastream for series in query.series])
    query = replace(query, series=tuple(by_datastream(query.series).values()))
    with database.lend() as connection:
        connection.execute("BEGIN")
        connection.register("asked", _asked_table(query))
        found = [
            _group(connection, [one for one in query.series if shift(one) == back], query, kind, extents)
            for back in (0, 1)
        ]
        texts = shares(connection, query, extents) if "share" in query.aggregates else None
        connection.unregister("asked")
        connection.execute("COMMIT")
    table = pa.concat_tables(found).sort_by([("datastream", "ascending"), ("place", "ascending")])
    return _lay_out(table, query, kind, texts)


def _asked_table(query: Windows) -> pa.Table:
    """The windows, clipped to the asked range; those outside of it are empty."""
    start, end = query.asked
    edges = np.clip(np.asarray(query.edges, np.int64), start, end)
    table = pa.table({"place": np.arange(len(edges) - 1), "low": edges[:-1], "high": edges[1:]})
    return table.filter(pc.less(table["low"], table["high"]))


def _group(
    connection: duckdb.DuckDBPyConnection,
    series: Sequence[Series],
    query: Windows,
    kind: Kind,
    extents: dict[int, Extent],
) -> pa.Table:
    """Aggregates of Datastreams whose label is taken alike, a row a (Datastream, window) with rows."""
    names = [name for name in dict.fromkeys(query.aggregates) if name != "share"]
    low, high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
    spans = spans_of(series, low, high, extents)
    if not spans:
        return _empty(names, kind)
    columns = "".join(f'{_sql_of(name, kind)} AS "{name}", ' for name in names)
    rows, parameters = _rows(connection, spans, query, kind)
    sql = _GROUPED.format(aggregates=columns, shift=shift(series[0]), rows=rows)
    return connection.sql(sql, params=parameters).to_arrow_table()


def _sql_of(name: Aggregate, kind: Kind) -> str:
    return _VECTOR_MEAN if (kind, name) == ("angle", "mean") else _AGGREGATES[name]


def _rows(
    connection: duckdb.DuckDBPyConnection, spans: Sequence[Span], query: Windows, kind: Kind
) -> tuple[str, list[object]]:
    where, parameters = condition(spans)
    content = "text" if kind == "state" else "value"
    used = of_quality(query.quality)
    seen = _SEEN.format(content=content, used=used, where=where)
    if "increase" not in query.aggregates:
        return seen, parameters
    carried = last_before(connection, spans, spans[0].low, "value", f"{used} AND value IS NOT NULL")
    connection.register("carried", carried)
    return _WITH_EARLIER.format(seen=seen), parameters


def _empty(names: Sequence[Aggregate], kind: Kind) -> pa.Table:
    result = pa.string() if kind == "state" else pa.float64()
    whole = [(name, pa.int64()) for name in ("datastream", "place")]
    return pa.schema([*whole, *((name, result) for name in names), *_counts()]).empty_table()


def _counts() -> list[tuple[str, pa.DataType]]:
    return [("count", pa.int64()), ("good", pa.int64())]


def _lay_out(table: pa.Table, query: Windows, kind: Kind, texts: dict[tuple[int, int], str] | None) -> pa.Table:
    """The answer: windows filled in, edges and coverage beside the aggregates."""
    ids = np.array([series.datastream for series in query.series], np.int64)
    datastream, place = table["datastream"].to_numpy(), table["place"].to_numpy()
    if query.fill:
        windows = len(query.edges) - 1
        at = np.full(len(ids) * windows, -1, np.int64)
        at[np.searchsorted(ids, datastream) * windows + place] = np.arange(len(table))
        table = table.take(pa.array(at, mask=at < 0))
        datastream, place = np.repeat(ids, windows), np.tile(np.arange(windows), len(ids))
    edges = np.asarray(query.edges, np.int64)
    columns = {name: table[name] for name in table.column_names}
    good = columns["good"].fill_null(0)
    columns |= {
        "datastream": datastream,
        "start": edges[place],
        "end": edges[place + 1],
        "count": columns["count"].fill_null(0),
        "good": good,
        "coverage": _coverage(good.to_numpy(), datastream, place, query),
    }
    if texts is not None:
        keys = zip(datastream.tolist(), place.tolist(), strict=True)
        columns["share"] = pa.array([texts.get(key) for key in keys], pa.string())
    schema = windows_schema(query, kind)
    return pa.table([_finite(columns[field.name], field.type) for field in schema], schema=schema)


def _finite(column: pa.ChunkedArray | Ints, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, np.ndarray):
        return pa.array(column)
    return pc.if_else(pc.is_finite(column), column, None) if kind == pa.float64() else column


def _coverage(good: Ints, datastream: Ints, place: Ints, query: Windows) -> pa.Array:
    """Good over expected readings, at most 1; null where nothing is expected."""
    start, end = query.asked
    edges = np.clip(np.asarray(query.edges, np.int64), start, end)
    lengths = np.diff(edges)[place]
    ids = [series.datastream for series in query.series]
    periods = np.array([series.period or 0 for series in query.series], np.int64)[np.searchsorted(ids, datastream)]
    unknown = (periods == 0) | (lengths <= 0)
    return pa.array(np.minimum(1.0, good * periods / np.where(unknown, 1, lengths)), mask=unknown)
