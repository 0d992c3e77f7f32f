"""A Parquet file as a table: row groups in their order, those passed over whose statistics rule them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from gops.catalog.querying.port import PLACE, Ask, Column, schema_of
from gops.catalog.querying.predicate import columns, expression


class StoredTable:
    """``open`` gives the file anew for each scan; ``units`` are UCUM codes by column. A row's place is its number."""

    def __init__(self, open: Callable[[], BinaryIO], units: Mapping[str, str] | None = None) -> None:
        self._open = open
        with closing(open()) as source:
            metadata = pq.read_metadata(source)
        self._rows: int = metadata.num_rows
        schema = metadata.schema.to_arrow_schema()
        self._columns = tuple(Column(one.name, one.type, (units or {}).get(one.name), one.nullable) for one in schema)

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    def at_most(self, ask: Ask, enough: int) -> int:
        return self._rows

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        schema, left = schema_of(self, ask), ask.limit
        with closing(self._open()) as source:
            for first, batch in self._batches(source, ask):
                numbers = np.arange(first, first + batch.num_rows)
                batch = batch.append_column(PLACE[0], pa.array(numbers))
                batch = batch.append_column(PLACE[1], pa.array(np.zeros(len(numbers), np.int64)))
                kept = _kept(batch, ask)
                kept = kept if left is None else kept.slice(0, left)
                left = None if left is None else left - kept.num_rows
                if kept.num_rows:
                    yield pa.RecordBatch.from_arrays([kept[name] for name in schema.names], schema=schema)
                if left == 0:
                    return

    def _batches(self, source: BinaryIO, ask: Ask) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches with the number of their first row."""
        file = pq.ParquetFile(source, page_checksum_verification=True)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64).tolist()
        names = list(dict.fromkeys([*ask.columns, *sorted(columns(ask.where) if ask.where else ())]))
        groups = self._groups(ask, len(sizes))
        for group in reversed(groups) if ask.descending else groups:
            begin, end = begins[group], begins[group + 1]
            if ask.after is not None and not _has_rows_behind(begin, end, ask.after[0], ask.descending):
                continue
            if ask.descending:
                yield begin, _one(file.read_row_group(group, columns=names, use_threads=False))
                continue
            for batch in file.iter_batches(ask.rows, row_groups=[group], columns=names, use_threads=False):
                yield begin, batch
                begin += batch.num_rows

    def _groups(self, ask: Ask, count: int) -> list[int]:
        if ask.where is None:
            return list(range(count))
        with closing(self._open()) as source:
            fragment = pads.ParquetFileFormat().make_fragment(source)
            return [group.id for group in fragment.subset(expression(ask.where)).row_groups]


def _has_rows_behind(begin: int, end: int, row: int, descending: bool) -> bool:
    return begin < row if descending else end > row + 1


def _one(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)


def _kept(batch: pa.RecordBatch, ask: Ask) -> pa.RecordBatch:
    """The rows that are asked for, in the order asked for."""
    if ask.after is not None:
        numbers = batch[PLACE[0]].to_numpy()
        behind = numbers < ask.after[0] if ask.descending else numbers > ask.after[0]
        batch = batch.filter(pa.array(behind))
    if ask.where is not None:
        batch = batch.filter(expression(ask.where))
    if ask.descending:
        batch = batch.take(pa.array(np.arange(batch.num_rows)[::-1]))
    return batch
