"""The newest row and the extent of Datastreams: from what is known, else asked for and known then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gops.store.influx.heads import NOTHING, Head, Heads
from gops.store.influx.lines import FIRST, LAST
from gops.store.influx.questions import FIELDS, datastream_of, rows_of, select, slices
from gops.store.influx.server import Server
from gops.store.port import READINGS, Extent
from gops.store.rows import NONE


def latest(server: Server, heads: Heads, datastreams: Sequence[int]) -> pa.Table:
    """See ``Store.latest``."""
    ids = sorted(set(datastreams))
    known = {one: head for one, head in heads.get(ids).items() if head.row or head.last == NONE}
    for some in slices([one for one in ids if one not in known]):
        with heads.watch() as watch:
            question = select(FIELDS, some, FIRST, LAST) + '"datastream" ORDER BY "time" DESC LIMIT 1'
            rows = [row for piece in server.run(question) for row in rows_of(piece).to_pylist()]
            found = {row["datastream"]: Head(row["t"], tuple(row.values())) for row in rows}
            found = {one: found.get(one, NOTHING) for one in some}
            heads.learn(watch, found)
        known |= found
    rows = [dict(zip(READINGS.names, row, strict=True)) for one in ids if (row := known[one].row)]
    return pa.Table.from_pylist(rows, schema=READINGS)


def extent(server: Server, heads: Heads, datastreams: Sequence[int]) -> dict[int, Extent]:
    """See ``Store.extent``."""
    ids = list(dict.fromkeys(datastreams))
    known = {one: head for one, head in heads.get(ids).items() if head.extent or head.last == NONE}
    for some in slices([one for one in ids if one not in known]):
        with heads.watch() as watch:
            found = _asked(server, some)
            heads.learn(watch, found)
        known |= found
    return {one: span for one in ids if (span := known[one].extent)}


def _asked(server: Server, ids: Sequence[int]) -> dict[int, Head]:
    first, last, count = (
        {datastream_of(piece): piece.values[0] for piece in server.run(select(what, ids, FIRST, LAST) + '"datastream"')}
        for what in ('first("q")', 'last("q")', 'count("q")')
    )
    return {one: _head(first.get(one), last.get(one), count.get(one)) for one in ids}


def _head(first: list[Any] | None, last: list[Any] | None, count: list[Any] | None) -> Head:
    if first is None or last is None or count is None:
        return NOTHING
    return Head(last=int(last[0]), extent=Extent(int(first[0]), int(last[0]), int(count[1])))
