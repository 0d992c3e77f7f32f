"""``gops store copy``: from one store to another, by name or place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gops import cli, compose, settings
from gops.admin import AdminServer
from gops.cli.copy import _named
from gops.clock import SystemClock
from gops.store.duckdb import DuckdbStore
from gops.store.port import Read, Series
from tests.contracts.store.rows import batch, reading

Captured = pytest.CaptureFixture[str]
ROWS = [reading(1, 1000, 0.5, result_time=3), reading(1, 2001, None, quality=5)]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with Datastream 1 and two readings."""
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    compose.initialise(settings.load(), SystemClock())
    gops(monkeypatch, "org", "add", "suwon", "--kind", "municipality", "--name-ko", "수원", "--name-en", "Suwon")
    gops(monkeypatch, "device", "add", "suwon/air", "--field", "pm10")
    store = compose.open_store(settings.load())
    store.write(batch(ROWS), "replace")
    store.close()
    return tmp_path / "data"


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gops", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def rows(folder: Path) -> list[dict[str, object]]:
    store = DuckdbStore(folder / "store", memory_mb=64, threads=1, queue=4, deliveries_kept=4)
    found = store.read(Read([Series(1)])).to_pylist()
    store.close()
    return found


def test_a_store_is_copied_to_another(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    other = data.parent / "other"
    capsys.readouterr()
    assert gops(monkeypatch, "store", "copy", "--from", "duckdb", "--to", f"duckdb:{other}", "--dry-run") == 0
    assert capsys.readouterr().out == "2 rows of 1 Datastreams can be copied\n"
    assert gops(monkeypatch, "store", "copy", "--from", "duckdb", "--to", f"duckdb:{other}", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["rows"], done["inserted"], done["kept"], done["differences"]) == (2, 2, 0, [])
    assert rows(other) == ROWS
    assert not list(data.glob("copy-*"))
    assert gops(monkeypatch, "store", "copy", "--from", "duckdb", "--to", f"duckdb:{other}") == 0
    assert (
        capsys.readouterr().out == "2 rows of 1 Datastreams (0 inserted, 2 unchanged, 0 kept): all the same in both\n"
    )


def test_a_difference_ends_with_1_and_is_named(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    other = data.parent / "other"
    store = DuckdbStore(other / "store", memory_mb=64, threads=1, queue=4, deliveries_kept=4)
    store.write(batch([reading(1, 1000, 7.0)]), "replace")
    store.close()
    assert gops(monkeypatch, "store", "copy", "--from", "duckdb", "--to", f"duckdb:{other}") == 1
    said = capsys.readouterr()
    assert "1 Datastreams differ" in said.out
    assert "Datastream 1: 2 rows, in the target 2: other rows stand in the target" in said.err


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("duckdb", "duckdb", "not copied to itself"),
        ("duckdb", "oracle", "there is no store 'oracle'"),
        ("duckdb", "victoria:localhost", "victoria is found at a URL"),
        ("victoria", "duckdb", "GOPS_STORE_URL"),
    ],
)
def test_what_is_no_place_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, source: str, target: str, told: str
) -> None:
    assert gops(monkeypatch, "store", "copy", "--from", source, "--to", target) == 2
    assert told in capsys.readouterr().err


def test_beside_a_running_server_nothing_is_copied(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    server = AdminServer(settings.load().admin_socket, {})
    try:
        assert gops(monkeypatch, "store", "copy", "--from", "duckdb", "--to", "duckdb:elsewhere") == 2
    finally:
        server.close()
    assert "a server runs" in capsys.readouterr().err


def test_a_password_in_an_address_is_in_no_journal() -> None:
    assert _named("victoria:http://user:secret@host:8428") == "victoria:http://host:8428"
    assert _named("duckdb:/data") == "duckdb:/data"
