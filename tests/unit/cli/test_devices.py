"""``gops device``: many at once, and what a sent message became."""

from __future__ import annotations

import csv
import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from gops import compose
from gops.cli.devices import _Answers, device, read_rows, with_receipt
from gops.clock import SystemClock
from gops.errors import Conflict, Invalid, Unavailable
from gops.settings import load


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOPS_DATA", str(tmp_path / "data"))
    compose.initialise(load(), SystemClock())
    return tmp_path


def test_a_file_of_devices_is_registered_and_its_secrets_are_kept_for_the_owner_alone(home: Path) -> None:
    source, kept = home / "devices.csv", home / "secrets.csv"
    source.write_text("\ufeffname,description\nair-1,시청 앞\nair 2,\nair-3,\n", encoding="utf-8")
    dry = CliRunner().invoke(device, ["import", "gops", str(source), "--dry-run"])
    assert (dry.exit_code, kept.exists()) == (1, False)
    assert "row 3 gops/'air 2': invalid" in dry.output
    done = CliRunner().invoke(device, ["import", "gops", str(source), "--output", str(kept)])
    assert "2 registered, 1 refused" in done.output
    assert kept.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(kept.read_text().splitlines()))
    assert [row["address"] for row in rows] == ["gops/air-1", "gops/air-3"]
    assert all(len(row["secret"]) == 43 for row in rows)
    again = CliRunner().invoke(device, ["import", "gops", str(source), "--output", str(kept)])
    assert isinstance(again.exception, Conflict), "secrets are never written over"


def test_devices_are_rotated_and_revoked_together(home: Path) -> None:
    source = home / "devices.csv"
    source.write_text("name\na\nb\n")
    CliRunner().invoke(device, ["import", "gops", str(source), "--output", str(home / "one.csv")])
    turned = CliRunner().invoke(device, ["rotate", "gops/a", "gops/b", "gops/c", "--output", str(home / "two.csv")])
    assert turned.exit_code == 1
    assert "row 3 gops/c: not_found" in turned.output
    assert len((home / "two.csv").read_text().splitlines()) == 3
    ended = CliRunner().invoke(device, ["revoke", "gops/a", "gops/b", "--reason", "replaced"])
    assert ended.exit_code == 0
    assert "gops/b is revoked" in ended.output


def test_silent_devices_are_listed(home: Path) -> None:
    source = home / "devices.csv"
    source.write_text("name\nquiet\n")
    CliRunner().invoke(device, ["import", "gops", str(source), "--output", str(home / "one.csv")])
    assert CliRunner().invoke(device, ["silent", "gops"]).exit_code == 0
    found = CliRunner().invoke(device, ["silent", "gops", "--after", "PT0.000001S"])
    assert (found.exit_code, found.output) == (1, "gops/quiet\tnever\tPT0.000001S\n")


@pytest.mark.parametrize("text", ["secret,name\na,b\n", "", "name,name,x\n"])
def test_other_columns_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(Invalid):
        read_rows(tmp_path / "x.csv")


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("name,description\na,시청\n".encode("cp949"))
    with pytest.raises(Invalid):
        read_rows(tmp_path / "x.csv")


@pytest.mark.parametrize("message", ["41", "[1]", "pm10=41", ""])
def test_only_an_object_can_ask_for_a_receipt(message: str) -> None:
    assert with_receipt(message) == (message.encode(), "")


def test_an_object_asks_for_its_own_or_a_new_receipt() -> None:
    assert with_receipt('{"pm10": 1, "receipt": "mine"}')[1] == "mine"
    payload, name = with_receipt('{"pm10": 1}')
    assert json.loads(payload) == {"pm10": 1, "receipt": name}


def test_an_answer_counts_what_was_refused() -> None:
    answers = _Answers()
    refusal = {"refused": [{"code": "unknown_field", "field": "x", "note": "n", "place": ""}], "total": 1}
    receipt = {"receipt": "a", "inserted": 1, "replaced": 0, "unchanged": 0, "kept": 0, "refused": 1}

    def say() -> None:
        answers("t/down/receipt", json.dumps({**receipt, "receipt": "other"}).encode())
        answers("t/down/receipt", json.dumps(receipt).encode())
        answers("t/down/refused", json.dumps(refusal).encode())

    threading.Timer(0.05, say).start()
    answers.wait("a")
    assert answers.counts == receipt
    assert [one["code"] for one in answers.refused] == ["unknown_field"]


def test_a_secret_that_begins_with_a_dash_is_no_option(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPS_MQTT_URL", "mqtt://127.0.0.1:1")
    for secret in ("-Xy_", "--Xy_"):
        tried = CliRunner().invoke(device, ["send", "gops/a", secret, "{}", "--no-wait"])
        assert isinstance(tried.exception, Unavailable), tried.output
