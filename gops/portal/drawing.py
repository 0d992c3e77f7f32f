"""Small pictures as SVG coordinates: a line of a day, and points on a map. Pure; templates write the elements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, EDGE = 96.0, 24.0, 2.0  # of a line, in SVG units
MAP_WIDTH, MAP_EDGE = 640.0, 36.0
MAP_LOWEST, MAP_HIGHEST = 240.0, 420.0
LEAST_SPAN_KM = 2.0  # so that one point, or points close together, are not torn apart
KM_PER_DEGREE = 111.32
XY = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """``pieces`` are the points of polylines, broken where there is no value; ``last`` the newest point."""

    pieces: tuple[str, ...]
    last: tuple[float, float]
    low: float
    high: float


@dataclass(frozen=True)
class Map:
    """``points`` in the order given, inside ``width`` x ``height``; the scale bar is ``bar`` units for ``bar_km``.

    ``areas`` are outlines, as path data.
    """

    width: float
    height: float
    points: tuple[tuple[float, float], ...]
    bar: float
    bar_km: float
    areas: tuple[str, ...] = ()

    @property
    def bar_text(self) -> str:
        return f"{self.bar_km:g} km" if self.bar_km >= 1 else f"{self.bar_km * 1000:g} m"


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


def chart(
    places: Sequence[XY], outlines: Sequence[Sequence[Sequence[XY]]] = (), least_km: float = LEAST_SPAN_KM
) -> Map | None:
    """A map of (longitude, latitude) in the equirectangular projection about their middle; None without a place.

    ``outlines``: areas, each of rings; ``least_km`` is the least that the map shows from west to east.
    """
    everything = [*places, *(place for rings in outlines for ring in rings for place in ring)]
    if not everything:
        return None
    middle = (_middle([x for x, _ in everything]), _middle([y for _, y in everything]))
    shrink = math.cos(math.radians(middle[1]))

    def flat(place: XY) -> XY:
        return (place[0] - middle[0]) * KM_PER_DEGREE * shrink, (place[1] - middle[1]) * KM_PER_DEGREE

    spread = [flat(place) for place in everything]
    across = max(least_km, 2 * max(abs(x) for x, _ in spread))
    upward = max(least_km / 2, 2 * max(abs(y) for _, y in spread))
    scale = min((MAP_WIDTH - 2 * MAP_EDGE) / across, (MAP_HIGHEST - 2 * MAP_EDGE) / upward)
    height = min(MAP_HIGHEST, max(MAP_LOWEST, upward * scale + 2 * MAP_EDGE))

    def drawn(place: XY) -> XY:
        x, y = flat(place)
        return round(MAP_WIDTH / 2 + x * scale, 1), round(height / 2 - y * scale, 1)

    bar_km = _round_down(MAP_WIDTH / 4 / scale)
    areas = tuple(" ".join(_path([drawn(place) for place in ring]) for ring in rings) for rings in outlines)
    return Map(MAP_WIDTH, round(height, 1), tuple(map(drawn, places)), round(bar_km * scale, 1), bar_km, areas)


def rings(geojson: Mapping[str, Any]) -> list[list[XY]]:
    """Of a checked Polygon or MultiPolygon: all of its rings, holes too."""
    polygons = [geojson["coordinates"]] if geojson["type"] == "Polygon" else geojson["coordinates"]
    return [[(place[0], place[1]) for place in ring] for polygon in polygons for ring in polygon]


def _path(ring: Sequence[XY]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in ring) + "Z"


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2


def _round_down(length: float) -> float:
    """1, 2 or 5 times a power of ten, not above ``length``."""
    power: float = 10.0 ** math.floor(math.log10(length))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= length)
