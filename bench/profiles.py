"""A page of 100 datasets of 20 Datastreams each in the formats of harvesters, and the page of one dataset.

In process: what the facts cost, and each writer; over HTTP: the whole platform in one Granian worker, one client, one
connection. Limit in the same run: rdflib reading our JSON-LD and writing the same Turtle.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
from rdflib import Graph as Rdflib
from sqlalchemy import insert, select

from bench._mqtt import fill, mosquitto
from bench._store import measure, rows, show
from bench.pages import Client, in_turns, served
from gops import logs
from gops.accounts.model import Organisation
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.profiles import dcat, rdfxml, schema_org, turtle
from gops.catalog.profiles.graph import Graph
from gops.catalog.views import Views
from gops.clock import HOUR, SystemClock
from gops.records.database import Database
from gops.sensors.model import Location, Thing
from gops.settings import load
from gops.store.duckdb import DuckdbStore

DATASETS, MEMBERS, HOURS = 100, 20, 24
BARS_MS = {"turtle": 100.0, "page": 15.0}
BASE = "https://gops.example"


def prepare(folder: Path) -> None:
    """Published datasets, their Datastreams with places and a day of readings."""
    streams = fill(folder, DATASETS * MEMBERS).streams
    database, now = Database(load({"GOPS_DATA": str(folder)}).records_address), SystemClock().micros()
    with database.write() as session:
        home = session.scalars(select(Organisation)).first()
        assert home is not None
        session.execute(insert(Dataset), [_dataset(home.id, number, now) for number in range(DATASETS)])
        ids = list(session.scalars(select(Dataset.id).order_by(Dataset.id)))
        held = [{"dataset_id": ids[at // MEMBERS], "datastream_id": one} for at, one in enumerate(streams)]
        session.execute(insert(DatasetDatastream), held)
        things = session.scalars(select(Thing.id)).all()
        places = [
            {"thing_id": one, "longitude": 127 + one % 100 / 1e3, "latitude": 37.2, "since": 0, "name": ""}
            for one in things
        ]
        session.execute(insert(Location), places)
    database.close()
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    for hour in range(HOURS):
        store.write(rows(np.array(streams), np.full(len(streams), now - (HOURS - hour) * HOUR), hour), "replace")
    store.close()


def _dataset(owner: int, number: int, now: int) -> dict[str, object]:
    return {
        "organisation_id": owner, "slug": f"air-{number}", "state": "published", "kind": "live", "follow": False,
        "revision": 1, "title_ko": f"시 대기질 측정값 {number}", "title_en": f"Air quality {number}",
        "description_ko": "도로변과 주거지의 측정소에서 잰 시간 평균값이며, 이상값은 부서에서 확인한 뒤 표시합니다.",
        "description_en": "Hourly means of stations at roads and in quarters; what is out of range is flagged.",
        "licence": "kogl-1", "theme": "environment", "keywords": ["대기질", "미세먼지", "PM10"], "frequency": "hourly",
        "contact_name": "환경과", "contact_email": "air@city.example", "personal_data": "none",
        "created_at": now, "modified_at": now, "published_at": now,
    }  # fmt: skip


def in_process(folder: Path, times: int) -> bool:
    chosen, clock = load({"GOPS_DATA": str(folder)}), SystemClock()
    database = Database(chosen.records_address)
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    views = Views(database, clock, chosen, store, lambda _session, _ids: {})
    facts = views.catalog(BASE, limit=DATASETS)
    document, kept = dcat.catalog(facts), turtle.Catalogs()
    text = orjson.dumps(document)
    one = views.stated(BASE, views.newest(1, 0))

    def counted(work: Callable[[], object]) -> Callable[[], int]:
        def run() -> int:
            work()
            return DATASETS

        return run

    def by_rdflib() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            Rdflib().parse(text, format="json-ld").serialize(format="turtle")
        return DATASETS

    works: list[tuple[str, Callable[[], object]]] = [
        ("facts, from records and store", lambda: views.catalog(BASE, limit=DATASETS)),
        ("nodes of JSON-LD", lambda: dcat.catalog(facts)),
        ("Turtle of the nodes", lambda: turtle.write(Graph(document))),
        ("Turtle of the facts, kept by dataset", lambda: kept.write(facts)),
        ("RDF/XML of the nodes", lambda: rdfxml.write(Graph(document))),
        ("schema.org of one", lambda: schema_org.dataset(one, "ko")),
    ]
    figures = [measure(name, counted(work), times) for name, work in works]
    figures.append(measure("rdflib: read the JSON-LD, write Turtle", by_rdflib, max(3, times // 20)))
    met = show(f"{DATASETS} datasets in process, {len(text) / 1e3:,.0f} kB of JSON-LD", figures)
    store.close()
    database.close()
    return met


def over_http(folder: Path, times: int) -> bool:
    with (
        mosquitto(folder.parent) as broker,
        served("gops.serving:whole", folder, broker, "/api/v1/health/ready") as port,
    ):
        client = Client(port)
        etag = client.etag(f"/catalog.ttl?limit={DATASETS}")
        works: dict[str, tuple[Callable[[], float], int, float | None]] = {
            "Turtle": (lambda: client.get(f"/catalog.ttl?limit={DATASETS}"), DATASETS, BARS_MS["turtle"]),
            "RDF/XML": (lambda: client.get(f"/catalog.rdf?limit={DATASETS}"), DATASETS, None),
            "JSON-LD": (lambda: client.get(f"/catalog.jsonld?limit={DATASETS}"), DATASETS, None),
            "Turtle, known (304)": (
                lambda: client.get(f"/catalog.ttl?limit={DATASETS}", 304, **{"If-None-Match": etag}),
                DATASETS,
                None,
            ),
            "package_search, 100 rows": (lambda: client.get("/api/3/action/package_search?rows=100"), DATASETS, None),
            "quality of a dataset": (lambda: client.get("/api/v1/datasets/air-7/quality"), 1, None),
            "page of a dataset": (lambda: client.get("/datasets/air-7"), 1, BARS_MS["page"]),
        }
        return show("over HTTP", in_turns(works, times))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profiles", description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="of each")
    parser.add_argument("--full", action="store_true", help="300 of each")
    asked = parser.parse_args()
    times = 300 if asked.full else asked.times
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        folder = Path(name) / "data"
        prepare(folder)
        met = in_process(folder, times)
        met &= over_http(folder, times)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
