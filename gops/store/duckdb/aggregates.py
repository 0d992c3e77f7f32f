"""Aggregates over windows, computed by DuckDB from the raw rows; see ``port.Windows`` for what each means.

A row finds its window by an ASOF join with the windows' beginnings, so that months and days of 23 hours are as right as
equal windows. Rows of few Datastreams are gathered first and placed by a binary search: a scan that keeps few rows of
many passes them on a handful at a time, and grouping those costs more than the scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.kinds import Aggregate, Kind
from gops.quality import Quality
from gops.store.answers import lay_out
from gops.store.checks import by_datastream, shift
from gops.store.duckdb.database import Database
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.lookback import last_before
from gops.store.duckdb.shares import shares
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.spans import Span, condition, of_quality, spans_of
from gops.store.duckdb.views import View, in_one_view
from gops.store.port import READINGS, Windows

GATHERED_ROWS = 1_000_000  # at most are gathered before they are grouped
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
    FROM ({rows})"""
_PLACED = """
    SELECT datastream, t, quality, content, v, place
    FROM (SELECT *, t - {back} AS moment FROM ({seen})) ASOF JOIN asked ON moment >= low"""
_WITH_EARLIER = """
    SELECT * FROM (
        SELECT *, lag(v IGNORE NULLS) OVER (PARTITION BY datastream ORDER BY t) AS earlier
        FROM (({placed}) UNION ALL BY NAME (SELECT datastream, t, v FROM carried)))
    WHERE quality IS NOT NULL"""
_GROUPED = f"""
    SELECT datastream, place, {{aggregates}} count(*) AS count,
        count(*) FILTER (quality = {Quality.good:d} AND content IS NOT NULL) AS good
    FROM ({{rows}}) GROUP BY datastream, place ORDER BY datastream, place"""
_HANDED_OVER = ("asked", "gathered", "carried")


def aggregate(
    database: Database, heads: Heads, query: Windows, kind: Kind, gathered_rows: int = GATHERED_ROWS
) -> pa.Table:
    """See ``Store.aggregate``. ``gathered_rows`` changes how, not what."""
    query = replace(query, series=tuple(by_datastream(query.series).values()))

    def compute(view: View) -> tuple[list[pa.Table], dict[tuple[int, int], str] | None]:
        asked = _asked_table(query)
        view.connection.register("asked", asked)
        found = [_Group(view, query, kind, asked, back, gathered_rows).compute() for back in (0, 1)]
        texts = shares(view, query) if "share" in query.aggregates else None
        for name in _HANDED_OVER:
            view.connection.unregister(name)
        return found, texts

    found, texts = in_one_view(database, heads, [series.datastream for series in query.series], compute)
    table = pa.concat_tables(found)
    if all(part.num_rows for part in found):  # each is in order already
        table = table.sort_by([("datastream", "ascending"), ("place", "ascending")])
    return lay_out(table, query, kind, texts)


def _asked_table(query: Windows) -> pa.Table:
    """``place, low, high`` of the windows, clipped to the asked range, without those outside of it."""
    edges = np.clip(np.asarray(query.edges, np.int64), *query.asked)
    table = pa.table({"place": np.arange(len(edges) - 1), "low": edges[:-1], "high": edges[1:]})
    return table.filter(pc.less(table["low"], table["high"]))


@dataclass(frozen=True)
class _Group:
    """The Datastreams of a question whose t is taken back by ``back`` microseconds to find its window."""

    view: View
    query: Windows
    kind: Kind
    asked: pa.Table
    back: int
    gathered_rows: int

    def compute(self) -> pa.Table:
        """``datastream, place``, the aggregates, ``count, good``: a row a (Datastream, window) with rows."""
        query = self.query
        names = [name for name in dict.fromkeys(query.aggregates) if name != "share"]
        low, high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
        spans = spans_of([one for one in query.series if shift(one) == self.back], low, high, self.view.extents)
        if not spans:
            return self._nothing(names)
        columns = "".join(f'{self._sql_of(name)} AS "{name}", ' for name in names)
        rows, parameters = self._rows(spans)
        return self._ask(_GROUPED.format(aggregates=columns, rows=rows), parameters)

    def _ask(self, sql: str, parameters: Parameters) -> pa.Table:
        return self.view.connection.sql(sql, params=parameters).to_arrow_table()

    def _sql_of(self, name: Aggregate) -> str:
        return _VECTOR_MEAN if (self.kind, name) == ("angle", "mean") else _AGGREGATES[name]

    def _rows(self, spans: Sequence[Span]) -> tuple[str, Parameters]:
        """SQL of the rows to group, and its parameters."""
        placed, parameters = self._placed(spans)
        if "increase" not in self.query.aggregates:
            return placed, parameters
        used = f"{of_quality(self.query.quality)} AND value IS NOT NULL"
        self.view.connection.register("carried", last_before(self.view, spans, spans[0].low, "value", used))
        return _WITH_EARLIER.format(placed=placed), parameters

    def _placed(self, spans: Sequence[Span]) -> tuple[str, Parameters]:
        parameters: Parameters = []
        content = "text" if self.kind == "state" else "value"
        source = self.view.sources.rows(condition(spans, parameters), f"datastream, t, quality, {content}")
        seen = _SEEN.format(content=content, used=of_quality(self.query.quality), rows=source)
        if sum(span.extent.rows for span in spans) > self.gathered_rows:
            return _PLACED.format(seen=seen, back=self.back), parameters
        rows = self._sliced(spans, content)
        rows = self._ask(seen, parameters) if rows is None else rows
        windows = np.searchsorted(self.asked["low"].to_numpy(), rows["t"].to_numpy() - self.back, "right") - 1
        places = self.asked["place"].to_numpy()[windows]
        self.view.connection.register("gathered", rows.append_column("place", pa.array(places)))
        return "SELECT * FROM gathered", []

    def _sliced(self, spans: Sequence[Span], content: str) -> pa.Table | None:
        """The rows of ``_SEEN`` of a single Datastream in sealed files, without SQL."""
        schema = pa.schema([READINGS.field(name) for name in ("datastream", "t", "quality", content)])
        rows = self.view.sliced(spans, schema)
        if rows is None:
            return None
        used = pa.array([int(one) for one in self.query.quality], pa.uint8())
        rows = rows.rename_columns(["datastream", "t", "quality", "content"])
        return rows.append_column("v", pc.if_else(pc.is_in(rows["quality"], used), rows["content"], None))

    def _nothing(self, names: Sequence[Aggregate]) -> pa.Table:
        result = pa.string() if self.kind == "state" else pa.float64()
        columns = [("datastream", pa.int64()), ("place", pa.int64()), *((name, result) for name in names)]
        return pa.schema([*columns, ("count", pa.int64()), ("good", pa.int64())]).empty_table()
