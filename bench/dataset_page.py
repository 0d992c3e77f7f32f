"""The page of a dataset over HTTP: Granian with one worker, one client, one connection; made anew, and as it is kept.

The dataset has 20 Datastreams with a reading every ten minutes for two weeks. Each request of
"made anew" asks for a property that was not asked for before, so that nothing of the page was kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from bench._dataset import SLUG, publish
from bench._mqtt import fill, mosquitto
from bench._store import rows, show
from bench.pages import Client, in_turns, served
from gops.clock import MINUTE, SystemClock
from gops.records.database import Database
from gops.settings import load
from gops.store.duckdb import DuckdbStore

STREAMS = 20
READINGS = 14 * 24 * 6
BAR_MS = 15.0


def prepare(folder: Path) -> None:
    streams = np.array(fill(folder, STREAMS).streams)
    database = Database(load({"GOPS_DATA": str(folder)}).records_address)
    publish(database, streams.tolist())
    database.close()
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    first = SystemClock().micros() // MINUTE * MINUTE - READINGS * 10 * MINUTE
    for number in range(READINGS):
        store.write(rows(streams, np.full(len(streams), first + number * 10 * MINUTE), number), "replace")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dataset_page", description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="requests of each kind")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name, mosquitto(Path(name)) as broker:
        folder = Path(name) / "data"
        prepare(folder)
        with served("gops.serving:whole", folder, broker, "/api/v1/health/ready") as port:
            client, number, page = Client(port), count(), f"/datasets/{SLUG}"
            works = {
                "page of a dataset, made anew": (lambda: client.get(f"{page}?property=p{next(number)}"), 0, BAR_MS),
                "page of a dataset, kept": (lambda: client.get(page), 0, BAR_MS),
            }
            sys.exit(0 if show("pages", in_turns(works, asked.times)) else 3)


if __name__ == "__main__":
    main()
