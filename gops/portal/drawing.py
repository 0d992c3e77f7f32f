"""Small pictures as SVG coordinates: a line of a day, and points on a map. Pure; templates write the elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 96.0, 24.0, 2.0  # of a line, in SVG units
MAP_WIDTH, MAP_EDGE = 640.0, 36.0
MAP_LOWEST, MAP_HIGHEST = 240.0, 420.0
LEAST_SPAN_KM = 2.0  # so that one point, or points close together, are not torn apart
KM_PER_DEGREE = 111.32


@dataclass(frozen=True)
class Line:
    """``pieces`` are the points of polylines, broken where there is no value; ``last`` the newest point."""

    pieces: tuple[str, ...]
    last: tuple[float, float]
    low: float
    high: float


@dataclass(frozen=True)
class Map:
    """``points`` in the order given, inside ``width`` x ``height``; the scale bar is ``bar`` units for ``bar_km``."""

    width: float
    height: float
    points: tuple[tuple[float, float], ...]
    bar: float
    bar_km: float


def line(values: Sequence[float | None]) -> Line | None:
    """None for fewer than two values."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    scale = (HEIGHT - 2 * EDGE) / (high - low) if high > low else 0.0
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pieces.append([])
            continue
        height = (value - low) * scale if scale else HEIGHT / 2 - EDGE
        pieces[-1].append((round(EDGE + index * step, 1), round(HEIGHT - EDGE - height, 1)))
    drawn = [piece for piece in pieces if piece]
    return Line(tuple(" ".join(f"{x},{y}" for x, y in piece) for piece in drawn), drawn[-1][-1], low, high)


def chart(places: Sequence[tuple[float, float]]) -> Map | None:
    """A map of (longitude, latitude) in the equirectangular projection about their middle; None without a place."""
    if not places:
        return None
    middle = (_middle([x for x, _ in places]), _middle([y for _, y in places]))
    shrink = math.cos(math.radians(middle[1]))
    flat = [((x - middle[0]) * KM_PER_DEGREE * shrink, (y - middle[1]) * KM_PER_DEGREE) for x, y in places]
    across = max(LEAST_SPAN_KM, 2 * max(abs(x) for x, _ in flat))
    upward = max(LEAST_SPAN_KM / 2, 2 * max(abs(y) for _, y in flat))
    scale = min((MAP_WIDTH - 2 * MAP_EDGE) / across, (MAP_HIGHEST - 2 * MAP_EDGE) / upward)
    height = min(MAP_HIGHEST, max(MAP_LOWEST, upward * scale + 2 * MAP_EDGE))
    points = tuple((round(MAP_WIDTH / 2 + x * scale, 1), round(height / 2 - y * scale, 1)) for x, y in flat)
    bar_km = _round_down(MAP_WIDTH / 4 / scale)
    return Map(MAP_WIDTH, round(height, 1), points, round(bar_km * scale, 1), bar_km)


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2


def _round_down(length: float) -> float:
    """1, 2 or 5 times a power of ten, not above ``length``."""
    power = 10 ** math.floor(math.log10(length))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= length)
