"""Waiting until what was handed in is on disk: only then is a write done.

VictoriaMetrics answers 204 for rows that it holds in memory; a kill within the next seconds takes them (seen with 1.79:
of 800 samples none came back after 8 s, all did after 11 s). So each group waits ``settle_s``, or until the servers
were made to write to disk (``flush="snapshot"``), and counts only if none of them began anew in between: else it is
handed in again. Groups are done in their order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.store.victoria.server import Flush, Server

ROWS_IN_FLIGHT = 1_000_000
PAUSE_SECONDS = 0.5  # between tries to reach a server
log = logs.get(__name__)


@dataclass
class Group:
    """Lines that were handed in together. Once they are on disk ``landed`` is called, and then the futures get their
    ``answers``."""

    lines: bytes
    rows: int
    starts: tuple[bytes, ...]
    answers: list[tuple[Future[Any], Any]] = field(repr=False)
    landed: Callable[[], None]
    generation: int  # of the flight when it was decided what to write
    at: float = 0.0


class Flight:
    """``patience_s`` is how long servers may be away before what waits is given up as not known to be written."""

    def __init__(self, server: Server, settle_s: float, flush: Flush, patience_s: float) -> None:
        self._server = server
        self._settle_s = settle_s
        self._flush = flush
        self._patience_s = patience_s
        self._groups: deque[Group] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.starts: tuple[bytes, ...] = server.about().starts
        self.restarts = 0
        self.generation = 0
        self._thread = threading.Thread(target=self._run, name="store-settling", daemon=True)
        self._thread.start()

    @property
    def rows(self) -> int:
        return sum(group.rows for group in tuple(self._groups))

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def add(self, group: Group) -> None:
        """A group that was handed in just now. Waits for room.

        What was decided before a group was given up may rest on rows of that group: it fails as well.
        """
        group.at = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: not self._groups or self.rows + group.rows <= ROWS_IN_FLIGHT)
            stale = group.generation != self.generation
            if not stale:
                self._groups.append(group)
            self._changed.notify_all()
        if stale:
            _fail([group], _unsettled())

    def close(self) -> None:
        """Wait until everything is on disk, or given up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    # the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._groups or self._closed)
                if not self._groups:
                    return
            self._wait_until_due()
            self._settle()

    def _wait_until_due(self) -> None:
        if self._flush == "wait":
            time.sleep(max(0.0, self._groups[0].at + self._settle_s - time.monotonic()))

    def _settle(self) -> None:
        """One try, or as many as patience allows."""
        end = time.monotonic() + self._patience_s
        while True:
            groups = self._due()
            try:
                if self._flush == "snapshot":
                    self._server.flush()
                starts = self._server.about().starts
                if all(group.starts == starts for group in groups):
                    return self._land(len(groups))
                return self._hand_in_again(starts)
            except GopsError as error:
                if time.monotonic() > end:
                    return self._give_up(error)
                log.warning("store_unsettled", reason=error.message)
                time.sleep(PAUSE_SECONDS)
            except Exception as error:  # the thread must outlive whatever happens to one group
                log.exception("store_settling_failed")
                return self._give_up(error)

    def _due(self) -> list[Group]:
        """The first groups, those that are on disk if no server begins anew: all, when a flush is about to begin."""
        oldest = time.monotonic() - self._settle_s
        with self._changed:
            return list(takewhile(lambda group: self._flush == "snapshot" or group.at <= oldest, self._groups))

    def _land(self, count: int) -> None:
        with self._changed:
            landed = [self._groups.popleft() for _ in range(count)]
            self._changed.notify_all()
        for group in landed:
            group.landed()
            for future, answer in group.answers:
                future.set_result(answer)

    def _hand_in_again(self, starts: tuple[bytes, ...]) -> None:
        """A server began anew: whatever is in flight may be gone."""
        self.starts = starts
        self.restarts += 1
        with self._changed:
            groups = [group for group in self._groups if group.starts != starts]
        log.warning("store_began_anew", handing_in_again=len(groups))
        for group in groups:
            if group.lines:
                self._server.write(group.lines)
            group.starts, group.at = starts, time.monotonic()

    def _give_up(self, error: Exception) -> None:
        """Nobody knows what of it will be there; who wrote it writes it again."""
        with self._changed:
            self.generation += 1
            groups = list(self._groups)
            self._groups.clear()
            self._changed.notify_all()
        log.error("store_gave_up", groups=len(groups), rows=sum(group.rows for group in groups))
        reason = _unsettled()
        reason.__cause__ = error
        _fail(groups, reason)


def _unsettled() -> Unavailable:
    return Unavailable(
        "VictoriaMetrics did not say in time that the readings are on disk; write them again", code="store_unsettled"
    )


def _fail(groups: Sequence[Group], reason: Exception) -> None:
    for group in groups:
        for future, _answer in group.answers:
            future.set_exception(reason)
