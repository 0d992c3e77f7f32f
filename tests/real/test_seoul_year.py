"""A year of Seoul's weather and bike counts, replayed over MQTT: complete, exact, and nothing twice.

Needs the folder of real data in REAL_DATA (``make test-real REAL=<folder>``); no part of it is in this repository.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.mosquitto import start_mosquitto
from tests.live.running import RunningGops

FILE = "seoul-bike-weather-2017-2018.csv"
MAPPING = Path(__file__).parents[2] / "docs" / "examples" / "seoul-bike.toml"
ROWS = 8760
# CSV column -> (field of the message, observed property, UCUM unit, kind)
COLUMNS = {
    "Rented Bike Count": ("rented_bikes", "rented_bikes", "{bike}", "amount"),
    "Temperature": ("temperature", "temperature", "Cel", "gauge"),
    "Humidity(%)": ("humidity", "humidity", "%", "gauge"),
    "Wind speed (m/s)": ("wind_speed", "wind_speed", "m/s", "gauge"),
    "Visibility (10m)": ("visibility", "visibility", "dam", "gauge"),
    "Dew point temperature": ("dew_point", "dew_point", "Cel", "gauge"),
    "Solar Radiation (MJ/m2)": ("solar_radiation", "solar_radiation", "MJ/m2", "amount"),
    "Rainfall(mm)": ("rainfall", "rainfall", "mm", "amount"),
    "Snowfall (cm)": ("snowfall", "snowfall", "cm", "gauge"),
}
KEY = {"amount": "sum", "gauge": "mean"}

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]


@pytest.fixture
def source() -> list[dict[str, str]]:
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA names no folder of real data")
    with (Path(folder) / FILE).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    return rows


@pytest.fixture(params=["mosquitto", "embedded"])
def gops(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RunningGops, dict[str, Any]]]:
    """A running GOPS on either broker, and its device with one Datastream a column."""
    fields = [word for spec in COLUMNS.values() for word in ("--field", ":".join(spec))]
    if request.param == "mosquitto":
        with start_mosquitto(tmp_path / "mosquitto") as broker:
            running = RunningGops(tmp_path, broker.url)
            made = _prepare(running, fields)
            broker.add_device("seoul/bikes", made["secret"])
            yield running.start(), made
            running.stop()
    else:
        running = RunningGops(tmp_path)
        made = _prepare(running, fields)
        yield running.start(), made
        running.stop()


def _prepare(running: RunningGops, fields: list[str]) -> dict[str, Any]:
    running.command("init")
    running.command("org", "add", "seoul", "--kind", "municipality", "--name-ko", "서울", "--name-en", "Seoul")
    made: dict[str, Any] = json.loads(running.command("device", "add", "seoul/bikes", *fields, "--json"))
    running.command("datastream", "publish", "seoul", *map(str, made["fields"].values()))
    return made


def _replay(running: RunningGops, secret: str) -> tuple[dict[str, int], float]:
    begun = time.monotonic()
    printed = running.command(
        "replay", str(Path(os.environ["REAL_DATA"]) / FILE), "--mapping", str(MAPPING),
        "--device", "seoul/bikes", "--secret", secret, "--json",
    )  # fmt: skip
    counts: dict[str, int] = json.loads(printed)
    return counts, time.monotonic() - begun


def _monthly(source: list[dict[str, str]], column: str, kind: str) -> dict[str, float]:
    months = defaultdict(list)
    for row in source:
        _day, month, year = row["Date"].split("/")
        months[f"{year}-{month}"].append(float(row[column]))
    combine = statistics.fmean if kind == "gauge" else sum
    return {month: float(combine(values)) for month, values in months.items()}


def test_the_year_is_stored_completely_and_repeats_add_nothing(
    gops: tuple[RunningGops, dict[str, Any]], source: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    running, made = gops
    first, seconds = _replay(running, made["secret"])
    cells = ROWS * len(COLUMNS)
    assert first["inserted"] == cells, first
    for column, (field, _property, _unit, kind) in COLUMNS.items():
        code, answer = running.http(
            "GET",
            f"/api/v1/datastreams/{made['fields'][field]}/observations"
            "?from=2017-12-01T00:00%2B09:00&to=2018-12-01T00:00%2B09:00&every=1mo&zone=Asia/Seoul",
        )
        assert code == 200, answer
        expected = _monthly(source, column, kind)
        found = {window["start"][:7]: window[KEY[kind]] for window in answer["windows"]}
        assert found == pytest.approx(expected, rel=1e-12), column
        assert sum(window["count"] for window in answer["windows"]) == ROWS
    second, again = _replay(running, made["secret"])
    assert second["inserted"] == 0
    assert second["replaced"] == 0
    assert second["unchanged"] + second["kept"] == cells
    with capsys.disabled():
        print(f"\n{cells} readings in {seconds:.1f} s; again, adding nothing: {again:.1f} s")
