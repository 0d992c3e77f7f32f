"""Streams of rows from one view of the store, for downloads: Datastreams in slices, each slice sorted here.

DuckDB gives rows in the order in which they lie, which is roughly that of t; so putting them in order by Datastream is
nearly all there is to sort, and a radix sort needs a fraction of what ``ORDER BY`` does. Rows are gathered a batch at a
time, so that a slice is held once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.store.duckdb.database import Cursor, Database
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.reads import ordered, plan, rows_sql
from gops.store.duckdb.spans import Span
from gops.store.duckdb.views import View, begin_view
from gops.store.port import NULLABLE, READINGS, Read

SORTED_ROWS = 400_000  # of a slice, unless a single Datastream has more: 16 MB
FIRST_ROWS = 65_536  # the same of the first slice, which somebody waits for
WIDEN = 4  # times as much is in the next slice, up to the bound
Places = npt.NDArray[np.int64]


def stream(
    database: Database, heads: Heads, query: Read, rows: int, sorted_rows: int = SORTED_ROWS
) -> Iterator[pa.RecordBatch]:
    """See ``Store.stream``. The view is of the moment when the first batch is taken."""
    left = query.limit
    cursor = database.take()
    outline = None
    try:
        with database.working(cursor):
            outline = begin_view(cursor.connection, heads, [series.datastream for series in query.series])
        view = View.of(database, cursor.connection, outline)
        for part in _by_size(plan(query, view.extents), sorted_rows):
            if left == 0:
                return
            here = left is None and _is_held(part, query, sorted_rows)
            batches = _sorted(database, cursor, view, part, query, rows) if here else None
            for batch in batches or _batches(database, cursor, view, part, query, left, rows):
                yield batch
                left = None if left is None else left - batch.num_rows
    finally:
        if outline is not None:
            outline.let_go()
        database.discard(cursor)  # a reader who left early may have left rows in it


def _by_size(spans: Sequence[Span], most: int) -> Iterator[list[Span]]:
    """Neighbouring spans together as long as they hold no more than ``most`` rows; few at first, then ever more."""
    part: list[Span] = []
    size, bound = 0, min(FIRST_ROWS, most)
    for span in spans:
        if part and size + span.extent.rows > bound:
            yield part
            part, size, bound = [], 0, min(bound * WIDEN, most)
        part.append(span)
        size += span.extent.rows
    if part:
        yield part


def _batches(
    database: Database, cursor: Cursor, view: View, spans: Sequence[Span], query: Read, limit: int | None, rows: int
) -> Iterator[pa.RecordBatch]:
    with database.working(cursor):
        sql, parameters = ordered(view, spans, query, limit)
        cursor.reader = cursor.connection.sql(sql, params=parameters).to_arrow_reader(rows)
    while True:
        with database.working(cursor):
            assert cursor.reader is not None
            try:
                batch = cursor.reader.read_next_batch()
            except StopIteration:
                return
        yield pa.RecordBatch.from_arrays(batch.columns, schema=READINGS)


def _is_held(spans: Sequence[Span], query: Read, most: int) -> bool:
    """May a slice be sorted here? Texts may be long, and a Datastream alone may have any number of rows: then DuckDB
    sorts, within the memory that it has."""
    ids = {span.datastream for span in spans}
    texts = any(one.kind == "state" and one.datastream in ids for one in query.series)
    return not texts and sum(span.extent.rows for span in spans) <= most


def _sorted(
    database: Database, cursor: Cursor, view: View, spans: Sequence[Span], query: Read, rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a slice in batches, ordered here."""
    held = [name for name in READINGS.names if name not in NULLABLE or name in query.needed]
    with database.working(cursor):
        sql, parameters = rows_sql(view, spans, query, ", ".join(held))
        found = _columns(view.connection.sql(sql, params=parameters).to_arrow_table())
    order = _order(found["datastream"].to_numpy(), found["t"].to_numpy())
    if query.descending:
        order = order[::-1]
    for begin in range(0, len(order), rows):
        places = pa.array(order[begin : begin + rows])
        with database.working(cursor):  # a store that was closed ends its streams
            columns = [
                found[field.name].take(places).cast(field.type)
                if field.name in found
                else pa.nulls(len(places), field.type)
                for field in READINGS
            ]
        yield pa.RecordBatch.from_arrays(columns, schema=READINGS)


def _columns(table: pa.Table) -> dict[str, pa.Array]:
    """Each in one piece, made and let go one after the other, so that no two copies of all stand in memory."""
    found = {}
    for name in table.column_names:
        found[name] = table[name].combine_chunks()
        table = table.drop_columns([name])
    return found


def _order(datastream: Places, t: Places) -> Places:
    """The places of rows by Datastream, then t."""
    low = int(datastream.min(initial=0))
    is_narrow = int(datastream.max(initial=0)) - low < 1 << 16  # 16 bits are what numpy sorts by radix
    keys = (datastream - low).astype(np.uint16) if is_narrow else datastream
    order = np.argsort(keys, kind="stable")
    ids, times = datastream[order], t[order]
    fine = (ids[1:] > ids[:-1]) | (times[1:] > times[:-1])
    return order if fine.all() else np.lexsort((t, datastream))
