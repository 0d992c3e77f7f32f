"""What is in memory of each Datastream, from disk: the hot table, what sums up the files, late rows over both."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.store.duckdb import summary
from gops.store.duckdb.database import rows
from gops.store.duckdb.ends import ends
from gops.store.duckdb.manifest import unsealed
from gops.store.duckdb.sources import Sources
from gops.store.port import Extent
from gops.store.rows import Ints, Rows

_LATE = """
    SELECT datastream, min(t), max(t), sum((NOT gone)::BIGINT - base::BIGINT)::BIGINT FROM late GROUP BY datastream"""


def heads_on_disk(connection: duckdb.DuckDBPyConnection, sources: Sources) -> tuple[Rows, Ints, Ints]:
    """Newest row, first t and number of rows of each Datastream that has some."""
    hot = summary.of_rows(connection, f"SELECT * FROM reading WHERE {unsealed(sources.tiers.layout)}")
    beneath = summary.joined(hot, summary.stored(connection, sources))
    found = rows(connection, _LATE)
    if found:
        beneath = _with_late(connection, sources, beneath, found)
    standing = beneath.filter(pa.array(beneath["rows"].to_numpy() > 0))
    return Rows.of(standing), standing["first"].to_numpy(), standing["rows"].to_numpy()


def _with_late(
    connection: duckdb.DuckDBPyConnection, sources: Sources, beneath: pa.Table, late: list[tuple[int, int, int, int]]
) -> pa.Table:
    """The same with late rows: of these Datastreams both ends are looked for anew."""
    ids = np.sort(np.array([one for one, *_ in late], np.int64))
    known = pa.array(np.isin(beneath["datastream"].to_numpy(), ids))
    touched = beneath.filter(known).select(["datastream", "first", "t", "rows"]).to_pydict()
    spans = {one: (first, last, count) for one, first, last, count in zip(*touched.values(), strict=True)}
    within = {}
    for one, first, last, change in late:
        begin, end, count = spans.get(one, (first, last, 0))
        within[one] = Extent(min(begin, first), max(end, last), count + change)
    found = ends(connection, sources, within)
    counts = np.array([within[one].rows for one in found.newest.datastream.tolist()], np.int64)
    looked_up = summary.of(found.newest.table(), found.first, counts)
    return pa.concat_tables([beneath.filter(pc.invert(known)), looked_up]).sort_by("datastream")
