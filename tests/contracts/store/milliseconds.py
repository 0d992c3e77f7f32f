"""The contract's times, which are a few microseconds around 1970, as a store of milliseconds can hold them.

Times nearer to 1970 than a second count as milliseconds from the year 2020 on; others are moved there as they are, and
such as no store takes stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pyarrow as pa

from gops.quality import Quality
from gops.store.port import Delivery, Extent, Health, Mode, Read, Receipt, Store, Windows

BASE = 1_577_836_800_000_000
NEAR = 1_000_000
FAR = 100_000_000_000_000_000


def there(t: int) -> int:
    if abs(t) >= FAR:
        return t
    return BASE + (t * 1000 if abs(t) < NEAR else t)


def back(t: int) -> int:
    away = t - BASE
    return away // 1000 if abs(away) < NEAR * 1000 else away


def moved(table: pa.Table, columns: Sequence[str], by: Callable[[int], int]) -> pa.Table:
    for name in columns:
        place = table.schema.get_field_index(name)
        times = [None if t is None else by(t) for t in table[name].to_pylist()]
        table = table.set_column(place, table.schema.field(name), pa.array(times, pa.int64()))
    return table


class InMilliseconds:
    """A ``Store`` over another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        there_too = moved(batch, ["t"], there) if batch.schema.names[1:2] == ["t"] and _is_int(batch) else batch
        return self._store.submit(there_too, mode, deliveries)

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self.submit(batch, mode, deliveries).result()

    def _query(self, query: Read) -> Read:
        return replace(
            query,
            start=None if query.start is None else there(query.start),
            end=None if query.end is None else there(query.end),
            after=None if query.after is None else (query.after[0], there(query.after[1])),
        )

    def read(self, query: Read) -> pa.Table:
        return moved(self._store.read(self._query(query)), ["t"], back)

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        for batch in self._store.stream(self._query(query), rows):
            yield from moved(pa.Table.from_batches([batch]), ["t"], back).to_batches()

    def aggregate(self, query: Windows) -> pa.Table:
        asked = replace(
            query,
            series=[replace(one, period=_scaled(one.period)) for one in query.series],
            edges=[there(edge) for edge in query.edges],
            start=None if query.start is None else there(query.start),
            end=None if query.end is None else there(query.end),
        )
        return moved(self._store.aggregate(asked), ["start", "end"], back)

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        return moved(self._store.latest(datastreams), ["t"], back)

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        found = self._store.extent(datastreams)
        return {one: Extent(back(extent.first), back(extent.last), extent.rows) for one, extent in found.items()}

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        return self._store.delete(datastreams, there(start), there(end))

    def requalify(self, datastreams: Sequence[int], start: int, end: int, quality: Quality, *only: Any) -> int:
        return self._store.requalify(datastreams, there(start), there(end), quality, *only)

    def health(self) -> Health:
        return self._store.health()


def _scaled(period: int | None) -> int | None:
    return period * 1000 if period is not None and period < NEAR else period


def _is_int(batch: pa.Table) -> bool:
    return bool(batch.schema.types[1] == pa.int64())
