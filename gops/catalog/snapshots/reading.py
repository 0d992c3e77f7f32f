"""Readings out of the Parquet files of a snapshot, as a store gives them: ``read`` and ``stream`` of ``store.port``.

Files are sorted by (Datastream, time), so row groups that hold nothing of a question are passed over by their
statistics. Where several years are asked for, some Datastreams at a time are put together from all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from gops.catalog.snapshots.manifest import FrozenFile, Manifest
from gops.files.port import Damaged, Files
from gops.quality import WORDS
from gops.store.port import READINGS, Read

SORTED_ROWS = 1_000_000  # put together at once, unless one Datastream has more
PAGE_ROWS = 65_536  # the same where a page is asked for
COLUMNS = ["datastream", "time", "value", "text", "quality", "result_time"]
LOW, HIGH = np.iinfo(np.int64).min, np.iinfo(np.int64).max
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Datastreams in ascending order, and ``lows <= t < highs`` of each."""

    ids: Int64s
    lows: Int64s
    highs: Int64s
    qualities: Int64s

    def some(self, begin: int, end: int) -> _Wanted:
        return _Wanted(self.ids[begin:end], self.lows[begin:end], self.highs[begin:end], self.qualities)


class Frozen:
    """The readings of one snapshot."""

    def __init__(self, manifest: Manifest, files: Files) -> None:
        self._manifest = manifest
        self._files = files
        self._rows = {one.member.id: one.rows for one in manifest.members}

    @property
    def places(self) -> dict[int, tuple[float, float]]:
        """Longitude and latitude of the Things, by id, where they were."""
        return {one.member.thing_id: one.place for one in self._manifest.members if one.place is not None}

    def at_most(self, query: Read) -> int:
        """A bound of the rows of an answer: those of its Datastreams, and those of the years that it touches."""
        of_these = sum(self._rows.get(one.datastream, 0) for one in query.series)
        return min(of_these, sum(one.rows for one in self._overlapping(_wanted(query))))

    def read(self, query: Read) -> pa.Table:
        """Rows of ``READINGS``. Raises ``Damaged``."""
        return pa.Table.from_batches(list(self.stream(query)), READINGS)

    def stream(self, query: Read, rows: int = PAGE_ROWS) -> Iterator[pa.RecordBatch]:
        """The same in batches of at most ``rows``, in flat memory."""
        wanted, left = _wanted(query), query.limit
        with ExitStack() as opened:
            parts = [opened.enter_context(_Part(file, self._files)) for file in self._overlapping(wanted)]
            for table in self._tables(parts, wanted, PAGE_ROWS if left is not None else SORTED_ROWS):
                table = table if left is None else table.slice(0, left)
                left = None if left is None else left - table.num_rows
                yield from table.to_batches(max_chunksize=rows)
                if left == 0:
                    return

    def _overlapping(self, wanted: _Wanted) -> list[FrozenFile]:
        if not len(wanted.ids):
            return []
        low, high = int(wanted.lows.min()), int(wanted.highs.max())
        return [one for one in self._manifest.files if one.start < high and low < one.end]

    def _tables(self, parts: Sequence[_Part], wanted: _Wanted, most: int) -> Iterator[pa.Table]:
        """Rows in the order of the answer."""
        if len(parts) == 1:
            yield from parts[0].tables(wanted)
            return
        for begin, end in self._slices(wanted.ids.tolist(), most) if parts else ():
            some = wanted.some(begin, end)
            found = (table for part in parts for table in part.tables(some))
            if end - begin == 1:  # its years follow each other
                yield from found
                continue
            table = pa.concat_tables([READINGS.empty_table(), *found])
            yield table.take(pa.array(np.lexsort((table["t"].to_numpy(), table["datastream"].to_numpy()))))

    def _slices(self, ids: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
        """Neighbours that have at most ``most`` rows together."""
        begin = size = 0
        for place, one in enumerate(ids):
            count = self._rows.get(one, 0)
            if place > begin and size + count > most:
                yield begin, place
                begin, size = place, 0
            size += count
        yield begin, len(ids)


class _Part:
    """One file, open. Raises ``Damaged`` for one that is not what it was."""

    def __init__(self, file: FrozenFile, files: Files) -> None:
        self._file = file
        self._source = files.open(file.sha256)
        try:
            self._parquet = pq.ParquetFile(
                self._source, read_dictionary=["quality"], page_checksum_verification=True, pre_buffer=False
            )
            self._bounds = _bounds(self._parquet.metadata)
        except (pa.ArrowException, OSError) as error:
            self._source.close()
            raise self._damaged() from error

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._parquet.close()
        self._source.close()

    def tables(self, wanted: _Wanted) -> Iterator[pa.Table]:
        """Rows of ``READINGS`` that are wanted, row group after row group."""
        first_id, last_id, first_t, last_t = self._bounds
        holds = (last_id >= wanted.ids[0]) & (first_id <= wanted.ids[-1])
        holds &= (last_t >= wanted.lows.min()) & (first_t < wanted.highs.max())
        for group in np.flatnonzero(holds).tolist():
            try:
                table = self._parquet.read_row_group(group, columns=COLUMNS, use_threads=False)
            except (pa.ArrowException, OSError) as error:
                raise self._damaged() from error
            kept = _filtered(_readings(table), wanted)
            if kept.num_rows:
                yield kept

    def _damaged(self) -> Damaged:
        return Damaged(
            f"the file {self._file.name} of the snapshot is damaged: {self._file.sha256}",
            field="file",
            found=self._file.name,
            expected="the file as it was written; the operator can put it back from a backup",
        )


def _wanted(query: Read) -> _Wanted:
    """What is asked for, as each label takes the range (``Read``), without what comes before ``after``."""
    assert not query.descending, "a snapshot is read forwards"
    series = {one.datastream: one for one in query.series}
    ids = sorted(series)
    if query.after is not None:
        ids = [one for one in ids if one >= query.after[0]]
    shifts = np.array([series[one].label == "end" for one in ids], np.int64)
    lows = np.full(len(ids), LOW) if query.start is None else query.start + shifts
    highs = np.full(len(ids), HIGH) if query.end is None else query.end + shifts
    if query.after is not None and ids and ids[0] == query.after[0]:
        lows[0] = max(lows[0], query.after[1] + 1)
    return _Wanted(np.array(ids, np.int64), lows, highs, np.array(sorted(query.quality), np.int64))


def _bounds(metadata: pq.FileMetaData) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """First and last Datastream, first and last time of each row group."""
    rows = []
    for place in range(metadata.num_row_groups):
        group = metadata.row_group(place)
        datastream, time = group.column(0).statistics, group.column(1).statistics
        rows.append((datastream.min_raw, datastream.max_raw, time.min_raw, time.max_raw))
    first_id, last_id, first_t, last_t = np.array(rows, np.int64).reshape(-1, 4).T
    return first_id, last_id, first_t, last_t


def _readings(table: pa.Table) -> pa.Table:
    words = table["quality"].combine_chunks()
    codes = np.array([WORDS.index(word) for word in words.dictionary.to_pylist()], np.uint8)
    columns = [
        table["datastream"],
        table["time"].cast(pa.int64()),
        table["value"],
        table["text"],
        pa.array(codes[words.indices.to_numpy()]),
        table["result_time"].cast(pa.int64()),
    ]
    return pa.table(columns, schema=READINGS)


def _filtered(table: pa.Table, wanted: _Wanted) -> pa.Table:
    datastreams, t = table["datastream"].to_numpy(), table["t"].to_numpy()
    place = np.minimum(np.searchsorted(wanted.ids, datastreams), len(wanted.ids) - 1)
    mask = wanted.ids[place] == datastreams
    mask &= (t >= wanted.lows[place]) & (t < wanted.highs[place])
    if len(wanted.qualities) < len(WORDS):
        mask &= np.isin(table["quality"].to_numpy(), wanted.qualities)
    return table if mask.all() else table.filter(pa.array(mask))
