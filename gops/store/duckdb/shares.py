"""The share of time of each state in each window; see ``port.Windows``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

import duckdb

from gops.store.duckdb.lookback import last_before
from gops.store.duckdb.spans import Span, condition, of_quality
from gops.store.port import Extent, Windows

_SPELLS = """
    WITH seen AS (
        SELECT datastream, t, v FROM carried
        UNION ALL SELECT datastream, t, {content} AS v FROM reading WHERE {where}),
    spell AS (
        SELECT datastream, v, greatest(t, {low}) AS since,
            lead(t, 1, {high}) OVER (PARTITION BY datastream ORDER BY t) AS until
        FROM seen)
    SELECT datastream, place, v, sum(least(until, high) - greatest(since, low))::BIGINT AS spent
    FROM spell JOIN asked ON since < high AND until > low
    WHERE v IS NOT NULL AND until > since
    GROUP BY datastream, place, v ORDER BY datastream, place, v"""


def shares(
    connection: duckdb.DuckDBPyConnection, query: Windows, extents: Mapping[int, Extent]
) -> dict[tuple[int, int], str]:
    """JSON of text -> share of the known time, by (Datastream, number of the window). Uses the table ``asked``.

    A state holds from its t on, whatever the label.
    """
    low, high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
    known = [(one.datastream, extents[one.datastream]) for one in query.series if one.datastream in extents]
    spans = [Span(datastream, low, high, extent) for datastream, extent in known if extent.first < high]
    if not spans or low >= high:
        return {}
    content = f"CASE WHEN {of_quality(query.quality)} THEN text END"
    connection.register("carried", last_before(connection, spans, low, content, "true"))
    where, parameters = condition([replace(span, low=low) for span in spans])
    sql = _SPELLS.format(content=content, where=where, low=int(low), high=int(high))
    spells = connection.execute(sql, parameters).fetchall()
    connection.unregister("carried")
    return {key: _share([row[2:] for row in rows]) for key, rows in groupby(spells, key=lambda row: row[:2])}


def _share(spells: list[tuple[str, int]]) -> str:
    known = sum(spent for _, spent in spells)
    return json.dumps({text: spent / known for text, spent in sorted(spells)}, ensure_ascii=False)
