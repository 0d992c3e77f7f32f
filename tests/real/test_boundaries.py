"""The boundaries of Gyeonggi's 31 municipalities are read as areas, and every town hall of the demo lies in its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import shapely

from gops import areas
from gops.demo.province import MUNICIPALITIES

FILE = "gyeonggi-municipalities.geojson"
PROVINCE_KM2 = 10_200  # Gyeonggi's area by the Ministry of the Interior, about

pytestmark = pytest.mark.real


@pytest.fixture
def features() -> list[dict[str, Any]]:
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA names no folder of real data")
    found: list[dict[str, Any]] = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))["features"]
    return found


def test_all_31_are_areas_of_the_right_size(features: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    bounds: dict[str, Any] = {
        "vertices_max": 100_000, "km2_max": 2_000, "vertices_setting": "here", "km2_setting": "here"
    }  # fmt: skip
    read = {row["properties"]["name"]: areas.read(row["geometry"], "area", **bounds) for row in features}
    assert set(read) == {one.name_ko for one in MUNICIPALITIES}
    total = sum(area.square_metres for area in read.values()) / 1e6
    assert total == pytest.approx(PROVINCE_KM2, rel=0.02)
    with capsys.disabled():
        print(f"\n{len(read)} areas, {total:,.0f} km2 together")


def test_every_town_hall_lies_in_its_own_municipality(features: list[dict[str, Any]]) -> None:
    shapes = {row["properties"]["name"]: shapely.geometry.shape(row["geometry"]) for row in features}
    outside = [
        one.slug
        for one in MUNICIPALITIES
        if not shapes[one.name_ko].contains(shapely.Point(one.longitude, one.latitude))
    ]
    assert outside == []
