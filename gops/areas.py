"""Polygons on the earth: GeoJSON (RFC 7946) in, checked; geodesic area and planar distances out.

The only module with shapely and pyproj. Distances are those of EPSG:5186 (Korea 2000 / Central Belt 2010, metres),
rounded to whole centimetres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyproj
import shapely
from shapely.geometry.polygon import orient

from gops import geo
from gops.errors import Invalid, TooLarge
from gops.geo import BBox, Point

PLANE = "EPSG:5186"
_EARTH = pyproj.Geod(ellps="WGS84")
SHOWN = 80


@dataclass(frozen=True, slots=True)
class Area:
    """A checked Polygon or MultiPolygon. ``geojson`` has two numbers a position, outer rings counterclockwise."""

    geojson: dict[str, Any]
    square_metres: float
    bbox: BBox
    centre: Point


def read(geojson: Any, field: str, *, vertices_max: int, km2_max: int, vertices_setting: str, km2_setting: str) -> Area:
    """The area of a GeoJSON geometry. Raises ``Invalid`` with the place of what is wrong: ``bad_polygon``,
    ``empty_polygon``, ``bad_point`` (with a hint where axes are swapped), ``crosses_itself``, ``spans_too_much``;
    ``TooLarge`` (``too_many_vertices``)."""
    kind, polygons = _polygons(geojson, field)
    count = sum(len(ring) for polygon in polygons for ring in polygon if isinstance(ring, list))
    if count > vertices_max:
        raise TooLarge(
            f"{field} has {count} positions", code="too_many_vertices", field=field, found=count,
            expected=f"at most {vertices_max} positions ({vertices_setting})",
        )  # fmt: skip
    at = f"{field}.coordinates"
    parts = [
        _polygon(polygon, f"{at}[{index}]" if kind == "MultiPolygon" else at) for index, polygon in enumerate(polygons)
    ]
    shape = parts[0] if kind == "Polygon" else shapely.MultiPolygon(parts)
    _simple(shape, field)
    return _measured(shape, field, km2_max, km2_setting)


def _polygons(geojson: Any, field: str) -> tuple[str, list[Any]]:
    expected = "a GeoJSON Polygon or MultiPolygon: an object of type and coordinates"
    kind = geojson.get("type") if isinstance(geojson, Mapping) else None
    if not isinstance(geojson, Mapping) or kind not in ("Polygon", "MultiPolygon"):
        raise _bad("bad_polygon", field, kind if isinstance(geojson, Mapping) else geojson, expected)
    coordinates = geojson.get("coordinates")
    if not isinstance(coordinates, list):
        raise _bad("bad_polygon", f"{field}.coordinates", coordinates, "a list of rings")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not polygons or not all(polygons):
        raise _bad("empty_polygon", f"{field}.coordinates", "no ring", "at least one ring of four positions")
    if not all(isinstance(polygon, list) for polygon in polygons):
        raise _bad("bad_polygon", f"{field}.coordinates", polygons[0], "a list of rings")
    return kind, polygons


def _polygon(rings: list[Any], field: str) -> Any:
    read_rings = [_ring(ring, f"{field}[{index}]") for index, ring in enumerate(rings)]
    return orient(shapely.Polygon(read_rings[0], read_rings[1:]))


def _ring(ring: Any, field: str) -> list[tuple[float, float]]:
    if not isinstance(ring, list):
        raise _bad("bad_polygon", field, ring, "a list of positions")
    if len(ring) < 4:
        code = "empty_polygon" if not ring else "bad_polygon"
        raise _bad(code, field, f"{len(ring)} positions", "at least four positions, the last equal to the first")
    points = [_position(position, f"{field}[{index}]") for index, position in enumerate(ring)]
    if points[0] != points[-1]:
        raise _bad("bad_polygon", field, f"it ends at {points[-1]}", f"a ring that ends where it begins, {points[0]}")
    return points


def _position(position: Any, field: str) -> tuple[float, float]:
    if not isinstance(position, list) or len(position) not in (2, 3):
        raise _bad("bad_polygon", field, position, "a position: [longitude, latitude]")
    point = geo.point(position[0], position[1], field)
    return point.longitude, point.latitude


def _simple(shape: Any, field: str) -> None:
    if shape.is_valid:
        return
    reason = shapely.is_valid_reason(shape)
    word, _, place = reason.partition("[")
    known = {
        "Self-intersection": "its line crosses itself",
        "Ring Self-intersection": "its line touches itself",
        "Hole lies outside shell": "a hole lies outside",
        "Holes are nested": "a hole lies in a hole",
        "Interior is disconnected": "its holes cut it in two",
        "Nested shells": "a polygon lies in another",
        "Too few points in geometry component": "a ring has no area",
        "Duplicate Rings": "a ring is there twice",
    }
    told = known.get(word.strip(), "it is not simple")
    where = f" at {place.rstrip(']').replace(' ', ',')[:SHOWN]}" if place else ""
    crossing = word.strip() in ("Self-intersection", "Ring Self-intersection")
    raise _bad("crosses_itself" if crossing else "bad_polygon", field, told + where,
               "simple rings that neither cross nor touch, holes inside")  # fmt: skip


def _measured(shape: Any, field: str, km2_max: int, setting: str) -> Area:
    west, south, east, north = shape.bounds
    square_metres = abs(_EARTH.geometry_area_perimeter(shape)[0])
    if east - west > 180 or square_metres > km2_max * 1e6:
        found = f"{square_metres / 1e6:,.0f} km², {east - west:g} degrees wide"
        raise _bad("spans_too_much", field, found, f"at most {km2_max} km² ({setting}), not across the 180th meridian")
    if square_metres < 0.01:
        raise _bad("empty_polygon", field, f"{square_metres:g} m²", "an area")
    inside = shape.representative_point()
    return Area(
        _plain(shapely.geometry.mapping(shape)),
        square_metres,
        BBox(west, south, east, north),
        Point(inside.x, inside.y),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def inside(areas: Mapping[str, Mapping[str, Any]]) -> Callable[[Sequence[tuple[float, float]]], list[list[str]]]:
    """What says of points (longitude, latitude) in which of these polygons (GeoJSON) each lies; edges count.

    Raises ``Invalid`` (``bad_polygon``).
    """
    shapes = {}
    for name, geojson in areas.items():
        try:
            shapes[name] = shapely.geometry.shape(geojson)
        except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise _bad("bad_polygon", name, geojson, "a GeoJSON Polygon or MultiPolygon") from error
        if shapes[name].geom_type not in ("Polygon", "MultiPolygon"):
            raise _bad("bad_polygon", name, shapes[name].geom_type, "a GeoJSON Polygon or MultiPolygon")
        shapely.prepare(shapes[name])

    def of(points: Sequence[tuple[float, float]]) -> list[list[str]]:
        places = shapely.points(points) if points else []
        found: list[list[str]] = [[] for _ in points]
        for name, shape in shapes.items():
            for at in shapely.intersects(shape, places).nonzero()[0]:
                found[at].append(name)
        return found

    return of


def distances_cm(areas: Mapping[str, Mapping[str, Any]], within_cm: int) -> list[tuple[str, str, int]]:
    """Pairs of areas (checked GeoJSON by name) closer than ``within_cm``, and their planar distance in centimetres."""
    names = sorted(areas)
    shapes = [_on_plane(shapely.geometry.shape(areas[name])) for name in names]
    tree = shapely.STRtree(shapes)
    found = []
    for first, second in zip(*tree.query(shapes, predicate="dwithin", distance=within_cm / 100 + 1), strict=True):
        if first < second:
            distance = centimetres(shapes[first].distance(shapes[second]))
            if distance < within_cm:
                found.append((names[first], names[second], distance))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """``name`` of another area, planar distance in centimetres (0 where they touch), overlap in m2 on the plane."""

    name: int
    distance_cm: int
    overlap_m2: float


def neighbours(geojson: Mapping[str, Any], others: Mapping[int, Mapping[str, Any]], within_cm: int) -> list[Neighbour]:
    """The ``others`` closer than ``within_cm``, the nearest first; at that distance is outside."""
    names = sorted(others)
    shapes = [_on_plane(shapely.geometry.shape(others[name])) for name in names]
    own = _on_plane(shapely.geometry.shape(geojson))
    tree = shapely.STRtree(shapes)
    found = []
    for index in tree.query(own, predicate="dwithin", distance=within_cm / 100 + 1):
        distance = centimetres(own.distance(shapes[index]))
        if distance < within_cm:
            overlap = own.intersection(shapes[index]).area if distance == 0 else 0.0
            found.append(Neighbour(names[index], distance, round(overlap, 2)))
    return sorted(found, key=lambda one: (one.distance_cm, -one.overlap_m2, one.name))


def on_plane(longitudes: Any, latitudes: Any) -> tuple[Any, Any]:
    """East and north in metres of EPSG:5186, of arrays of degrees."""
    east, north = _to_plane().transform(longitudes, latitudes)
    return east, north


def widened(box: BBox, metres: float) -> BBox:
    """A box that surely has everything within ``metres`` of ``box``; not across the 180th meridian."""
    degrees = metres * 1.05 / 110_000 + 1e-5
    south, north = max(-90.0, box.south - degrees), min(90.0, box.north + degrees)
    narrow = max(0.01, math.cos(math.radians(max(abs(south), abs(north)))))
    return BBox(max(-180.0, box.west - degrees / narrow), south, min(180.0, box.east + degrees / narrow), north)


def of_wkt(text: str, field: str) -> dict[str, Any]:
    """Well-known text as GeoJSON, not checked yet. Raises ``Invalid`` (``bad_polygon``)."""
    try:
        shape = shapely.from_wkt(text)
    except shapely.errors.GEOSException as error:
        raise _bad("bad_polygon", field, text, "GeoJSON, or POLYGON or MULTIPOLYGON of well-known text") from error
    found: dict[str, Any] = _plain(shapely.geometry.mapping(shape))
    return found


def centimetres(metres: float) -> int:
    """Rounded to the nearest whole one, halves up."""
    return math.floor(metres * 100 + 0.5)


def _on_plane(shape: Any) -> Any:
    return shapely.transform(shape, _to_plane().transform, interleaved=False)


@cache
def _to_plane() -> Any:
    return pyproj.Transformer.from_crs("EPSG:4326", PLANE, always_xy=True)


def _bad(code: str, field: str, value: Any, expected: str) -> Invalid:
    found = value[:SHOWN] if isinstance(value, str) else ascii(value)[:SHOWN]
    return Invalid(f"{field} is no area: {found}; expected {expected}", code=code, field=field, found=found,
                   expected=expected)  # fmt: skip
