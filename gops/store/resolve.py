"""What becomes of each row of a batch beside what stands: pure, on arrays, as if written one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gops.store.port import INSERTED, KEPT, REPLACED, UNCHANGED
from gops.store.rows import NONE, Ints, Rows

Flags = npt.NDArray[np.bool_]
Outcomes = npt.NDArray[np.uint8]


@dataclass
class Standing:
    """What stands in place of each row of a batch, in parallel: ``rowid`` is -1 and the row void where nothing does."""

    rows: Rows
    rowid: Ints

    @classmethod
    def nothing(cls, batch: Rows) -> Standing:
        size = len(batch)
        return cls(
            Rows(
                batch.datastream,
                batch.t,
                np.full(size, np.nan),
                np.full(size, None),
                np.zeros(size, np.uint8),
                np.full(size, NONE),
            ),
            np.full(size, -1, np.int64),
        )

    def take(self, where: Flags) -> Standing:
        return Standing(self.rows.take(where), self.rowid[where])


@dataclass(frozen=True)
class Resolution:
    """``outcomes`` a row; ``written`` marks the rows that stand in the end; ``gone`` are rowids to remove first."""

    outcomes: Outcomes
    written: Flags
    gone: Ints


def doubled(batch: Rows) -> Flags:
    """Which rows share their (datastream, t) with another row of the batch."""
    if _ascending(batch.t, batch.datastream) or _ascending(batch.datastream, batch.t):
        return np.zeros(len(batch), bool)
    order = np.lexsort((batch.t, batch.datastream))
    same = (np.diff(batch.datastream[order]) == 0) & (np.diff(batch.t[order]) == 0)
    marks = np.zeros(len(batch), bool)
    marks[order[1:][same]] = True
    marks[order[:-1][same]] = True
    return marks


def _ascending(first: Ints, second: Ints) -> bool:
    """Is every (first, second) greater than the one before it? So are rows that come moment by moment, or series by
    series, and it costs a tenth of sorting them."""
    more, same = first[1:] > first[:-1], first[1:] == first[:-1]
    return bool((more | (same & (second[1:] > second[:-1]))).all())


def resolve(batch: Rows, keep: Flags, standing: Standing, twice: Flags) -> Resolution:
    """``keep`` is the mode a row; ``twice`` are the rows that ``doubled`` marks. See ``Store.submit`` for the rules."""
    outcomes = np.zeros(len(batch), np.uint8)
    written = np.zeros(len(batch), bool)
    replaced = np.zeros(len(batch), bool)
    once = ~twice
    outcomes[once], written[once] = _resolve_once(batch.take(once), keep[once], standing.take(once))
    replaced[once] = written[once] & (standing.rowid[once] >= 0)
    for places in _by_key(batch, np.flatnonzero(twice)):
        last = _resolve_in_turn(batch, keep, standing, places, outcomes)
        if last is not None:
            written[last] = True
            replaced[last] = standing.rowid[last] >= 0
    return Resolution(outcomes, written, standing.rowid[replaced])


def _resolve_once(batch: Rows, keep: Flags, standing: Standing) -> tuple[Outcomes, Flags]:
    stands = standing.rowid >= 0
    old, new = standing.rows, batch
    same_value = (old.value == new.value) | (np.isnan(old.value) & np.isnan(new.value))
    same = stands & same_value & (old.quality == new.quality) & (old.text == new.text)
    both = (old.result_time != NONE) & (new.result_time != NONE)
    later = new.result_time > old.result_time
    wins = np.where(both, later | ((new.result_time == old.result_time) & ~keep), ~keep)
    outcomes = np.select(
        [~stands, same, wins], [np.uint8(INSERTED), np.uint8(UNCHANGED), np.uint8(REPLACED)], np.uint8(KEPT)
    )
    written = (outcomes <= REPLACED) | (same & later)  # the latter only moves a result_time forward
    return outcomes.astype(np.uint8), written


def _by_key(batch: Rows, places: Ints) -> list[Ints]:
    """``places`` in groups of one (datastream, t), each in the order of the batch."""
    if not len(places):
        return []
    order = places[np.lexsort((places, batch.t[places], batch.datastream[places]))]
    new_key = (np.diff(batch.datastream[order]) != 0) | (np.diff(batch.t[order]) != 0)
    return np.split(order, np.flatnonzero(new_key) + 1)


def _resolve_in_turn(batch: Rows, keep: Flags, standing: Standing, places: Ints, outcomes: Outcomes) -> int | None:
    """Write rows of one key one after the other; the place of the one that stands in the end, None if none of them."""
    first = int(places[0])
    current = _one(standing.rows, first) if standing.rowid[first] >= 0 else None
    last: int | None = None
    for place in places.tolist():
        row = _one(batch, place)
        outcomes[place] = _outcome(row, current, bool(keep[place]))
        if outcomes[place] <= REPLACED or (outcomes[place] == UNCHANGED and current and row[3] > current[3]):
            current, last = row, place
    return last


_One = tuple[float, str | None, int, int]


def _one(rows: Rows, place: int) -> _One:
    """Value, text, quality and result_time of a row."""
    return (float(rows.value[place]), rows.text[place], int(rows.quality[place]), int(rows.result_time[place]))


def _outcome(row: _One, standing: _One | None, keep: bool) -> int:
    if standing is None:
        return INSERTED
    same_value = row[0] == standing[0] or (np.isnan(row[0]) and np.isnan(standing[0]))
    if same_value and row[1:3] == standing[1:3]:
        return UNCHANGED
    if NONE in (row[3], standing[3]):
        return KEPT if keep else REPLACED
    return REPLACED if row[3] > standing[3] or (row[3] == standing[3] and not keep) else KEPT
