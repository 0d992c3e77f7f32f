"""The one writer: a bounded queue and a thread that commits what waits in it, together under load.

When a commit is refused, its requests are tried one by one, so that one of them does not fail its neighbours.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.store.port import Delivery, Receipt
from gops.store.waiting import PATIENCE_SECONDS, Waiting

GROUP_ROWS = 50_000  # from which no more requests join a commit
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

    run: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


Commit = Callable[[Sequence[Write]], Sequence[Receipt]]


class Writer:
    """``limit`` requests may wait. ``commit`` writes some together; what it raises is the answer to each of them."""

    def __init__(self, commit: Commit, limit: int, patience_s: float = PATIENCE_SECONDS) -> None:
        self._commit = commit
        self._waiting: Waiting[Write | Act] = Waiting(limit, patience_s)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
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

    def act(self, run: Callable[[], Any]) -> Any:
        """Do something in turn, and wait for it."""
        act = Act(run)
        self.submit(act)
        return act.future.result()

    def close(self) -> None:
        """Finish what waits, and end."""
        self._waiting.close()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._waiting.take(_together)) is not None:
            asked = [request for request in group if request.future.set_running_or_notify_cancel()]
            try:
                self._serve(asked)
            except Exception:  # the writer must outlive whatever happens to one group
                log.exception("store_writer_failed")
                _fail(asked, Unavailable("the store failed; the server's log says why"))

    def _serve(self, group: Sequence[Write | Act]) -> None:
        try:
            answers = self._answers(group)
        except Unavailable as error:
            _fail(group, error)
        except GopsError as error:
            if len(group) == 1:
                _fail(group, error)
            else:
                for request in group:
                    self._serve([request])
        else:
            for request, answer in zip(group, answers, strict=True):
                request.future.set_result(answer)

    def _answers(self, group: Sequence[Write | Act]) -> Sequence[Any]:
        if group and isinstance(group[0], Act):
            return [group[0].run()]
        writes = [request for request in group if isinstance(request, Write)]
        return self._commit(writes) if writes else []


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
