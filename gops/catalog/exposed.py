"""A store as others see it: readings of each Datastream as far as its ``Exposure`` goes, and small counts as null.

Whatever is answered to who may not read what is private comes out of such a store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.kinds import Aggregate
from gops.sensors.exposure import WHOLE, Exposure, Span
from gops.store.passing import PassingStore
from gops.store.port import READINGS, Extent, Read, Series, Store, Windows

OPEN = Span(None, None)
COUNTED: frozenset[Aggregate] = frozenset({"sum", "mean", "min", "max", "median", "first", "last", "stddev"})


def exposed(store: Store, exposures: Mapping[int, Exposure], now: int) -> Store:
    """``store`` itself where nothing is held back. ``exposures`` by Datastream; what is not in it is whole."""
    bounded = {one: exposure for one, exposure in exposures.items() if not exposure.is_whole}
    return ExposedStore(store, bounded, now) if bounded else store


def moment(exposures: Mapping[int, Exposure], now: int) -> tuple[int, ...]:
    """What an ETag needs beside the version of the store: where what is public ends now."""
    ends = {exposure.span(now).high for exposure in exposures.values()}
    return tuple(sorted(end for end in ends if end is not None))


class ExposedStore(PassingStore):
    """Reads of another store, one question for each run of Datastreams that have the same bounds."""

    def __init__(self, store: Store, exposures: Mapping[int, Exposure], now: int) -> None:
        super().__init__(store)
        self._exposures = exposures
        self._now = now
        below = sorted((one, exposure.suppress_below or 0) for one, exposure in exposures.items())
        self._ids = np.array([one for one, _ in below], np.int64)
        self._below = np.array([bound for _, bound in below], np.float64)

    def read(self, query: Read) -> pa.Table:
        return pa.Table.from_batches(list(self.stream(query)), READINGS)

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        left = query.limit
        for part in self._parts(query):
            batches = self._store.stream(replace(part, limit=left), rows)
            try:
                for batch in batches:
                    left = None if left is None else left - batch.num_rows
                    yield self._without_small(batch, ("value",))
            finally:
                _close(batches)
            if left is not None and left <= 0:
                return

    def aggregate(self, query: Windows) -> pa.Table:
        if not query.series:
            return self._store.aggregate(query)
        return pa.concat_tables([self._windows(query, span, run) for span, run in self._runs(query.series)])

    def _windows(self, query: Windows, span: Span, run: Sequence[Series]) -> pa.Table:
        low, high = query.asked
        low, high = max(low, _or(span.low, low)), min(high, _or(span.high, high))
        wanted = tuple(query.aggregates)
        if self._below.any() and run[0].kind == "amount" and "min" not in wanted:
            wanted = (*wanted, "min")
        table = self._store.aggregate(replace(query, series=run, aggregates=wanted, start=min(low, high), end=high))
        if span.low is not None and "increase" in wanted:
            table = self._without_first_step(table, run, span, low)
        columns = tuple(name for name in wanted if name in COUNTED and pa.types.is_floating(table[name].type))
        shown = self._without_small(table, columns)
        return shown.select([name for name in shown.column_names if name != "min" or "min" in query.aggregates])

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        table = self._store.latest(datastreams)
        found = zip(table["datastream"].to_pylist(), table["t"].to_pylist(), strict=True)
        hidden = {one for one, t in found if not _holds(self._span(one), t)}
        parts = [table.filter(pa.array([one not in hidden for one in table["datastream"].to_pylist()], pa.bool_()))]
        for one in sorted(hidden):
            span = self._span(one)
            parts.append(self._store.read(Read([Series(one)], span.low, span.high, limit=1, descending=True)))
        whole = pa.concat_tables(parts).sort_by("datastream")
        return self._without_small(whole, ("value",))

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        """``rows`` is a bound; ``first`` and ``last`` are those of the readings, or of what is public of them."""
        found = {one: _cut(extent, self._span(one)) for one, extent in self._store.extent(datastreams).items()}
        return {one: extent for one, extent in found.items() if extent is not None}

    def _span(self, datastream: int) -> Span:
        return self._exposures.get(datastream, WHOLE).span(self._now)

    def _runs(self, series: Sequence[Series]) -> Iterator[tuple[Span, list[Series]]]:
        """Neighbours of one span, in the order of their ids."""
        ordered = sorted({one.datastream: one for one in series}.values(), key=lambda one: one.datastream)
        by_span: Callable[[Series], Span] = lambda one: self._span(one.datastream)  # noqa: E731
        for span, run in groupby(ordered, by_span):
            yield span, list(run)

    def _parts(self, query: Read) -> Iterator[Read]:
        runs = list(self._runs(query.series))
        for span, run in reversed(runs) if query.descending else runs:
            start = span.low if query.start is None else max(query.start, _or(span.low, query.start))
            end = span.high if query.end is None else min(query.end, _or(span.high, query.end))
            if start is None or end is None or start < end:
                yield replace(query, series=run, start=start, end=end)

    def _without_small(self, table: pa.Table | pa.RecordBatch, columns: Sequence[str]) -> pa.Table | pa.RecordBatch:
        """Numbers below the bound of their Datastream as null.

        In a row of aggregates all are, if one is so small: the least is among them, for from a sum and the other
        readings of its window a single small one could be told.
        """
        if not columns or not table.num_rows or not self._below.any():
            return table
        bounds = self._bounds(table["datastream"].to_numpy())
        small = [pc.fill_null(pc.less(table[name], bounds), False) for name in columns]
        hide = small[0]
        for one in small[1:]:
            hide = pc.or_(hide, one)
        for name in columns:
            kept = pc.if_else(hide, pa.scalar(None, pa.float64()), table[name])
            table = table.set_column(table.schema.get_field_index(name), name, kept)
        return table

    def _bounds(self, datastreams: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
        place = np.minimum(np.searchsorted(self._ids, datastreams), len(self._ids) - 1)
        known = self._ids[place] == datastreams
        return pa.array(np.where(known, self._below[place], 0.0), mask=~known | (self._below[place] == 0))

    def _without_first_step(self, table: pa.Table, run: Sequence[Series], span: Span, low: int) -> pa.Table:
        """An increase that begins with a reading before ``start`` is not public: null in the window where it ends."""
        firsts: dict[int, int] = {}
        for one in run:
            first = self._store.read(Read([one], span.low, span.high, limit=1))
            if first.num_rows:
                firsts[one.datastream] = first["t"][0].as_py() - (one.label == "end")
        marks = pa.array([firsts.get(one, low - 1) for one in table["datastream"].to_pylist()], pa.int64())
        hit = pc.and_(pc.less_equal(table["start"], marks), pc.greater(table["end"], marks))
        kept = pc.if_else(hit, pa.scalar(None, pa.float64()), table["increase"])
        return table.set_column(table.schema.get_field_index("increase"), "increase", kept)


def _or(bound: int | None, otherwise: int) -> int:
    return otherwise if bound is None else bound


def _holds(span: Span, t: int) -> bool:
    return (span.low is None or span.low <= t) and (span.high is None or t < span.high)


def _cut(extent: Extent, span: Span) -> Extent | None:
    first, last = max(extent.first, _or(span.low, extent.first)), extent.last
    if span.high is not None:
        last = min(last, span.high)
    return Extent(first, last, extent.rows) if first <= last else None


def _close(batches: object) -> None:
    close = getattr(batches, "close", None)  # one left half-way holds the store's view
    if close is not None:
        close()
