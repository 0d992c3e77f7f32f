"""The one writer: a bounded queue and a thread that commits what waits in it.

An empty queue is committed at once; under load what waits is committed together, each request with its own outcome.
When a commit fails, its requests are tried one by one, so that one of them does not fail its neighbours.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.store.checks import receipt
from gops.store.duckdb.commits import Commits
from gops.store.duckdb.database import Database
from gops.store.port import Delivery, Receipt

PATIENCE_SECONDS = 5.0  # that a request waits for room in the queue
GROUP_ROWS = 200_000  # from which no more requests join a commit
log = logs.get(__name__)


@dataclass(frozen=True)
class Write:
    batch: pa.Table
    keep: bool
    deliveries: Sequence[Delivery]
    future: Future[Receipt] = field(default_factory=Future)


@dataclass(frozen=True)
class Act:
    """Anything else that the writer does in turn."""

    run: Callable[[Commits], Any]
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """``limit`` requests may wait."""

    def __init__(self, database: Database, commits: Commits, limit: int, patience_s: float = PATIENCE_SECONDS) -> None:
        self._database = database
        self._commits = commits
        self._limit = limit
        self._patience_s = patience_s
        self._waiting: deque[Write | Act] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._woken = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        database.on_invalid = self.wake
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, request: Write | Act) -> None:
        """Queue a request. Raises ``Unavailable`` when the writer is closed or there is no room for too long."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._limit, self._patience_s)
            if self._closed:
                raise Unavailable("the store is closed")
            if len(self._waiting) >= self._limit:
                raise Unavailable(
                    f"{self._limit} requests wait for the store's writer, as many as the setting store_queue allows",
                    code="store_busy",
                    found=self._limit,
                    expected=f"room in the queue within {self._patience_s:g} s",
                )
            self._waiting.append(request)
            self._changed.notify_all()

    def wake(self) -> None:
        """Look after the database although nobody writes. The writer itself does so anyway."""
        if threading.current_thread() is self._thread:
            return
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Finish what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    # the thread

    def _run(self) -> None:
        while (group := self._take()) is not None:
            group = [request for request in group if request.future.set_running_or_notify_cancel()]
            try:
                self._serve(group)
                self._look_after()
            except Exception:  # the writer must outlive whatever happens to one group
                log.exception("store_writer_failed")
                self._database.invalidate()
                _fail(group, Unavailable("the store failed; the server's log says why"))

    def _take(self) -> Sequence[Write | Act] | None:
        """The next requests to commit together, perhaps none; None when closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed or self._woken)
            self._woken = False
            if not self._waiting:
                return None if self._closed else []
            group: list[Write | Act] = [self._waiting.popleft()]
            size = group[0].batch.num_rows if isinstance(group[0], Write) else GROUP_ROWS
            while size < GROUP_ROWS and self._waiting and isinstance(self._waiting[0], Write):
                size += self._waiting[0].batch.num_rows
                group.append(self._waiting.popleft())
            self._changed.notify_all()
            return group

    def _serve(self, group: Sequence[Write | Act]) -> None:
        if not group:
            return
        try:
            self._mend()
            answers = self._commit(group)
        except GopsError as error:
            _fail(group, error)
        except duckdb.Error as error:
            self._database.note(error)
            if len(group) > 1 and self._database.valid:
                for request in group:
                    self._serve([request])
            else:
                _fail(group, Unavailable("the store could not write; the server's log says why", code="store_write"))
        else:
            for request, answer in zip(group, answers, strict=True):
                request.future.set_result(answer)

    def _commit(self, group: Sequence[Write | Act]) -> Sequence[Any]:
        if isinstance(group[0], Act):
            return [group[0].run(self._commits)]
        writes = [request for request in group if isinstance(request, Write)]
        sizes = [write.batch.num_rows for write in writes]
        outcomes = self._commits.write(
            pa.concat_tables([write.batch for write in writes]),
            np.repeat([write.keep for write in writes], sizes),
            [delivery for write in writes for delivery in write.deliveries],
        )
        return [receipt(part) for part in np.split(outcomes, np.cumsum(sizes)[:-1])]

    def _look_after(self) -> None:
        """What is due between commits: tidying up, or opening the database again after it failed."""
        try:
            self._mend()
            self._commits.tidy(idle=not self._waiting)
        except Unavailable:
            log.error("store_not_mended")
        except duckdb.Error as error:
            self._database.note(error)

    def _mend(self) -> None:
        """Open an invalid database again. Raises ``Unavailable``, ``duckdb.Error``."""
        if not self._database.valid:
            self._database.shut()
            self._database.open()
            try:
                self._commits.load()
            except duckdb.Error:
                self._database.shut()
                raise
            log.warning("store_opened_again")


def _fail(group: Sequence[Write | Act], error: GopsError) -> None:
    for request in group:
        if not request.future.done():
            request.future.set_exception(error)
