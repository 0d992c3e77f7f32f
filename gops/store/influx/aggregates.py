"""Aggregates over windows: computed by the server where its windows mean the same, else here from raw rows.

InfluxQL's windows are of one length. Its functions take readings one by one, so what a counter grew by, a direction and
how long a state held are computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gops.kinds import Aggregate, Kind
from gops.quality import GOOD_ONLY
from gops.store.answers import lay_out
from gops.store.checks import by_datastream, shift
from gops.store.influx import reads
from gops.store.influx.lines import FIRST, LAST
from gops.store.influx.questions import (
    FIELDS,
    HAS_VALUE,
    datastream_of,
    of_quality,
    rows_of,
    select,
    slices,
)
from gops.store.influx.server import Inexpressible, Server
from gops.store.port import READINGS, Read, Series, Windows
from gops.store.rows import Ints
from gops.store.windowing import aggregate_rows, needed

_THERE = frozenset[Aggregate]({"mean", "sum", "min", "max", "stddev", "median", "first", "last"})
PIECE_ROWS = 50_000  # of raw rows


def aggregate(server: Server, query: Windows, kind: Kind) -> pa.Table:
    """See ``Store.aggregate``."""
    query = Windows(**{**vars(query), "series": tuple(by_datastream(query.series).values())})
    length = _length(query, kind)
    if length is not None:
        try:
            return lay_out(_There(server, query, length).compute(), query, kind, None)
        except Inexpressible:  # an infinite sum; it is computed here, as a null
            pass
    return _here(server, query, kind)


def _length(query: Windows, kind: Kind) -> int | None:
    """How long each window is, where the server can compute all that is asked."""
    lengths = np.unique(np.diff(np.asarray(query.edges, np.int64)))
    vector = kind == "angle" and "mean" in query.aggregates
    plain = kind != "state" and not vector and _THERE.issuperset(query.aggregates)
    reachable = query.edges[0] > FIRST and query.edges[-1] < LAST
    return int(lengths[0]) if plain and reachable and len(lengths) == 1 else None


class _There:
    """Three questions for each slice of the Datastreams: all rows, the used ones, the good ones."""

    def __init__(self, server: Server, query: Windows, length: int) -> None:
        self._server = server
        self._query = query
        self._length = length
        self._ids = np.array([one.datastream for one in query.series], np.int64)
        self._windows = len(query.edges) - 1

    def compute(self) -> pa.Table:
        """``datastream, place``, the aggregates, ``count, good``: a row a (Datastream, window) with rows."""
        names = list(dict.fromkeys(self._query.aggregates))
        keys, [count] = self._ask(['count("q")'], [])
        columns: dict[str, Any] = {
            "datastream": self._ids[keys // self._windows],
            "place": keys % self._windows,
            **{name: np.full(len(keys), np.nan) for name in names},
            "count": count.astype(np.int64),
            "good": np.zeros(len(keys), np.int64),
        }
        only_good = self._query.quality == GOOD_ONLY
        if len(keys) and names and self._query.quality:
            used = [f'{name}("v")' for name in names] + (['count("v")'] if only_good else [])
            found = self._ask(used, [of_quality(self._query.quality), HAS_VALUE])
            for name, values in zip([*names, *(["good"] if only_good else [])], found[1], strict=True):
                _put(columns[name], keys, found[0], values)
        if len(keys) and not (names and only_good):
            good_keys, [good] = self._ask(['count("v")'], [of_quality(GOOD_ONLY), HAS_VALUE])
            _put(columns["good"], keys, good_keys, good)
        return pa.table(columns)

    def _ask(self, functions: Sequence[str], conditions: Sequence[str]) -> tuple[Ints, list[np.ndarray[Any, Any]]]:
        """Number of Datastream x windows + number of window, ascending; and the result of each function there."""
        found = [np.empty((0, 1 + len(functions)))]
        keys = [np.empty(0, np.int64)]
        for back in (0, 1):
            ids = [one.datastream for one in self._query.series if shift(one) == back]
            for some in slices(ids):
                for piece in self._server.ask(self._question(some, back, functions, conditions)):
                    keys.append(self._keys(piece.values, datastream_of(piece), back))
                    found.append(np.array(piece.values, np.float64))
        order = np.argsort(every := np.concatenate(keys), kind="stable")
        table = np.concatenate(found)[order]
        return every[order], [table[:, 1 + place] for place in range(len(functions))]

    def _question(self, ids: Sequence[int], back: int, functions: Sequence[str], conditions: Sequence[str]) -> str:
        start, end = self._query.asked
        low, high = max(start, self._query.edges[0]) + back, min(end, self._query.edges[-1]) + back - 1
        offset = (self._query.edges[0] + back) % self._length
        windows = f'time({self._length}u, {offset}u), "datastream" fill(none)'
        return select(", ".join(functions), ids, low, max(high, low - 1), *conditions) + windows

    def _keys(self, values: list[list[Any]], datastream: int, back: int) -> Ints:
        times = np.array([row[0] for row in values], np.int64)
        places = (times - back - self._query.edges[0]) // self._length
        return np.asarray(np.searchsorted(self._ids, datastream) * self._windows + places)


def _put(column: np.ndarray[Any, Any], keys: Ints, found: Ints, values: np.ndarray[Any, Any]) -> None:
    """Put values at their keys. A window whose first row was written between two questions is left out."""
    at = np.searchsorted(keys, found)
    known = at < len(keys)
    known[known] = keys[at[known]] == found[known]
    column[at[known]] = values[known]


def _here(server: Server, query: Windows, kind: Kind) -> pa.Table:
    wanted = needed(query)
    series = [Series(one.datastream) for one in query.series]
    raw = Read(series, start=wanted.low, end=wanted.high)
    pieces = (pa.Table.from_batches([one]) for one in reads.stream(server, raw, PIECE_ROWS))
    return aggregate_rows(query, kind, pieces, _before(server, query))


def _before(server: Server, query: Windows) -> pa.Table:
    """The newest row before the range of each Datastream, of those that the question takes."""
    wanted = needed(query)
    if wanted.before is None or wanted.low <= FIRST or not query.quality:
        return READINGS.empty_table()
    conditions = [of_quality(query.quality), HAS_VALUE] if wanted.before == "increase" else []
    found = list(_newest(server, [one.datastream for one in query.series], wanted.low - 1, conditions))
    return pa.concat_tables([READINGS.empty_table(), *found])


def _newest(server: Server, ids: Sequence[int], high: int, conditions: Sequence[str]) -> Iterator[pa.Table]:
    for some in slices(ids):
        question = select(FIELDS, some, FIRST, high, *conditions) + '"datastream" ORDER BY "time" DESC LIMIT 1'
        yield from (rows_of(piece) for piece in server.ask(question) if piece.values)
