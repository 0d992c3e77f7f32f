"""The last reading before a range: what a counter counted from, and the state that stood when the range began.

However long ago it was; the search goes back in ever longer steps, so that it mostly reads a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from gops.clock import DAY
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.spans import Span, condition
from gops.store.duckdb.views import View

FIRST_STEP = DAY
LONGER = 8
_LAST = """
    SELECT datastream, max(t) AS t, arg_max_null({content}, t) AS v FROM ({rows}) WHERE {used} GROUP BY datastream"""
_NOTHING = "SELECT datastream, t, {content} AS v FROM reading WHERE false"


def last_before(view: View, spans: Sequence[Span], moment: int, content: str, used: str) -> pa.Table:
    """``datastream, t, v`` of the newest row before ``moment`` for which ``used`` holds, of each Datastream with one.

    ``content`` is the column or expression that becomes ``v``; both are SQL of our own.
    """
    wanted = {span.datastream: span for span in spans if span.extent.first < moment}
    found = [view.connection.sql(_NOTHING.format(content=content)).to_arrow_table()]
    high, step = moment, FIRST_STEP
    while wanted:
        low = high - step
        parameters: Parameters = []
        where = condition([replace(span, low=low, high=high) for span in wanted.values()], parameters)
        rows = view.sources.rows(where, "datastream, t, value, text, quality")
        sql = _LAST.format(content=content, used=used, rows=rows)
        found.append(view.connection.sql(sql, params=parameters).to_arrow_table())
        for datastream in found[-1]["datastream"].to_pylist():
            del wanted[datastream]
        wanted = {datastream: span for datastream, span in wanted.items() if span.extent.first < low}
        high, step = low, step * LONGER
    return pa.concat_tables(found)
