"""Places on the earth in WGS 84 degrees, longitude first (RFC 7946): points and bounding boxes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gops.errors import Invalid

KOREA = (124.0, 33.0, 132.0, 39.0)  # west, south, east, north
BBOX_LENGTH = 200
_NUMBER = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *", re.ASCII)


@dataclass(frozen=True, slots=True)
class Point:
    """A checked place: ``longitude`` in -180 .. 180, ``latitude`` in -90 .. 90."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class BBox:
    """A box with its edges. ``west > east``: it crosses the antimeridian (RFC 7946, 5.2)."""

    west: float
    south: float
    east: float
    north: float

    @property
    def longitudes(self) -> tuple[tuple[float, float], ...]:
        """The closed ranges of longitude in it. 180 and -180 are one meridian, so an edge there has both."""
        if self.west > self.east:
            return (self.west, 180.0), (-180.0, self.east)
        ranges = [(self.west, self.east)]
        if self.east == 180.0:
            ranges.append((-180.0, -180.0))
        if self.west == -180.0:
            ranges.append((180.0, 180.0))
        return tuple(ranges)

    def __contains__(self, point: Point) -> bool:
        inside = any(low <= point.longitude <= high for low, high in self.longitudes)
        return inside and self.south <= point.latitude <= self.north


def point(longitude: float, latitude: float, field: str = "location") -> Point:
    """A checked point. Raises ``Invalid`` (``bad_point``), with a hint when the two seem swapped."""
    if not (_number(longitude) and _number(latitude)):
        raise _bad_point(longitude, latitude, field, "both must be finite numbers")
    if not (_is_longitude(longitude) and _is_latitude(latitude)):
        swapped = _is_longitude(latitude) and _is_latitude(longitude)
        raise _bad_point(
            longitude, latitude, field, _hint(latitude, longitude) if swapped else "it is not on the earth"
        )
    return Point(float(longitude) + 0.0, float(latitude) + 0.0)  # no -0.0, which is shown as another place


def parse_bbox(text: str, field: str = "bbox") -> BBox:
    """``west,south,east,north``. Raises ``Invalid`` (``bad_bbox``). West beyond east crosses the antimeridian."""
    parts = text.split(",") if len(text) <= BBOX_LENGTH else []
    if len(parts) != 4 or not all(map(_NUMBER.fullmatch, parts)):
        raise _bad_bbox(text, field, "it is not four numbers")
    west, south, east, north = (float(part) + 0.0 for part in parts)
    if not (_is_longitude(west) and _is_longitude(east) and _is_latitude(south) and _is_latitude(north)):
        swapped = all(map(_is_latitude, (west, east))) and all(map(_is_longitude, (south, north)))
        raise _bad_bbox(text, field, "longitude comes first" if swapped else "it is not on the earth")
    if south > north:
        raise _bad_bbox(text, field, f"south {south:g} is beyond north {north:g}")
    return BBox(west, south, east, north)


def _number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_longitude(value: float) -> bool:
    return -180 <= value <= 180


def _is_latitude(value: float) -> bool:
    return -90 <= value <= 90


def _in_korea(longitude: float, latitude: float) -> bool:
    west, south, east, north = KOREA
    return west <= longitude <= east and south <= latitude <= north


def _hint(longitude: float, latitude: float) -> str:
    where = ", which is in Korea" if _in_korea(longitude, latitude) else ""
    return f"did you mean longitude {longitude:g} and latitude {latitude:g}{where}?"


def _bad_point(longitude: object, latitude: object, field: str, why: str) -> Invalid:
    return Invalid(
        f"longitude {longitude!r:.40}, latitude {latitude!r:.40} is no place: {why}",
        code="bad_point",
        field=field,
        found=f"{longitude!r:.40},{latitude!r:.40}",
        expected="longitude from -180 to 180 and latitude from -90 to 90, in degrees",
    )


def _bad_bbox(text: str, field: str, why: str) -> Invalid:
    return Invalid(
        f"the bounding box is wrong: {why}",
        code="bad_bbox",
        field=field,
        found=text[:BBOX_LENGTH],
        expected="west,south,east,north in degrees, such as 126.7,37.4,127.2,37.7; west beyond east crosses the "
        "180th meridian",
    )
