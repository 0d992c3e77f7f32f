"""Batches that the store has and has not confirmed yet: acknowledged in their order, and written again in it.

An engine that commits at once is waited for, so its batches follow one another as they ever did. One that takes long
(VictoriaMetrics says only after its time to settle that readings are on disk) gets the next batches meanwhile. When
one fails, those behind it are not acknowledged before it has been written; they are written again after it, since a
reading of theirs may correct one of its.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from gops import logs
from gops.ingest.commit import Committer, HandedIn
from gops.ingest.pipeline import Batch
from gops.ingest.retry import Retry, Stopping
from gops.store.port import Delivery

PATIENCE_SECONDS = 0.05  # that a batch is waited for before the next one is taken
LOOK_SECONDS = 0.5
log = logs.get(__name__)


class InFlight:
    """At most ``batches``, ``rows`` (readings and refusals) and ``size`` (bytes of payload), or one that is larger.

    ``done`` is told of each batch once it is committed, in their order. Of one thread.
    """

    def __init__(
        self,
        committer: Committer,
        retry: Retry,
        done: Callable[[HandedIn], None],
        *,
        batches: int,
        rows: int,
        size: int,
    ) -> None:
        self._committer = committer
        self._retry = retry
        self._done = done
        self._most = (batches, rows, size)
        self._waiting: deque[HandedIn] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self) -> bool:
        batches, rows, size = self._most
        waiting = self._waiting
        return (
            len(waiting) < batches
            and sum(one.batch.rows for one in waiting) < rows
            and sum(one.bytes for one in waiting) < size
        )

    def add(self, batch: Batch) -> None:
        """Hand in a batch once there is room, and give it a moment. Raises ``Stopping``."""
        while not self.has_room():
            self.wait(LOOK_SECONDS)
        handed = self._committer.hand_in(batch)
        self._waiting.append(handed)
        handed.wait(PATIENCE_SECONDS)
        self.land()

    def land(self) -> None:
        """Tell of the oldest ones that are committed. Raises ``Stopping``."""
        while self._waiting and self._waiting[0].wait(0):
            if self._committer.finish(self._waiting[0]):
                self._done(self._waiting.popleft())
            else:
                self._write_again()

    def wait(self, timeout_s: float) -> None:
        """Give the oldest one some time. Raises ``Stopping``."""
        if self._waiting:
            self._waiting[0].wait(timeout_s)
            self._stop()
            self.land()

    def drain(self) -> None:
        """Until nothing is in flight. Raises ``Stopping``."""
        while self._waiting:
            self.wait(LOOK_SECONDS)

    def holds(self, asked: Collection[Delivery]) -> bool:
        """Is one of these messages in flight?"""
        wanted = set(asked)
        return any(not wanted.isdisjoint(part.deliveries) for one in self._waiting for part in one.batch.parts.values())

    def land_at_the_end(self, timeout_s: float) -> None:
        """What is committed by then is acknowledged; the broker brings the rest again, and what was committed all the
        same is recognised."""
        if self._waiting:
            self._waiting[-1].wait(timeout_s)
            self.land()

    def _write_again(self) -> None:
        """The oldest one failed: write it, however long that takes, then hand in those behind it once more."""
        log.warning("batches_written_again", batches=len(self._waiting))
        for one in self._waiting:
            while not one.wait(LOOK_SECONDS):
                self._stop()
        self._committer.write(self._waiting[0].batch)
        self._done(self._waiting.popleft())
        behind = [one.batch for one in self._waiting]
        self._waiting.clear()
        self._waiting.extend(self._committer.hand_in(batch, again=True) for batch in behind)

    def _stop(self) -> None:
        if self._retry.is_stopping:
            raise Stopping
