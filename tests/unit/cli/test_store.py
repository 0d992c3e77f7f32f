"""``gops store`` asks the running server, or opens the files itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gops import cli, compose, settings
from gops.admin import AdminServer
from gops.clock import SystemClock
from gops.keeping.service import Keeping
from gops.store.upkeep import Finding
from tests.unit.keeping.conftest import FILE, FilingStore

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("GOPS_DATA", str(folder))
    compose.initialise(settings.load(), SystemClock())
    return folder


@pytest.fixture
def served(data: Path) -> Iterator[FilingStore]:
    """A server whose store is a fake."""
    chosen, store = settings.load(), FilingStore()
    records = compose.records(chosen, SystemClock())
    server = AdminServer(chosen.admin_socket, Keeping(chosen, SystemClock(), store, records.database).commands())
    yield store
    server.close()
    records.database.close()
    store.close()


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gops", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_check_without_findings_ends_with_0(
    served: FilingStore, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert gops(monkeypatch, "store", "check", "--deep") == 0
    assert capsys.readouterr().out == "all is well\n"
    assert served.asked == [("check", True)]


def test_a_finding_says_what_to_do_and_ends_with_1(
    served: FilingStore, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    served.findings = [Finding("2026-04.parquet", "wrong_checksum", "ab", "cd")]
    assert gops(monkeypatch, "store", "check") == 1
    shown = capsys.readouterr().out
    assert "2026-04.parquet: wrong_checksum; found ab, expected cd" in shown
    assert "to do: bring the file back from a backup" in shown
    assert gops(monkeypatch, "store", "check", "--json") == 1
    assert json.loads(capsys.readouterr().out)[0]["trouble"] == "wrong_checksum"


def test_new_files_are_listed(served: FilingStore, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert gops(monkeypatch, "store", "seal", "--until", "2026-05-01") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{FILE.name}\t1970-01-01T09:00:00+09:00 to 1970-01-02T09:00:00+09:00\t10 rows\t80,000 bytes\t{FILE.sha256}",
        "1 new files, 10 rows",
    ]
    assert served.asked == [("seal", 1_777_561_200_000_000)]
    served.files = []
    assert gops(monkeypatch, "store", "compact") == 0
    assert capsys.readouterr().out == "nothing to do\n"


def test_what_is_no_time_is_told(served: FilingStore, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert gops(monkeypatch, "store", "seal", "--until", "yesterday") == 2
    assert "--until" in capsys.readouterr().err
    assert served.asked == []


def test_sizes_are_shown_by_the_server(served: FilingStore, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert gops(monkeypatch, "store", "stats", "--files") == 0
    shown = capsys.readouterr().out
    assert "sealed_rows: 10\n" in shown
    assert "last: 1970-01-01T09:00:01+09:00\n" in shown
    assert FILE.sha256 in shown


def test_without_a_server_the_files_are_opened(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    compose.open_store(settings.load()).close()
    assert gops(monkeypatch, "store", "stats", "--json") == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "duckdb"


def test_a_folder_without_a_store_is_told_and_left_alone(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert gops(monkeypatch, "store", "stats") == 2
    assert "there is no store" in capsys.readouterr().err
    assert not (data / "store").exists()
