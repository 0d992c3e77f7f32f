"""Rows of one Datastream straight from sealed files: for the most frequent question, in a third of the time.

A file is sorted by (Datastream, t), and its metadata, which is read once, tells which row groups may have a Datastream;
one or two of them are decoded, and two binary searches find the rows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gops.store.duckdb.schema import SEALED
from gops.store.duckdb.tiers import File
from gops.store.port import READINGS
from gops.store.rows import Ints

MOST_GROUPS = 64  # row groups decoded for one question; with more it is DuckDB's
THREADS = 2  # decode files of one question
FEW_FILES = 4  # are decoded by who asks
FILES_KNOWN = 512  # whose metadata is kept, about 20 kB each
_DATASTREAM, _T = 0, 1  # columns


@dataclass(frozen=True)
class _Known:
    """Metadata of a file, and of each row group the bounds of Datastream and t."""

    metadata: pq.FileMetaData
    bounds: Ints  # low, high, first, last; a row a group
    held: frozenset[str]  # columns that are not null in all rows

    @classmethod
    def of(cls, path: Path) -> _Known:
        metadata = pq.read_metadata(path)
        found = []
        held: set[str] = set()
        for group in (metadata.row_group(n) for n in range(metadata.num_row_groups)):
            ids, times = group.column(_DATASTREAM).statistics, group.column(_T).statistics
            found.append((ids.min, ids.max, times.min, times.max))
            for column in (group.column(n) for n in range(group.num_columns)):
                nulls = column.statistics.null_count if column.is_stats_set else None
                if nulls is None or nulls < group.num_rows:
                    held.add(column.path_in_schema)
        return cls(metadata, np.array(found, np.int64).reshape(-1, 4), frozenset(held))

    def groups(self, datastream: int, start: int, stop: int) -> list[int]:
        low, high, first, last = self.bounds.T
        near = (low <= datastream) & (high >= datastream) & (first < stop) & (last >= start)
        found: list[int] = np.flatnonzero(near).tolist()
        return found


class Slices:
    """Of the files in ``<folder>/sealed``. May be asked from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / SEALED
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="gops-slices")

    def rows(
        self, files: Sequence[File], datastream: int, start: int, stop: int, schema: pa.Schema = READINGS
    ) -> pa.Table | None:
        """Rows with ``start <= t < stop``, ascending; None when that is too much for here.

        ``schema`` has columns of ``READINGS``, ``datastream`` and ``t`` among them.

        ``files`` have all rows of the Datastream in that time. Raises ``duckdb.IOException`` for what can't be read.
        """
        try:
            known = [self._of(one) for one in sorted(files, key=lambda file: file.first)]
            groups = [one.groups(datastream, start, stop) for _, one in known]
            if sum(map(len, groups)) > MOST_GROUPS:
                return None
            parts = self._each(
                [
                    partial(_slice, self._folder / name, one, chosen, datastream, start, stop, schema)
                    for (name, one), chosen in zip(known, groups, strict=True)
                    if chosen
                ]
            )
        except (OSError, pa.ArrowException, AttributeError) as error:  # the last from metadata without statistics
            raise duckdb.IOException(f"a sealed file can't be read: {error}") from error
        return pa.concat_tables([schema.empty_table(), *parts])

    def close(self) -> None:
        self._pool.shutdown()

    def _each(self, slices: Sequence[Callable[[], pa.Table]]) -> list[pa.Table]:
        if len(slices) <= FEW_FILES:
            return [one() for one in slices]
        try:
            parts = self._pool.map(lambda one: one(), slices)
        except RuntimeError as error:  # closed while somebody asks
            raise duckdb.ConnectionException("the store is closed") from error
        return list(parts)

    def _of(self, one: File) -> tuple[str, _Known]:
        with self._lock:
            known = self._known.get(one.name)
            if known is not None:
                self._known.move_to_end(one.name)
                return one.name, known
        known = _Known.of(self._folder / one.name)
        with self._lock:
            self._known[one.name] = known
            while len(self._known) > FILES_KNOWN:
                self._known.popitem(last=False)
        return one.name, known


def _slice(
    path: Path,
    known: _Known,
    groups: list[int],
    datastream: int,
    start: int,
    stop: int,
    schema: pa.Schema,
) -> pa.Table:
    held = [name for name in schema.names if name in known.held]
    with pq.ParquetFile(path, metadata=known.metadata) as file:
        table = file.read_row_groups(groups, columns=held, use_threads=False)
    ids = table["datastream"].to_numpy()
    begin, end = np.searchsorted(ids, datastream), np.searchsorted(ids, datastream, "right")
    found = table.slice(begin, end - begin)
    times = found["t"].to_numpy()
    low, high = np.searchsorted(times, start), np.searchsorted(times, stop)
    rows = found.slice(low, high - low).take(np.arange(high - low))  # lets the rest of the groups go
    return pa.table([rows[one.name] if one.name in held else pa.nulls(len(rows), one.type) for one in schema], schema)


def in_order(rows: pa.Table) -> pa.Table:
    """The same rows by (datastream, t). Those of a file are already, those of several not far from it."""
    ids, t = rows["datastream"].to_numpy(), rows["t"].to_numpy()
    steps = np.diff(ids)
    if ((steps > 0) | ((steps == 0) & (np.diff(t) > 0))).all():
        return rows
    order = np.lexsort((t, ids)) if steps.any() else np.argsort(t, kind="stable")
    return rows.take(pa.array(order))
