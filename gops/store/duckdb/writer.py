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
from gops.store.waiting import PATIENCE_SECONDS, Waiting

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
        self._waiting: Waiting[Write | Act] = Waiting(limit, patience_s)
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
        self._waiting.put(request)

    def wake(self) -> None:
        """Look after the database although nobody writes. The writer itself does so anyway."""
        if threading.current_thread() is self._thread:
            return
        self._waiting.wake()

    def close(self) -> None:
        """Finish what waits, and end."""
        self._waiting.close()
        self._thread.join()

    # the thread

    def _run(self) -> None:
        while (group := self._waiting.take(_together)) is not None:
            group = [request for request in group if request.future.set_running_or_notify_cancel()]
            try:
                self._serve(group)
                self._look_after()
            except Exception:  # the writer must outlive whatever happens to one group
                log.exception("store_writer_failed")
                self._database.invalidate()
                _fail(group, Unavailable("the store failed; the server's log says why"))

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


def _together(waiting: deque[Write | Act]) -> list[Write | Act]:
    """The first of these, and the writes that are committed with it."""
    group: list[Write | Act] = [waiting.popleft()]
    size = group[0].batch.num_rows if isinstance(group[0], Write) else GROUP_ROWS
    while size < GROUP_ROWS and waiting and isinstance(waiting[0], Write):
        size += waiting[0].batch.num_rows
        group.append(waiting.popleft())
    return group


def _fail(group: Sequence[Write | Act], error: GopsError) -> None:
    for request in group:
        if not request.future.done():
            request.future.set_exception(error)
