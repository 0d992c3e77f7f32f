"""A store that tells what was committed: any engine, and somebody who looks on.

``after_commit(batch, receipt)`` gets every batch that was written in mode ``replace``: what is fresh, whoever wrote it.
What repeats the past (mode ``keep``) is no news. It is called after the commit by whoever wrote, and must be quick; its
failure is logged and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import pyarrow as pa

from gops import logs
from gops.quality import Quality
from gops.store.port import Capabilities, Delivery, Extent, Health, Mode, Read, Receipt, Store, Windows

AfterCommit = Callable[[pa.Table, Receipt], None]
log = logs.get(__name__)


class WatchedStore:
    """A ``Store`` over another."""

    def __init__(self, store: Store, after_commit: AfterCommit) -> None:
        self._store = store
        self._after_commit = after_commit

    @property
    def capabilities(self) -> Capabilities:
        return self._store.capabilities

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        done = self._store.submit(batch, mode, deliveries)
        if mode == "replace":
            done.add_done_callback(lambda future: self._tell_of(batch, future))
        return done

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        receipt = self._store.write(batch, mode, deliveries)
        if mode == "replace":
            self._tell(batch, receipt)
        return receipt

    def _tell_of(self, batch: pa.Table, future: Future[Receipt]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._tell(batch, future.result())

    def _tell(self, batch: pa.Table, receipt: Receipt) -> None:
        try:
            self._after_commit(batch, receipt)
        except Exception:
            log.exception("after_commit_failed", rows=batch.num_rows)

    # reading, as it is

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
