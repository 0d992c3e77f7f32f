"""A table that is held in memory: windows of aggregates, and the wide shape. Its size was bounded when it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gops.catalog.querying.port import PLACE, Ask, Column, schema_of
from gops.catalog.querying.predicate import expression


@dataclass(frozen=True)
class HeldTable:
    """``table`` has the columns, and ``PLACE`` by which its rows ascend."""

    columns: Sequence[Column]
    table: pa.Table

    def at_most(self, ask: Ask, enough: int) -> int:
        return int(self.table.num_rows)

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        table, schema = self.table, schema_of(self, ask)
        if ask.descending:
            table = table.take(pa.array(np.arange(table.num_rows)[::-1]))
        if ask.after is not None:
            table = table.filter(_behind(table, ask.after, ask.descending))
        if ask.where is not None:
            table = table.filter(expression(ask.where))
        if ask.limit is not None:
            table = table.slice(0, ask.limit)
        shown = pa.table([table[name] for name in schema.names], schema=schema)
        return iter(shown.unify_dictionaries().combine_chunks().to_batches(max_chunksize=ask.rows))


def _behind(table: pa.Table, after: tuple[int, int], descending: bool) -> pa.Array:
    major, minor = (table[name].to_numpy() for name in PLACE)
    if descending:
        return pa.array((major < after[0]) | ((major == after[0]) & (minor < after[1])))
    return pa.array((major > after[0]) | ((major == after[0]) & (minor > after[1])))
