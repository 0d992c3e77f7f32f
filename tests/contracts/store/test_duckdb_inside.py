"""The inside of DuckDB's store: locked down, private, concurrent, bounded."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from gops.errors import TooLarge, Unavailable
from gops.store.duckdb.commits import Commits
from gops.store.duckdb.database import Database, rows
from gops.store.duckdb.deliveries import SLACK, Deliveries
from gops.store.duckdb.standing import GAP, SPANS, spans
from gops.store.duckdb.writer import Act, Write, Writer
from gops.store.port import READINGS, Delivery, Read, Windows
from tests.contracts.store.conftest import OpenDuckdb
from tests.contracts.store.rows import batch, reading, series


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store", memory_mb=256, threads=2)
    yield opened
    opened.release()


# locked down


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM '{outside}'",
        "SELECT * FROM read_text('{folder}/../secret.csv')",
        "SELECT * FROM glob('{folder}/../*')",
        "SELECT * FROM read_parquet('{outside}')",
        "SELECT * FROM read_parquet(['{folder}/sealed/../../secret.csv'])",
        "SELECT * FROM parquet_metadata('{folder}/sealed/broken/../../../secret.csv')",
        "COPY reading TO '{folder}/../out.csv'",
        "COPY reading TO '{folder}/../out.parquet' (FORMAT parquet)",
        "COPY FROM DATABASE readings TO '{folder}/../out'",
        "COPY reading FROM '{outside}'",
        "EXPORT DATABASE '{folder}/../out'",
        "ATTACH '{folder}/../other.duckdb'",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SELECT * FROM local_variable",
    ],
)
def test_sql_reaches_nothing_outside(database: Database, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    local_variable = pa.table({"a": [1]})
    assert local_variable.num_rows == 1
    cursor = database.take()
    with pytest.raises(duckdb.Error):
        cursor.connection.execute(sql.format(outside=tmp_path / "secret.csv", folder=tmp_path / "store")).fetchall()
    database.give_back(cursor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv", "store"]


def test_arrow_tables_can_still_be_handed_over(database: Database) -> None:
    with database.lend() as connection:
        connection.register("given", pa.table({"a": [1, 2]}))
        assert rows(connection, "SELECT sum(a) FROM given") == [(3,)]


def test_files_are_private_whatever_the_umask(open_duckdb: OpenDuckdb, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_duckdb()
        store.write(batch([reading(1, 1, 1.0)]), "replace")
        store.write(batch([reading(1, 2, 1.0)]), "replace")
        store.health()
    finally:
        os.umask(before)
    paths = [tmp_path / "store", *(tmp_path / "store").iterdir()]
    assert len(paths) == 6
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


# the queue


class RefusingCommits:
    """Commits that fail for every batch with a 666 in it, and note what was committed together."""

    def __init__(self) -> None:
        self.groups: list[list[float]] = []

    def write(self, given: pa.Table, keep: Any, deliveries: Sequence[Delivery]) -> Any:
        values = given["value"].to_pylist()
        if 666.0 in values:
            raise duckdb.IOException("disk full")
        self.groups.append(values)
        return np.zeros(given.num_rows, np.uint8)

    def load(self) -> None:
        pass

    def tidy(self, idle: bool) -> None:
        pass


@pytest.fixture
def commits() -> RefusingCommits:
    return RefusingCommits()


@pytest.fixture
def writer(database: Database, commits: RefusingCommits) -> Iterator[Writer]:
    made = Writer(database, commits, limit=4, patience_s=0.05)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def held(writer: Writer) -> Iterator[threading.Event]:
    """The writer is busy until this is set."""
    busy, free = threading.Event(), threading.Event()

    def hold(_commits: object) -> None:
        busy.set()
        free.wait(10)

    writer.submit(Act(hold))
    assert busy.wait(10)
    yield free
    free.set()


def write_of(value: float) -> Write:
    return Write(batch([reading(1, 1, value)]), False, ())


def test_what_waits_is_committed_together(writer: Writer, commits: RefusingCommits, held: threading.Event) -> None:
    requests = [write_of(1.0), write_of(2.0), write_of(3.0)]
    for request in requests:
        writer.submit(request)
    held.set()
    assert [request.future.result(5).inserted for request in requests] == [1, 1, 1]
    assert commits.groups == [[1.0, 2.0, 3.0]]


def test_a_request_that_fails_does_not_fail_its_neighbours(
    writer: Writer, commits: RefusingCommits, held: threading.Event
) -> None:
    requests = [write_of(1.0), write_of(666.0), write_of(3.0)]
    for request in requests:
        writer.submit(request)
    held.set()
    assert requests[0].future.result(5).inserted == 1
    with pytest.raises(Unavailable) as caught:
        requests[1].future.result(5)
    assert caught.value.code == "store_write"
    assert "disk full" not in caught.value.message
    assert requests[2].future.result(5).inserted == 1
    assert commits.groups == [[1.0], [3.0]]


def test_a_full_queue_says_which_setting_bounds_it(writer: Writer, held: threading.Event) -> None:
    for n in range(4):
        writer.submit(write_of(float(n)))
    with pytest.raises(Unavailable) as caught:
        writer.submit(write_of(5.0))
    assert caught.value.code == "store_busy"
    assert "store_queue" in caught.value.message
    assert caught.value.found == 4
    held.set()


def test_a_cancelled_request_is_not_written(writer: Writer, commits: RefusingCommits, held: threading.Event) -> None:
    requests = [write_of(1.0), write_of(2.0)]
    for request in requests:
        writer.submit(request)
    assert requests[0].future.cancel()
    held.set()
    requests[1].future.result(5)
    assert commits.groups == [[2.0]]


def test_the_writer_outlives_what_nobody_foresaw(writer: Writer) -> None:
    def fail(_commits: object) -> None:
        raise ZeroDivisionError("secret detail")

    act = Act(fail)
    writer.submit(act)
    with pytest.raises(Unavailable) as caught:
        act.future.result(5)
    assert "secret" not in caught.value.message
    request = write_of(1.0)
    writer.submit(request)
    assert request.future.result(5).inserted == 1


# reading beside writing


LATER = 10**6


def test_readers_see_whole_commits_only(open_duckdb: OpenDuckdb) -> None:
    """Two Datastreams are always written together, newer each time: no reader ever finds them apart."""
    store = open_duckdb()
    done = threading.Event()
    apart: list[object] = []

    def look(found: pa.Table) -> None:
        half = found.num_rows // 2
        times, values = found["t"].to_pylist(), found["value"].to_pylist()
        if [t + LATER for t in times[:half]] != times[half:] or values[:half] != values[half:]:
            apart.append(found.to_pylist())

    def read_on(of: Sequence[int]) -> None:
        while not done.is_set():
            look(store.read(Read(series(*of))))
            look(store.read(Read(series(*of), limit=10_000)))
            look(pa.Table.from_batches(store.stream(Read(series(*of))), READINGS))
            look(store.latest(of))
            counts = store.aggregate(Windows(series(*of), [0, 10**9], ["last"], fill=True)).to_pylist()
            if counts[0]["count"] != counts[1]["count"] or counts[0]["last"] != counts[1]["last"]:
                apart.append(counts)

    readers = [threading.Thread(target=read_on, args=([1, 2],)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(200):
        pairs = [(one, t + later, v) for one, later in ((1, 0), (2, LATER)) for t, v in ((n, 1.0 * n), (0, -1.0 * n))]
        store.write(batch([reading(one, t, v) for one, t, v in pairs]), "replace")
    done.set()
    for reader in readers:
        reader.join()
    assert apart == []


def test_many_writers_lose_nothing(open_duckdb: OpenDuckdb) -> None:
    store = open_duckdb(queue=4)

    def write_on(datastream: int) -> None:
        for n in range(50):
            store.write(batch([reading(datastream, n, float(n)), reading(99, 1, float(n))]), "replace")

    writers = [threading.Thread(target=write_on, args=(one,)) for one in range(1, 5)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [extent.rows for extent in store.extent([1, 2, 3, 4, 99]).values()] == [50, 50, 50, 50, 1]
    assert store.read(Read(series(1, 2, 3, 4, 99))).num_rows == 201


def test_closing_ends_streams(open_duckdb: OpenDuckdb) -> None:
    store = open_duckdb()
    store.write(batch([reading(1, n, 1.0) for n in range(5000)]), "replace")
    stream = store.stream(Read(series(1)), rows=10)
    next(stream)
    store.close()
    with pytest.raises(Unavailable):
        next(stream)
    assert open_duckdb().extent([1])[1].rows == 5000


# bounds


def test_a_question_too_large_names_the_setting(tmp_path: Path) -> None:
    database = Database(tmp_path / "store", memory_mb=64, threads=1)
    with pytest.raises(TooLarge) as caught, database.lend() as connection:
        rows(connection, "SELECT list(range) FROM range(100_000_000)")
    assert caught.value.code == "store_memory"
    assert "store_memory_mb" in caught.value.message
    database.release()


def test_a_large_question_spills_inside_the_folder(tmp_path: Path) -> None:
    database = Database(tmp_path / "store", memory_mb=64, threads=2)
    sorting = "SELECT row_number() OVER (ORDER BY hash(range)) AS place FROM range(4_000_000)"
    with database.lend() as connection:
        assert rows(connection, f"SELECT count(*), max(place) FROM ({sorting})") == [(4_000_000, 4_000_000)]
    database.release()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_deliveries_on_disk_are_swept(database: Database) -> None:
    deliveries = Deliveries(kept=5)
    cursor = database.take()
    for first in range(0, SLACK + 100, 100):
        given = [Delivery("a", n, n) for n in range(first, first + 100)]
        deliveries.write(cursor.connection, given)
        deliveries.remember(given)
    deliveries.sweep(cursor.connection)
    assert rows(cursor.connection, "SELECT packet_id FROM delivery ORDER BY seq") == [
        (n,) for n in range(SLACK + 95, SLACK + 100)
    ]
    again = Deliveries(kept=5)
    again.load(cursor.connection)
    assert again.known([Delivery("a", SLACK + 99, SLACK + 99), Delivery("a", 0, 0)]) == [True, False]


def test_a_long_log_becomes_a_checkpoint(database: Database) -> None:
    commits = Commits(database, Deliveries(10), checkpoint_bytes=50_000)
    commits.load()
    sizes = []
    for n in range(20):
        given = batch([reading(1, n * 1000 + k, float(k)) for k in range(500)])
        commits.write(given, np.zeros(500, bool), ())
        commits.tidy(idle=True)
        sizes.append(commits.log_bytes())
    assert max(sizes) < 100_000
    assert 0 in sizes


def test_a_busy_store_checkpoints_later(database: Database) -> None:
    commits = Commits(database, Deliveries(10), checkpoint_bytes=20_000)
    commits.load()
    sizes = []
    for n in range(12):
        given = batch([reading(1, n * 1000 + k, float(k)) for k in range(500)])
        commits.write(given, np.zeros(500, bool), ())
        commits.tidy(idle=False)
        sizes.append(commits.log_bytes())
    assert max(sizes) > 60_000
    assert 0 in sizes


def test_late_rows_are_looked_up_around_themselves_only() -> None:
    times = np.array([0, 5, 10 * GAP, 10 * GAP + 7])
    assert spans(times) == [(0, 5), (10 * GAP, 10 * GAP + 7)]
    assert spans(times[:1]) == [(0, 0)]
    assert len(spans(np.arange(1000) * 2 * GAP)) == SPANS
