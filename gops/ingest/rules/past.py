"""The readings before those of a batch, with which these are compared.

Of each Datastream the newest comparable reading is remembered, and since when its value has been the same; the
longest silent ones are forgotten. What is not remembered, or lies before what is, is read from the store: the same
part of the past that a verdict depends on, so that a restart and a repetition change none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gops.clock import HOUR
from gops.ingest.rules.judging import SUSPECT, Chain, Flags, Floats, Ints, Ruled
from gops.store.port import READINGS, Read, Series, Store
from gops.store.rows import NONE

TOGETHER = 100  # Datastreams whose past is read together
ROWS = 200_000  # of one such read; of one that has more, the newest are looked at
NO_ROWS = np.zeros(0, np.int64)
NO_CHAIN = Chain(NO_ROWS, NO_ROWS, np.zeros(0), NO_ROWS)


class State(NamedTuple):
    """The newest comparable reading, and since when its value has been the same; microseconds."""

    t: int
    value: float
    since: int


class Coming(NamedTuple):
    """What a batch has of a Datastream: its first and last comparable t, and the first value."""

    ruled: Ruled
    first: int
    last: int
    value: float


class Past:
    """Of at most ``size`` Datastreams a state is remembered."""

    def __init__(self, store: Store, size: int) -> None:
        self._store = store
        self._size = size
        self._states: OrderedDict[int, State] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._states)

    def before(self, coming: Mapping[int, Coming]) -> Chain:
        """Comparable readings up to the last of each, ``who`` being the Datastream. Raises ``Unavailable``."""
        with self._lock:
            known = {one: self._states[one] for one in coming if one in self._states}
        fresh = {one: state for one, state in known.items() if state.t < coming[one].first}
        if len(fresh) == len(coming):
            return _chain_of(fresh)
        cold = [one for one in coming if one not in known]
        newest = self._newest(cold, coming) if cold else {}
        ranges = {}
        for one, what in coming.items():
            if one in fresh or (one in newest and newest[one] is None):
                continue
            state, frozen = newest.get(one), what.ruled.rules.frozen
            if state is None:
                ranges[one] = (what.first - what.ruled.reach, what.last + 1)
            elif frozen is None or state.value != what.value or what.first - state.t >= frozen:
                fresh[one] = state
            else:  # since when that value?
                ranges[one] = (what.first - 2 * frozen, what.last + 1)
        remembered = _chain_of(fresh)
        read = self._read(ranges, {one: what.ruled for one, what in coming.items()}) if ranges else NO_CHAIN
        return _joined((remembered, read))

    def _newest(self, cold: Sequence[int], coming: Mapping[int, Coming]) -> dict[int, State | None]:
        """Of those whose newest stored reading settles it: nothing stands, or a comparable one before the batch."""
        table = self._store.latest(cold)
        found: dict[int, State | None] = dict.fromkeys(cold)
        for one, t, value, quality in zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True):
            ruled = coming[one].ruled
            if t < coming[one].first and value is not None and quality <= SUSPECT and ruled.low <= value <= ruled.high:
                found[one] = State(t, value, int(NONE))
            else:
                del found[one]
        return found

    def _read(self, ranges: Mapping[int, tuple[int, int]], ruled: Mapping[int, Ruled]) -> Chain:
        """Those of like ranges together: a feed brings the same hours of all its stations."""
        alike: dict[tuple[int, int], list[int]] = {}
        for one, (start, end) in ranges.items():
            alike.setdefault((start // HOUR * HOUR, -(-end // HOUR) * HOUR), []).append(one)
        tables: list[pa.Table] = []
        for (start, end), ids in sorted(alike.items()):
            for first in range(0, len(ids), TOGETHER):
                tables += self._read_together(sorted(ids)[first : first + TOGETHER], start, end, ranges)
        return _comparable(pa.concat_tables(tables), ruled, ranges)

    def _read_together(
        self, ids: Sequence[int], start: int, end: int, ranges: Mapping[int, tuple[int, int]]
    ) -> Iterable[pa.Table]:
        table = self._store.read(Read([Series(one) for one in ids], start, end, limit=ROWS))
        if table.num_rows < ROWS:
            return [table]
        return [self._store.read(Read([Series(one)], *ranges[one], limit=ROWS, descending=True))[::-1] for one in ids]

    def settle(self, ends: Mapping[int, State], coming: Mapping[int, Coming]) -> None:
        """A batch is stored: ``ends`` is how its Datastreams stand behind its last readings."""
        with self._lock:
            crowded = 2 * len(self._states) > self._size  # before that it does not matter who goes first
            for one, end in ends.items():
                known = self._states.get(one)
                if known is None or end.t >= known.t:
                    self._states[one] = end
                    if crowded:
                        self._states.move_to_end(one)
                elif coming[one].ruled.rules.frozen is not None and _touches(known, end):
                    del self._states[one]
            while len(self._states) > self._size:
                self._states.popitem(last=False)

    def forget(self, datastreams: Iterable[int]) -> None:
        """What is stored of these, or what is said of them, has changed."""
        with self._lock:
            for one in datastreams:
                self._states.pop(one, None)


_COLUMNS = ("datastream", "t", "value", "quality")


def _touches(known: State, late: State) -> bool:
    """May readings that end with ``late``, before what is known, make its run shorter or longer?"""
    return late.t >= known.since or late.value == known.value


def _chain_of(states: Mapping[int, State]) -> Chain:
    if not states:
        return NO_CHAIN
    t, value, since = zip(*states.values(), strict=True)
    ids = np.fromiter(states, np.int64, len(states))
    return Chain(ids, np.array(t, np.int64), np.array(value, np.float64), np.array(since, np.int64))


def _joined(chains: Sequence[Chain]) -> Chain:
    return Chain(*(np.concatenate([getattr(one, name) for one in chains]) for name in ("who", "t", "value", "since")))


def _comparable(table: pa.Table, ruled: Mapping[int, Ruled], ranges: Mapping[int, tuple[int, int]]) -> Chain:
    who: Ints = table["datastream"].to_numpy()
    t: Ints = table["t"].to_numpy()
    value: Floats = table["value"].fill_null(np.nan).to_numpy()
    quality: Flags = table["quality"].to_numpy()
    ids, place = np.unique(who, return_inverse=True)
    low, high = (np.array([getattr(ruled[int(one)], name) for one in ids], np.float64) for name in ("low", "high"))
    start, end = (np.array([ranges[int(one)][edge] for one in ids], np.int64) for edge in (0, 1))
    good = (quality <= SUSPECT) & (t >= start[place]) & (t < end[place])
    good &= (value >= low[place]) & (value <= high[place])
    return Chain(who[good], t[good], value[good], np.full(int(good.sum()), NONE, np.int64))


assert set(_COLUMNS) <= set(READINGS.names)
