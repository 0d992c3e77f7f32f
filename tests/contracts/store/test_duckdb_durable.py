"""What DuckDB's store said was written is there after SIGKILL, a full disk, and a failed instance."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gops.errors import Unavailable
from gops.quality import Quality
from gops.store.port import Delivery, Extent, Read
from tests.contracts.store.conftest import OpenDuckdb
from tests.contracts.store.rows import batch, reading, series

KILLS = 12
HERE = Path(__file__).parent


def command(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"tests.contracts.store.{script}", *map(str, arguments)]


def test_what_was_written_survives_sigkill(tmp_path: Path, open_duckdb: OpenDuckdb) -> None:
    """Killed right after a write returned, again and again on one folder, with checkpoints in between.

    Every reading is there once, its delivery is known, and the version never comes back.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    last, version = -1, -1
    for _ in range(KILLS):
        child = subprocess.Popen(command("writing", tmp_path / "store", last + 1, 4_000), stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        for _ in range(chance.randrange(1, 60)):
            said, version_said = map(int, child.stdout.readline().split())
            assert version_said > version
        child.kill()
        child.wait()
        unread = child.stdout.read().splitlines()
        child.stdout.close()
        said, version = map(int, unread[-1].split()) if unread and b" " in unread[-1] else (said, version_said)
        store = open_duckdb(deliveries_kept=1000)
        found = store.read(Read(series(1, 2)))
        per_datastream = found.num_rows // 2
        assert per_datastream >= said + 1
        assert found["t"].to_pylist() == [*range(per_datastream), *range(per_datastream)]
        assert found["value"].to_pylist()[:per_datastream] == [float(n) for n in range(per_datastream)]
        assert store.extent([3])[3].rows == 5 if said >= 4 else True
        assert store.read(Read(series(3))).num_rows == store.extent([3])[3].rows
        known = store.delivered([Delivery("a", n, n) for n in range(max(0, said - 900), said + 1)])
        assert all(known)
        assert store.version([1]) > version
        store.close()
        last = per_datastream - 1


def fill(folder: Path, file_bytes: int, checkpoint_bytes: int) -> dict[str, object]:
    done = subprocess.run(command("filling", folder, file_bytes, checkpoint_bytes), capture_output=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("file_bytes", "checkpoint_bytes"),
    [(400_000, 100_000_000), (1_500_000, 200_000)],
    ids=["the log can't grow", "a checkpoint can't be written"],
)
def test_a_full_disk_fails_writes_until_there_is_room(
    tmp_path: Path, open_duckdb: OpenDuckdb, file_bytes: int, checkpoint_bytes: int
) -> None:
    """What failed is not there, what was said to be written is, and reading goes on."""
    said = fill(tmp_path / "store", file_bytes, checkpoint_bytes)
    assert said["full_at"] > 0
    assert said["readable"] == 1
    assert len(said["after"]) == 3
    assert said["found"] == said["written"]
    assert said["rows"] == 500 * len(said["written"])
    store = open_duckdb(deliveries_kept=5000)
    assert store.extent([1])[1].rows == said["rows"]
    known = store.delivered([Delivery("a", n, n) for n in range(max(said["written"]) + 1)])
    assert [n for n, is_known in enumerate(known) if is_known] == said["written"]


def test_everything_is_as_before_after_opening_again(open_duckdb: OpenDuckdb) -> None:
    store = open_duckdb()
    rows = [
        reading(1, 10, 1.5, result_time=3),
        reading(1, 20, None, quality=Quality.missing),
        reading(2, 5, text="주차"),
        reading(3, 1, 2.0),
    ]
    store.write(batch(rows), "replace", [Delivery("a", n, -n) for n in range(150)])
    store.delete([3], 0, 10)
    version = store.version([1])
    store.close()
    again = open_duckdb()
    assert again.read(Read(series(1, 2, 3))).to_pylist() == rows[:3]
    assert again.latest([1, 2, 3]).to_pylist() == rows[1:3]
    assert again.extent([1, 2, 3]) == {1: Extent(10, 20, 2), 2: Extent(5, 5, 1)}
    known = again.delivered([Delivery("a", n, -n) for n in range(150)])
    assert known == [False] * 50 + [True] * 100
    assert again.version([1]) >= version
    assert again.version([3]) >= version
    again.write(batch([reading(1, 30, 1.0)]), "replace")
    assert again.version([1]) > version


def test_a_version_never_returns_however_often_the_store_is_opened(open_duckdb: OpenDuckdb) -> None:
    seen = []
    for n in range(3):
        store = open_duckdb()
        for k in range(3):
            store.write(batch([reading(1, n * 10 + k, 1.0)]), "replace")
            seen.append(store.version([1]))
        store.close()
    assert seen == sorted(set(seen))


def test_an_instance_that_failed_is_opened_again(open_duckdb: OpenDuckdb) -> None:
    """A fatal error closes what is being read; the next write and the next read work."""
    store = open_duckdb()
    store.write(batch([reading(1, n, 1.0) for n in range(5000)]), "replace", [Delivery("a", 1, 1)])
    version = store.version([1])
    stream = store.stream(Read(series(1)), rows=100)
    next(stream)
    store._database.invalidate()
    assert store.write(batch([reading(1, 10_000, 1.0)]), "replace").inserted == 1
    assert store.read(Read(series(1))).num_rows == 5001
    assert store.extent([1])[1].rows == 5001
    assert store.delivered([Delivery("a", 1, 1)]) == [True]
    assert store.version([1]) > version
    with pytest.raises(Unavailable):
        list(stream)


def test_one_process_holds_a_folder(tmp_path: Path, open_duckdb: OpenDuckdb) -> None:
    """The second is told who has it; when that one is killed, the folder is free."""
    child = subprocess.Popen(command("writing", tmp_path / "store", 0, 10**9), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    with pytest.raises(Unavailable) as caught:
        open_duckdb()
    assert caught.value.code == "store_held"
    assert str(child.pid) in caught.value.message
    child.kill()
    child.communicate()
    assert open_duckdb().health().ok


def test_the_same_process_does_not_open_a_folder_twice(open_duckdb: OpenDuckdb) -> None:
    open_duckdb()
    with pytest.raises(Unavailable) as caught:
        open_duckdb()
    assert caught.value.code == "store_held"
    assert str(os.getpid()) in caught.value.message


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path, open_duckdb: OpenDuckdb) -> None:
    """And lets go of the folder, so that it can be mended."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "readings.duckdb").write_bytes(b"this is no database" * 1000)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            open_duckdb()
        assert caught.value.code == "unavailable"
    (folder / "readings.duckdb").unlink()
    assert open_duckdb().health().ok
