"""The real sample of AirKorea: ten rows of Seoul at 2022-02-24 16:00, read with right times, units and quality codes.

Needs the folder of real data in REAL_DATA (``make test-real REAL=<folder>``); no part of it is in this repository.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gops.clock import HOUR, to_micros
from gops.ingest.feeds.airkorea import MEASURED, AirKorea
from gops.ingest.feeds.answers import KST, Page, Sample
from gops.quality import Quality

FILE = "feeds/airkorea-getCtprvnRltmMesureDnsty-seoul-2022-02-24T16.json"
FOUR = to_micros(datetime(2022, 2, 24, 16, tzinfo=KST))
PROPERTIES = ("pm10", "o3", "no2", "so2", "co")  # the sample is of a version without PM2.5

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def body() -> bytes:
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA names no folder of real data")
    return (Path(folder) / FILE).read_bytes()


@pytest.fixture(scope="module")
def page(body: bytes) -> Page:
    found = AirKorea({"provinces": ["서울"]}).read(200, body)
    assert isinstance(found, Page)
    return found


@pytest.fixture(scope="module")
def sample(page: Page) -> Sample:
    return AirKorea({"provinces": ["서울"]}).sample(page, "서울", FOUR + HOUR // 3)


def test_the_envelope_has_ten_rows_of_forty(page: Page) -> None:
    assert (len(page.rows), page.total) == (10, 40)
    assert not AirKorea({"provinces": ["서울"]}).is_last(page, 10)


def test_every_cell_is_what_the_file_says(body: bytes, sample: Sample) -> None:
    """Computed from the file by other code: a number or null, and the flag beside it."""
    rows: list[dict[str, Any]] = json.loads(body)["response"]["body"]["items"]
    expected = {
        f"서울 {row['stationName']}/{key}": (
            None if row[f"{key}Value"] == "-" else float(row[f"{key}Value"]),
            {None: None, "점검및교정": Quality.maintenance}[row[f"{key}Flag"]],
        )
        for row in rows
        for key in PROPERTIES
    }
    decoded = sample.decoded
    found = dict(zip(decoded.fields, zip(decoded.values, decoded.qualities, strict=True), strict=True))
    assert len(found) == 50
    assert found == expected
    assert (decoded.refusals, sample.drift, sample.skipped) == ([], set(), 0)


def test_the_hour_is_korean_and_the_end_of_its_mean(sample: Sample) -> None:
    assert set(sample.decoded.times) == {FOUR}
    assert {(one.period, one.label) for one in MEASURED.values()} == {("PT1H", "end")}


def test_units_are_those_of_the_portal() -> None:
    assert {key: one.unit for key, one in MEASURED.items()} == {
        "pm10": "ug/m3",
        "pm25": "ug/m3",
        "o3": "[ppm]",
        "no2": "[ppm]",
        "so2": "[ppm]",
        "co": "[ppm]",
    }


def test_calibration_is_maintenance_and_dust_goes_on(sample: Sample) -> None:
    decoded = sample.decoded
    at = {name: index for index, name in enumerate(decoded.fields)}
    assert decoded.values[at["서울 도산대로/pm10"]] == 33.0
    for key in ("o3", "no2", "so2", "co"):
        index = at[f"서울 도산대로/{key}"]
        assert (decoded.values[index], decoded.qualities[index]) == (None, Quality.maintenance)
