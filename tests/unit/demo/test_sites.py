"""The demo's sites: as many and of the kinds that the province has, and what GOPS takes as sites."""

from __future__ import annotations

import math
from collections import Counter

from gops import areas
from gops.demo.province import MUNICIPALITIES
from gops.demo.sites import SITES
from gops.testbed.checks import capacity
from gops.testbed.sites import KINDS


def read() -> dict[str, areas.Area]:
    bounds = {"vertices_max": 10_000, "km2_max": 100, "vertices_setting": "", "km2_setting": ""}
    return {site.name_en: areas.read(site.area, "area", **bounds) for site in SITES}  # type: ignore[arg-type]


def test_there_are_330_of_all_municipalities_and_most_are_districts_of_urban_regeneration() -> None:
    kinds = Counter(site.kind for site in SITES)
    assert (len(SITES), kinds["urban_regeneration"], kinds["technovalley"]) == (330, 290, 2)
    assert set(kinds) <= set(KINDS)
    assert {"street", "park", "building", "vacant_shop"} <= set(kinds)
    assert {site.city for site in SITES} == set(MUNICIPALITIES)


def test_names_are_unique_in_both_languages_and_the_technovalleys_have_their_own() -> None:
    assert len({site.name_ko for site in SITES}) == len({site.name_en for site in SITES}) == 330
    assert all(site.name_en.isascii() and not site.name_ko.isascii() for site in SITES)
    assert {"판교테크노밸리", "일산테크노밸리"} <= {site.name_ko for site in SITES}


def test_every_polygon_is_a_valid_area_near_its_town_hall() -> None:
    found = read()
    for site in SITES:
        centre = found[site.name_en].centre
        north = (centre.latitude - site.city.latitude) * 111.2
        east = (centre.longitude - site.city.longitude) * 111.2 * math.cos(math.radians(centre.latitude))
        assert math.hypot(north, east) < (9 if site.kind == "technovalley" else 3), site.name_en


def test_no_site_overlaps_another() -> None:
    assert areas.distances_cm({name: area.geojson for name, area in read().items()}, 1) == []


def test_no_more_area_can_be_used_than_there_is() -> None:
    found = read()
    for site in SITES:
        assert capacity(site.capacity) == site.capacity
        assert 0 < site.capacity["area_m2"] < found[site.name_en].square_metres
