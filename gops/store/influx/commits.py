"""What the writer does, each in turn: batches beside what stands, deletes, corrections, sessions forgotten.

A request of lines is on the server's disk when it answers. Rows that lie in the time that the server keeps together
with now go in one request with the deliveries, and so there is no moment at which it has one without the other; what
lies elsewhere goes before. So a kill leads to a redelivery, never to a loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.quality import Quality
from gops.store.checks import check_unchanged, receipt
from gops.store.influx.about import About, Acquaintance
from gops.store.influx.deliveries import Deliveries
from gops.store.influx.heads import NOTHING, Head, Heads
from gops.store.influx.lines import FIRST, FORGOTTEN, LAST, bodies, delivery_lines, reading_lines
from gops.store.influx.questions import (
    FIELDS,
    columns_of,
    datastream_of,
    of_quality,
    removal,
    rows_of,
    select,
    slices,
    sweep,
)
from gops.store.influx.server import Server
from gops.store.influx.standing import look_up
from gops.store.influx.writer import Write
from gops.store.port import INSERTED, REPLACED, Delivery, Extent, Receipt
from gops.store.resolve import Flags, Resolution, Standing, doubled, resolve
from gops.store.rows import NONE, Ints, Rows


class Commits:
    """Used by the writer's thread alone."""

    def __init__(self, server: Server, acquaintance: Acquaintance, heads: Heads, deliveries: Deliveries) -> None:
        self._server = server
        self._acquaintance = acquaintance
        self._heads = heads
        self._deliveries = deliveries

    # batches

    def write(self, writes: Sequence[Write]) -> Sequence[Receipt]:
        """Write batches as one, one after the other; a receipt for each."""
        about = self._acquaintance.about()
        sizes = [write.batch.num_rows for write in writes]
        batch = pa.concat_tables([write.batch for write in writes])
        deliveries = [delivery for write in writes for delivery in write.deliveries]
        given = Rows.of(batch)
        heads = self._heads_of(given.datastream)
        done = self._resolve(given, np.repeat([write.keep for write in writes], sizes), heads)
        self._send(about, batch, given, done, heads, deliveries)
        return [receipt(part) for part in np.split(done.outcomes, np.cumsum(sizes)[:-1])]

    def _heads_of(self, datastreams: Ints) -> dict[int, Head]:
        """What is known of these, the newest t of each at least."""
        ids = np.unique(datastreams).tolist()
        found = {one: head for one, head in self._heads.get(ids).items() if head.last is not None}
        for some in slices([one for one in ids if one not in found]):
            newest = self._server.run(select('last("q")', some, FIRST, LAST) + '"datastream"')
            lasts = {datastream_of(piece): int(piece.values[0][0]) for piece in newest}
            found |= {one: Head(last=lasts[one]) if one in lasts else NOTHING for one in some}
        return found

    def _resolve(self, given: Rows, keep: Flags, heads: Mapping[int, Head]) -> Resolution:
        ids, places = np.unique(given.datastream, return_inverse=True)
        lasts = np.array([heads[one].last for one in ids.tolist()], np.int64)
        suspect = given.t <= lasts[places] if len(ids) else np.zeros(0, bool)
        twice = doubled(given)
        if not suspect.any() and not twice.any():
            return Resolution(np.zeros(len(given), np.uint8), np.ones(len(given), bool), np.empty(0, np.int64))
        standing = Standing.nothing(given)
        if suspect.any():
            look_up(self._server, given, np.flatnonzero(suspect), standing, heads)
        return resolve(given, keep, standing, twice)

    def _send(
        self,
        about: About,
        batch: pa.Table,
        given: Rows,
        done: Resolution,
        heads: Mapping[int, Head],
        deliveries: Sequence[Delivery],
    ) -> None:
        touched = np.unique(given.datastream[done.written]).tolist()
        first = self._deliveries.begin(deliveries) if deliveries else 0
        known = self._heads.begin(touched)
        after, changed = dict[int, Head](), touched  # unless it goes well, nobody knows what is there now
        try:
            for body in _requests(about, batch.filter(pa.array(done.written)), deliveries, first):
                self._server.write(body)
            after = _moved({**heads, **known}, given, done)
            changed = np.unique(given.datastream[done.outcomes <= REPLACED]).tolist()
            self._deliveries.remember(deliveries, first)
        finally:
            self._heads.finish(after, changed)
        self._sweep(about)

    def _sweep(self, about: About) -> None:
        if about.deletes:
            for tag, before in self._deliveries.grown():
                self._server.run(sweep(tag, before))

    def forget(self, session: str) -> None:
        """Begin a broker session anew."""
        self._acquaintance.about()
        marker = [Delivery(session, FORGOTTEN, 0)]
        at = self._deliveries.begin(marker)
        for body in bodies(delivery_lines(marker, at)):
            self._server.write(body)
        self._deliveries.forget(session, at)

    # corrections

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        """See ``Store.delete``."""
        low, high = max(start, FIRST), min(end - 1, LAST)
        gone = 0
        for some in slices(datastreams) if low <= high else ():
            counts = self._server.run(select('count("q")', some, low, high) + '"datastream"')
            doomed = {datastream_of(piece): int(piece.values[0][1]) for piece in counts}
            if doomed:
                with self._changing(sorted(doomed)):
                    self._server.run(removal(sorted(doomed), low, high))
            gone += sum(doomed.values())
        return gone

    def requalify(
        self, datastreams: Sequence[int], start: int, end: int, quality: Quality, only: frozenset[Quality]
    ) -> int:
        """See ``Store.requalify``."""
        low, high, others = max(start, FIRST), min(end - 1, LAST), only - {quality}
        ids = sorted(set(datastreams)) if low <= high and others else ()
        return sum(self._requalify(one, low, high, quality, others) for one in ids)

    def _requalify(self, datastream: int, low: int, high: int, quality: Quality, others: frozenset[Quality]) -> int:
        question = select(FIELDS, [datastream], low, high, of_quality(others)) + '"datastream"'
        found = [rows_of(piece) for piece in self._server.run(question)]
        rows = pa.concat_tables(found) if found else None
        if rows is not None and quality <= Quality.estimated:
            rows = rows.filter(pc.or_(pc.is_valid(rows["value"]), pc.is_valid(rows["text"])))
        if rows is None or not rows.num_rows:
            return 0
        new = rows.set_column(4, rows.schema.field(4), pa.array(np.full(rows.num_rows, quality, np.uint8)))
        with self._changing([datastream]):
            for body in bodies(reading_lines(new)):
                self._server.write(body)
        return int(rows.num_rows)

    def swap(self, datastream: int, start: int, end: int, new: pa.Table, version: int) -> int:
        """See ``Store.swap``. The new rows are written before the others go: a kill in between loses none."""
        check_unchanged(self._heads.version([datastream]), version)
        low, high = max(start, FIRST), min(end - 1, LAST)
        if low > high:
            return 0
        found = self._server.run(select('"q"', [datastream], low, high) + '"datastream"')
        stood = np.array([t for piece in found for t in columns_of(piece)["time"]], np.int64)
        if not len(stood) and not new.num_rows:
            return 0
        with self._changing([datastream]):
            for body in bodies(reading_lines(new)):
                self._server.write(body)
            for first, last in _runs(stood, np.sort(new["t"].to_numpy())):
                self._server.run(removal([datastream], first, last))
        return len(stood)

    def _changing(self, datastreams: Sequence[int]) -> _Changing:
        return _Changing(self._heads, datastreams)


class _Changing:
    """Around a change after which nothing is known of these Datastreams, whether it went well or not."""

    def __init__(self, heads: Heads, datastreams: Sequence[int]) -> None:
        self._heads = heads
        self._datastreams = datastreams

    def __enter__(self) -> None:
        self._heads.begin(self._datastreams)

    def __exit__(self, *_: object) -> None:
        self._heads.finish({}, self._datastreams)


def _requests(about: About, rows: pa.Table, deliveries: Sequence[Delivery], first: int) -> Iterator[bytes]:
    """The bodies in the order in which they must be on disk."""
    if not deliveries:
        yield from bodies(reading_lines(rows))
        return
    shard = about.shard_of(first)
    near = pc.and_(pc.greater_equal(rows["t"], shard[0]), pc.less_equal(rows["t"], shard[1])) if shard else None
    yield from bodies(reading_lines(rows if near is None else rows.filter(pc.invert(near))))
    lines = delivery_lines(deliveries, first)
    if near is not None:
        lines = pa.concat_arrays([reading_lines(rows.filter(near)), lines])
    yield from bodies(lines)


def _runs(stood: Ints, new: Ints) -> Iterator[tuple[int, int]]:
    """First and last of each run of times that stood without a new one between them or at them."""
    stale = np.setdiff1d(stood, new)
    if len(stale):
        for run in np.split(stale, np.flatnonzero(np.diff(np.searchsorted(new, stale))) + 1):
            yield int(run[0]), int(run[-1])


def _moved(heads: Mapping[int, Head], given: Rows, done: Resolution) -> dict[int, Head]:
    """What is known after the commit of the Datastreams that were written to."""
    written = np.flatnonzero(done.written)
    if not len(written):
        return {}
    ids, counts = np.unique(given.datastream[done.outcomes == INSERTED], return_counts=True)
    inserted = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    order = written[np.lexsort((given.t[written], given.datastream[written]))]
    ends = np.flatnonzero(np.diff(given.datastream[order], append=given.datastream[order[-1]] + 1))
    begins = np.append(0, ends[:-1] + 1)
    after = {}
    newest = given.take(order[ends]).table().to_pylist()
    for row, first in zip(newest, given.t[order[begins]].tolist(), strict=True):
        one = row["datastream"]
        after[one] = _after(heads[one], tuple(row.values()), first, inserted.get(one, 0))
    return after


def _after(head: Head, newest: tuple[int, ...], first: int, inserted: int) -> Head:
    t = newest[1]
    extent = head.extent
    if head.last == NONE:
        extent = Extent(first, t, inserted)
    elif extent is not None:
        extent = Extent(min(extent.first, first), max(extent.last, t), extent.rows + inserted)
    assert head.last is not None, "looked up before"
    return Head(t, newest, extent) if t >= head.last else Head(head.last, head.row, extent)
