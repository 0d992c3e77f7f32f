"""Aggregates over windows from the raw rows; see ``port.Windows`` for what each means.

Few rows are gathered, put in their order and grouped here (``windowing``): DuckDB takes 4 to 6 ms to begin a grouping,
numpy 0.1 ms for a few thousand rows. Many are grouped by DuckDB in one pass. There a row finds its window by an ASOF
join with the windows' beginnings, so that months and days of 23 hours are as right as equal windows.
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
from gops.store.duckdb.slices import in_order
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.spans import Span, condition, of_quality, spans_of
from gops.store.duckdb.views import View, in_one_statement, in_one_view
from gops.store.port import READINGS, Windows
from gops.store.windowing import aggregate_rows

GATHERED_ROWS = 1_000_000  # about, at most, are gathered before they are grouped here
SKEWED = 4  # times as many may turn out to be there
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
_HANDED_OVER = ("asked", "carried")
_LOOKING_BACK = {"increase", "share"}  # these need more than one statement


def aggregate(
    database: Database, heads: Heads, query: Windows, kind: Kind, gathered_rows: int = GATHERED_ROWS
) -> pa.Table:
    """See ``Store.aggregate``. ``gathered_rows`` changes how, not what."""
    query = replace(query, series=tuple(by_datastream(query.series).values()))

    ids = [series.datastream for series in query.series]

    def gather(view: View) -> pa.Table | None:
        rows = _gathered(view, query, kind, gathered_rows)
        return None if rows is None else aggregate_rows(query, kind, [rows[0]], rows[1])

    def compute(view: View) -> pa.Table:
        found = gather(view)
        return _in_one_pass(view, query, kind) if found is None else found

    found = None if _LOOKING_BACK & set(query.aggregates) else in_one_statement(database, heads, ids, gather)
    return in_one_view(database, heads, ids, compute) if found is None else found


def _gathered(view: View, query: Windows, kind: Kind, most: int) -> tuple[pa.Table, pa.Table] | None:
    """The rows that the question is about, in their order, and what ``aggregate_rows`` needs before them.

    None when there are many more than ``most``, and for shares.
    """
    low, high = _range(query)
    spans = spans_of(query.series, low, high, view.extents)
    if "share" in query.aggregates or sum(map(_about, spans)) > most:
        return None
    schema = pa.schema([READINGS.field(name) for name in ("datastream", "t", "quality", _content(kind))])
    limit = SKEWED * most
    rows = view.in_two(spans, schema, limit) if spans else schema.empty_table()
    if rows is None:
        parameters: Parameters = []
        sql = view.sources.rows(condition(spans, parameters), ", ".join(schema.names))
        rows = view.connection.sql(f"SELECT * FROM ({sql}) LIMIT {limit}", params=parameters).to_arrow_table()
        if len(rows) == limit:
            return None
        rows = in_order(rows)
    return rows, _before(view, query, spans) if "increase" in query.aggregates else READINGS.empty_table()


def _about(span: Span) -> int:
    """How many rows a span has, were they as many at all times."""
    of = span.extent
    length = min(span.high, of.last + 1) - max(span.low, of.first)
    return 1 + of.rows * length // (of.last + 1 - of.first)


def _before(view: View, query: Windows, spans: Sequence[Span]) -> pa.Table:
    """``datastream, t, value`` of the used reading before each span."""
    used = f"{of_quality(query.quality)} AND value IS NOT NULL"
    found = [
        last_before(view, [span for span in spans if span.low == low], low, "value", used)
        for low in sorted({span.low for span in spans})
    ]
    nothing = pa.table({"datastream": pa.array([], pa.int64()), "value": pa.array([], pa.float64())})
    return pa.concat_tables([one.rename_columns(["datastream", "t", "value"]) for one in found]) if found else nothing


def _range(query: Windows) -> tuple[int, int]:
    """What is both asked and in a window."""
    return max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])


def _content(kind: Kind) -> str:
    return "text" if kind == "state" else "value"


def _in_one_pass(view: View, query: Windows, kind: Kind) -> pa.Table:
    """The answer, grouped by DuckDB."""
    asked = _asked_table(query)
    view.connection.register("asked", asked)
    found = [_Group(view, query, kind, back).compute() for back in (0, 1)]
    texts = shares(view, query) if "share" in query.aggregates else None
    for name in _HANDED_OVER:
        view.connection.unregister(name)
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
    back: int

    def compute(self) -> pa.Table:
        """``datastream, place``, the aggregates, ``count, good``: a row a (Datastream, window) with rows."""
        query = self.query
        names = [name for name in dict.fromkeys(query.aggregates) if name != "share"]
        low, high = _range(query)
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
        content = _content(self.kind)
        source = self.view.sources.rows(condition(spans, parameters), f"datastream, t, quality, {content}")
        seen = _SEEN.format(content=content, used=of_quality(self.query.quality), rows=source)
        return _PLACED.format(seen=seen, back=self.back), parameters

    def _nothing(self, names: Sequence[Aggregate]) -> pa.Table:
        result = pa.string() if self.kind == "state" else pa.float64()
        columns = [("datastream", pa.int64()), ("place", pa.int64()), *((name, result) for name in names)]
        return pa.schema([*columns, ("count", pa.int64()), ("good", pa.int64())]).empty_table()
