"""Aggregates over windows, computed here from raw rows in columns: for stores whose engine can't; see ``port.Windows``.

Rows come in the order of (datastream, t), in as many pieces as the store likes. Pieces are joined to blocks that end
where a window ends, so that memory holds a block and not the whole range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.kinds import Aggregate, Kind
from gops.quality import GOOD_ONLY, Quality
from gops.store.answers import lay_out
from gops.store.checks import by_datastream, shift
from gops.store.memory_windows import CANCELLED
from gops.store.port import READINGS, Windows
from gops.store.rows import Ints
from gops.store.spells import Spells

BLOCK_ROWS = 500_000
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Needed:
    """Which rows a question is about: ``low <= t < high``, and of each Datastream the newest before ``low``: of all
    rows for ``share``, of those that are used for ``increase``."""

    low: int
    high: int
    before: Aggregate | None


def needed(query: Windows) -> Needed:
    """What to fetch for ``aggregate_rows``. ``high`` includes the end that label ``end`` takes."""
    low, high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
    ends = any(shift(one) for one in query.series)
    before: Aggregate | None = next((name for name in ("increase", "share") if name in query.aggregates), None)
    return Needed(low, high + 1 if ends else high, before)


def is_used(table: pa.Table, query: Windows, kind: Kind) -> Flags:
    """Which of these rows of ``READINGS`` have a content and a quality that is asked for."""
    wanted = np.zeros(len(Quality), bool)
    wanted[[int(one) for one in query.quality]] = True
    content = table["text" if kind == "state" else "value"]
    used: Flags = wanted[table["quality"].to_numpy()]
    return used if not content.null_count else used & ~content.is_null().to_numpy()


def aggregate_rows(
    query: Windows, kind: Kind, pieces: Iterable[pa.Table], before: pa.Table, block_rows: int = BLOCK_ROWS
) -> pa.Table:
    """The answer to ``query`` from ``pieces`` of ``READINGS`` and the rows ``before`` them; see ``needed``."""
    query = replace(query, series=tuple(by_datastream(query.series).values()))
    block = _Block(query, kind, before)
    found = [block.aggregate(table) for table in _blocks(pieces, block, block_rows)]
    table = pa.concat_tables([block.aggregate(READINGS.empty_table()), *found])
    return lay_out(table, query, kind, block.spells.shares() if block.spells else None)


def _blocks(pieces: Iterable[pa.Table], block: _Block, rows: int) -> Iterator[pa.Table]:
    """The pieces joined, and cut where a window of a Datastream ends."""
    waiting: list[pa.Table] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += piece.num_rows
        if size >= rows:
            table = pa.concat_tables(waiting).combine_chunks()
            cut = block.last_window(table)
            if cut:
                yield table.slice(0, cut)
            waiting, size = [table.slice(cut)], size - cut
    if size:
        yield pa.concat_tables(waiting).combine_chunks()


class _Block:
    """Aggregates block after block; what a counter or a state stood at is carried from one to the next."""

    def __init__(self, query: Windows, kind: Kind, before: pa.Table) -> None:
        self._query = query
        self._kind: Kind = kind
        self._edges = np.asarray(query.edges, np.int64)
        self._step = _step(self._edges)
        self._ids = np.array([one.datastream for one in query.series], np.int64)
        self._back = np.array([shift(one) for one in query.series], np.int64)
        self._low, self._high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
        self._counted: dict[int, float] = {}
        if "increase" in query.aggregates:
            self._counted = dict(zip(before["datastream"].to_pylist(), before["value"].to_pylist(), strict=True))
        self.spells = Spells(query, before) if "share" in query.aggregates else None

    def _moments(self, table: pa.Table) -> Ints:
        """When each row counts: t, or a microsecond before it for label ``end``."""
        t: Ints = table["t"].to_numpy()
        if (self._back == self._back[:1]).all():
            return t - self._back[0] if self._back.any() else t
        moments: Ints = t - self._back[np.searchsorted(self._ids, table["datastream"].to_numpy())]
        return moments

    def _places(self, moments: Ints) -> Ints:
        """The window that each moment is in, or would be if windows went on."""
        if self._step:
            places: Ints = (moments - self._edges[0]) // self._step
            return places
        return np.searchsorted(self._edges, moments, "right") - 1

    def last_window(self, table: pa.Table) -> int:
        """Where the rows of the last window of the last Datastream begin."""
        places = self._places(self._moments(table))
        ids = table["datastream"].to_numpy()
        other = np.flatnonzero((places != places[-1]) | (ids != ids[-1]))
        return int(other[-1]) + 1 if len(other) else 0

    def aggregate(self, table: pa.Table) -> pa.Table:
        """``datastream, place``, the aggregates, ``count, good``: a row a (Datastream, window) with rows."""
        if self.spells:
            self.spells.add(table, is_used(table, self._query, self._kind))
        moments = self._moments(table)
        within = (moments >= self._low) & (moments < self._high)
        if not within.all():
            table, moments = table.filter(pa.array(within)), moments[within]
        ids, places = table["datastream"].to_numpy(), self._places(moments)
        starts = _starts(ids, places)
        group = np.cumsum(_marks(len(ids), starts)) - 1
        used = is_used(table, self._query, self._kind)
        content = table["text" if self._kind == "state" else "value"]
        ours = _Used(content, used, ids, group, len(starts), self._kind)
        good = used
        if self._query.quality != GOOD_ONLY:
            good = (table["quality"].to_numpy() == Quality.good) & ~content.is_null().to_numpy()
        columns: dict[str, Any] = {"datastream": ids[starts], "place": places[starts]}
        for name in dict.fromkeys(self._query.aggregates):
            if name != "share":
                columns[name] = self._increase(ours) if name == "increase" else ours.aggregate(name)
        columns["count"] = np.bincount(group, minlength=len(starts))
        columns["good"] = np.bincount(group[good], minlength=len(starts))
        return pa.table(columns)

    def _increase(self, ours: _Used) -> Floats:
        """The sum of steps from the used reading before each one; a step down is a reset to 0."""
        values, ids = ours.values, ours.ids
        firsts = np.flatnonzero(_marks(len(ids), _starts(ids)))
        earlier = np.roll(values, 1)
        earlier[firsts] = [self._counted.get(one, np.nan) for one in ids[firsts].tolist()]
        steps = np.where(values >= earlier, values - earlier, values)
        known = ~np.isnan(earlier)
        lasts = np.append(firsts[1:], len(ids))[: len(firsts)] - 1
        self._counted.update(zip(ids[firsts].tolist(), values[lasts].tolist(), strict=True))
        return _Sums(ours.group[known], ours.groups).of(steps[known])


class _Sums:
    """Sums by group; NaN for a group without rows. ``group`` ascends."""

    def __init__(self, group: Ints, groups: int) -> None:
        self.starts = _starts(group)
        self.present = group[self.starts]
        self._groups = groups

    def spread(self, results: Floats) -> Floats:
        """Results of the groups that have rows, at their places among all groups."""
        spread = np.full(self._groups, np.nan)
        spread[self.present] = results
        return spread

    def of(self, values: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return self.spread(np.add.reduceat(values, self.starts) if len(values) else values)


class _Used:
    """The rows that are used, with the number of the group of each; ``groups`` there are."""

    def __init__(self, content: pa.ChunkedArray, used: Flags, ids: Ints, group: Ints, groups: int, kind: Kind) -> None:
        self._content = content.filter(pa.array(used)) if kind == "state" else None
        self._kind = kind
        whole = bool(used.all())
        self.group = group if whole else group[used]
        self.groups = groups
        self.ids: Ints = ids if whole else ids[used]
        self.values: Floats = np.empty(0)
        if kind != "state":
            values = content.to_numpy()
            self.values = values if whole else values[used]
        self._sums = _Sums(self.group, groups)
        self._sizes = np.diff(np.append(self._sums.starts, len(self.group)))

    def aggregate(self, name: Aggregate) -> Any:
        if name in ("first", "last"):
            return self._at(self._sums.starts if name == "first" else self._sums.starts + self._sizes - 1)
        if not len(self.values):
            return np.full(self.groups, np.nan)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._sums.spread(self._number(name))

    def _at(self, rows: Ints) -> pa.Array | pa.ChunkedArray:
        """The content at these rows, null for groups without any."""
        where = np.full(self.groups, -1, np.int64)
        where[self._sums.present] = rows
        content = pa.array(self.values) if self._content is None else self._content
        return content.take(pa.array(where, mask=where < 0))

    def _number(self, name: Aggregate) -> Floats:
        starts, values = self._sums.starts, self.values
        if name == "min":
            return np.asarray(np.minimum.reduceat(values, starts))
        if name == "max":
            return np.asarray(np.maximum.reduceat(values, starts))
        if name == "median":
            return self._median()
        if name == "stddev":
            return self._stddev()
        if name == "mean" and self._kind == "angle":
            return self._direction()
        total = np.add.reduceat(values, starts)
        return np.asarray(total if name == "sum" else total / self._sizes)

    def _median(self) -> Floats:
        ordered = self.values[np.lexsort((self.values, self.group))]
        low = self._sums.starts + (self._sizes - 1) // 2
        high = self._sums.starts + self._sizes // 2
        return np.asarray(np.where(low == high, ordered[low], (ordered[low] + ordered[high]) / 2))

    def _stddev(self) -> Floats:
        mean = np.repeat(np.add.reduceat(self.values, self._sums.starts) / self._sizes, self._sizes)
        squares = np.add.reduceat((self.values - mean) ** 2, self._sums.starts)
        return np.asarray(np.where(self._sizes > 1, np.sqrt(squares / np.maximum(1, self._sizes - 1)), np.nan))

    def _direction(self) -> Floats:
        """See ``memory_windows.direction``."""
        radians = np.radians(self.values)
        east = np.add.reduceat(np.sin(radians), self._sums.starts) / self._sizes
        north = np.add.reduceat(np.cos(radians), self._sums.starts) / self._sizes
        degrees = np.degrees(np.arctan2(east, north)) % 360
        return np.asarray(np.where(np.hypot(east, north) < CANCELLED, np.nan, np.where(degrees >= 360, 0.0, degrees)))


def _step(edges: Ints) -> int:
    """The length of every window; 0 where they differ, as days do."""
    lengths = np.diff(edges)
    return int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else 0


def _starts(*columns: Ints) -> Ints:
    """Where a run of equal rows begins."""
    if not len(columns[0]):
        return np.empty(0, np.int64)
    changes = np.zeros(len(columns[0]), bool)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def _marks(size: int, starts: Ints) -> Flags:
    marks = np.zeros(size, bool)
    marks[starts] = True
    return marks


def newest_used(table: pa.Table, query: Windows, kind: Kind) -> pa.Table:
    """Of rows in the order of (datastream, t), the last used one of each Datastream."""
    mine = table.filter(pa.array(is_used(table, query, kind)))
    starts = _starts(mine["datastream"].to_numpy())
    return mine.take(pa.array(np.append(starts[1:], mine.num_rows) - 1)) if mine.num_rows else mine
