"""What stands in place of rows that are not newer than the newest of their Datastream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gops.store.influx.heads import Head
from gops.store.influx.questions import FIELDS, rows_of, select, slices
from gops.store.influx.server import Server
from gops.store.port import READINGS
from gops.store.resolve import Standing
from gops.store.rows import Ints, Rows

RANGES = 16  # most ranges of time that are looked at for one batch
GAP = 3_600_000_000  # microseconds without a row of the batch from which a new range begins


def look_up(server: Server, given: Rows, suspects: Ints, standing: Standing, heads: Mapping[int, Head]) -> None:
    """Fill in ``standing`` for the rows ``suspects`` of the batch ``given``."""
    unknown = _from_memory(given, suspects, standing, heads)
    for ids, low, high in _questions(given, unknown):
        for piece in server.ask(select(FIELDS, ids, low, high) + '"datastream"'):
            if piece.values:
                _fill(standing, given, unknown, Rows.of(rows_of(piece)))


def _from_memory(given: Rows, suspects: Ints, standing: Standing, heads: Mapping[int, Head]) -> Ints:
    """Fill in what is the known newest row of its Datastream, as a feed brings it again and again; the others."""
    rows = {one: head.row for one, head in heads.items() if head.row is not None}
    ids, t = given.datastream[suspects].tolist(), given.t[suspects].tolist()
    at = [
        place for place, (one, moment) in enumerate(zip(ids, t, strict=True)) if one in rows and rows[one][1] == moment
    ]
    if at:
        names = READINGS.names
        table = pa.Table.from_pylist([dict(zip(names, rows[ids[place]], strict=True)) for place in at], READINGS)
        _put(standing, suspects[at], Rows.of(table))
    return np.delete(suspects, at)


def _questions(given: Rows, suspects: Ints) -> Iterator[tuple[Sequence[int], int, int]]:
    """Datastreams and the range of times in which each of them has suspects, with the widest gaps left out.

    One late row among fresh ones must not make the whole time in between be read.
    """
    if not len(suspects):
        return
    times = given.t[suspects]
    ordered = np.unique(times)
    gaps = np.diff(ordered)
    widest = np.sort(np.argsort(gaps)[-(RANGES - 1) :])
    cuts = widest[gaps[widest] > GAP] + 1
    for part in np.split(ordered, cuts):
        inside = (times >= part[0]) & (times <= part[-1])
        for ids in slices(given.datastream[suspects[inside]].tolist()):
            yield ids, int(part[0]), int(part[-1])


def _fill(standing: Standing, given: Rows, suspects: Ints, found: Rows) -> None:
    """Put rows of one Datastream, in the order of t, where suspects of it have their t."""
    mine = suspects[given.datastream[suspects] == found.datastream[0]]
    places = np.searchsorted(found.t, given.t[mine])
    hit = places < len(found)
    hit[hit] = found.t[places[hit]] == given.t[mine[hit]]
    _put(standing, mine[hit], found.take(places[hit]))


def _put(standing: Standing, at: Any, rows: Rows) -> None:
    standing.rowid[at] = 0
    for name in ("value", "text", "quality", "result_time"):
        getattr(standing.rows, name)[at] = getattr(rows, name)
