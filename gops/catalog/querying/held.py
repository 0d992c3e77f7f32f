"""A table that is made in memory when it is first read: windows of aggregates, and the wide shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gops.catalog.querying.port import PLACE, Ask, Column, schema_of
from gops.catalog.querying.predicate import expression

Looked = Callable[[int], int]


@dataclass(frozen=True)
class HeldTable:
    """``load`` gives the columns and ``PLACE``, by which rows ascend; ``looked_at(enough)`` bounds what it reads."""

    columns: Sequence[Column]
    load: Callable[[], pa.Table]
    looked_at: Looked = lambda _enough: 0

    def at_most(self, ask: Ask, enough: int) -> int:
        return self.looked_at(enough)

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        table, schema = self.load(), schema_of(self, ask)
        if ask.descending:
            table = table.take(pa.array(np.arange(table.num_rows)[::-1]))
        if ask.after is not None:
            table = table.filter(_behind(table, ask.after, ask.descending))
        if ask.where is not None:
            table = table.filter(expression(ask.where))
        if ask.limit is not None:
            table = table.slice(0, ask.limit)
        shown = pa.table([table[name] for name in schema.names], schema=schema).unify_dictionaries().combine_chunks()
        return iter(shown.to_batches(max_chunksize=ask.rows))


def _behind(table: pa.Table, after: tuple[int, int], descending: bool) -> pa.Array:
    major, minor = (table[name].to_numpy() for name in PLACE)
    if descending:
        return pa.array((major < after[0]) | ((major == after[0]) & (minor < after[1])))
    return pa.array((major > after[0]) | ((major == after[0]) & (minor > after[1])))
