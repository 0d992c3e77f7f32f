"""A store that tells what was committed: any engine, and somebody who looks on.

``after_commit(batch, receipt)`` gets every batch that was written in mode ``replace``: what is fresh, whoever wrote it.
What repeats the past (mode ``keep``) is no news. It is called after the commit by whoever wrote, and must be quick; its
failure is logged and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

import pyarrow as pa

from gops import logs
from gops.store.passing import PassingStore
from gops.store.port import Delivery, Mode, Receipt, Store

AfterCommit = Callable[[pa.Table, Receipt], None]
log = logs.get(__name__)


class WatchedStore(PassingStore):
    """A ``Store`` over another."""

    def __init__(self, store: Store, after_commit: AfterCommit) -> None:
        super().__init__(store)
        self._after_commit = after_commit

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
