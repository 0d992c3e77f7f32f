"""Batches read ahead: all, in order, with the failure of their source, and left behind cleanly."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from gops.catalog.querying.ahead import AHEAD, Ahead


class Source:
    """Batches of one row each; remembers how far it came, and whether it was closed."""

    def __init__(self, count: int, fails: bool = False) -> None:
        self.read, self.closed = 0, threading.Event()
        self._count, self._fails = count, fails

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for number in range(self._count):
                self.read += 1
                yield pa.record_batch({"n": [number]})
            if self._fails:
                raise OSError("the disk is gone")
        finally:
            self.closed.set()


def test_all_batches_come_in_their_order() -> None:
    source = Source(20)
    ahead = Ahead(source.batches())
    assert [batch["n"][0].as_py() for batch in ahead] == list(range(20))
    assert list(ahead) == []
    assert source.closed.is_set()


def test_a_failure_comes_after_what_was_read_before_it() -> None:
    found = []
    with pytest.raises(OSError, match="disk"):
        found.extend(Ahead(Source(3, fails=True).batches()))
    ahead = Ahead(Source(3, fails=True).batches())
    assert [next(ahead)["n"][0].as_py() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="disk"):
        next(ahead)


def test_no_more_is_read_than_may_wait() -> None:
    source = Source(1000)
    ahead = Ahead(source.batches())
    next(ahead)
    ahead.close()
    assert source.closed.is_set()
    assert source.read <= AHEAD + 3


def test_one_that_nobody_asked_is_closed_without_a_thread() -> None:
    before = threading.active_count()
    ahead = Ahead(Source(3).batches())
    ahead.close()
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(ahead)
