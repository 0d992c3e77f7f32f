"""The last reading before a range: what a counter counted from, and the state that stood when the range began.

However long ago it was; the search goes back in ever longer steps, so that it mostly reads a day.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from gops.clock import DAY
from gops.store.duckdb.spans import Span

FIRST_STEP = DAY
LONGER = 8
_LAST = """
    SELECT datastream, max(t) AS t, arg_max_null({content}, t) AS v FROM reading
    WHERE datastream IN (SELECT unnest(?::BIGINT[])) AND t >= ? AND t < ? AND {used} GROUP BY datastream"""


def last_before(
    connection: duckdb.DuckDBPyConnection, spans: Sequence[Span], moment: int, content: str, used: str
) -> pa.Table:
    """``datastream, t, v`` of the newest row before ``moment`` for which ``used`` holds, of each Datastream with one.

    ``content`` is the column or expression that becomes ``v``; both are SQL of our own.
    """
    wanted = {span.datastream: span.extent.first for span in spans if span.extent.first < moment}
    sql = _LAST.format(content=content, used=used)
    found = [connection.sql(sql, params=[[], 0, 0]).to_arrow_table()]
    high, step = moment, FIRST_STEP
    while wanted:
        low = high - step
        found.append(connection.sql(sql, params=[list(wanted), low, high]).to_arrow_table())
        for datastream in found[-1]["datastream"].to_pylist():
            del wanted[datastream]
        wanted = {datastream: first for datastream, first in wanted.items() if first < low}
        high, step = low, step * LONGER
    return pa.concat_tables(found)
