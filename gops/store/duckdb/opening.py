"""What is in memory of each Datastream, from disk: the hot table, what sums up the files, late rows over both."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from gops.store.duckdb import summary
from gops.store.duckdb.database import rows
from gops.store.duckdb.ends import ends
from gops.store.duckdb.manifest import unsealed
from gops.store.duckdb.sources import Sources
from gops.store.port import READINGS, Extent
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
    """The same with late rows. Where they may be first or newest, or hide what is, both ends are looked for anew."""
    ids = beneath["datastream"].to_numpy()
    found = np.array(late, np.int64)
    places = np.searchsorted(ids, found[:, 0])
    known = (places < len(ids)) & (ids[np.minimum(places, len(ids) - 1)] == found[:, 0]) if len(ids) else places < 0
    counts = beneath["rows"].to_numpy().copy()
    counts[places[known]] += found[known, 3]
    firsts, lasts = beneath["first"].to_numpy(), beneath["t"].to_numpy()
    inside = known.copy()
    inside[known] = (found[known, 1] > firsts[places[known]]) & (found[known, 2] < lasts[places[known]])
    within = {}
    for place, there, (one, first, last, change) in zip(
        places[~inside].tolist(), known[~inside].tolist(), found[~inside].tolist(), strict=True
    ):
        within[one] = (
            Extent(min(first, int(firsts[place])), max(last, int(lasts[place])), int(counts[place]))
            if there
            else Extent(first, last, change)
        )
    ended = ends(connection, sources, within)
    left = np.array([within[one].rows for one in ended.newest.datastream.tolist()], np.int64)
    looked_up = summary.of(ended.newest.table(), ended.first, left)
    kept = summary.of(beneath.select(READINGS.names), firsts, counts)
    return pa.concat_tables([kept.filter(pa.array(~np.isin(ids, list(within)))), looked_up]).sort_by("datastream")
