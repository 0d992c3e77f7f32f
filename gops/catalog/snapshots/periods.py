"""How a snapshot is cut into files: one while it is small, otherwise one for each year of the calendar. Pure.

Files are named by their bytes and kept once, so a year in which nothing changed costs nothing in the next snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from gops.clock import from_micros
from gops.windows import EARLIEST, LATEST, edges

FILES = 24  # at most: each that is open holds a row group in memory
YEARS = (1, 2, 5, 10, 20, 50, 100)
WHOLE = "all"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, ``start <= t < end`` in microseconds, and the name of its file without its ending."""

    name: str
    start: int
    end: int


def periods(first: int, last: int, rows: int, most_rows: int, zone: ZoneInfo) -> Sequence[Period]:
    """Periods that cover ``first`` to ``last``: one up to ``most_rows``, then years, or as many years as it takes."""
    if rows <= most_rows:
        return (Period(WHOLE, first, last + 1),)
    begin, end = max(first, EARLIEST), min(last + 1, LATEST)
    marks = edges(begin, max(end, begin + 1), "1y", zone)
    step = next(years for years in YEARS if -(-(len(marks) - 1) // years) <= FILES)
    cuts = [*marks[:-1:step], marks[-1]]
    return tuple(Period(_name(low, high, zone), low, high) for low, high in pairwise(cuts))


def _name(low: int, high: int, zone: ZoneInfo) -> str:
    """``2025``, or ``2020-2024``."""
    begin, end = (from_micros(one).astimezone(zone).year for one in (low, high - 1))
    return str(begin) if begin == end else f"{begin}-{end}"
