"""What is committed comes here, and a thread of its own evaluates it: commits do not wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gops import logs
from gops.alerts.evaluating import Evaluator
from gops.alerts.lease import Lease
from gops.clock import Clock
from gops.errors import Conflict, GopsError
from gops.records.events import Event
from gops.store.port import REPLACED, Receipt

TICK_SECONDS = 1.0
SWEEP_SECONDS = 60.0  # unseen readings from the store, and unwritten states to the records
STOP_SECONDS = 10.0
KINDS = ("alert.changed", "datastream.changed")
log = logs.get(__name__)


class Watching:
    """``after_commit`` belongs onto the store, ``handlers`` into the event pump. ``on_events`` is called after events
    were written. At most ``most`` readings wait; beyond that the store is looked at, as it is every ``sweep_seconds``:
    other processes commit too."""

    def __init__(
        self, evaluator: Evaluator, lease: Lease, clock: Clock, most: int, sweep_seconds: float = SWEEP_SECONDS
    ) -> None:
        self._evaluator = evaluator
        self._lease = lease
        self._clock = clock
        self._most = most
        self._sweep_seconds = sweep_seconds
        self._batches: list[tuple[pa.Table, int]] = []
        self._waiting = 0
        self._overflown = False
        self._changed = True
        self._swept = -math.inf
        self._lock = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.on_events: Callable[[], None] = lambda: None
        self.handlers = dict.fromkeys(KINDS, (self._told,))

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Evaluate what waits, write where everything stands, and let another process take over."""
        self._stopping.set()
        with self._lock:
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def after_commit(self, batch: pa.Table, receipt: Receipt) -> None:
        """Queue the readings of a commit that a rule looks at."""
        ids = self._evaluator.watched
        if not len(ids) or not batch.num_rows:
            return
        who = batch["datastream"].to_numpy()
        place = np.searchsorted(ids, who)
        place[place == len(ids)] = 0
        hit = ids[place] == who
        if receipt.outcomes is not None:
            hit &= receipt.outcomes.to_numpy() <= REPLACED
        rows = int(np.count_nonzero(hit))
        if rows:
            self._queue(batch if rows == len(hit) else batch.take(pa.array(np.flatnonzero(hit))), rows)

    def _queue(self, batch: pa.Table, rows: int) -> None:
        with self._lock:
            if self._overflown or self._waiting + rows > self._most:
                self._overflown = True  # from here on the store is looked at, in the order of times
            else:
                self._batches.append((batch, self._clock.micros()))
                self._waiting += rows
            self._lock.notify_all()

    def _told(self, event: Event) -> None:
        if event.kind == "alert.changed" or event.payload.get("datastream") in self._evaluator.watched:
            with self._lock:
                self._changed = True
                self._lock.notify_all()

    # the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except Conflict:
                self._evaluator.forget()
                log.warning("alerts_lease_lost")
            except GopsError as error:  # the records or the store are away; the next turn tries again
                log.warning("alerts_wait", reason=error.message)
            except Exception:
                log.exception("alerts_failed")
            with self._lock:
                if not self._batches and not self._changed:
                    self._lock.wait(TICK_SECONDS)
            self._stopping.wait(0.05)  # a few commits at once are cheaper than one by one
        self._end()

    def turn(self) -> int:
        """One look at everything; the number of events."""
        if not self._lease.hold():
            self._evaluator.forget()
            self._take_batches()
            self._swept = -math.inf
            return 0
        batches, overflown, changed = self._take_batches()
        try:
            told = self._turn(batches, overflown, changed)
        except GopsError:
            self._swept = -math.inf  # what was not evaluated is looked for in the store
            raise
        if told:
            self.on_events()
        return told

    def _turn(self, batches: list[tuple[pa.Table, int]], overflown: bool, changed: bool) -> int:
        told = 0
        due = time.monotonic() - self._swept >= self._sweep_seconds
        if changed or due:
            self._evaluator.reload()
        for batch, arrived in batches:
            told += self._evaluator.take(batch, arrived)
        if overflown:
            log.warning("alerts_overflow", expected=f"at most {self._most} readings wait (GOPS_ALERT_QUEUE)")
        if changed or due or overflown:
            told += self._evaluator.sweep()
        if due:
            self._evaluator.flush()
            self._swept = time.monotonic()
        return told + self._evaluator.tick()

    def _take_batches(self) -> tuple[list[tuple[pa.Table, int]], bool, bool]:
        with self._lock:
            taken = self._batches, self._overflown, self._changed
            self._batches, self._waiting, self._overflown, self._changed = [], 0, False, False
        return taken

    def _end(self) -> None:
        try:
            self.turn()
            if self._lease.held:
                self._evaluator.flush()
                self._lease.give_up()
        except GopsError as error:
            log.warning("alerts_not_written", reason=error.message)
