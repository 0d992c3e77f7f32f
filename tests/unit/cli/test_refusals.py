"""``gops refusals``: what was refused is listed, shown, exported and replayed; ``gops feed delete`` leaves it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from gops import cli, compose, settings
from gops.clock import SystemClock
from gops.ingest.refusals import Report
from gops.ingest.refused import Refused
from gops.permissions import SCOPES, Actor
from gops.store.port import Read, Series

NOW = SystemClock().micros()
TOPIC = "gops/v1/suwon/air-1/up"
FEED = """[feed]
organisation = "suwon"
slug = "gateway"
name = "gateway"
[source]
filter = "gops/v1/suwon/+/up/#"
[codec]
name = "senml"
[mapping]
fields = [{field = "t", property = "temperature"}]
"""


class Shell:
    """Runs ``gops`` commands; ``status`` is the exit status of the last one, ``errors`` its standard error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.status = 0
        self.errors = ""

    def __call__(self, *arguments: str) -> str:
        self._monkeypatch.setattr(sys, "argv", ["gops", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        self.status = int(caught.value.code or 0)
        out, self.errors = self._capsys.readouterr()
        return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of Suwon, which has a device with one field, was refused a message of it, another field, and one cut short."""
    folder = tmp_path_factory.mktemp("refusals") / "data"
    chosen = settings.load({"GOPS_DATA": str(folder)})
    compose.initialise(chosen, SystemClock())
    records = compose.records(chosen, SystemClock())
    operator = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset(SCOPES))
    home = records.organisations.create(operator, "suwon", "municipality", "수원", "Suwon")
    records.organisations.create(operator, "osan", "municipality", "오산", "Osan")

    def report(code: str, field: str, message: Any) -> Report:
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        note = "no mapping has it; expected =SUM(1)"
        return Report("direct", "suwon/air-1", home.id, TOPIC, raw, Refused(code, field, field, note), arrival=NOW)

    records.refusals.record(
        [
            report("unknown_field", "temperature", {"temperature": 21.5}),
            report("unknown_field", "hum", {"hum": 40}),
            report("wrong_type", "temperature", b'{"x": "' + b"y" * 20_000),
        ]
    )
    records.database.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOPS_DATA", str(folder))
        patch.setattr(sys, "argv", ["gops", "device", "add", "suwon/air-1", "--field", "temperature"])
        with pytest.raises(SystemExit) as caught:
            cli.main()
    assert not caught.value.code
    return folder


@pytest.fixture
def shell(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shutil.copytree(made, tmp_path / "data")
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return Shell(monkeypatch, capsys)


def listed(shell: Shell, *options: str) -> list[list[str]]:
    return [line.split("\t") for line in shell("refusals", "list", "suwon", *options).splitlines()]


def test_they_are_listed_by_what_they_are(shell: Shell) -> None:
    assert [row[2:5] for row in listed(shell)] == [
        ["suwon/air-1", "unknown_field", "temperature"],
        ["suwon/air-1", "unknown_field", "hum"],
        ["suwon/air-1", "wrong_type", "temperature"],
    ]
    assert [row[3] for row in listed(shell, "--code", "wrong_type")] == ["wrong_type"]
    assert [row[4] for row in listed(shell, "--field", "hum", "--from", "2026-01-01")] == ["hum"]
    assert listed(shell, "--to", "2026-01-01") == []
    assert [row[3] for row in listed(shell, "--limit", "1")] == ["wrong_type"]
    assert shell("refusals", "list", "osan") == ""
    shell("refusals", "list", "suwon", "--code", "odd")
    assert (shell.status, "odd" in shell.errors) == (2, True)
    shell("refusals", "list", "nowhere")
    assert shell.status == 2


def test_one_is_shown_with_its_message_to_its_organisation_alone(shell: Shell) -> None:
    number = listed(shell)[1][0]
    shown = json.loads(shell("refusals", "show", "suwon", number))
    assert (shown["code"], shown["field"], shown["topic"]) == ("unknown_field", "hum", TOPIC)
    assert shown["raw"] == {"text": '{"hum": 40}', "base64": None, "cut": False}
    shell("refusals", "show", "osan", number)
    assert shell.status == 2
    shell("refusals", "show", "suwon", "999")
    assert shell.status == 2


def test_they_are_exported_with_their_messages(shell: Shell) -> None:
    rows = [json.loads(line) for line in shell("refusals", "export", "suwon").splitlines()]
    assert [row["raw"]["text"] for row in rows[:2]] == ['{"temperature": 21.5}', '{"hum": 40}']
    assert rows[2]["raw"]["cut"] is True
    cells = list(csv.DictReader(io.StringIO(shell("refusals", "export", "suwon", "--format", "csv", "--field", "hum"))))
    assert [(row["code"], row["text"]) for row in cells] == [("unknown_field", '{"hum": 40}')]


def test_what_was_mended_is_replayed_and_the_rest_says_why(shell: Shell) -> None:
    told = dict(
        line.split("\t") for line in shell("refusals", "replay", "suwon", "--device", "suwon/air-1").splitlines()
    )
    assert (told["refusals"], told["settled"], told["still"], told["inserted"]) == ("3", "1", "1", "1")
    assert (shell.status, shell.errors.strip()) == (1, "not read: 1\tcut\tOnly the start of its message is kept")
    assert [row[4] for row in listed(shell)] == ["hum", "temperature"]
    engine = compose.open_store(settings.load())
    try:
        (row,) = engine.read(Read([Series(1)])).to_pylist()
    finally:
        engine.close()
    assert (row["t"], row["value"]) == (NOW, 21.5)
    again = shell("refusals", "replay", "suwon", "--field", "none")
    assert (shell.status, "refusals\t0" in again) == (0, True)
    shell("refusals", "replay", "suwon")
    assert shell.status == 2
    assert "nothing says which" in shell.errors


def test_a_feed_is_deleted_when_asked_twice_and_what_it_refused_stays(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "feed.toml").write_text(FEED, encoding="utf-8")
    shell("feed", "add", str(tmp_path / "feed.toml"))
    shell("feed", "delete", "suwon", "gateway")
    assert shell.status == 1, "nobody said yes"
    assert "gateway" in shell("feed", "list", "suwon")
    assert shell("feed", "delete", "suwon", "gateway", "--yes") == "gateway is deleted\n"
    assert shell("feed", "list", "suwon") == ""
    assert len(listed(shell)) == 3
    shell("feed", "delete", "suwon", "gateway", "--yes")
    assert shell.status == 2
