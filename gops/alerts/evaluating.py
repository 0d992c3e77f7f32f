"""Readings against rules. States live in memory; steps that others hear of are in the records before they count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops import logs
from gops.alerts import transitions
from gops.alerts.book import Book, Key, Watch, load
from gops.alerts.condition import Reading, State, advance
from gops.alerts.lease import Lease
from gops.alerts.transitions import Step
from gops.clock import Clock
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store

Rows = Iterable[tuple[int, int, float | None, str | None, int]]
"""datastream, t, value, text, quality"""
AT_ONCE = 1000  # Datastreams or states in one question
log = logs.get(__name__)


class Evaluator:
    """Used by one thread; ``watched`` may be read by any."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, store: Store, lease: Lease) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._lease = lease
        self._watches: dict[int, list[Watch]] = {}
        self._by_key: dict[Key, Watch] = {}
        self._states: dict[Key, State] = {}
        self._unwritten: set[Key] = set()
        self._timed: set[Key] = set()
        self._listening = clock.micros()
        self.watched: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def forget(self) -> None:
        """Another process evaluates now."""
        self._take_over(Book())

    def reload(self) -> None:
        """Read the rules anew; what stands in memory goes on under rules that did not change."""
        if not self._by_key:
            self._listening = self._clock.micros()
        with self._database.read() as session:
            self._take_over(load(session))

    def _take_over(self, book: Book) -> None:
        old, revisions = self._states, {key: watch.revision for key, watch in self._by_key.items()}
        self._watches = book.watches
        self._by_key = {watch.key: watch for watches in book.watches.values() for watch in watches}
        self._states = {
            key: old[key] if revisions.get(key) == revision else state for key, (revision, state) in book.states.items()
        }
        self._unwritten &= self._by_key.keys()
        self._timed = {key for key in self._by_key if self._is_timed(key)}
        self.watched = np.array(sorted(book.watches), np.int64)

    def _is_timed(self, key: Key) -> bool:
        phase = self._states[key].phase
        return phase == "pending" or (self._by_key[key].condition.kind == "silent" and phase != "firing")

    def sweep(self) -> int:
        """Look at the newest reading of each Datastream: what came while nobody listened, or through other processes.

        Returns the number of events.
        """
        ids, told = self.watched.tolist(), 0
        for first in range(0, len(ids), AT_ONCE):
            told += self.take(self._store.latest(ids[first : first + AT_ONCE]), None)
        return told

    def take(self, readings: pa.Table, arrived: int | None) -> int:
        """Readings that were committed (``store.port.READINGS``), at a moment or, for None, at their own time."""
        now = self._clock.micros()
        steps = []
        for datastream, group in groupby(_ordered(readings), key=lambda row: row[0]):
            rows = list(group)
            for watch in self._watches.get(datastream, ()):
                own = _accepted(watch, rows, arrived, now)
                if own:
                    steps.append(self._step(watch, own, now))
        return self._settle(steps, now)

    def tick(self) -> int:
        """What the clock alone brings."""
        now = self._clock.micros()
        return self._settle([self._step(self._by_key[key], (), now) for key in self._timed], now)

    def _step(self, watch: Watch, readings: Sequence[Reading], now: int) -> Step:
        state, changes = advance(watch.condition, self._states[watch.key], readings, now, self._listening)
        return Step(watch, state, changes)

    def _settle(self, steps: Sequence[Step], now: int) -> int:
        """Raises ``Unavailable`` while the records are away, and ``Conflict`` for a lost lease; nothing counts then."""
        news, told = [step for step in steps if step.changes], 0
        if news:
            with self._database.write() as session:
                self._lease.confirm(session)
                told = transitions.tell(session, news, now, self._settings)
            log.info("alerts_changed", events=told)
        for step in steps:
            key = step.watch.key
            if step.state is self._states[key]:
                continue
            self._states[key] = step.state
            (self._unwritten.discard if step.changes else self._unwritten.add)(key)
            (self._timed.add if self._is_timed(key) else self._timed.discard)(key)
        return told

    def flush(self) -> None:
        """Write where watches stand that moved without a step."""
        while self._unwritten:
            some = sorted(self._unwritten)[:AT_ONCE]
            with self._database.write() as session:
                self._lease.confirm(session)
                transitions.keep(session, [Step(self._by_key[key], self._states[key]) for key in some])
            self._unwritten.difference_update(some)

    @property
    def states(self) -> Mapping[Key, State]:
        return self._states


def _ordered(readings: pa.Table) -> Iterator[tuple[int, int, float | None, str | None, int]]:
    """Rows by (datastream, t); of equal ones the later row last."""
    who, t = readings["datastream"].to_numpy(), readings["t"].to_numpy()
    if len(who) > 1:
        readings = readings.take(pa.array(np.lexsort((t, who))))
    names = ("datastream", "t", "value", "text", "quality")
    return zip(*(readings[name].to_pylist() for name in names), strict=True)


def _accepted(watch: Watch, rows: Rows, arrived: int | None, now: int) -> list[Reading]:
    return [
        Reading(t, value, text, min(t, now) if arrived is None else arrived)
        for _who, t, value, text, quality in rows
        if quality in watch.accepts
    ]
