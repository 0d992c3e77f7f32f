"""Points and bounding boxes (RFC 7946)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.errors import Invalid
from gops.geo import BBox, Point, parse_bbox, point

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


def test_a_point_is_longitude_then_latitude() -> None:
    assert point(126.978, 37.5665) == Point(126.978, 37.5665)


def test_a_place_has_one_way_of_being_written() -> None:
    """-0.0 equals 0.0 and would be shown as another place."""
    zero = point(-0.0, -0.0)
    assert (math.copysign(1, zero.longitude), math.copysign(1, zero.latitude)) == (1, 1)


@pytest.mark.parametrize(("longitude", "latitude"), [(180, 90), (-180, -90), (0, 0), (180.0, -90.0)])
def test_the_edges_of_the_earth_are_on_it(longitude: float, latitude: float) -> None:
    assert point(longitude, latitude) == Point(longitude, latitude)


@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [
        (180.0001, 0),
        (0, 90.0001),
        (-181, 0),
        (0, -91),
        (math.nan, 0),
        (0, math.inf),
        (10**400, 0),
        (True, 0),
        ("127", 37),
        (None, None),
        ([127], 37),
    ],
)
def test_what_is_no_place_on_the_earth_is_refused(longitude: object, latitude: object) -> None:
    with pytest.raises(Invalid) as caught:
        point(longitude, latitude, "location")  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == ("bad_point", "location")


def test_swapped_axes_of_a_place_in_korea_are_noticed() -> None:
    with pytest.raises(Invalid, match=r"did you mean longitude 126.978 and latitude 37.5665, which is in Korea\?"):
        point(37.5665, 126.978)


def test_swapped_axes_elsewhere_are_noticed_without_naming_korea() -> None:
    with pytest.raises(Invalid, match=r"did you mean longitude 151.2 and latitude -33.9\?"):
        point(-33.9, 151.2)


def test_a_box_is_west_south_east_north() -> None:
    assert parse_bbox("126.7,37.4,127.2,37.7") == BBox(126.7, 37.4, 127.2, 37.7)


@pytest.mark.parametrize("text", ["0,0,0,0", "-180,-90,180,90", " 1 , 2 , 3 , 4 "])
def test_a_box_may_be_a_point_or_the_whole_earth(text: str) -> None:
    assert parse_bbox(text).west <= parse_bbox(text).east


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,4,5,6",
        "a,b,c,d",
        "nan,0,1,1",
        "0,0,inf,1",
        "1,,3,4",
        "1_0,2,3,4",
        "１,2,3,4",
        "1e999,0,1,1",
        "0,2,1,1",
        "0,0,181,1",
        "0,-91,1,1",
        "37.4,126.7,37.7,127.2",
        "0,0,0,0" + " " * 300,
        "1" * 300,
    ],
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_bbox(text)
    assert (caught.value.code, caught.value.field) == ("bad_bbox", "bbox")
    assert len(str(caught.value.found)) <= 200


def test_a_box_with_swapped_axes_is_told_so() -> None:
    with pytest.raises(Invalid, match="longitude comes first"):
        parse_bbox("37.4,126.7,37.7,127.2")


def test_a_box_with_its_west_beyond_its_east_crosses_the_antimeridian() -> None:
    box = parse_bbox("170,-20,-170,20")
    assert [Point(longitude, 0) in box for longitude in (175, -175, 180, -180, 0, 169, -169)] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("box", [BBox(170, 0, 180, 1), BBox(-180, 0, -170, 1)])
def test_180_and_minus_180_are_one_meridian(box: BBox) -> None:
    assert Point(180, 0.5) in box
    assert Point(-180, 0.5) in box


@given(longitudes, latitudes, longitudes, latitudes, longitudes, latitudes)
def test_a_point_is_in_a_box_when_going_east_from_its_west_comes_there(
    west: float, south: float, east: float, north: float, longitude: float, latitude: float
) -> None:
    """An independent rule for the antimeridian: turn the globe until the west edge is at 0."""
    south, north = min(south, north), max(south, north)
    box = BBox(west, south, east, north)
    width = (east - west) % 360 if east - west != 360 else 360
    inside = (longitude - west) % 360 <= width or {longitude, west} == {180.0, -180.0}
    near_an_edge = any(abs((longitude - edge + 180) % 360 - 180) < 1e-9 for edge in (west, east))
    if not near_an_edge:
        assert (Point(longitude, latitude) in box) == (inside and south <= latitude <= north)
