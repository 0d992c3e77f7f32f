"""Rows, pages and streams: the question cut into spans of Datastreams, answered in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from gops.errors import Unavailable
from gops.store.checks import by_datastream, shift
from gops.store.influx.lines import FIRST, LAST
from gops.store.influx.questions import FIELDS, SLICE, datastream_of, of_quality, rows_of, select
from gops.store.influx.server import Server
from gops.store.port import READINGS, Read

WIDEN = 4  # the next question of a limited read is about this many times the Datastreams of the one before


@dataclass(frozen=True)
class Span:
    """Rows of a Datastream with ``low <= t <= high``."""

    datastream: int
    low: int
    high: int


def read(server: Server, query: Read) -> pa.Table:
    """See ``Store.read``."""
    return pa.Table.from_batches(stream(server, query, 65_536), READINGS)


def stream(server: Server, query: Read, rows: int) -> Iterator[pa.RecordBatch]:
    """See ``Store.stream``; what is written meanwhile may show."""
    waiting: list[pa.Table] = []
    size = 0
    for table in _tables(server, query, rows):
        waiting.append(table)
        size += table.num_rows
        if size >= rows:
            whole = pa.concat_tables(waiting).combine_chunks()
            *full, rest = whole.to_batches(max_chunksize=rows)
            yield from full
            waiting, size = [pa.Table.from_batches([rest])], rest.num_rows
    if size:
        yield from pa.concat_tables(waiting).combine_chunks().to_batches(max_chunksize=rows)


def _tables(server: Server, query: Read, rows: int) -> Iterator[pa.Table]:
    """The rows of the answer, series by series, each in one or more tables."""
    if query.limit == 0 or not query.quality:
        return
    left = query.limit
    order = ' ORDER BY "time" DESC' if query.descending else ""
    past: int | None = None
    for spans in _grouped(_plan(query), widening=query.limit is not None):
        ids = [span.datastream for span in spans]
        question = select(FIELDS, ids, spans[0].low, spans[0].high, of_quality(query.quality)) + '"datastream"' + order
        for piece in server.ask(question if left is None else f"{question} LIMIT {left}", rows):
            if not piece.values:
                continue
            past = _in_turn(datastream_of(piece), past, query.descending)
            table = rows_of(piece).slice(0, left)
            yield table
            left = None if left is None else left - table.num_rows
            if left == 0:
                return


def _in_turn(datastream: int, past: int | None, descending: bool) -> int:
    """1.x gives series in the order of their tags; raises ``Unavailable`` where another server does not."""
    if past is not None and (datastream > past if descending else datastream < past):
        raise Unavailable("InfluxDB answers series in no order", code="store_answer")
    return datastream


def _plan(query: Read) -> list[Span]:
    """Spans in the order of the answer, without what comes before ``after``."""
    spans = []
    for datastream, one in by_datastream(query.series).items():
        low = FIRST if query.start is None else query.start + shift(one)
        high = LAST if query.end is None else query.end + shift(one) - 1
        spans.append(Span(datastream, max(low, FIRST), min(high, LAST)))
    if query.descending:
        spans.reverse()
    if query.after is not None:
        spans = [rest for span in spans if (rest := _rest(span, query.after, query.descending))]
    return [span for span in spans if span.low <= span.high]


def _rest(span: Span, after: tuple[int, int], descending: bool) -> Span | None:
    datastream, t = after
    if span.datastream != datastream:
        return span if (span.datastream < datastream) == descending else None
    low, high = (span.low, min(span.high, t - 1)) if descending else (max(span.low, t + 1), span.high)
    return Span(datastream, low, high)


def _grouped(spans: list[Span], *, widening: bool) -> Iterator[list[Span]]:
    """Neighbours that one question can ask for: of one range, and of ids with as many digits, for tags are ordered as
    texts. ``widening`` begins with one Datastream, since a page is often full by then."""
    most = 1 if widening else SLICE
    for _, run in groupby(spans, key=lambda span: (span.low, span.high, len(str(span.datastream)))):
        alike = list(run)
        while alike:
            yield alike[:most]
            alike, most = alike[most:], min(SLICE, most * WIDEN)
