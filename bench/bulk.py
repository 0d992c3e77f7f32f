"""Rows a second of a push over HTTP, 1 % of them bad, beside DuckDB's own COPY of the same file and other engines.

The file has 1,000,000 rows (``--full``: 10,000,000) of 1,000 Datastreams, moment by moment as devices send; in one of
100 the value or the time is none (in Parquet: an infinite value or a Datastream that is not there). GOPS takes it in at
``POST /api/v1/observations``: every row is checked, the bad ones are counted and told, the others are on disk when it
answers. DuckDB copies the file into a table of a database file, passing bad rows over (of Parquet it takes them all),
and ends with a checkpoint. Push and COPY take turns, ``--times`` each (3): medians are told. The peers get good rows
alone, in their own formats, prepared before. Seconds in brackets are of the processor, the least of all times: on a
busy machine they say more. Exits with 3 when a bar is missed.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from bench import _peers
from bench._fleet import SERIES
from bench._gops import Gops
from bench._servers import cpu_seconds
from bench.footprint import resident_mb
from gops.accounts.granting import KeyMaker, Wish
from gops.accounts.model import Membership, Organisation, Person
from gops.clock import DAY, SECOND, SystemClock
from gops.records.database import Database
from gops.settings import load

SHARE = 0.20  # of COPY's rows a second that a push must reach
ROW_SECONDS = 10
SPAN_DAYS = 40  # from the begin of one file to that of the next; 10,000,000 rows are 28 hours
BAD_EVERY = 100
MEDIA = {"csv": "text/csv", "ndjson": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}


def good_rows(size: int, start: int) -> pa.Table:
    """Columns of the store: ``size`` readings of 1,000 Datastreams, one every 10 s each."""
    n = np.arange(size)
    chance = np.random.default_rng(7)
    return pa.table(
        {
            "datastream": n % SERIES + 1,
            "t": start + n // SERIES * ROW_SECONDS * SECOND,
            "value": np.round(chance.random(size) * 100, 1),
            "quality": np.zeros(size, np.uint8),
        }
    )


def write_file(path: Path, rows: pa.Table) -> None:
    """The rows with 1 % bad ones, in the format of the file's ending."""
    bad = np.arange(rows.num_rows) % BAD_EVERY == BAD_EVERY - 1
    even = np.arange(rows.num_rows) // BAD_EVERY % 2 == 0
    moments = rows["t"].cast(pa.timestamp("us", "UTC"))
    if path.suffix == ".parquet":
        value = pc.if_else(pa.array(bad & even), float("inf"), rows["value"])
        ids = pc.if_else(pa.array(bad & ~even), 10**9, rows["datastream"])
        pq.write_table(pa.table({"datastream": ids, "time": moments, "value": value}), path)
        return
    seconds = moments.cast(pa.timestamp("s", "UTC"))
    texts = pc.if_else(pa.array(bad & even), "yesterday", pc.strftime(seconds, "%Y-%m-%dT%H:%M:%SZ"))
    values = pc.if_else(pa.array(bad & ~even), "n/a", rows["value"].cast(pa.string()))
    table = pa.table({"datastream": rows["datastream"], "time": texts, "value": values})
    if path.suffix == ".csv":
        arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(quoting_style="none"))
        return
    with path.open("wb") as file:
        for batch in table.to_batches(100_000):
            for ds, t, v in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                value = v if v == "n/a" else float(v)
                file.write(orjson.dumps({"datastream": ds, "time": t, "value": value}) + b"\n")


def key_of(gops: Gops) -> str:
    """A publisher's key."""
    clock, settings = SystemClock(), load({"GOPS_DATA": str(gops.data)})
    database = Database(settings.records_address)
    with database.write() as session:
        home = session.query(Organisation).filter(Organisation.slug != "gops").order_by(Organisation.id.desc()).first()
        assert home is not None
        person = Person(email="bench@example.kr", name="bench", created_at=clock.micros())
        session.add(person)
        session.flush()
        session.add(Membership(person_id=person.id, organisation_id=home.id, role="publisher"))
        session.flush()
        key = KeyMaker(clock, settings).make(session, None, person.id, home.id, Wish("bench", ["data:write"], 1))[1]
    database.close()
    return key


def push(port: int, key: str, path: Path) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": MEDIA[path.suffix[1:]]}
    headers["Content-Length"] = str(path.stat().st_size)
    with path.open("rb") as file:
        connection.request("POST", "/api/v1/observations", file, headers)
        answer = connection.getresponse()
        body = orjson.loads(answer.read())
    connection.close()
    assert answer.status == 200, body
    return dict(body)


def copy(folder: Path, path: Path, rows: int) -> tuple[float, float]:
    """Seconds of DuckDB's COPY and checkpoint, and of the processor in it."""
    database = folder / f"copy-{path.suffix[1:]}.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database), config={"threads": 2}) as connection:
        connection.execute("CREATE TABLE r (datastream BIGINT, time TIMESTAMPTZ, value DOUBLE)")
        options = {".csv": "(FORMAT csv, HEADER, IGNORE_ERRORS)", ".ndjson": "(FORMAT json, IGNORE_ERRORS)"}
        words = options.get(path.suffix, "(FORMAT parquet)")
        begun, used = time.perf_counter(), time.process_time()
        connection.execute(f"COPY r FROM '{path}' {words}")
        connection.execute("CHECKPOINT")
        spent, used = time.perf_counter() - begun, time.process_time() - used
        found = connection.execute("SELECT count(*), count(time), count(value) FROM r").fetchall()[0]
    assert min(found) <= rows, found
    return spent, used


def memory_peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def show(name: str, rows: int, seconds: float, note: str = "") -> None:
    print(f"{name:<42}{rows / seconds:>14,.0f} rows/s {seconds:>8.2f} s  {note}", flush=True)


@dataclass
class Taken:
    """One file pushed and copied: seconds, seconds of the processor, and MB that the push grew by at most."""

    push: float
    push_used: float
    copy: float
    copy_used: float
    grown: float

    @property
    def share(self) -> float:
        return self.copy / self.push


def once(gops: Gops, key: str, path: Path, size: int) -> Taken:
    worker = gops.running.worker()
    Path(f"/proc/{worker}/clear_refs").write_text("5")
    before, used, begun = resident_mb(worker), cpu_seconds(worker), time.perf_counter()
    body = push(gops.running.port, key, path)
    spent, used = time.perf_counter() - begun, cpu_seconds(worker) - used
    assert (body["inserted"], body["refused"]) == (size - size // BAD_EVERY, size // BAD_EVERY), body
    return Taken(spent, used, *copy(path.parent, path, size), memory_peak_mb(worker) - before)


def of_gops(folder: Path, size: int, times: int) -> bool:
    """Pushes of each format in turn, each beside the COPY of the same file; did all reach their share (median)?"""
    gops = Gops(folder)
    key = key_of(gops)
    gops.settle()
    gops.open()
    start = (SystemClock().micros() // DAY - 700) * DAY
    found: dict[str, list[Taken]] = {ending: [] for ending in MEDIA}
    sizes: dict[str, int] = {}
    try:
        for number in range(times * len(MEDIA)):
            ending = list(MEDIA)[number % len(MEDIA)]
            path = folder / f"rows.{ending}"
            write_file(path, good_rows(size, start + number * SPAN_DAYS * DAY))
            sizes[ending] = path.stat().st_size
            found[ending].append(once(gops, key, path, size))
            path.unlink()
    finally:
        gops.close()
    met = [told(ending, sizes[ending], size, taken) for ending, taken in found.items()]
    return all(met)


def told(ending: str, size_bytes: int, rows: int, taken: list[Taken]) -> bool:
    """Medians of seconds, the least of the processor; was the bar met?"""
    share = statistics.median(one.share for one in taken)
    used, copy_used = min(one.push_used for one in taken), min(one.copy_used for one in taken)
    show(
        f"GOPS, push of {ending}, {size_bytes >> 20} MB",
        rows,
        statistics.median(one.push for one in taken),
        f"({used:.2f} s) +{max(one.grown for one in taken):.0f} MB at most",
    )
    show(
        f"DuckDB, COPY of {ending}",
        rows,
        statistics.median(one.copy for one in taken),
        f"({copy_used:.2f} s) GOPS: {share:.0%} of it (bar {SHARE:.0%}), {copy_used / used:.0%} by the processor",
    )
    return share >= SHARE


def of_peer(make: Callable[[Path], Any], folder: Path, rows: pa.Table) -> None:
    peer = make(folder)
    try:
        prepared = peer.prepare(rows)
        begun = time.perf_counter()
        peer.send(prepared)
        show(peer.name, rows.num_rows, time.perf_counter() - begun, "good rows alone")
    finally:
        peer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000,000 rows")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--times", type=int, default=3, choices=range(1, 6))
    chosen = parser.parse_args()
    size = 10_000_000 if chosen.full else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        good = of_gops(Path(name), size, chosen.times)
    if not chosen.no_peers:
        rows = good_rows(1_000_000, (SystemClock().micros() // DAY - 700) * DAY)
        for make in (_peers.Influx, _peers.Victoria, _peers.Postgres):
            with tempfile.TemporaryDirectory() as name:
                Path(name).chmod(0o755)  # PostgreSQL has a user of its own
                of_peer(make, Path(name), rows)
    if not good:
        print(f"MISSED: a push reached less than {SHARE:.0%} of COPY")
        sys.exit(3)


if __name__ == "__main__":
    main()
