"""How much of a public Datastream others see: since when, how late, and no small counts. Pure.

A reading labelled t is public from ``t + delay`` on, and only when it lies behind ``start``. The end of what is public
moves in whole minutes, so that an answer stays the same for as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gops.clock import MINUTE

DECIMALS = 6  # of a degree: 0.1 m
COUNTS = ("amount", "state")  # kinds whose numbers are counts of something; those of a counter only grow


class Span(NamedTuple):
    """``low <= t < high`` in microseconds, for label end ``low < t <= high``; None: without that bound."""

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """``start`` and ``delay`` in microseconds. ``suppress_below`` holds for kinds of ``COUNTS``."""

    start: int | None = None
    delay: int = 0
    suppress_below: int | None = None

    @classmethod
    def of(cls, datastream: Any) -> Exposure:
        """What others see of a row that has the columns of ``model.Datastream``."""
        below = datastream.suppress_below if datastream.kind in COUNTS else None
        return cls(datastream.public_start, datastream.public_delay, below)

    @property
    def is_whole(self) -> bool:
        return self == WHOLE

    def span(self, now: int) -> Span:
        high = None
        if self.delay:
            high = now - self.delay
            high -= high % MINUTE
        return Span(self.start, high)


WHOLE = Exposure()


def rounded(degrees: float, decimals: int | None) -> float:
    return degrees if decimals is None else round(degrees, decimals)
