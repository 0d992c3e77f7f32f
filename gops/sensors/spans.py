"""Ranges of readings as the store takes them, and how many readings lie in one."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from gops.quality import ANY
from gops.store.port import Series, Store, Windows


def shift(series: Series) -> int:
    """What to add to both ends of a range so that its ``(from, to]`` of label ``end`` is ``[from, to)`` of t."""
    return 1 if series.label == "end" else 0


def count(store: Store, series: Sequence[Series], start: int, end: int) -> int:
    """Readings of every quality in a range of microseconds, as a read of the same range gives them."""
    counted = 0
    for kind in sorted({one.kind for one in series}):
        alike = [one for one in series if one.kind == kind]
        counted += pc.sum(store.aggregate(Windows(alike, [start, end], (), ANY))["count"]).as_py() or 0
    return counted
