"""Polygons: what is no area is refused with its place; areas and distances agree with figures from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from gops import areas
from gops.areas import Area
from gops.errors import Invalid, TooLarge
from gops.geo import BBox

Ring = list[list[float]]


def read(geojson: Any, vertices_max: int = 1000, km2_max: int = 100) -> Area:
    return areas.read(
        geojson, "area", vertices_max=vertices_max, km2_max=km2_max, vertices_setting="VERTICES", km2_setting="KM2"
    )


def ring(west: float, south: float, size: float = 0.01) -> Ring:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: Ring) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def refused(geojson: Any, **bounds: int) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(geojson, **bounds)
    assert caught.value.field
    assert caught.value.field.startswith("area")
    assert caught.value.expected
    assert caught.value.found is not None
    return caught.value


def test_the_area_is_geodesic() -> None:
    """Karney's planimeter gives 0.9877 km2 for a hundredth of a degree at 37 north."""
    assert read(polygon(ring(127, 37))).square_metres == pytest.approx(987_766.7, abs=0.5)


def test_a_hole_is_no_part_of_the_area() -> None:
    whole, hole = read(polygon(ring(127, 37))), read(polygon(ring(127.004, 37.004, 0.002)))
    assert read(polygon(ring(127, 37), ring(127.004, 37.004, 0.002))).square_metres == pytest.approx(
        whole.square_metres - hole.square_metres
    )


def test_several_polygons_are_one_area() -> None:
    two = read({"type": "MultiPolygon", "coordinates": [[ring(127, 37)], [ring(127.1, 37)]]})
    assert two.square_metres == pytest.approx(2 * 987_766.7, rel=1e-6)


def test_either_winding_is_read_and_written_counterclockwise() -> None:
    clockwise = polygon(ring(127, 37)[::-1])
    assert read(clockwise).geojson["coordinates"] == read(polygon(ring(127, 37))).geojson["coordinates"]


def test_a_height_is_left_out() -> None:
    high = polygon([[*position, 30.0] for position in ring(127, 37)])
    assert read(high).geojson == read(polygon(ring(127, 37))).geojson


def test_the_centre_lies_inside_and_the_box_around() -> None:
    area = read(polygon(ring(127, 37)))
    assert area.bbox == BBox(127, 37, 127.01, 37.01)
    assert area.centre in area.bbox


@pytest.mark.parametrize(("geojson", "code", "field"), [
    (None, "bad_polygon", "area"),
    ([], "bad_polygon", "area"),
    ({}, "bad_polygon", "area"),
    ({"type": ["Polygon"]}, "bad_polygon", "area"),
    ({"type": "Point", "coordinates": [127, 37]}, "bad_polygon", "area"),
    ({"type": "Polygon"}, "bad_polygon", "area.coordinates"),
    (polygon(), "empty_polygon", "area.coordinates"),
    (polygon([]), "empty_polygon", "area.coordinates[0]"),
    ({"type": "MultiPolygon", "coordinates": []}, "empty_polygon", "area.coordinates"),
    ({"type": "MultiPolygon", "coordinates": [[]]}, "empty_polygon", "area.coordinates"),
    ({"type": "MultiPolygon", "coordinates": [3]}, "bad_polygon", "area.coordinates"),
    ({"type": "MultiPolygon", "coordinates": [[ring(127, 37)], [[[1]] * 4]]}, "bad_polygon",
     "area.coordinates[1][0][0]"),
    (polygon([[127, 37], [127.1, 37], [127, 37]]), "bad_polygon", "area.coordinates[0]"),
    (polygon([[127, 37], [127.1, 37], [127.1, 37.1], [127, 37.1]]), "bad_polygon", "area.coordinates[0]"),
    (polygon([[127, 37]] * 5), "bad_polygon", "area"),
    ({"type": "Polygon", "coordinates": [{"a": 1}]}, "bad_polygon", "area.coordinates[0]"),
    ({"type": "Polygon", "coordinates": [["ab", "cd", "ef", "ab"]]}, "bad_polygon", "area.coordinates[0][0]"),
    (polygon([[float("nan"), 37.0]] * 5), "bad_point", "area.coordinates[0][0]"),
    (polygon([[float("inf"), 37.0]] * 5), "bad_point", "area.coordinates[0][0]"),
    ({"type": "Polygon", "coordinates": [[["127", "37"]] * 5]}, "bad_point", "area.coordinates[0][0]"),
    (polygon([[127, 37], [127.01, 37.01], [127.01, 37], [127, 37.01], [127, 37]]), "crosses_itself", "area"),
    (polygon(ring(127, 37), ring(128, 37)), "bad_polygon", "area"),
    ({"type": "MultiPolygon", "coordinates": [[ring(127, 37)], [ring(127.005, 37.005)]]}, "crosses_itself", "area"),
    (polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]), "spans_too_much", "area"),
    (polygon([[-179.999, 37], [179.999, 37], [179.999, 37.001], [-179.999, 37.001], [-179.999, 37]]),
     "spans_too_much", "area"),
    (polygon(ring(127, 37, 1.0)), "spans_too_much", "area"),
    (polygon(ring(127, 37, 1e-9)), "empty_polygon", "area"),
])  # fmt: skip
def test_what_is_no_area_is_refused_with_its_place(geojson: Any, code: str, field: str) -> None:
    error = refused(geojson)
    assert (error.code, error.field) == (code, field)


def test_swapped_axes_are_recognised() -> None:
    swapped = polygon([[y, x] for x, y in ring(127, 37)])
    error = refused(swapped)
    assert error.code == "bad_point"
    assert "did you mean longitude 127 and latitude 37, which is in Korea?" in error.message


def test_the_place_where_a_line_crosses_itself_is_told() -> None:
    bow = polygon([[127, 37], [127.01, 37.01], [127.01, 37], [127, 37.01], [127, 37]])
    assert "at 127.005,37.005" in str(refused(bow).found)


def test_too_many_positions_name_their_bound() -> None:
    error = refused(polygon(ring(127, 37)), vertices_max=4)
    assert isinstance(error, TooLarge)
    assert (error.code, error.found, error.expected) == ("too_many_vertices", 5, "at most 4 positions (VERTICES)")


def test_what_is_no_list_is_not_counted_but_refused() -> None:
    assert refused({"type": "Polygon", "coordinates": ["x" * 5000]}, vertices_max=10).code == "bad_polygon"


def test_distances_are_between_edges_and_planar() -> None:
    """0.002 degrees of longitude at 37 north are 178 m (geodesic; the plane's scale here is within 1e-4)."""
    west, east = polygon(ring(127, 37)), polygon(ring(127.012, 37))
    ((first, second, distance),) = areas.distances_cm({"b": east, "a": west}, 50_000)
    assert (first, second) == ("a", "b")
    assert distance == pytest.approx(17_800, abs=5)


def test_areas_that_touch_or_overlap_are_no_distance_apart() -> None:
    one, other = polygon(ring(127, 37)), polygon(ring(127.005, 37.005))
    assert areas.distances_cm({"a": one, "b": other}, 1) == [("a", "b", 0)]


def test_at_the_bound_areas_are_not_near() -> None:
    areas_ = {"a": polygon(ring(127, 37)), "b": polygon(ring(127.012, 37))}
    ((_, _, distance),) = areas.distances_cm(areas_, 50_000)
    assert areas.distances_cm(areas_, distance) == []
    assert areas.distances_cm(areas_, distance + 1) == [("a", "b", distance)]


def test_the_plane_is_that_of_korea() -> None:
    """The origin of EPSG:5186 (38 N, 127 E) has the coordinates 200,000 east and 600,000 north."""
    assert areas._to_plane().transform(127.0, 38.0) == pytest.approx((200_000, 600_000), abs=1e-3)


@pytest.mark.parametrize(("metres", "whole"), [(0.0, 0), (0.005, 1), (0.0049, 0), (499.995, 50_000), (500.0, 50_000)])
def test_centimetres_are_whole(metres: float, whole: int) -> None:
    assert areas.centimetres(metres) == whole
