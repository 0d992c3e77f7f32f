"""What is known of each Datastream without asking the disk: newest row, first t, number of rows, version.

Parallel arrays sorted by Datastream, so that a batch of thousands is compared in a few numpy calls. Written by the
writer after each commit, read by anybody; ``lock`` makes a reader see a whole commit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.store.duckdb.recent import Recent
from gops.store.duckdb.tiers import NEVER, Tiers
from gops.store.port import READINGS, Extent
from gops.store.rows import NONE, Ints, Rows

MANY = 1000  # rows from which a table is faster than to search for each
SPREAD = 16  # places in a table for each that is taken


def _nothing() -> Rows:
    return Rows.of(READINGS.empty_table()).take(np.empty(0, np.int64))  # a copy: arrays of Arrow can't be written


def _no_numbers() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Outline:
    """Between which t rows of some Datastreams may be, how many there are about (1 at least), and where rows lie.

    It holds for a view of the database that was taken while ``Heads.holds`` is true of it. Who has one looks at its
    layout, and lets it go.
    """

    extents: Mapping[int, Extent]
    tiers: Tiers
    announced: int

    def let_go(self) -> None:
        self.tiers.layout.let_go()


@dataclass
class Heads:
    """``newest.datastream`` is the sorted key of all arrays here; ``newest.t`` is NONE where there are no rows.

    ``low`` and ``high`` are widened before a commit and never narrowed. So a reader who takes them, and then a view of
    the database, misses nothing in it, unless a commit was announced and made in between: ``holds`` tells.
    """

    floor: int = 0
    newest: Rows = field(default_factory=_nothing)
    first: Ints = field(default_factory=_no_numbers)
    low: Ints = field(default_factory=_no_numbers)
    high: Ints = field(default_factory=_no_numbers)
    rows: Ints = field(default_factory=_no_numbers)
    versions: Ints = field(default_factory=_no_numbers)
    tiers: Tiers = field(default_factory=Tiers)
    recent: Recent = field(default_factory=lambda: Recent(0))
    announced: int = 0
    committing: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _table: tuple[Ints | None, Ints | None] = (None, None)  # of which ids, and the table

    def find(self, datastreams: Sequence[int] | Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Positions in the arrays, and which of them are real."""
        wanted = np.asarray(datastreams, np.int64)
        ids = self.newest.datastream
        if len(wanted) >= MANY and len(ids):
            table = self._table_of(ids)
            if table is not None:
                return _looked_up(wanted - ids[0], table)
        places = np.searchsorted(ids, wanted)
        known = places < len(ids)
        known[known] = ids[places[known]] == wanted[known]
        return places, known

    def _table_of(self, ids: Ints) -> Ints | None:
        """The position of each id from the first to the last of ``ids``, -1 for none; None where they lie far apart."""
        made, table = self._table
        if made is not ids:
            span = int(ids[-1] - ids[0]) + 1
            table = None
            if span <= SPREAD * len(ids) + MANY:
                table = np.full(span, -1, np.int64)
                table[ids - ids[0]] = np.arange(len(ids))
            self._table = (ids, table)
        return table

    def last(self, datastreams: Ints) -> Ints:
        """The newest t of each, NONE where there is none."""
        places, known = self.find(datastreams)
        found = np.full(len(datastreams), NONE)
        found[known] = self.newest.t[places[known]]
        return found

    def count(self, datastreams: Ints) -> Ints:
        """The number of rows of each."""
        places, known = self.find(datastreams)
        found = np.zeros(len(datastreams), np.int64)
        found[known] = self.rows[places[known]]
        return found

    def _standing(self, datastreams: Sequence[int]) -> Ints:
        """Positions, ascending, of those of ``datastreams`` that have rows."""
        places, known = self.find(np.unique(np.asarray(datastreams, np.int64)))
        places = places[known]
        return places[self.rows[places] > 0]

    # asked by anybody

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        with self.lock:
            found = self.newest.take(self._standing(datastreams))
        return found.table()

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        with self.lock:
            at = self._standing(datastreams)
            columns = (self.newest.datastream[at], self.first[at], self.newest.t[at], self.rows[at])
        return {one: Extent(*span) for one, *span in zip(*(column.tolist() for column in columns), strict=True)}

    def bounds(self, datastreams: Sequence[int] | Ints) -> dict[int, Extent]:
        """Between which t rows of these may be, and how many there are about (1 at least); of those ever known."""
        places, known = self.find(np.unique(np.asarray(datastreams, np.int64)))
        at = places[known]
        columns = (self.newest.datastream[at], self.low[at], self.high[at], np.maximum(1, self.rows[at]))
        return {one: Extent(*span) for one, *span in zip(*(column.tolist() for column in columns), strict=True)}

    def outline(self, datastreams: Sequence[int]) -> Outline:
        """Of those Datastreams that have rows, have had some, or are about to. To be let go."""
        with self.lock:
            found = Outline(self.bounds(datastreams), self.tiers, self.announced)
            self.tiers.layout.hold()
        return found

    def holds(self, outline: Outline) -> bool:
        """Is no commit being made, or made, that was announced after the outline was taken?"""
        return self.committing <= outline.announced

    def totals(self) -> tuple[int, int | None, int | None]:
        """How many Datastreams have rows, and the least and greatest t of all rows."""
        with self.lock:
            there = self.rows > 0
            if not there.any():
                return 0, None, None
            return int(there.sum()), int(self.first[there].min()), int(self.newest.t[there].max())

    def version(self, datastreams: Sequence[int]) -> int:
        with self.lock:
            places, known = self.find(datastreams)
            return int(max(self.floor, self.versions[places[known]].max(initial=self.floor)))

    # told by the writer

    def put(self, newest: Rows, first: Ints, rows: Ints, changed: Ints, version: int) -> None:
        """Of the ``changed`` Datastreams only this is left: their newest rows, first t and numbers of rows."""
        with self.lock:
            self._make_room(newest.datastream)
            at, _ = self.find(changed)
            self.newest.t[at], self.first[at], self.rows[at] = NONE, NEVER, 0
            at, _ = self.find(newest.datastream)
            self._set_newest(at, newest)
            self.first[at], self.rows[at] = first, rows
            self.low[at] = np.minimum(self.low[at], first)
            self.high[at] = np.maximum(self.high[at], newest.t)
            self._mark(changed, version)

    def announce(self, rows: Rows, tiers: Tiers) -> None:
        """These may be committed next, and then lie so."""
        with self.lock:
            self.tiers = tiers
            self._make_room(rows.datastream)
            at, _ = self.find(rows.datastream)
            np.minimum.at(self.low, at, rows.t)
            np.maximum.at(self.high, at, rows.t)
            self.announced += 1

    def begin_commit(self) -> None:
        """From now on what was announced may be seen."""
        self.committing = self.announced

    @contextmanager
    def rearranging(self, tiers: Tiers) -> Iterator[None]:
        """Around a commit that changes where rows lie and nothing else; who asks for an outline waits for it."""
        with self.lock:
            self.announced += 1
            self.committing = self.announced
            yield
            self.tiers = tiers

    def add(self, written: Rows, inserted: Ints, changed: Ints, version: int) -> None:
        """What was announced is committed: ``written`` rows stand, ``inserted`` are the Datastreams of the new ones.

        No two of these rows have the same Datastream and t.
        """
        if not len(written):
            return
        with self.lock:
            at, _ = self.find(written.datastream)
            top = np.full(len(self.first), NONE)
            np.maximum.at(top, at, written.t)
            newest = np.flatnonzero((written.t == top[at]) & (written.t >= self.newest.t[at]))
            self._set_newest(at[newest], written.take(newest))
            np.minimum.at(self.first, at, written.t)
            self.rows += np.bincount(self.find(inserted)[0], minlength=len(self.rows))
            self._mark(changed, version)

    def _mark(self, changed: Ints, version: int) -> None:
        places, known = self.find(changed)
        self.versions[places[known]] = version

    def _set_newest(self, at: Ints, newest: Rows) -> None:
        for name, column in vars(newest).items():
            getattr(self.newest, name)[at] = column

    def _make_room(self, datastreams: Ints) -> None:
        """Places for Datastreams that were not known, without rows."""
        _, known = self.find(datastreams)
        if known.all():
            return
        new = np.unique(datastreams[~known])
        at = np.searchsorted(self.newest.datastream, new)
        fills = Rows(new, NONE, np.nan, None, 0, NONE)  # type: ignore[arg-type]
        for name, column in vars(self.newest).items():
            setattr(self.newest, name, np.insert(column, at, getattr(fills, name)))
        self.first = np.insert(self.first, at, NEVER)
        self.low = np.insert(self.low, at, NEVER)
        self.high = np.insert(self.high, at, NONE)
        self.rows = np.insert(self.rows, at, 0)
        self.versions = np.insert(self.versions, at, self.floor)


def _looked_up(offsets: Ints, table: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """What the table has at each offset, and which of these are positions."""
    inside = (offsets >= 0) & (offsets < len(table))
    places = table[offsets] if inside.all() else table[np.where(inside, offsets, 0)]
    known = inside & (places >= 0)
    return places if known.all() else np.where(known, places, 0), known
