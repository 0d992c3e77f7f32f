"""What somebody new does wrong at a shell is told in one line, and costs nothing."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from gops import cli, compose, settings
from gops.cli import server
from gops.clock import SystemClock
from gops.store.holding import FolderLock


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an organisation ``suwon``, as GOPS_DATA."""
    folder = tmp_path / "data"
    monkeypatch.setenv("GOPS_DATA", str(folder))
    compose.initialise(settings.load(), SystemClock())
    gops(monkeypatch, "org", "add", "suwon", "--name-ko", "수원시", "--name-en", "Suwon")
    return folder


def gops(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit status of a command."""
    monkeypatch.setattr(sys, "argv", ["gops", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_the_secret_of_a_device_is_shown_though_a_field_of_it_fails(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing shows it again, and the name is taken."""
    capsys.readouterr()
    status = gops(monkeypatch, "device", "add", "suwon/a", "--json", "--field", "temperature:temperature:kg")
    shown = capsys.readouterr()
    assert status == 2
    assert len(json.loads(shown.out)["secret"]) == 43
    assert "kg does not convert to Cel" in shown.err


def test_what_was_expected_is_said_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gops(monkeypatch, "org", "add", "Bad_Slug", "--name-ko", "가", "--name-en", "a")
    assert capsys.readouterr().err.count("small letters") == 1


def test_a_folder_without_records_is_told_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "nothing"))
    assert gops(monkeypatch, "org", "list") == 2
    assert "gops init" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


def test_a_data_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "file"))
    assert gops(monkeypatch, "init") == 2
    assert "GOPS_DATA" in capsys.readouterr().err


def test_a_taken_port_of_the_broker_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Debian starts Mosquitto on 1883 by itself; ingest would hand it our service's secret."""
    monkeypatch.setattr(server, "PORT_WAIT_SECONDS", 0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        http = free.getsockname()[1]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("GOPS_PORT", str(http))
        monkeypatch.setenv("GOPS_MQTT_BROKER_PORT", str(taken.getsockname()[1]))
        assert gops(monkeypatch, "run") == 2
    assert "GOPS_MQTT_BROKER_PORT" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_store_that_another_process_holds_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker that can't open it would be started again and again."""
    monkeypatch.setattr(server, "PORT_WAIT_SECONDS", 0.0)
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(str(free.getsockname()[1]))
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GOPS_PORT", ports[0])
    monkeypatch.setenv("GOPS_MQTT_BROKER_PORT", ports[1])
    held = FolderLock(tmp_path / "data" / "store")
    try:
        assert gops(monkeypatch, "run") == 2
    finally:
        held.release()
    assert f"held by the process {os.getpid()}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["store"]
