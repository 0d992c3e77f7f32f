"""The share of time of each state in each window; see ``port.Windows``."""

from __future__ import annotations

import json
from itertools import groupby

from gops.store.duckdb.lookback import last_before
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.spans import Span, condition, of_quality
from gops.store.duckdb.views import View
from gops.store.port import Windows

_SPELLS = """
    WITH seen AS (
        SELECT datastream, t, v FROM carried
        UNION ALL SELECT datastream, t, {content} AS v FROM ({rows})),
    spell AS (
        SELECT datastream, v, greatest(t, {low}) AS since,
            lead(t, 1, {high}) OVER (PARTITION BY datastream ORDER BY t) AS until
        FROM seen)
    SELECT datastream, place, v, sum(least(until, high) - greatest(since, low))::BIGINT AS spent
    FROM spell JOIN asked ON since < high AND until > low
    WHERE v IS NOT NULL AND until > since
    GROUP BY datastream, place, v ORDER BY datastream, place, v"""


def shares(view: View, query: Windows) -> dict[tuple[int, int], str]:
    """JSON of text -> share of the known time, by (Datastream, number of the window). Uses the table ``asked``.

    A state holds from its t on, whatever the label.
    """
    low, high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
    known = [(one.datastream, view.extents[one.datastream]) for one in query.series if one.datastream in view.extents]
    spans = [Span(datastream, low, high, extent) for datastream, extent in known if extent.first < high]
    if not spans or low >= high:
        return {}
    content = f"CASE WHEN {of_quality(query.quality)} THEN text END"
    view.connection.register("carried", last_before(view, spans, low, content, "true"))
    parameters: Parameters = []
    rows = view.sources.rows(condition(spans, parameters), "datastream, t, text, quality")
    sql = _SPELLS.format(content=content, rows=rows, low=int(low), high=int(high))
    spells = view.connection.execute(sql, parameters).fetchall()
    view.connection.unregister("carried")
    return {key: _share([row[2:] for row in rows]) for key, rows in groupby(spells, key=lambda row: row[:2])}


def _share(spells: list[tuple[str, int]]) -> str:
    known = sum(spent for _, spent in spells)
    return json.dumps({text: spent / known for text, spent in sorted(spells)}, ensure_ascii=False)
