"""What sums up readings: of each Datastream the newest row, the first t and the number of rows.

A table of ``SUMMARY``, ascending by Datastream. That of all sealed files is kept in a file of its own beside them,
written before the commit that changes them: one row a Datastream, however many files there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops import logs
from gops.store.duckdb import manifest
from gops.store.duckdb.shelf import Shelf
from gops.store.duckdb.sources import Sources
from gops.store.duckdb.tiers import File
from gops.store.port import READINGS

SUMMARY = pa.schema([*READINGS, pa.field("first", pa.int64(), False), pa.field("rows", pa.int64(), False)])
_OF_ROWS = """
    WITH held AS MATERIALIZED (
        SELECT datastream, min(t) AS first, max(t) AS last, count(*) AS rows FROM ({rows}) GROUP BY datastream)
    SELECT r.datastream, r.t, r.value, r.text, r.quality, r.result_time, held.first, held.rows
    FROM held JOIN ({rows}) r ON r.datastream = held.datastream AND r.t = held.last
    ORDER BY r.datastream"""
"""Rows are looked at twice, which takes a fraction of carrying a whole row along as the newest so far."""
_NEWEST = ", ".join(
    f"CASE WHEN from_added THEN a.{name} ELSE o.{name} END AS {name}" for name in ("t", "value", "text", "quality")
)
_CHANGED = f"""
    SELECT datastream, {_NEWEST}, CASE WHEN from_added THEN a.result_time ELSE o.result_time END AS result_time,
        CASE WHEN r.first = o.first THEN a.first ELSE least(o.first, a.first) END AS first,
        coalesce(o.rows, 0) - coalesce(r.rows, 0) + coalesce(a.rows, 0) AS rows,
        a.t IS NULL AND (coalesce(r.t = o.t, false) OR coalesce(r.first = o.first, false)) AS lost
    FROM (
        SELECT *, o.t IS NULL OR coalesce(r.t = o.t, false) OR coalesce(a.t > o.t, false) AS from_added
        FROM (SELECT coalesce(o.datastream, a.datastream) AS datastream, o, r, a
            FROM summary_old o LEFT JOIN summary_removed r ON o.datastream = r.datastream
            FULL JOIN summary_added a ON o.datastream = a.datastream))
    WHERE rows > 0
    ORDER BY datastream"""
log = logs.get(__name__)


def of_rows(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Of the rows of a SELECT; a key at most once."""
    return connection.sql(_OF_ROWS.format(rows=sql)).to_arrow_table().cast(SUMMARY)


def of_files(connection: duckdb.DuckDBPyConnection, sources: Sources, files: Sequence[File]) -> pa.Table:
    return of_rows(connection, f"SELECT * FROM {sources.scan(files)}") if files else SUMMARY.empty_table()


def of(newest: pa.Table, first: np.ndarray, rows: np.ndarray) -> pa.Table:
    return newest.append_column(SUMMARY.field("first"), pa.array(first)).append_column(
        SUMMARY.field("rows"), pa.array(rows)
    )


def stored(connection: duckdb.DuckDBPyConnection, sources: Sources) -> pa.Table:
    """Of all sealed files; from their rows when what sums them up is lost. Raises ``duckdb.Error``."""
    layout = sources.tiers.layout
    named = manifest.summary(connection)
    found = Shelf(sources.folder).summary(*named) if named else None
    if found is not None:
        return found.cast(SUMMARY)
    if layout.files:
        log.warning("store_summary_made_anew", files=len(layout.files))
    return of_files(connection, sources, layout.files)


def joined(one: pa.Table, other: pa.Table) -> pa.Table:
    """Of the rows of two that have no key in common."""
    if not len(one) or not len(other):
        return one if len(one) else other
    both = pa.concat_tables([one, other]).sort_by([("datastream", "ascending"), ("t", "ascending")])
    ids = both["datastream"].to_numpy()
    begins = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1))
    tops = np.append(begins[1:], len(ids)) - 1
    first = np.minimum.reduceat(both["first"].to_numpy(), begins)
    rows = np.add.reduceat(both["rows"].to_numpy(), begins)
    return of(both.select(READINGS.names).take(pa.array(tops)), first, rows)


def changed(
    connection: duckdb.DuckDBPyConnection, sources: Sources, old: pa.Table, removed: pa.Table, added: pa.Table
) -> pa.Table:
    """What ``old`` becomes when files (``removed``) give way to others of the same range (``added``).

    ``sources`` have the files of afterwards: in these a Datastream is looked for that has lost its first or newest row
    without another of that range in its place.
    """
    for name, table in (("old", old), ("removed", removed), ("added", added)):
        connection.register(f"summary_{name}", table)
    found = connection.sql(_CHANGED).to_arrow_table()
    for name in ("old", "removed", "added"):
        connection.unregister(f"summary_{name}")
    lost = found.filter(found["lost"])["datastream"].to_pylist()
    kept = found.filter(pc.invert(found["lost"])).drop_columns(["lost"]).cast(SUMMARY)
    return joined(kept, _of_these(connection, sources, lost))


def _of_these(connection: duckdb.DuckDBPyConnection, sources: Sources, datastreams: Sequence[int]) -> pa.Table:
    files = sources.tiers.layout.files
    if not datastreams or not files:
        return SUMMARY.empty_table()
    ids = ", ".join(map(str, datastreams))
    return of_rows(connection, f"SELECT * FROM {sources.scan(files)} WHERE datastream IN ({ids})")
