"""Readings against rules. States live in memory; steps that others hear of are in the records before they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops import logs
from gops.alerts import transitions
from gops.alerts.book import Book, Key, Watch, load
from gops.alerts.condition import Reading, State, advance
from gops.alerts.lease import Lease
from gops.alerts.looking import Looking, Row, Seen, ordered
from gops.alerts.transitions import Step
from gops.clock import Clock
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store

AT_ONCE = 1000  # Datastreams or states in one question
log = logs.get(__name__)


class Evaluator:
    """Used by one thread; ``watched`` may be read by any."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, store: Store, lease: Lease, *, shared: bool = False
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._looking = Looking(store, settings.alert_queue, shared=shared)
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
        self._looking.forget()

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
        self._looking.keep(book.watches)

    def _is_timed(self, key: Key) -> bool:
        phase = self._states[key].phase
        return phase == "pending" or (self._by_key[key].condition.kind == "silent" and phase != "firing")

    def sweep(self) -> int:
        """Look at every reading since the last look: what came while nobody listened, or through other processes.

        A rule that has seen nothing yet begins with the newest one.

        Returns the number of events.
        """
        ids, told = self.watched.tolist(), 0
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            seen = self._looking.look(some, self._stood(some))
            now = self._clock.micros()
            steps = [
                self._step(watch, own, now)
                for one in seen.tips
                for watch in self._watches.get(one, ())
                if (own := _accepted(watch, self._unseen(watch, seen), None, now))
            ]
            told += self._settle(steps, now)
            self._looking.done(seen)
        return told

    def _stood(self, datastreams: Iterable[int]) -> dict[int, int]:
        """The newest reading that every rule over each had seen when it was last written."""
        found = {}
        for one in datastreams:
            known = [t for watch in self._watches.get(one, ()) if (t := self._states[watch.key].t) is not None]
            if known:
                found[one] = min(known)
        return found

    def _unseen(self, watch: Watch, seen: Seen) -> Sequence[Row]:
        one, tip = watch.datastream, seen.tips[watch.datastream]
        if watch.condition.kind == "silent":
            return [tip]  # any reading ends a silence, in whatever order they come
        rows = seen.rows.get(one, ())
        if self._states[watch.key].t is None and (one in seen.first or not rows) and seen.upto[one] >= tip[1]:
            return [tip]
        return rows

    def take(self, readings: pa.Table, arrived: int) -> int:
        """Readings that this process committed (``store.port.READINGS``), at a moment."""
        now = self._clock.micros()
        steps, newest = [], dict[int, int]()
        for datastream, group in groupby(ordered(readings), key=lambda row: row[0]):
            rows = list(group)
            newest[datastream] = rows[-1][1]
            for watch in self._watches.get(datastream, ()):
                own = _accepted(watch, rows, arrived, now)
                if own:
                    steps.append(self._step(watch, own, now))
        told = self._settle(steps, now)
        for datastream, t in newest.items():
            self._looking.committed(datastream, t)
        return told

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


def _accepted(watch: Watch, rows: Sequence[Row], arrived: int | None, now: int) -> list[Reading]:
    return [
        Reading(t, value, text, min(t, now) if arrived is None else arrived)
        for _who, t, value, text, quality in rows
        if quality in watch.accepts
    ]
