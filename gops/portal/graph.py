"""A chart of some series over time, as SVG coordinates: lines, axes and their labels. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from gops.clock import HOUR, from_micros

WIDTH, HEIGHT = 720.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 12.0, 28.0  # of the plot, in SVG units
FINEST = 1e-9  # a difference that is drawn, against the values themselves
Values = Sequence[float | None]


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Graph:
    """``lines`` in the order of the series: each the points of its polylines, broken where there is no value."""

    lines: tuple[tuple[str, ...], ...]
    across: tuple[Tick, ...]
    upward: tuple[Tick, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def graph(series: Sequence[Values], edges: Sequence[int], zone: ZoneInfo) -> Graph | None:
    """Of values of the windows between ``edges`` (microseconds). None without a value, or where no float64 holds their
    span."""
    known = [value for values in series for value in values if value is not None and math.isfinite(value)]
    if not known or not math.isfinite(max(known) - min(known)):
        return None
    steps = _steps(min(known), max(known))
    low, high = steps[0], steps[-1]
    scale = (HEIGHT - TOP - BOTTOM) / (high - low)
    wide = (WIDTH - LEFT - RIGHT) / max(1, edges[-1] - edges[0])
    middles = [LEFT + ((a + b) / 2 - edges[0]) * wide for a, b in pairwise(edges)]
    return Graph(
        lines=tuple(tuple(_pieces(values, middles, low, scale)) for values in series),
        across=tuple(Tick(round(LEFT + (t - edges[0]) * wide, 1), label) for t, label in _times(edges, zone)),
        upward=tuple(Tick(round(HEIGHT - BOTTOM - (step - low) * scale, 1), f"{step:,.6g}") for step in steps),
    )


def _pieces(values: Values, middles: Sequence[float], low: float, scale: float) -> Iterator[str]:
    piece: list[str] = []
    for x, value in zip(middles, values, strict=True):
        if value is None or not math.isfinite(value):
            if piece:
                yield _drawn(piece)
            piece = []
            continue
        piece.append(f"{x:.1f},{HEIGHT - BOTTOM - (value - low) * scale:.1f}")
    if piece:
        yield _drawn(piece)


def _drawn(piece: list[str]) -> str:
    """A single point is drawn as a short line to itself, which a round cap shows."""
    return " ".join(piece if len(piece) > 1 else piece * 2)


def _steps(low: float, high: float, count: int = 4) -> list[float]:
    """1, 2 or 5 times a power of ten apart, from at most ``low`` to at least ``high``."""
    span = high - low if high - low > FINEST * max(abs(low), abs(high), FINEST) else max(abs(high), 1.0)
    power: float = 10.0 ** math.floor(math.log10(span / count))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= span / count)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [place * step for place in range(first, max(last, first + 1) + 1)]


def _times(edges: Sequence[int], zone: ZoneInfo) -> Iterator[tuple[int, str]]:
    """Every sixth hour of the clock, the day at midnight."""
    for t in range(edges[0] - edges[0] % HOUR, edges[-1] + 1, HOUR):
        here = from_micros(t).astimezone(zone)
        if t >= edges[0] and here.hour % 12 == 0:
            yield t, here.strftime("%m-%d" if here.hour == 0 else "%H:%M")
