"""Raw rows: a page, or a range. (Streams: ``streaming``.)

Hot rows lie on disk in the order they came, roughly that of t, and DuckDB knows the least and greatest t of every
122,880 of them; so a question is fast when its range of t is narrow or its limit small. Sealed rows lie by Datastream
and t. A question about many Datastreams is cut into slices of some Datastreams each, so that little more is sorted than
what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.quality import ANY
from gops.store.duckdb.database import Database
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.spans import Span, condition, of_quality, spans_of
from gops.store.duckdb.views import View, in_one_statement, in_one_view
from gops.store.port import READINGS, Extent, Read

FEW_ROWS = 2_000  # up to this limit rows are fetched as tuples, with less overhead than a table of Arrow
MARGIN = 1.2  # times the time that should hold a page is looked at first
CROWD = 4  # times the rows of a page there: too many to sort here
WIDEN = 4  # times as much as before is in the next slice of a limited read


def read(database: Database, heads: Heads, query: Read) -> pa.Table:
    """See ``Store.read``."""
    ids = [series.datastream for series in query.series]

    def fetch(view: View) -> pa.Table:
        spans = plan(query, view.extents)
        if not spans or query.limit == 0:
            return READINGS.empty_table()
        if query.limit is None:
            sliced = _sliced(view, spans, query)
            return _fetch(view, spans, query, None) if sliced is None else sliced
        if len(spans) == 1:
            return _fetch_page(view, spans[0], query, query.limit)
        return _fetch_slices(view, spans, query, query.limit)

    in_turn = in_one_statement if query.limit is None or len(set(ids)) == 1 else in_one_view
    return in_turn(database, heads, ids, fetch)


def plan(query: Read, extents: Mapping[int, Extent]) -> list[Span]:
    """Spans in the order of the answer, without what comes before ``after``."""
    spans = spans_of(query.series, query.start, query.end, extents)
    if query.descending:
        spans.reverse()
    if query.after is not None:
        spans = [rest for span in spans if (rest := _rest(span, query.after, query.descending))]
    return spans


def _rest(span: Span, after: tuple[int, int], descending: bool) -> Span | None:
    datastream, t = after
    if span.datastream != datastream:
        return span if (span.datastream < datastream) == descending else None
    rest = replace(span, high=min(span.high, t)) if descending else replace(span, low=max(span.low, t + 1))
    return rest if rest.low < rest.high else None


def rows_sql(view: View, spans: Sequence[Span], query: Read, columns: str = COLUMNS) -> tuple[str, Parameters]:
    """A SELECT of the rows of these spans, as they lie."""
    parameters: Parameters = []
    where = condition(spans, parameters)
    of = of_quality(query.quality)
    return view.sources.rows(
        where if of == "true" else replace(where, sql=f"{where.sql} AND {of}"), columns
    ), parameters


def ordered(view: View, spans: Sequence[Span], query: Read, limit: int | None) -> tuple[str, Parameters]:
    """The same in the order of the answer."""
    sql, parameters = rows_sql(view, spans, query)
    way = " DESC" if query.descending else ""
    order = f"t{way}" if len(spans) == 1 else f"datastream{way}, t{way}"
    return f"SELECT * FROM ({sql}) ORDER BY {order}{'' if limit is None else f' LIMIT {int(limit)}'}", parameters


def _fetch(view: View, spans: Sequence[Span], query: Read, limit: int | None) -> pa.Table:
    sql, parameters = ordered(view, spans, query, limit)
    if limit is None or limit > FEW_ROWS:
        return view.connection.sql(sql, params=parameters).to_arrow_table().cast(READINGS)
    return _table(view.connection.execute(sql, parameters).fetchall())


def _table(found: Sequence[tuple[Any, ...]]) -> pa.Table:
    if not found:
        return READINGS.empty_table()
    columns = zip(*found, strict=True)
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, READINGS, strict=True)], schema=READINGS
    )


def _sliced(view: View, spans: Sequence[Span], query: Read) -> pa.Table | None:
    """All rows of a single Datastream in the order asked, when they lie in sealed files alone and are not too many."""
    found = view.sliced(spans)
    if found is None:
        return None
    if query.quality != ANY:
        wanted = pa.array([int(one) for one in query.quality], pa.uint8())
        found = found.filter(pc.is_in(found["quality"], wanted))
    return found.take(pa.array(np.arange(len(found))[::-1])) if query.descending else found


def _fetch_page(view: View, span: Span, query: Read, limit: int) -> pa.Table:
    """A page of one Datastream: first from as much time as should hold it, sorted here, then from all of it."""
    near = _near(span, limit, query.descending)
    sliced = _sliced(view, [near], query)
    if sliced is not None and (near == span or len(sliced) >= limit):
        return sliced.slice(0, limit)
    if near != span and limit <= FEW_ROWS:
        sql, parameters = rows_sql(view, [near], query)
        found = view.connection.execute(f"SELECT * FROM ({sql}) LIMIT {CROWD * limit}", parameters).fetchall()
        if limit <= len(found) < CROWD * limit:
            found.sort(key=itemgetter(1), reverse=query.descending)
            return _table(found[:limit])
    return _fetch(view, [span], query, limit)


def _near(span: Span, limit: int, descending: bool) -> Span:
    """The begin of a span in which ``limit`` rows are likely, judged by how many there are in all."""
    first, last = max(span.low, span.extent.first), min(span.high, span.extent.last + 1)
    mean_step = (span.extent.last - span.extent.first) / span.extent.rows
    length = int(mean_step * (limit + 1) * MARGIN) + 1
    if length >= last - first:
        return span
    return replace(span, low=last - length) if descending else replace(span, high=first + length)


def _fetch_slices(view: View, spans: Sequence[Span], query: Read, limit: int) -> pa.Table:
    """Ever more Datastreams at a time until the page is full."""
    tables, left, least = [], limit, 1
    while spans and left:
        rows = accumulate(span.extent.rows for span in spans)
        size = max(least, next((n for n, count in enumerate(rows, 1) if count >= left), len(spans)))
        tables.append(_fetch(view, spans[:size], query, left))
        left -= tables[-1].num_rows
        spans, least = spans[size:], size * WIDEN
    return pa.concat_tables(tables)
