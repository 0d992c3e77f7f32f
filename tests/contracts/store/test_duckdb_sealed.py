"""Sealed files of DuckDB's store: kills at every step, broken files, full disks, backups; nothing lost or doubled."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gops.clock import DAY
from gops.errors import Conflict, Unavailable
from gops.quality import Quality
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Read, Windows
from tests.contracts.store.rows import batch, reading, series
from tests.contracts.store.sealing import (
    ACTS,
    BEFORE,
    DAYS,
    FILE_ROWS,
    LATE,
    PER_DAY,
    START,
    Kept,
    all_commits,
    paced,
    rows,
    twin_of,
)

IDS = (1, 2, 3, 4)
Open = Callable[..., DuckdbStore]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the store of this test's folder, at a time when January 2026 is over."""
    stores: list[DuckdbStore] = []

    def opener(folder: Path | None = None, step: Callable[[str], None] = lambda _: None, **more: int) -> DuckdbStore:
        pace = paced(step, more.get("file_rows", FILE_ROWS))
        stores.append(DuckdbStore(folder or tmp_path / "store", 256, 2, 16, 8, pace=pace))
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


def filled(store: DuckdbStore, days: int = DAYS) -> MemoryStore:
    """Fill it; its twin."""
    twin = MemoryStore()
    for day in range(days):
        store.write(batch(rows(day, 10.0 * day)), "replace")
        twin.write(batch(rows(day, 10.0 * day)), "replace")
    return twin


def check_alike(store: DuckdbStore, twin: MemoryStore) -> None:
    expected = twin.read(Read(series(*IDS))).to_pylist()
    assert store.read(Read(series(*IDS))).to_pylist() == expected
    assert [row for part in store.stream(Read(series(*IDS)), 4) for row in part.to_pylist()] == expected
    assert store.extent(IDS) == twin.extent(IDS)
    assert store.latest(IDS).equals(twin.latest(IDS))
    days = Windows(series(*IDS), [START + n * DAY for n in range(DAYS + 1)], ["max", "last"])
    assert store.aggregate(days).equals(twin.aggregate(days))


# kills


@pytest.mark.parametrize("act", ACTS)
def test_what_a_kill_leaves_at_any_step_is_all_there_once(tmp_path: Path, opened: Open, act: str) -> None:
    """The folder is copied at each step, which is what a kill leaves; before and after the work is taken up again."""
    left: list[tuple[str, int]] = []

    before = len(BEFORE) + (len(LATE) if act != "seal" else 0)

    def copy(step: str) -> None:
        shutil.copytree(tmp_path / "store", tmp_path / str(len(left)))
        left.append((step, before + 2 * len(left)))

    kept = Kept(tmp_path / "store", act, copy)
    check_alike(kept.store, twin_of(kept.committed))
    kept.store.close()
    steps = {"begun", "frozen", "written", "named", "summed up", "installed", "swept"}
    assert {step for step, _ in left} == (steps if act == "merge" else steps | {"purged"})
    for n, (_, commits) in enumerate(left):
        twin = twin_of(kept.committed[:commits])
        store = opened(tmp_path / str(n))
        check_alike(store, twin)
        assert store.check(deep=True) == []
        store.seal(START + DAY)
        store.merge()
        store.compact()
        check_alike(store, twin)
        assert store.stats().late_rows == 0
        store.close()


@pytest.mark.parametrize("act", ACTS)
def test_a_process_that_is_killed_leaves_all_that_was_committed(tmp_path: Path, opened: Open, act: str) -> None:
    steps = random.randrange(6)
    print(f"killed after {steps} steps")
    command = [sys.executable, "-m", "tests.contracts.store.sealing", str(tmp_path / "store"), str(steps), act]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    commits = len(BEFORE) + (len(LATE) if act != "seal" else 0) + 2 * done.stdout.count(b"step\n")
    check_alike(opened(), twin_of(all_commits(act)[:commits]))


# what lies where


def test_days_become_files_and_months_one(opened: Open) -> None:
    store = opened(file_rows=100)
    twin = filled(store)
    sealed = store.seal(START + (DAYS - 1) * DAY)
    assert [(one.start, one.end, one.rows) for one in sealed] == [
        (START + n * DAY, START + (n + 1) * DAY, PER_DAY) for n in range(DAYS - 1)
    ]
    assert sealed[0].name.startswith("2026-01-01.")
    assert store.seal(START + (DAYS - 1) * DAY) == []
    check_alike(store, twin)
    [month] = store.compact()
    assert (month.start, month.end, month.rows) == (START, START + 31 * DAY, DAYS * PER_DAY)
    assert month.name.startswith("2026-01.")
    assert store.compact() == []
    check_alike(store, twin)
    stats = store.stats()
    assert (stats.hot_rows, stats.late_rows, stats.sealed_rows, stats.datastreams) == (0, 0, DAYS * PER_DAY, 2)
    assert (stats.first, stats.last) == (START, rows(DAYS - 1, 0)[-1]["t"])
    assert list(stats.files) == [month]


def test_a_past_month_without_files_becomes_one(opened: Open) -> None:
    """A replay of years does not make thousands of files."""
    store = opened(file_rows=100)
    twin = filled(store)
    [month] = store.seal()
    assert (month.start, month.end) == (START, START + 31 * DAY)
    check_alike(store, twin)


def test_a_file_is_sorted_and_of_some_datastreams(opened: Open, tmp_path: Path) -> None:
    store = opened()
    filled(store)
    names = [one.name for one in store.seal(START + DAY)]
    assert len(names) == 2
    for name in names:
        found = pq.read_table(tmp_path / "store" / "sealed" / name).to_pylist()
        assert found == sorted(found, key=lambda row: (row["datastream"], row["t"]))
        assert len({row["datastream"] for row in found}) == 1


def test_many_rows_of_one_datastream_are_cut_by_time(opened: Open) -> None:
    store, twin = opened(), MemoryStore()
    given = batch([reading(1, START + n, float(n)) for n in range(23)])
    for one in (store, twin):
        one.write(given, "replace")
    sizes = [one.rows for one in store.seal()]
    assert sum(sizes) == 23
    assert len(sizes) == 5
    assert max(sizes) <= FILE_ROWS
    check_alike(store, twin)
    for one in (store, twin):
        one.write(batch([reading(1, START + 3, 99.0), reading(2, START + 3, 1.0)]), "replace")
    store.merge()
    check_alike(store, twin)


def test_only_files_with_late_rows_are_written_anew(opened: Open) -> None:
    store = opened()
    twin = filled(store)
    before = {one.name for one in store.seal()}
    for one in (store, twin):
        one.write(batch([reading(2, START, 7.0)]), "replace")
    assert store.stats().late_rows == 1
    after = {one.name for one in store.merge()}
    kept = before & {one.name for one in store.stats().files}
    assert after
    assert kept
    assert store.stats().late_rows == 0
    assert store.merge() == []
    check_alike(store, twin)


def test_corrections_reach_sealed_days(opened: Open) -> None:
    """And are counted, whatever lies beneath them already."""
    store = opened()
    twin = filled(store)
    store.seal(START + 2 * DAY)
    for one in (store, twin):
        assert one.delete([1, 2], START, START + DAY) == PER_DAY
        assert one.delete([1, 2], START, START + DAY) == 0
        assert one.write(batch(rows(0, 70.0)[:2]), "keep").inserted == 2
        assert one.requalify([1], 0, START + 9 * DAY, Quality.suspect) == 2 + (DAYS - 1) * PER_DAY // 2
        assert one.swap(2, START, START + 9 * DAY, batch([reading(2, START, 3.0)]), one.version([2])) == 6
    check_alike(store, twin)
    store.merge()
    check_alike(store, twin)


def test_the_days_of_a_store_stay_where_they_were_made(tmp_path: Path) -> None:
    """Whatever offset it is opened with later."""
    for offset in (9 * 3600, 0):
        store = DuckdbStore(tmp_path / "store", 256, 2, 16, 8, day_offset_s=offset)
        store.write(batch([reading(1, START + offset, 1.0)]), "replace")
        found = store.seal(START + 2 * DAY)
        store.close()
        assert all((one.start + 9 * 3_600_000_000) % DAY == 0 for one in found)


def test_deliveries_are_not_forgotten_over_sealing(opened: Open) -> None:
    store = opened()
    store.write(batch(rows(0, 1.0)), "replace", [Delivery("a", 1, 1)])
    store.seal()
    store.close()
    assert opened().delivered([Delivery("a", 1, 1)]) == [True]


# beside readers and writers


def test_a_stream_keeps_its_view_and_its_files(opened: Open, tmp_path: Path) -> None:
    """Files that gave way meanwhile go only when it is done."""
    store = opened()
    twin = filled(store)
    store.seal(START + 2 * DAY)
    before = {path.name for path in (tmp_path / "store" / "sealed").glob("2026*")}
    stream = store.stream(Read(series(*IDS)), rows=1)
    first = next(stream)
    store.write(batch(rows(0, 900.0)), "replace")
    store.merge()
    store.compact()
    assert before <= {path.name for path in (tmp_path / "store" / "sealed").glob("2026*")}
    rest = [row for part in stream for row in part.to_pylist()]
    assert [*first.to_pylist(), *rest] == twin.read(Read(series(*IDS))).to_pylist()
    store.write(batch(rows(0, 901.0)), "replace")
    store.merge()
    assert not before & {path.name for path in (tmp_path / "store" / "sealed").glob("2026*")}


def test_readers_and_writers_go_on_while_it_is_kept_up(opened: Open) -> None:
    """Two Datastreams are always written together, and nobody ever sees one without the other."""
    store = opened()
    apart: list[object] = []
    done = threading.Event()

    def read_on() -> None:
        while not done.is_set():
            values = store.read(Read(series(1, 2)))["value"].to_pylist()
            if values[: len(values) // 2] != values[len(values) // 2 :]:
                apart.append(values)

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(12):
        moments = [START + n * DAY, START + max(0, n - 3) * DAY + n]
        store.write(batch([reading(one, t, float(n)) for one in (1, 2) for t in moments]), "replace")
        store.delete([1, 2], START + (n - 2) * DAY, START + (n - 2) * DAY + 1)
        store.seal(START + (n - 1) * DAY)
        if n % 3 == 0:
            store.merge()
        if n % 5 == 0:
            store.compact()
    done.set()
    for reader in readers:
        reader.join()
    assert apart == []
    assert store.check(deep=True) == []


# faults


def spoil(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    else:
        content = bytearray(path.read_bytes())
        content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
        path.write_bytes(content)


@pytest.mark.parametrize("how", ["missing", "truncated", "overwritten"])
@pytest.mark.parametrize("when", ["while open", "while closed"])
def test_a_broken_file_is_set_aside_and_the_rest_stays_readable(
    opened: Open, tmp_path: Path, how: str, when: str
) -> None:
    """Health names it; late rows of its days and everything of other days are there; new rows can be written."""
    store = opened(file_rows=100)
    twin = filled(store)
    broken = store.seal(START + 2 * DAY)[0].name
    late = batch([reading(1, START, 77.0)])
    for one in (store, twin):
        one.write(late, "replace")
    version = store.version([1, 2])
    if when == "while closed":
        store.close()
    spoil(tmp_path / "store" / "sealed" / broken, how)
    if when == "while closed":
        store = opened(file_rows=100)
    gone = [row for row in rows(0, 0.0) if (row["datastream"], row["t"]) != (1, START)]
    for row in gone:
        twin.delete([row["datastream"]], row["t"], row["t"] + 1)
    check_alike(store, twin)
    assert store.version([1, 2]) > version
    assert broken in str(store.health().detail["problem"])
    assert store.health().ok
    assert [(one.file, one.trouble) for one in store.check()] == [(broken, "set_aside")]
    assert (tmp_path / "store" / "sealed" / "broken" / broken).exists() == (how != "missing")
    for one in (store, twin):
        one.write(batch(gone), "keep")
    store.merge()
    check_alike(store, twin)


def test_a_writer_that_meets_a_broken_file_writes_all_the_same(opened: Open, tmp_path: Path) -> None:
    store = opened(file_rows=100)
    twin = filled(store)
    sealed = store.seal(START + 2 * DAY)
    spoil(tmp_path / "store" / "sealed" / sealed[0].name, "overwritten")
    twin.delete([1, 2], START, START + DAY)
    for one in (store, twin):
        assert one.write(batch(rows(0, 5.0)[:3]), "keep").inserted == 3
    spoil(tmp_path / "store" / "sealed" / sealed[1].name, "truncated")
    twin.delete([1, 2], START + DAY, START + 2 * DAY)
    for one in (store, twin):
        assert one.requalify([1], START, START + 2 * DAY, Quality.suspect) == 3
    check_alike(store, twin)


def test_a_kill_while_a_file_is_set_aside_does_not_remove_it(opened: Open, tmp_path: Path) -> None:
    """The database says already that it does not count, and it still lies where what nobody knows is removed."""
    store = opened(file_rows=100)
    filled(store)
    name = store.seal(START + 2 * DAY)[0].name
    sealed = tmp_path / "store" / "sealed"
    spoil(sealed / name, "truncated")
    left = (sealed / name).read_bytes()
    store.read(Read(series(*IDS)))
    store.close()
    (sealed / "broken" / name).rename(sealed / name)
    opened(file_rows=100)
    assert (sealed / "broken" / name).read_bytes() == left


def test_a_whole_copy_of_a_file_that_was_set_aside_is_taken_back(opened: Open, tmp_path: Path) -> None:
    """Brought from a backup to where the broken one lies; what was written since stands, nothing is there twice."""
    store = opened(file_rows=100)
    twin = filled(store)
    name = store.seal(START + 2 * DAY)[0].name
    path = tmp_path / "store" / "sealed" / name
    content = path.read_bytes()
    spoil(path, "truncated")
    store.read(Read(series(*IDS)))
    aside = tmp_path / "store" / "sealed" / "broken" / name
    store.merge()
    assert aside.exists(), "what is damaged is not taken back"
    for one in (store, twin):
        one.write(batch([reading(1, START, 77.0)]), "replace")
    store.merge()
    aside.unlink()
    aside.write_bytes(content)
    store.merge()
    check_alike(store, twin)
    assert store.check(deep=True) == []
    assert "problem" not in store.health().detail
    assert not aside.exists()
    store.close()
    check_alike(opened(file_rows=100), twin)


def test_a_flipped_bit_is_not_copied(opened: Open, tmp_path: Path) -> None:
    """Compacting compares checksums first, although the file could still be read."""
    store = opened(file_rows=100)
    filled(store)
    name = store.seal(START + 2 * DAY)[0].name
    path = tmp_path / "store" / "sealed" / name
    content = bytearray(path.read_bytes())
    content[-9] ^= 1  # in the name of the program that wrote it
    path.write_bytes(content)
    assert [one.trouble for one in store.check(deep=True)] == ["wrong_checksum"]
    store.compact()
    assert [(one.file, one.trouble) for one in store.check(deep=True)] == [(name, "set_aside")]
    assert store.extent([1])[1].rows == (DAYS - 1) * PER_DAY // 2


def test_files_that_changed_while_others_were_written_are_not_installed(opened: Open, tmp_path: Path) -> None:
    """A file is found broken in between: nothing counts twice, and the next try succeeds."""
    hit = []

    def spoil_once(step: str) -> None:
        if step == "summed up" and store.stats().files and not hit:
            hit.append(store.stats().files[0].name)
            spoil(tmp_path / "store" / "sealed" / hit[0], "truncated")
            store.read(Read(series(*IDS)))

    store = opened(step=spoil_once, file_rows=100)
    twin = filled(store)
    store.seal(START + DAY)
    with pytest.raises(Conflict):
        store.seal(START + 2 * DAY)
    twin.delete([1, 2], START, START + DAY)
    check_alike(store, twin)
    store.seal(START + 2 * DAY)
    check_alike(store, twin)


def test_a_lost_summary_is_made_anew(opened: Open, tmp_path: Path) -> None:
    store = opened()
    twin = filled(store)
    store.seal()
    store.close()
    [summary] = (tmp_path / "store" / "sealed").glob("summary.*")
    summary.write_bytes(b"no such thing")
    store = opened()
    check_alike(store, twin)
    assert [one.trouble for one in store.check()] == ["wrong_checksum"]


def test_what_an_earlier_process_left_behind_goes_at_start(opened: Open, tmp_path: Path) -> None:
    store = opened()
    filled(store)
    store.seal()
    folder = tmp_path / "store"
    left = [
        folder / "sealed" / "2026-01.00000000.parquet",
        folder / "sealed" / "x.parquet.writing",
        folder / "copying.1",
    ]
    for path in left:
        path.write_bytes(b"half")
    assert sorted(one.file for one in store.check()) == ["2026-01.00000000.parquet", "x.parquet.writing"]
    store.close()
    assert opened().check() == []
    assert not any(path.exists() for path in left)


def test_a_full_disk_leaves_hot_rows_and_no_half_file(opened: Open, tmp_path: Path) -> None:
    store = opened(file_rows=100_000)
    given = [reading(1, START + n, n * 0.37, text=f"reading {n * 7919}") for n in range(20_000)]
    store.write(batch(given), "replace")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(Unavailable):
            store.seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "store" / "sealed").glob("*.parquet*")) == []
    assert store.read(Read(series(1))).to_pylist() == given
    store.write(batch([reading(1, START, -1.0)]), "replace")
    assert sum(one.rows for one in store.seal()) == len(given)
    assert store.read(Read(series(1), limit=1))["value"].to_pylist() == [-1.0]
    assert store.extent([1])[1].rows == len(given)


def test_a_file_that_differs_from_what_was_sealed_does_not_count(opened: Open, tmp_path: Path) -> None:
    def spoil_what_is_written(step: str) -> None:
        for path in (tmp_path / "store" / "sealed").glob("*.writing"):
            table = pq.read_table(path)
            pq.write_table(table.slice(1), path)

    store = opened(step=spoil_what_is_written)
    twin = filled(store)
    with pytest.raises(Unavailable) as caught:
        store.seal()
    assert caught.value.code == "seal_differs"
    check_alike(store, twin)
    assert store.stats().files == []


def test_closing_ends_sealing(opened: Open) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(step: str) -> None:
        if step == "written":
            begun.set()
            go_on.wait(10)

    store = opened(step=wait)
    twin = filled(store)
    errors: list[BaseException] = []

    def seal() -> None:
        try:
            store.seal()
        except Unavailable as error:
            errors.append(error)

    sealing = threading.Thread(target=seal)
    sealing.start()
    assert begun.wait(10)
    closing = threading.Thread(target=store.close)
    closing.start()
    go_on.set()
    closing.join(20)
    sealing.join(20)
    assert len(errors) == 1
    check_alike(opened(), twin)


# backups


def test_a_backup_is_the_store_of_one_moment(opened: Open, tmp_path: Path) -> None:
    """With hot, late and sealed rows and deliveries, while it is written; sealed files are linked."""
    store = opened()
    twin = filled(store)
    store.seal(START + 2 * DAY)
    for one in (store, twin):
        one.write(batch(rows(1, 300.0)[:2]), "replace", [Delivery("a", 1, 1)])
        one.delete([2], START, START + DAY)
    done: list[tuple[int, int]] = []

    def progress(now: int, of: int) -> None:
        store.write(batch([reading(9, START + len(done), 1.0)]), "replace")
        done.append((now, of))

    said = store.backup(tmp_path / "copy", progress)
    assert done[-1][0] == done[-1][1] > 0
    assert {**vars(said), "hot_bytes": 0} == {**vars(store.stats()), "hot_bytes": 0} | {
        "hot_rows": said.hot_rows,
        "late_rows": said.late_rows,
        "datastreams": 2,
    }
    for path in (tmp_path / "copy" / "sealed").iterdir():
        assert path.stat().st_nlink == 2
    store.close()
    copy = opened(tmp_path / "copy")
    check_alike(copy, twin)
    assert copy.delivered([Delivery("a", 1, 1)]) == [True]
    assert copy.check(deep=True) == []
    assert {**vars(copy.stats()), "hot_bytes": 0} == {**vars(said), "hot_bytes": 0}
    assert copy.extent([9]) == {}
    copy.merge()
    check_alike(opened(), twin)


def test_a_backup_goes_to_an_empty_folder_only(opened: Open, tmp_path: Path) -> None:
    store = opened()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("not yours")
    with pytest.raises(Conflict) as caught:
        store.backup(tmp_path / "copy")
    assert caught.value.code == "not_empty"
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine"]
