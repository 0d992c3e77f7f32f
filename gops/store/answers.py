"""The answer to a question for aggregates: windows filled in, edges and coverage beside what was computed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.kinds import Kind
from gops.store.checks import windows_schema
from gops.store.port import Windows
from gops.store.rows import Ints


def lay_out(table: pa.Table, query: Windows, kind: Kind, shares: Mapping[tuple[int, int], str] | None) -> pa.Table:
    """The columns of ``port.Windows`` from rows ``datastream, place, <aggregates>, count, good`` in their order.

    ``place`` is the number of the window, ``shares`` holds JSON by (Datastream, place); ``query.series`` ascend.
    """
    table, datastream, place = _rows(table, query)
    edges = np.asarray(query.edges, np.int64)
    good = table["good"].fill_null(0)
    columns = {
        **{name: table[name] for name in table.column_names},
        "datastream": pa.array(datastream),
        "start": pa.array(edges[place]),
        "end": pa.array(edges[place + 1]),
        "count": table["count"].fill_null(0),
        "good": good,
        "coverage": _coverage(good.to_numpy(), datastream, place, query),
    }
    if shares is not None:
        keys = zip(datastream.tolist(), place.tolist(), strict=True)
        columns["share"] = pa.array([shares.get(key) for key in keys], pa.string())
    schema = windows_schema(query, kind)
    return pa.table([_finite(columns[field.name]) for field in schema], schema=schema)


def _rows(table: pa.Table, query: Windows) -> tuple[pa.Table, Ints, Ints]:
    """The rows of the answer, with the Datastream and the place of each."""
    datastream, place = table["datastream"].to_numpy(), table["place"].to_numpy()
    if not query.fill:
        return table, datastream, place
    ids = np.array([series.datastream for series in query.series], np.int64)
    windows = len(query.edges) - 1
    at = np.full(len(ids) * windows, -1, np.int64)
    at[np.searchsorted(ids, datastream) * windows + place] = np.arange(len(table))
    filled = table.take(pa.array(at, mask=at < 0))
    return filled, np.repeat(ids, windows), np.tile(np.arange(windows), len(ids))


def _coverage(good: Ints, datastream: Ints, place: Ints, query: Windows) -> pa.Array:
    """Good over expected readings, at most 1; null where nothing is expected."""
    lengths = np.diff(np.clip(np.asarray(query.edges, np.int64), *query.asked))[place]
    ids = np.array([series.datastream for series in query.series], np.int64)
    periods = np.array([series.period or 0 for series in query.series], np.int64)[np.searchsorted(ids, datastream)]
    unknown = (periods == 0) | (lengths <= 0)
    return pa.array(np.minimum(1.0, good * periods / np.where(unknown, 1, lengths)), mask=unknown)


def _finite(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Null in place of infinity and of what is no number."""
    return pc.if_else(pc.is_finite(column), column, None) if column.type == pa.float64() else column
