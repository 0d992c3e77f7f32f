"""Aggregates over windows in plain Python: what faster stores are held against (see ``port.Windows``)."""

from __future__ import annotations

import json
import math
import statistics
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gops.quality import Quality
from gops.store.checks import shift
from gops.store.port import Series, Windows

CANCELLED = 1e-9  # a mean vector shorter than this has no direction


@dataclass(frozen=True)
class Reading:
    """``content`` is the number, or the text of kind state."""

    t: int
    content: Any
    quality: int


@dataclass(frozen=True)
class _Window:
    """A window as an aggregate sees it: ``steps`` of a counter, ``spells`` the time known of each state."""

    used: Sequence[Any]
    steps: Sequence[float]
    spells: Mapping[str, int]


def window_rows(series: Series, readings: Sequence[Reading], query: Windows) -> Iterator[dict[str, Any]]:
    """Rows of the answer for one Datastream, from all of its readings in the order of t."""
    asked_start, asked_end = query.asked
    back = shift(series)
    used = [reading for reading in readings if _is_used(reading, query)]
    steps = _steps(used) if series.kind == "counter" else {}
    for start, end in pairwise(query.edges):
        low, high = max(start, asked_start), min(end, asked_end)
        within = [reading for reading in readings if low <= reading.t - back < high]
        if not within and not query.fill:
            continue
        mine = [reading for reading in within if _is_used(reading, query)]
        window = _Window(
            used=[reading.content for reading in mine],
            steps=[steps[reading.t] for reading in mine if reading.t in steps],
            spells=_spells(readings, query, low, high) if "share" in query.aggregates else {},
        )
        good = sum(reading.quality == Quality.good and reading.content is not None for reading in within)
        yield {
            "datastream": series.datastream,
            "start": start,
            "end": end,
            **{name: _finite(_AGGREGATES[series.kind, name](window)) for name in query.aggregates},
            "count": len(within),
            "good": good,
            "coverage": coverage(good, high - low, series.period),
        }


def coverage(good: int, length: int, period: int | None) -> float | None:
    """``good`` over the readings expected in ``length`` microseconds, at most 1; None where nothing is expected."""
    if not period or length <= 0:
        return None
    return min(1.0, good * period / length)


def _is_used(reading: Reading, query: Windows) -> bool:
    return reading.content is not None and reading.quality in query.quality


def _steps(used: Sequence[Reading]) -> dict[int, float]:
    """What a counter grew by up to each reading; a step down is a reset to 0."""
    return {
        later.t: later.content - earlier.content if later.content >= earlier.content else later.content
        for earlier, later in pairwise(used)
    }


def _spells(readings: Sequence[Reading], query: Windows, low: int, high: int) -> dict[str, int]:
    """Microseconds in ``[low, high)`` that each state is known to have held."""
    spells: dict[str, int] = {}
    first = max(0, bisect_right(readings, low, key=lambda reading: reading.t) - 1)
    for index in range(first, len(readings)):
        reading = readings[index]
        until = readings[index + 1].t if index + 1 < len(readings) else high
        length = min(until, high) - max(reading.t, low)
        if length > 0 and _is_used(reading, query):
            spells[reading.content] = spells.get(reading.content, 0) + length
        if until >= high:
            break
    return spells


def _finite(result: Any) -> Any:
    return None if isinstance(result, float) and not math.isfinite(result) else result


def _of_used(function: Callable[[Sequence[Any]], Any], least: int = 1) -> Callable[[_Window], Any]:
    return lambda window: function(window.used) if len(window.used) >= least else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _stddev(values: Sequence[float]) -> float | None:
    try:
        return statistics.stdev(values)
    except OverflowError:
        return None


def direction(values: Sequence[float]) -> float | None:
    """Degrees in [0, 360) of the mean of unit vectors (Mardia and Jupp 2000, section 2.2.1); None when they cancel."""
    east = math.fsum(math.sin(math.radians(value)) for value in values) / len(values)
    north = math.fsum(math.cos(math.radians(value)) for value in values) / len(values)
    if math.hypot(east, north) < CANCELLED:
        return None
    degrees = math.degrees(math.atan2(east, north)) % 360
    return 0.0 if degrees >= 360 else degrees


def share(spells: Mapping[str, int]) -> str | None:
    """JSON of text -> share of the known time, keys sorted; None when no time is known."""
    known = sum(spells.values())
    if not known:
        return None
    return json.dumps({text: spells[text] / known for text in sorted(spells)}, ensure_ascii=False)


def _increase(window: _Window) -> float | None:
    return sum(window.steps) if window.steps else None


_ANY = {
    "mean": _of_used(_mean),
    "sum": _of_used(sum),
    "min": _of_used(min),
    "max": _of_used(max),
    "stddev": _of_used(_stddev, least=2),
    "median": _of_used(statistics.median),
    "first": _of_used(lambda used: used[0]),
    "last": _of_used(lambda used: used[-1]),
    "increase": _increase,
    "share": lambda window: share(window.spells),
}
_AGGREGATES: dict[tuple[str, str], Callable[[_Window], Any]] = {
    **{(kind, name): of for kind in ("gauge", "amount", "counter", "angle", "state") for name, of in _ANY.items()},
    ("angle", "mean"): _of_used(direction),
}
