"""Where a reading lies, as one consistent picture in memory: the hot table, frozen and sealed ranges, late rows.

A picture never changes; the writer puts a new one in place of it with the commit that makes it true. ``Layout`` counts
who looks at it, so that files which later pictures leave out are removed only when nobody may open them any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gops.store.rows import Ints
from gops.store.upkeep import SealedFile

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Range:
    """Days, ``start <= t < stop`` in microseconds; see ``schema`` for what frozen and sealed mean."""

    start: int
    stop: int
    frozen: bool


@dataclass(frozen=True)
class File:
    """A sealed file: some Datastreams (``low`` to ``high``) of a range, with rows from ``first`` to ``last``."""

    name: str
    start: int
    stop: int
    low: int
    high: int
    first: int
    last: int
    rows: int
    bytes: int
    sha256: str

    def shown(self) -> SealedFile:
        return SealedFile(self.name, self.start, self.stop, self.rows, self.bytes, self.sha256)


@dataclass(frozen=True)
class Stain:
    """Between which Datastreams and times the late rows of a range may be; all bounds included."""

    low: int
    high: int
    first: int
    last: int

    def widened(self, other: Stain) -> Stain:
        return Stain(
            min(self.low, other.low),
            max(self.high, other.high),
            min(self.first, other.first),
            max(self.last, other.last),
        )


class Layout:
    """Ranges, disjoint and in their order, and the files of the sealed ones."""

    def __init__(self, ranges: Iterable[Range] = (), files: Iterable[File] = ()) -> None:
        self.ranges = tuple(sorted(ranges, key=lambda one: one.start))
        self.files = tuple(sorted(files, key=lambda one: (one.start, one.low, one.first)))
        self.names = frozenset(one.name for one in self.files)
        self._starts = np.array([one.start for one in self.ranges], np.int64)
        self._stops = np.array([one.stop for one in self.ranges], np.int64)
        self._rects = np.array([(one.low, one.high, one.first, one.last) for one in self.files], np.int64).reshape(
            -1, 4
        )
        self._lock = threading.Lock()
        self._lookers = 0

    # who looks at it

    def hold(self) -> None:
        with self._lock:
            self._lookers += 1

    def let_go(self) -> None:
        with self._lock:
            self._lookers -= 1

    @property
    def in_use(self) -> bool:
        return self._lookers > 0

    # what lies where

    def places(self, t: Ints) -> Ints:
        """Number of the range of each ``t``, -1 for none."""
        at = np.searchsorted(self._starts, t, "right") - 1
        if not len(self.ranges):
            return at
        return np.where((at >= 0) & (t < self._stops[at]), at, -1)

    def overlapping(self, start: int, stop: int) -> Sequence[Range]:
        """Ranges with moments in ``[start, stop)``."""
        begin = int(np.searchsorted(self._stops, start, "right"))
        end = int(np.searchsorted(self._starts, stop, "left"))
        return self.ranges[begin:end]

    def gaps(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """What of ``[start, stop)`` is in no range."""
        for one in self.overlapping(start, stop):
            if start < one.start:
                yield start, one.start
            start = max(start, one.stop)
        if start < stop:
            yield start, stop

    def sealed_spans(self) -> list[tuple[int, int]]:
        """Sealed times, neighbours joined."""
        spans: list[tuple[int, int]] = []
        for one in self.ranges:
            if one.frozen:
                continue
            if spans and spans[-1][1] == one.start:
                spans[-1] = (spans[-1][0], one.stop)
            else:
                spans.append((one.start, one.stop))
        return spans

    def files_of(self, low: int, high: int, start: int, stop: int) -> list[File]:
        """Files that may have rows of the Datastreams ``low`` to ``high`` with ``start <= t < stop``."""
        if not self.files:
            return []
        lows, highs, firsts, lasts = self._rects.T
        found = (lows <= high) & (highs >= low) & (firsts < stop) & (lasts >= start)
        return [self.files[n] for n in np.flatnonzero(found).tolist()]

    def files_with(self, datastream: Ints, t: Ints) -> list[File]:
        """Files that may have one of these rows."""
        if not len(t) or not self.files:
            return []
        near = self.files_of(int(datastream.min()), int(datastream.max()), int(t.min()), int(t.max()) + 1)
        return [one for one in near if _any_within(one, datastream, t)]


def _any_within(one: File, datastream: Ints, t: Ints) -> bool:
    within: npt.NDArray[np.bool_] = (datastream >= one.low) & (datastream <= one.high)
    return bool((within & (t >= one.first) & (t <= one.last)).any())


@dataclass(frozen=True)
class Tiers:
    """A layout, the stain of each range that may have late rows (by its start), and between which t hot rows may be.

    ``hot_first`` and ``hot_last`` are about rows of ``reading`` outside of sealed ranges; both included.
    """

    layout: Layout = field(default_factory=Layout)
    stains: Mapping[int, Stain] = field(default_factory=dict)
    hot_first: int = NEVER
    hot_last: int = -NEVER

    def stain(self, one: Range, low: int, high: int, start: int, stop: int) -> bool:
        """May this range have late rows of the Datastreams ``low`` to ``high`` with ``start <= t < stop``?"""
        found = self.stains.get(one.start)
        return found is not None and (
            found.low <= high and found.high >= low and found.first < stop and found.last >= start
        )

    def with_hot(self, t: Ints) -> Tiers:
        """The same when these are written to the hot table."""
        if not len(t):
            return self
        first, last = min(self.hot_first, int(t.min())), max(self.hot_last, int(t.max()))
        same = first == self.hot_first and last == self.hot_last
        return self if same else replace(self, hot_first=first, hot_last=last)

    def with_late(self, datastream: Ints, t: Ints) -> Tiers:
        """The same when these are written to late rows; each lies in a range."""
        places = self.layout.places(t)
        stains = dict(self.stains)
        for place in np.unique(places).tolist():
            there = places == place
            ids, moments = datastream[there], t[there]
            new = Stain(int(ids.min()), int(ids.max()), int(moments.min()), int(moments.max()))
            start = self.layout.ranges[place].start
            stains[start] = stains[start].widened(new) if start in stains else new
        return self if stains == self.stains else replace(self, stains=stains)
