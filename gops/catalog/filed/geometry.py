"""Geometries of GeoJSON (RFC 7946), checked: known types, finite positions on the earth, closed rings."""

from __future__ import annotations

from typing import Any

DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many lists lie around a position."""
DEEPEST = 4  # collections in collections
Box = list[float]


class Wrong(ValueError):
    """``args``: what was found, what was expected."""


def read(geometry: Any, box: Box, depth: int = 0) -> None:
    """Check it and widen ``box`` (west, south, east, north). Raises ``Wrong``."""
    kind = geometry.get("type") if isinstance(geometry, dict) else geometry
    if kind == "GeometryCollection":
        parts = geometry.get("geometries")
        if not isinstance(parts, list) or depth == DEEPEST:
            raise Wrong(kind, f"geometries, a list, nested at most {DEEPEST} deep")
        for part in parts:
            read(part, box, depth + 1)
        return
    if not isinstance(geometry, dict) or not isinstance(kind, str) or kind not in DEPTHS:
        raise Wrong(kind, f"null, or a geometry: {', '.join(DEPTHS)}")
    _positions(geometry.get("coordinates"), kind, DEPTHS[kind], box)


def _positions(found: Any, kind: str, depth: int, box: Box) -> None:
    if depth == 0:
        _position(found, box)
        return
    if not isinstance(found, list) or not found:
        raise Wrong(found, f"coordinates of a {kind}: lists of positions")
    if depth == 1:
        _check_length(found, kind)
    for one in found:
        _positions(one, kind, depth - 1, box)


def _check_length(line: list[Any], kind: str) -> None:
    if kind in ("Polygon", "MultiPolygon"):
        if len(line) < 4 or line[0] != line[-1]:
            raise Wrong(line[-1], f"a ring of at least four positions that ends where it begins, {line[0]}")
    elif kind.endswith("LineString") and len(line) < 2:
        raise Wrong(line, "a line of at least two positions")


def _position(found: Any, box: Box) -> None:
    if not isinstance(found, list) or not 2 <= len(found) <= 3 or not all(type(one) in (int, float) for one in found):
        raise Wrong(found, "a position: [longitude, latitude] or with a height")
    longitude, latitude = found[0], found[1]
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        hint = "; it may be latitude first, or another system than WGS 84" if abs(latitude) > 90 else ""
        raise Wrong(found, f"longitude within 180 and latitude within 90 degrees{hint}")
    box[:] = [min(box[0], longitude), min(box[1], latitude), max(box[2], longitude), max(box[3], latitude)]
