"""Hot rows in memory, so that a page of one Datastream does not look through the rows of all others.

The hot table lies in the order of arrival: for a page of 100 rows among 2,000 Datastreams 200,000 are looked at. Here
the same rows lie sorted by (Datastream, t), in *runs*: one of what was there when somebody first asked, then one for
each 65,536 rows that came since, and what came last as it came. Of rows with the same key the later stands.

Every commit is told here after it is made and before its version is, so what is read is never older than its ETag. For
each Datastream there is a *floor*: from it on the rows here are all the hot rows that there are. It rises when the
oldest run is dropped, when ranges are frozen, and to the end of a correction, which is not followed here. A question
that needs rows below it, or in a range that is frozen or sealed, is DuckDB's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.quality import ANY, Quality
from gops.store.checks import EARLIEST
from gops.store.port import READINGS
from gops.store.rows import Rows

RUN = 65_536  # rows of a run; fewer are searched as they came
MARGIN = 4  # times the rows of a page are taken from each run: some may be replaced, or of another quality


@dataclass(frozen=True)
class _Run:
    """Rows by (Datastream, t), of the same key in the order of arrival; ``top`` is the greatest t."""

    rows: Rows
    top: int

    @classmethod
    def of(cls, rows: Rows) -> _Run:
        order = np.lexsort((rows.t, rows.datastream))
        return cls(rows.take(order), int(rows.t.max(initial=EARLIEST)))

    def part(self, datastream: int, start: int, stop: int) -> slice:
        ids = self.rows.datastream
        low, high = np.searchsorted(ids, datastream), np.searchsorted(ids, datastream, "right")
        begin, end = np.searchsorted(self.rows.t[low:high], (start, stop))
        return slice(int(low + begin), int(low + end))


@dataclass(frozen=True)
class _Buffer:
    """What came last, in the order of arrival: the first ``taken`` of ``room``, which is written behind them alone."""

    room: Rows
    taken: int = 0

    @classmethod
    def empty(cls, size: int) -> _Buffer:
        ints = [np.empty(size, np.int64) for _ in range(3)]
        texts = np.full(size, None, np.object_)
        return cls(Rows(ints[0], ints[1], np.empty(size), texts, np.empty(size, np.uint8), ints[2]))

    def filled(self, rows: Rows) -> tuple[_Buffer, Rows | None]:
        """With the first of these rows, and those that found no room."""
        fits = min(len(rows), len(self.room) - self.taken)
        for column, given in zip(vars(self.room).values(), vars(rows).values(), strict=True):
            column[self.taken : self.taken + fits] = given[:fits]
        return _Buffer(self.room, self.taken + fits), rows.take(slice(fits, None)) if fits < len(rows) else None

    def part(self, datastream: int, start: int, stop: int) -> Rows:
        rows = self.room.take(slice(0, self.taken))
        rows = rows.take(np.flatnonzero(rows.datastream == datastream))
        return rows.take((rows.t >= start) & (rows.t < stop))


@dataclass
class Recent:
    """At most ``most`` rows, a quarter of which may wait to be looked at; none while ``most`` is 0."""

    most: int
    run: int = RUN
    loaded: bool = False
    _floor: int = EARLIEST
    _floors: dict[int, int] = field(default_factory=dict)
    _runs: list[_Run] = field(default_factory=list)
    _last: _Buffer | None = None
    _came: deque[Rows] = field(default_factory=deque)
    _waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    # told by the writer, in the order of commits

    def add(self, given: Rows, where: npt.NDArray[np.bool_]) -> None:
        """Hot rows of a commit, those ``where`` it is so, stand from now on, also in place of others."""
        if not self.most or not where.any():
            return
        new = given if where.all() else given.take(where)
        with self._telling:
            self._came.append(new)
            self._waiting += len(new)
            while self._waiting > self.most // 4:  # nobody asks
                gone = self._came.popleft()
                self._waiting -= len(gone)
                self._floor = max(self._floor, int(gone.t.max(initial=EARLIEST)) + 1)

    def raise_floor(self, moment: int) -> None:
        """Earlier rows are not here any more."""
        with self._telling:
            self._floor = max(self._floor, moment)
            self._floors = {one: floor for one, floor in self._floors.items() if floor > self._floor}

    def raise_floors(self, datastreams: Iterable[int], moment: int) -> None:
        """The same for these Datastreams."""
        with self._telling:
            if self.most and moment > self._floor:
                self._floors |= {one: max(moment, self._floors.get(one, moment)) for one in datastreams}

    # asked by anybody

    def load(self, rows: Rows, floor: int) -> None:
        """All rows from ``floor`` on, of a view of the database that was taken after this was made."""
        base = _Run.of(rows)
        with self._lock, self._telling:
            self._floor = max(self._floor, floor)
            self._runs.insert(0, base)
            self.loaded = True

    def page(
        self,
        datastream: int,
        start: int,
        stop: int,
        quality: frozenset[Quality],
        limit: int,
        descending: bool,
        is_cut: bool = False,
    ) -> pa.Table | None:
        """The first rows with ``start <= t < stop`` in the order asked; None where they are not all here.

        ``is_cut`` where rows before ``start`` belong to the page when it is not full.
        """
        with self._lock:
            if not self.loaded:
                return None
            floor = self._take_in(datastream)
            is_cut = is_cut or start < floor
            if is_cut and not descending:
                return None
            runs, last = list(self._runs), self._last
        start = max(start, floor)
        parts, edge = _parts(runs, datastream, start, stop, limit * MARGIN, descending)
        if last is not None:
            parts.append(last.part(datastream, start, stop))
        found = _standing(parts, quality, descending)
        if edge is not None:
            found = found.take(found.t > edge if descending else found.t < edge)
            is_cut = True
        if is_cut and len(found) < limit:
            return None
        return found.take(slice(0, limit)).table()

    def _take_in(self, datastream: int) -> int:
        """Look at what came, which makes a run when it is enough; the floor of a Datastream then."""
        with self._telling:
            new, self._came, self._waiting = self._came, deque(), 0
            floor = max(self._floor, self._floors.get(datastream, EARLIEST))
        for rows in new:
            left: Rows | None = rows
            while left is not None:
                self._last, left = (self._last or _Buffer.empty(self.run)).filled(left)
                if self._last.taken == self.run:
                    self._runs.append(_Run.of(self._last.room))
                    self._last = None
        return max(floor, self._bounded())

    def _bounded(self) -> int:
        """Drop the oldest runs of too many rows; the floor then."""
        while self._runs and sum(len(one.rows) for one in self._runs) > self.most * 3 // 4:
            self.raise_floor(self._runs.pop(0).top + 1)
        return self._floor


def _joined(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return Rows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Rows)))


def _parts(
    runs: Sequence[_Run], datastream: int, start: int, stop: int, most: int, descending: bool
) -> tuple[list[Rows], int | None]:
    """Of each run the first rows in the order asked, and up to which t, exclusive, none is missing (None: all)."""
    parts, edges = [], []
    for run in runs:
        place = run.part(datastream, start, stop)
        if place.stop - place.start > most:
            place = slice(place.stop - most, place.stop) if descending else slice(place.start, place.start + most)
            edges.append(int(run.rows.t[place.start if descending else place.stop - 1]))
        if place.stop > place.start:
            parts.append(run.rows.take(place))
    if not edges:
        return parts, None
    return parts, max(edges) if descending else min(edges)


def _standing(parts: Sequence[Rows], quality: frozenset[Quality], descending: bool) -> Rows:
    """Of rows with the same t the last; of these qualities, in the order asked."""
    rows = _joined(parts) if parts else Rows.of(READINGS.empty_table())
    order = np.argsort(rows.t, kind="stable")
    t = rows.t[order]
    stands: npt.NDArray[np.bool_] = np.append(t[1:] != t[:-1], len(t) > 0)[: len(t)]
    order = order[stands]
    if quality != ANY:
        order = order[np.isin(rows.quality[order], [int(one) for one in quality])]
    return rows.take(order[::-1] if descending else order)
