"""Thinning: of the readings of a step one that stands for all. Pure, from columns to columns.

======== ============================================================ ==============================================
kind     what stays of a step                                         what coarser windows keep
======== ============================================================ ==============================================
gauge    the mean                                                     the mean of the steps' means
amount   the sum                                                      the sum
counter  the last one, and the two around each reset                  the increase, resets handled; last
angle    the mean direction; all readings where they cancel           the mean direction of the steps' directions
======== ============================================================ ==============================================

It is of the readings of the best quality in the step that have a number, and carries that quality: a mean of good
readings is no estimate. Of a step without any number one null stays, with the highest quality code. A step of a single
reading stays as it is, so thinning again changes nothing. What is made stands at the beginning of its step (label
``end``: at its end), without a result time. Of a counter the first good one of the whole range stays too: it grew from
there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.kinds import Kind, Label
from gops.store.port import READINGS

CANCELLED = 1e-9  # a mean of unit vectors shorter than this has no direction
WORSE_THAN_ALL = 255
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def thin(rows: pa.Table, edges: Sequence[int], kind: Kind, label: Label) -> pa.Table:
    """What stays of ``rows`` of one Datastream, ordered by t.

    ``rows`` are of ``READINGS``, of kind other than ``state``, ordered by t and all within ``edges``: the n+1 ascending
    edges of n steps in microseconds, ``[from, to)``, for label ``end`` ``(from, to]``.
    """
    if not rows.num_rows:
        return rows
    marks = np.asarray(edges, np.int64)
    t = rows["t"].to_numpy()
    step = np.searchsorted(marks, t - (label == "end"), "right") - 1
    values = rows["value"].to_numpy()  # null as NaN
    quality = rows["quality"].to_numpy().astype(np.int64)
    steps = len(marks) - 1
    crowded = np.bincount(step, minlength=steps)[step] > 1
    used = _used(values, quality, step, steps)
    if kind == "counter":
        has_value = np.bincount(step, used, steps)[step] > 0
        kept, made = ~crowded | (has_value & _landmarks(values, quality, step, used)), crowded & ~has_value
        result = np.full(steps, np.nan)
    else:
        result = _results(values, step, steps, used, kind)
        lost = (np.bincount(step, used, steps) > 0) & ~np.isfinite(result)  # a direction or a number that is none
        kept = ~crowded | lost[step]
        made = ~kept
    places = marks[1:] if label == "end" else marks[:-1]
    return _joined(rows, kept, np.unique(step[made]), result, _qualities(quality, step, steps, used), places)


def _used(values: Floats, quality: Ints, step: Ints, steps: int) -> Flags:
    """Numbers of the best quality of their step."""
    best = np.full(steps, WORSE_THAN_ALL, np.int64)
    has: Flags = ~np.isnan(values)
    np.minimum.at(best, step[has], quality[has])
    has &= quality == best[step]
    return has


def _qualities(quality: Ints, step: Ints, steps: int, used: Flags) -> Ints:
    """Of each step: that of its numbers, or the highest where it has none."""
    highest = np.full(steps, 0, np.int64)
    np.maximum.at(highest, step, quality)
    highest[step[used]] = quality[used]
    return highest


def _results(values: Floats, step: Ints, steps: int, used: Flags, kind: Kind) -> Floats:
    """Of each step, NaN without any number."""
    step, values = step[used], values[used]
    count = np.bincount(step, minlength=steps).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if kind == "angle":
            east = np.bincount(step, np.sin(np.radians(values)), steps) / count
            north = np.bincount(step, np.cos(np.radians(values)), steps) / count
            degrees = np.degrees(np.arctan2(east, north)) % 360
            return np.where(np.hypot(east, north) < CANCELLED, np.nan, np.where(degrees >= 360, 0.0, degrees))
        total = np.bincount(step, values, steps)
        return np.where(count > 0, total if kind == "amount" else total / count, np.nan)


def _landmarks(values: Floats, quality: Ints, step: Ints, used: Flags) -> Flags:
    """Of a counter: in each step the last number that is used; of the good ones the very first, from which it grew, and
    the two around each reset."""
    kept = np.zeros(len(values), np.bool_)
    places = np.flatnonzero(used)
    kept[places[np.flatnonzero(np.diff(step[places], append=-1))]] = True
    good = np.flatnonzero(used & (quality == 0))
    resets = np.flatnonzero(np.diff(values[good]) < 0)
    kept[good[resets]] = kept[good[resets + 1]] = True
    kept[good[:1]] = True
    return kept


def _joined(rows: pa.Table, kept: Flags, made: Ints, result: Floats, quality: Ints, places: Ints) -> pa.Table:
    """The rows that stay as they are and those that are made, one for each step of ``made``, ordered by t."""
    stay = rows.filter(pa.array(kept))
    if not len(made):
        return stay.cast(READINGS)
    values = result[made]
    new = pa.table(
        {
            "datastream": pa.array(np.full(len(made), rows["datastream"][0].as_py(), np.int64)),
            "t": pa.array(places[made]),
            "value": pa.array(values, pa.float64(), mask=np.isnan(values)),
            "text": pa.nulls(len(made), pa.string()),
            "quality": pa.array(quality[made].astype(np.uint8)),
            "result_time": pa.nulls(len(made), pa.int64()),
        },
        schema=READINGS,
    )
    return pa.concat_tables([stay.cast(READINGS), new]).sort_by("t")
