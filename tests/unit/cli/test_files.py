"""``gops files check``: every file is what its hash says, or it is named, and of what it is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from gops.catalog.filed.model import DatasetFile
from gops.catalog.model import Dataset, Snapshot, SnapshotFile
from gops.cli import cli
from gops.clock import FixedClock
from gops.files.folder import FolderFiles, path_of
from gops.files.port import StoredFile
from gops.records.database import Database
from gops.settings import Settings
from tests.conftest import People


@pytest.fixture
def sha256(settings: Settings, database: Database, clock: FixedClock, people_of: Callable[[Database], People]) -> str:
    """Of the one file of a snapshot."""
    draft = FolderFiles(settings.data / "files").begin("test", 100)
    draft.write(b"readings")
    kept = draft.keep()
    now, home = clock.micros(), people_of(database).organisation("suwon")
    with database.write() as session:
        dataset = Dataset(
            organisation_id=home.id, slug="air", state="published", follow=False, revision=1, created_at=now,
            modified_at=now, keywords=[],
        )  # fmt: skip
        session.add(dataset)
        session.flush()
        snapshot = Snapshot(
            dataset_id=dataset.id, number=1, state="complete", asked_at=now, not_before=now, attempts=1, rows_done=1,
            rows_expected=1, bytes=8, manifest_bytes=0,
        )  # fmt: skip
        session.add(snapshot)
        session.flush()
        file = SnapshotFile(snapshot_id=snapshot.id, name="all.parquet", rows=1, start=0, end=1, sha256=kept.sha256)
        file.bytes = kept.bytes
        session.add(file)
    return kept.sha256


def test_a_damaged_file_is_named_with_its_snapshot(
    settings: Settings, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPS_DATA", str(settings.data))
    whole = CliRunner().invoke(cli, ["files", "check"])
    assert (whole.exit_code, whole.stdout) == (0, "1 files, 0 damaged\n")
    path = path_of(settings.data / "files", sha256)
    path.chmod(0o600)
    path.write_bytes(b"READINGS")
    damaged = CliRunner().invoke(cli, ["files", "check"])
    assert damaged.exit_code == 1
    assert "air snapshot 1, all.parquet: wrong_checksum" in damaged.stdout
    assert damaged.stdout.endswith("1 files, 1 damaged\n")
    (found,) = json.loads(CliRunner().invoke(cli, ["files", "check", "--json"]).stdout)
    assert (found["dataset"], found["finding"]["sha256"]) == ("air", sha256)


def test_a_damaged_file_of_a_dataset_of_files_is_named(
    settings: Settings,
    database: Database,
    clock: FixedClock,
    people_of: Callable[[Database], People],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, files = clock.micros(), FolderFiles(settings.data / "files")
    original, table = keep(files, b"table,1"), keep(files, b"as parquet")
    home = people_of(database).organisation("suwon").id
    with database.write() as session:
        dataset = Dataset(
            organisation_id=home, slug="parks", state="published", follow=False,
            revision=1, created_at=now, modified_at=now, keywords=[],
        )  # fmt: skip
        session.add(dataset)
        session.flush()
        session.add(DatasetFile(
            dataset_id=dataset.id, name="parks.csv", number=1, form="csv", sha256=original.sha256, bytes=7,
            table_sha256=table.sha256, table_bytes=10, rows=1, encoding="utf-8", columns=[], bbox=None, at=now,
        ))  # fmt: skip
    monkeypatch.setenv("GOPS_DATA", str(settings.data))
    assert CliRunner().invoke(cli, ["files", "check"]).stdout == "2 files, 0 damaged\n"
    path_of(settings.data / "files", table.sha256).unlink()
    damaged = CliRunner().invoke(cli, ["files", "check"])
    assert damaged.exit_code == 1
    assert "parks file parks.csv, revision 1, as a table: missing" in damaged.stdout
    assert damaged.stdout.endswith("2 files, 1 damaged\n")


def keep(files: FolderFiles, body: bytes) -> StoredFile:
    draft = files.begin("test", 100)
    draft.write(body)
    return draft.keep()
