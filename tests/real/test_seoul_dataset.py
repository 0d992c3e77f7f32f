"""A year of Seoul's weather and bike counts published as a dataset: its download equals the source, value for value.

Needs the folder of real data in REAL_DATA (``make test-real REAL=<folder>``); no part of it is in this repository.
"""

from __future__ import annotations

import csv
import io
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from gops.accounts import lookup
from gops.catalog.contents import Catalogued
from gops.catalog.datasets import Datasets
from gops.catalog.querying.forms import FORMS, Written, pieces
from gops.catalog.querying.live import Asked, LiveTable
from gops.catalog.querying.port import Ask, schema_of
from gops.clock import FixedClock, to_micros
from gops.ingest.feeds.answers import KST
from gops.ingest.feeds.names import feed_of
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.model import Datastream
from gops.sensors.properties import seed
from gops.sensors.things import Things
from gops.settings import Settings
from gops.store.duckdb import DuckdbStore
from gops.store.port import READINGS
from tests.conftest import People
from tests.unit.catalog.conftest import COMPLETE

FILE = "seoul-bike-weather-2017-2018.csv"
ROWS = 8760
# CSV column -> (observed property, UCUM unit, kind)
COLUMNS = {
    "Rented Bike Count": ("rented_bikes", "{bike}", "amount"),
    "Temperature": ("temperature", "Cel", "gauge"),
    "Humidity(%)": ("humidity", "%", "gauge"),
    "Wind speed (m/s)": ("wind_speed", "m/s", "gauge"),
    "Visibility (10m)": ("visibility", "dam", "gauge"),
    "Dew point temperature": ("dew_point", "Cel", "gauge"),
    "Solar Radiation (MJ/m2)": ("solar_radiation", "MJ/m2", "amount"),
    "Rainfall(mm)": ("rainfall", "mm", "amount"),
    "Snowfall (cm)": ("snowfall", "cm", "gauge"),
}

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def source() -> list[dict[str, str]]:
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA names no folder of real data")
    with (Path(folder) / FILE).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    return rows


def moment(row: dict[str, str]) -> int:
    day = datetime.strptime(row["Date"], "%d/%m/%Y").replace(hour=int(row["Hour"]), tzinfo=KST)
    return to_micros(day)


def test_the_download_equals_the_source(
    source: list[dict[str, str]], database: Database, clock: FixedClock, settings: Settings, people: People
) -> None:
    with database.write() as session:
        seed(session)
    home = people.organisation("seoul")
    actor = people.actor(home, "publisher")
    accounts: Any = lookup
    thing = Things(database, clock, settings, accounts).create(actor, "seoul", "서울")
    declared = Datastreams(database, clock, settings, accounts, lambda _one: False)
    ids = {
        column: declared.create(actor, thing.id, "KMA", key, unit=unit, kind=kind, period="PT1H").id
        for column, (key, unit, kind) in COLUMNS.items()
    }
    store = DuckdbStore(settings.data / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=100)
    for column, one in ids.items():
        rows = {
            "datastream": [one] * ROWS,
            "t": [moment(row) for row in source],
            "value": [float(row[column]) for row in source],
            "text": [None] * ROWS,
            "quality": [0] * ROWS,
            "result_time": [None] * ROWS,
        }
        store.write(pa.table(rows, schema=READINGS), "replace")
    datasets = Datasets(database, clock, settings, feed_of)
    described: Any = COMPLETE
    datasets.create(actor, "seoul", "seoul-year", datastreams=list(ids.values()), described=described)
    datasets.publish(actor, "seoul-year")
    with database.read() as session:
        assert all(session.scalars(select(Datastream.public)))

    contents = Catalogued(database).contents(ANONYMOUS, "seoul-year")
    live = LiveTable(store, contents.members, Asked(KST), lambda _read, _enough: ROWS)
    ask = Ask(["time", "thing", "property", "value", "unit", "quality"])
    schema, about = schema_of(live, ask), Written({})
    begun = time.perf_counter()
    body = b"".join(pieces(FORMS["csv"], schema, live.scan(ask), about)).partition(b"\n")[2]
    took = time.perf_counter() - begun
    found = {
        (row[0], row[2]): (float(row[3]), row[4], row[5]) for row in csv.reader(io.StringIO(body.decode(), newline=""))
    }
    expected = {
        (datetime.fromtimestamp(moment(row) / 1e6, KST).isoformat(), key): (float(row[column]), unit, "good")
        for row in source
        for column, (key, unit, _kind) in COLUMNS.items()
    }
    assert len(found) == ROWS * len(COLUMNS)
    assert found == expected
    table = pq.read_table(io.BytesIO(b"".join(pieces(FORMS["parquet"], schema, live.scan(ask), about))))
    assert sorted(table["value"].to_pylist()) == sorted(value for value, _unit, _quality in expected.values())
    store.close()
    print(f"\n{len(found):,} rows as CSV in {took:.3f} s, {len(body) / 1e6:.1f} MB")
