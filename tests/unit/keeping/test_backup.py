"""Backups and restoring, over a store that is a fake; the whole with real parts is in tests/live/test_backup.py."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gops.accounts.model import Organisation
from gops.clock import FixedClock
from gops.errors import Conflict, GopsError, Invalid, Malformed, NotFound
from gops.keeping import manifest
from gops.keeping.life import life_of
from gops.keeping.restore import READY, RESTORING, check, refuse_unfinished, restore
from gops.keeping.service import Keeping
from gops.records.copying import LEAP
from gops.records.database import Database
from gops.settings import Settings, load
from gops.store.memory import MemoryStore
from tests.conftest import People
from tests.unit.keeping.conftest import FILE, SEALED, FilingStore


@pytest.fixture
def filled(keeping: Keeping, people: People) -> Keeping:
    """Records of two organisations, a file of each kind, and leftovers that no backup wants."""
    people.organisation("suwon")
    people.organisation("seongnam")
    for name in ("secrets/ingest", "outbox/1.eml", "outbox/.2", "files/ab/cd/abcd", "files/drafts/half", "admin.sock"):
        path = keeping.settings.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 10_000)
        path.chmod(0o600)
    return keeping


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """Settings of another, empty place."""
    return load({"GOPS_DATA": str(tmp_path / "elsewhere")})


@pytest.fixture
def reopened() -> Iterator[Any]:
    """What opens the store of a restored folder."""
    opened = []

    def opener(_settings: Settings) -> FilingStore:
        opened.append(FilingStore())
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


def backed_up(keeping: Keeping, folder: Path, **options: Any) -> Path:
    return Path(keeping.backup(str(folder), **options)["folder"])


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_backup_has_all_and_a_manifest_of_it(filled: Keeping, folder: Path) -> None:
    made = backed_up(filled, folder)
    assert made.name == "gops-20260501T000000Z"
    held = [
        "data/files/ab/cd/abcd",
        "data/outbox/1.eml",
        "data/records.sqlite",
        "data/secrets/ingest",
        "data/store/readings.duckdb",
        f"data/store/sealed/{FILE.name}",
    ]
    assert names(made) == [*held, "manifest.json"]
    said = manifest.read(made)
    assert sorted(said.files) == held
    assert said.readings.counts["sealed_rows"] == 10
    assert said.records.tables["organisation"] == 2
    assert said.findings == []
    assert [path.name for path in folder.iterdir() if path.name != ".lock"] == [made.name]


def test_only_its_owner_may_read_a_backup(filled: Keeping, folder: Path) -> None:
    """It holds secrets."""
    made = backed_up(filled, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("data/records.sqlite", "data/secrets/ingest", "manifest.json"):
        assert stat.S_IMODE((made / name).stat().st_mode) == 0o600, name


def test_what_is_restored_is_what_was_there(filled: Keeping, folder: Path, empty: Settings, reopened: Any) -> None:
    made = backed_up(filled, folder)
    done = restore(folder, empty, reopened)
    assert done["backup"] == str(made)
    assert names(empty.data) == [
        "files/ab/cd/abcd",
        "outbox/1.eml",
        "records.sqlite",
        "secrets/ingest",
        "store/readings.duckdb",
        f"store/sealed/{FILE.name}",
    ]
    assert stat.S_IMODE((empty.data / "secrets/ingest").stat().st_mode) == 0o600
    assert (empty.data / "files/ab/cd/abcd").read_bytes() == b"files/ab/cd/abcd" * 10_000
    with closing(Database(empty.records_address)) as database, database.read() as session:
        assert sorted(one.slug for one in session.query(Organisation)) == ["seongnam", "suwon"]


def test_ids_given_since_the_backup_are_never_given_again(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any, clock: FixedClock
) -> None:
    backed_up(filled, folder)
    since = People(filled.database, clock).organisation("since")
    restore(folder, empty, reopened)
    with closing(Database(empty.records_address)) as database:
        after = People(database, clock).organisation("after")
        person = People(database, clock).person()
    assert after.id == 2 + LEAP + 1 > since.id
    assert person.id == LEAP + 1


def test_a_restored_folder_lives_anew(filled: Keeping, folder: Path, empty: Settings, reopened: Any) -> None:
    """Versions of readings come again; ETags must not."""
    before = life_of(filled.settings.data)
    assert life_of(filled.settings.data) == before
    backed_up(filled, folder)
    restore(folder, empty, reopened)
    assert life_of(empty.data) != before


@pytest.mark.parametrize(
    "name",
    ["data/records.sqlite", "data/secrets/ingest", "data/store/readings.duckdb", f"data/store/sealed/{FILE.name}"],
)
@pytest.mark.parametrize("damage", ["flip", "cut", "lose"])
def test_a_damaged_byte_is_found_and_nothing_is_put_in_place(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any, name: str, damage: str
) -> None:
    path = backed_up(filled, folder) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    if damage != "lose":
        path.write_bytes(content if damage == "flip" else content[:-1])
    for attempt in (lambda: check(folder), lambda: restore(folder, empty, reopened)):
        with pytest.raises(Invalid) as caught:
            attempt()
        assert (caught.value.code, caught.value.field) == ("backup_damaged", name)
    assert list(empty.data.iterdir()) == []


def test_other_counts_than_the_manifest_says_are_found(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any
) -> None:
    made = backed_up(filled, folder)
    said = manifest.read(made)
    manifest.write(made, replace(said, records=replace(said.records, tables={**said.records.tables, "person": 7})))
    with pytest.raises(Invalid, match="records of the backup"):
        restore(made, empty, reopened)
    manifest.write(made, replace(said, readings=replace(said.readings, counts={**said.readings.counts, "hot_rows": 6})))
    with pytest.raises(Invalid, match="store of the backup"):
        restore(made, empty, reopened)
    assert list(empty.data.iterdir()) == []


def test_nothing_is_overwritten(filled: Keeping, folder: Path, reopened: Any) -> None:
    made = backed_up(filled, folder)
    with pytest.raises(Conflict) as caught:
        restore(made, filled.settings, reopened)
    assert caught.value.code == "data_not_empty"


def test_a_backup_of_a_newer_gops_is_refused(filled: Keeping, folder: Path, empty: Settings, reopened: Any) -> None:
    made = backed_up(filled, folder)
    manifest.write(made, replace(manifest.read(made), format=2))
    with pytest.raises(Invalid) as caught:
        restore(made, empty, reopened)
    assert (caught.value.code, caught.value.found) == ("newer_backup", 2)
    assert not empty.data.exists()


def test_another_engine_is_refused_by_name(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any, tmp_path: Path
) -> None:
    backed_up(filled, folder)
    with pytest.raises(Conflict) as caught:
        restore(folder, replace(empty, store="memory"), reopened)
    assert (caught.value.code, caught.value.expected) == ("other_store", "duckdb")
    with pytest.raises(Conflict) as caught:
        restore(folder, replace(empty, records_url="postgresql+psycopg://a@127.0.0.1/b"), reopened)
    assert caught.value.code == "other_records"


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, NotFound), (b"{", Malformed), (b"[]", Malformed), (b'{"format": 1}', Malformed)],
)
def test_what_is_no_backup_is_told(folder: Path, content: bytes | None, error: type[GopsError]) -> None:
    folder.mkdir()
    if content is not None:
        (folder / manifest.NAME).write_bytes(content)
    with pytest.raises(error):
        check(folder)


@pytest.mark.parametrize("name", ["../x", "data/../../x", "/etc/x", "x", "data"])
def test_a_manifest_leads_nowhere_else(filled: Keeping, folder: Path, name: str) -> None:
    made = backed_up(filled, folder)
    said = json.loads((made / manifest.NAME).read_bytes())
    said["files"][name] = said["files"]["data/secrets/ingest"]
    (made / manifest.NAME).write_text(json.dumps(said))
    with pytest.raises(Malformed, match="outside of the backup"):
        manifest.read(made)


def test_an_interrupted_restore_is_finished_and_no_server_begins_on_it(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any
) -> None:
    """The power goes while files are moved into place."""
    made = backed_up(filled, folder)
    restore(made, empty, reopened)
    whole = names(empty.data)
    staged = empty.data / RESTORING
    (staged / "data").mkdir(parents=True)
    (empty.data / "store").rename(staged / "data" / "store")
    (staged / READY).write_text(str(made))
    with pytest.raises(Conflict) as caught:
        refuse_unfinished(empty.data)
    assert caught.value.code == "restore_unfinished"
    restore(folder, empty, reopened)
    assert names(empty.data) == whole
    refuse_unfinished(empty.data)


def test_a_restore_interrupted_before_begins_anew(
    filled: Keeping, folder: Path, empty: Settings, reopened: Any
) -> None:
    backed_up(filled, folder)
    (empty.data / RESTORING / "data").mkdir(parents=True)
    (empty.data / RESTORING / "data" / "half").touch()
    restore(folder, empty, reopened)
    assert "half" not in names(empty.data)


def test_a_sealed_file_that_was_damaged_before_is_told(filled: Keeping, filing: FilingStore, folder: Path) -> None:
    filing.files, filing.aside = [replace(FILE, sha256="0" * 64)], ["2026-03.parquet"]
    made = filled.backup(str(folder))
    assert made["findings"] == [
        "2026-03.parquet: set aside, not in this backup",
        f"{FILE.name}: found {FILE.sha256}, expected {'0' * 64}",
    ]


def test_what_never_changes_is_linked_and_what_did_not_change_is_shared(
    filled: Keeping, folder: Path, clock: FixedClock
) -> None:
    first = backed_up(filled, folder)
    clock.move(days=1)
    second = backed_up(filled, folder)
    inode = (filled.settings.data / "files/ab/cd/abcd").stat().st_ino
    assert (second / "data/files/ab/cd/abcd").stat().st_ino == inode
    sealed = f"data/store/sealed/{FILE.name}"
    assert (first / sealed).stat().st_ino == (second / sealed).stat().st_ino
    assert (first / "data/secrets/ingest").stat().st_ino != (filled.settings.data / "secrets/ingest").stat().st_ino


def test_a_damaged_backup_is_not_shared_with_the_next(filled: Keeping, folder: Path, clock: FixedClock) -> None:
    sealed = f"data/store/sealed/{FILE.name}"
    (backed_up(filled, folder) / sealed).write_bytes(SEALED[::-1])
    clock.move(days=1)
    assert (backed_up(filled, folder) / sealed).read_bytes() == SEALED


def test_the_oldest_go_and_those_of_others_stay(filled: Keeping, folder: Path, clock: FixedClock) -> None:
    made = []
    for _ in range(4):
        made.append(backed_up(filled, folder).name)
        clock.move(days=1)
    foreign = folder / "gops-20200101T000000Z"
    foreign.mkdir()
    manifest.write(foreign, replace(manifest.read(folder / made[0]), life="another"))
    broken = folder / "gops-20200102T000000Z"
    broken.mkdir()
    (broken / manifest.NAME).write_text("{")
    done = filled.backup(str(folder), keep=2)
    assert done["removed"] == made[:3]
    assert sorted(path.name for path in folder.iterdir() if path.name != ".lock") == [
        foreign.name,
        broken.name,
        made[3],
        Path(done["folder"]).name,
    ]


def test_the_newest_without_damage_stays(filled: Keeping, filing: FilingStore, folder: Path, clock: FixedClock) -> None:
    """Night after night the same damaged file is backed up: the last backup that has it whole is not given up."""
    made = []
    for _ in range(2):
        made.append(backed_up(filled, folder).name)
        clock.move(days=1)
    filing.aside = ["2026-03.parquet"]
    removed = []
    for _ in range(4):
        removed += filled.backup(str(folder), keep=2)["removed"]
        clock.move(days=1)
    assert made[0] in removed
    assert made[1] not in removed
    assert len(removed) == 3
    filing.aside = []
    assert made[1] in filled.backup(str(folder), keep=2)["removed"]


def test_a_failed_backup_leaves_nothing(filled: Keeping, filing: FilingStore, folder: Path) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    filing.during = fail
    with pytest.raises(GopsError, match="No space left"):
        filled.backup(str(folder))
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_the_leftover_of_a_killed_backup_is_removed(filled: Keeping, folder: Path) -> None:
    (folder / ".gops-20260430T000000Z.part" / "data").mkdir(parents=True)
    made = backed_up(filled, folder)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", made.name]


def test_two_backups_in_one_folder_do_not_meet(filled: Keeping, filing: FilingStore, folder: Path) -> None:
    caught: list[str] = []

    def meanwhile() -> None:
        filing.during = lambda: None
        with pytest.raises(Conflict) as found:
            Keeping(filled.settings, filled.clock, filing, filled.database).backup(str(folder))
        caught.append(found.value.code)

    filing.during = meanwhile
    backed_up(filled, folder)
    assert caught == ["backup_busy"]


def test_a_backup_within_the_data_folder_is_refused(filled: Keeping) -> None:
    for inside in (filled.settings.data, filled.settings.data / "backups", filled.settings.data.parent):
        with pytest.raises(Invalid) as caught:
            filled.backup(str(inside))
        assert caught.value.code == "backup_inside"


def test_an_engine_without_files_is_left_to_its_own_means(filled: Keeping, folder: Path) -> None:
    made = Keeping(replace(filled.settings, store="memory"), filled.clock, MemoryStore(), filled.database)
    assert made.backup(str(folder))["readings"] == {"engine": "memory", "counts": {}}


def test_records_are_copied_while_somebody_writes(filled: Keeping, folder: Path, people: People) -> None:
    """One state of all tables: what is not committed is not in it."""
    path = filled.settings.data / "records.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE organisation SET name_en = 'later'")
        made = backed_up(filled, folder)
        writer.execute("COMMIT")
    with closing(sqlite3.connect(made / "data" / "records.sqlite")) as copy:
        assert {row[0] for row in copy.execute("SELECT name_en FROM organisation")} == {
            "Organisation 1",
            "Organisation 2",
        }


def test_a_folder_that_cannot_be_read_is_not_left_out(filled: Keeping, folder: Path) -> None:
    """A link that leads to itself stands for a folder without permission, which root can read."""
    loop = filled.settings.data / "loop"
    loop.symlink_to(loop)
    with pytest.raises(GopsError, match="symbolic links"):
        filled.backup(str(folder))
