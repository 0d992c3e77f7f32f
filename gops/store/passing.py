"""A store that passes everything on to another; what stands over a store overrides what it changes, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pyarrow as pa

from gops.quality import Quality
from gops.store.port import Capabilities, Delivery, Extent, Health, Mode, Read, Receipt, Store, Windows


class PassingStore:
    """A ``Store`` over another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def capabilities(self) -> Capabilities:
        return self._store.capabilities

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        return self._store.submit(batch, mode, deliveries)

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self._store.write(batch, mode, deliveries)

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        return self._store.delivered(deliveries)

    def forget_deliveries(self, session: str) -> None:
        self._store.forget_deliveries(session)

    def read(self, query: Read) -> pa.Table:
        return self._store.read(query)

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        return self._store.stream(query, rows)

    def aggregate(self, query: Windows) -> pa.Table:
        return self._store.aggregate(query)

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        return self._store.latest(datastreams)

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        return self._store.extent(datastreams)

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        return self._store.delete(datastreams, start, end)

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        return self._store.requalify(datastreams, start, end, quality, only)

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        return self._store.swap(datastream, start, end, rows, version)

    def version(self, datastreams: Sequence[int]) -> int:
        return self._store.version(datastreams)

    def health(self) -> Health:
        return self._store.health()

    def close(self) -> None:
        self._store.close()
