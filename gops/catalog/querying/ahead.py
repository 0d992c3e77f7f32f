"""Batches read ahead in a thread of their own, so that the store reads on while what it gave is written and sent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

AHEAD = 2  # batches that wait
STEP_SECONDS = 0.2  # how often a reader that waits for room looks whether it is still wanted


class Ahead(Iterator[pa.RecordBatch]):
    """The batches of ``source`` in their order, and its exception where it fails.

    The thread begins with the first batch asked for, and alone runs ``source`` from then on; ``close`` waits for it.
    """

    def __init__(self, source: Iterator[pa.RecordBatch]) -> None:
        self._source = source
        self._waiting: queue.Queue[Any] = queue.Queue(AHEAD)
        self._left = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def __next__(self) -> pa.RecordBatch:
        if self._is_over:
            raise StopIteration
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gops-ahead", daemon=True)
            self._thread.start()
        item = self._waiting.get()
        if isinstance(item, pa.RecordBatch):
            return item
        self._is_over = True
        raise StopIteration if item is None else item

    def close(self) -> None:
        """Leave it, also half-way: the source is closed when this returns."""
        self._left.set()
        self._is_over = True
        if self._thread is not None:
            self._thread.join()
        else:
            _close(self._source)

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            for batch in self._source:
                if not self._put(batch):
                    break
        except BaseException as error:  # noqa: BLE001 - whoever takes the batches is told
            end = error
        finally:
            _close(self._source)
        self._put(end)

    def _put(self, item: Any) -> bool:
        """False when nobody wants it any more."""
        while not self._left.is_set():
            try:
                self._waiting.put(item, timeout=STEP_SECONDS)
            except queue.Full:
                continue
            return True
        return False


def _close(source: Any) -> None:
    close = getattr(source, "close", None)  # a generator left half-way holds the store's view, or files
    if close is not None:
        close()
